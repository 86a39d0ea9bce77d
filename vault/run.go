package vault

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"
)

// fenceKeep is how long events of the fence are kept: a process that looks less
// often forgets its whole cache instead.
const fenceKeep = 24 * time.Hour

// chores is how often Run does what is not urgent.
const chores = time.Minute

// Run drives the vault until ctx ends, and returns its error, or [ErrClosed]
// some time after [Vault.Close]: it looks at the fence so that nobody
// waits for that, closes windows that ended, marks those of dead processes as
// unknown ten minutes after their end, settles shreddings whose transactions
// were the host's, and has a store that is a [Scrubber] scrubbed after
// shreddings, pumps committed shreddings to the erasure journal, and asks tenants'
// own keys again before what they unwrapped may be used no more. Where there
// is evidence to read it compares control rows with it, some each minute, see
// [Vault.Reconcile]. Without Run the same happens late or on demand, except that a
// window is told only when the next one begins or the vault is closed.
func (v *Vault) Run(ctx context.Context) error {
	looks := time.NewTicker(v.opt.fenceAge / 3)
	defer looks.Stop()
	rest := time.NewTicker(min(chores, v.opt.window))
	defer rest.Stop()
	ctx, cancel := context.WithCancel(ctx)
	var beside sync.WaitGroup
	defer beside.Wait()
	defer cancel()
	beside.Go(func() { v.pumps(ctx) })
	beside.Go(func() { v.refreshes(ctx) })
	for {
		var err error
		if v.closed.Load() {
			return ErrClosed
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-looks.C:
			err = v.lookAhead(ctx)
		case <-rest.C:
			err = errors.Join(v.sweep(ctx), v.reconcileAgain(v.tx.Detach(ctx)))
		}
		if err != nil && ctx.Err() == nil {
			v.log.Warn("vault: run: will try again", zap.Error(err))
		}
	}
}

func (v *Vault) lookAhead(ctx context.Context) error {
	if err := v.fence.Begin(ctx); err != nil {
		return err
	}
	defer v.fence.End()
	v.settleAll(ctx)
	return v.look(ctx)
}

// settleAll finds out what became of shreddings in the host's transactions.
func (v *Vault) settleAll(ctx context.Context) {
	for _, p := range v.pendings.all() {
		v.decide(ctx, p)
	}
}

// Sweep does once what Run does from time to time. Hosts that have a scheduler
// of their own call it instead, once a minute or so.
func (v *Vault) Sweep(ctx context.Context) error {
	ctx = v.tx.Detach(ctx)
	var under sync.WaitGroup
	defer under.Wait()
	if v.keks.resolver != nil {
		v.refreshDue(ctx, &under)
	}
	return v.sweep(ctx)
}

func (v *Vault) sweep(ctx context.Context) error {
	ctx = v.tx.Detach(ctx)
	v.settleAll(ctx)
	now := v.mono()
	err := errors.Join(
		v.closeWindows(ctx, func(w *window) bool { return now >= w.until }),
		v.markLapsed(ctx),
		v.store.PruneFence(ctx, v.now().Add(-fenceKeep).UnixMicro()),
	)
	v.scrub(ctx)
	if v.behind.Load() {
		return errors.Join(err, ErrJournalAhead)
	}
	return errors.Join(err, v.payOwed(ctx), v.PumpJournal(ctx), v.late(ctx))
}

// scrub asks a store that can do so to let go of the bytes of keys that are
// dead. They are, whether it succeeds or not: it is tried again next time.
func (v *Vault) scrub(ctx context.Context) {
	s, able := v.store.(Scrubber)
	if !able || !v.unscrubbed.Swap(false) {
		return
	}
	if err := s.Scrub(ctx); err != nil {
		v.unscrubbed.Store(true)
		v.log.Info("vault: scrub: will try again", zap.Error(err))
	}
}
