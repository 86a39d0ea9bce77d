package kit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// Run drives the parts until ctx ends, and returns its error. It keeps the
// vault's knowledge of other processes fresh, tells opening windows in time, and
// marks those of processes that died, tells the erasure journal and compares the
// rows of the vault with the trail, see [vault.Vault.Run]; it does the work that is
// due, see [task.Engine.Run], and what the ledger of consent has to do in time,
// see [consent.Ledger.Run]; it keeps the gate's index young and watches that providers
// are told of opt-outs in time, see [unsubscribe.Gate.Run] and
// [unsubscribe.Registry.Run]; the desk carries requests out, see [rights.Desk.Run], and once
// a day they are compared with the trail, see Config.ReconcileEvery; the Keeper, if there is one, hides and destroys what is
// due, see [retention.Keeper.Run]; and, where there is a signer, it moves the trail's
// entries into the log and signs checkpoints, see [audit.Trail.Run]. When one of
// them ends, all end, and Run returns the errors of all.
//
// While the vault waits for a replay, see [vault.Vault.Behind], no task is done,
// nothing is swept, and the ledgers of consent and of opt-outs do nothing: they begin,
// and begin again, when it has gone through.
func (k *Kit) Run(ctx context.Context) error {
	parts := []func(context.Context) error{
		k.Vault.Run, k.Gate.Run, k.unlessBehind(k.Tasks.Run), k.unlessBehind(k.Consent.Run), k.unlessBehind(k.Unsubscribe.Run),
		k.unlessBehind(k.Rights.Run), k.unlessBehind(k.reconcile),
	}
	if k.Keeper != nil {
		parts = append(parts, k.unlessBehind(k.Keeper.Run))
	}
	if k.signer != nil {
		parts = append(parts, k.Trail.Run)
	}
	return together(ctx, parts...)
}

// behindPace is how often a part is asked whether it may run.
const behindPace = 100 * time.Millisecond

// unlessBehind runs a part while the vault is not behind its journal.
func (k *Kit) unlessBehind(run func(ctx context.Context) error) func(ctx context.Context) error {
	return whileNot(k.Vault.Behind, run)
}

// whileNot runs a part anew each time that stopped ends, and ends it when stopped
// begins.
func whileNot(stopped func() bool, run func(ctx context.Context) error) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		beat := time.NewTicker(behindPace)
		defer beat.Stop()
		for {
			if !stopped() {
				if again, err := runUntil(ctx, stopped, beat, run); !again {
					return err
				}
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-beat.C:
			}
		}
	}
}

// runUntil runs a part until it ends by itself, or is ended because stopped
// began: then it is to run again.
func runUntil(ctx context.Context, stopped func() bool, beat *time.Ticker, run func(ctx context.Context) error) (again bool, err error) {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	end := make(chan error, 1)
	go func() { end <- run(inner) }()
	for {
		select {
		case err := <-end:
			return false, err
		case <-beat.C:
			if !stopped() {
				continue
			}
			cancel()
			if err := <-end; err != nil && !errors.Is(err, context.Canceled) {
				return false, err
			}
			return true, nil
		}
	}
}

// together runs all until the first of them ends, then ends the others, waits
// for them, and returns the errors of all, but for those who only were ended.
func together(ctx context.Context, all ...func(ctx context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ends := make(chan error, len(all))
	var running sync.WaitGroup
	for _, run := range all {
		running.Go(func() { ends <- run(ctx) })
	}
	errs := []error{<-ends}
	cancel()
	running.Wait()
	close(ends)
	for err := range ends {
		if !errors.Is(err, context.Canceled) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Rotate makes the Kit's signer the one who signs the log, after old, as
// [audit.Trail.Rotate] says, and returns the size at which the keys change. A
// signer of [LocalSecrets] is taken for that of the Kit's origin. The verifier
// key of old must be among those of Config.Secrets. It returns
// [audit.ErrNoSigner] where the Kit has no signer.
func (k *Kit) Rotate(ctx context.Context, old audit.Signer) (size uint64, err error) {
	if k.signer == nil {
		return 0, audit.ErrNoSigner
	}
	if local, isLocal := old.(localSigner); isLocal {
		if old, err = local.named(k.signer.Name()); err != nil {
			return 0, fmt.Errorf("kit: rotate: %w", err)
		}
	}
	return k.Trail.Rotate(ctx, old)
}

// closeTime bounds how long Close moves entries into the log and signs.
const closeTime = 10 * time.Second

// Close ends the parts and records what they still have to tell, so ctx must
// still be good: end Run by its own context first. Where there is a signer, it
// then moves what is left into the log and signs it, within ten seconds; what
// takes longer, or what another process is at, stays in the inbox, where it is
// durable and the next sequencer finds it.
//
// After an error of the vault Close can be called again. One of the log, such as
// [audit.ErrSigner] or an *[audit.SinkError], is told once, and everything is
// closed all the same. The host's database stays open.
func (k *Kit) Close(ctx context.Context) error {
	if err := k.Vault.Close(ctx); err != nil {
		return fmt.Errorf("kit: close: %w", err)
	}
	k.late.ended.Store(true)
	return errors.Join(k.settle(ctx), k.late.keys.Close(ctx), k.Handle.Close())
}

// settle moves what is left into the log and signs it, once.
func (k *Kit) settle(ctx context.Context) error {
	if k.signer == nil || !k.settled.CompareAndSwap(false, true) {
		return nil
	}
	bounded, cancel := context.WithTimeout(ctx, closeTime)
	defer cancel()
	err := k.sequenceAll(bounded)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, troth.ErrBusy), bounded.Err() != nil && ctx.Err() == nil:
		k.log.Warn("kit: the log was left to the next sequencer", zap.Error(err))
		return nil
	default:
		return fmt.Errorf("kit: close: %w", err)
	}
}

func (k *Kit) sequenceAll(ctx context.Context) error {
	for {
		n, err := k.Trail.Sequence(ctx)
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
	}
	_, err := k.Trail.Checkpoint(ctx)
	return err
}
