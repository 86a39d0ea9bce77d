package vault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trothdev/troth"
)

// beginEpochs makes sure that the vault can reach the epochs that the store
// knows, and opens the first one.
func (v *Vault) beginEpochs(ctx context.Context) error {
	rows, err := v.epochRows(ctx)
	switch {
	case err != nil:
		return err
	case v.epochs == nil:
		if len(rows) > 0 {
			return ErrNoEpochs
		}
		return nil
	}
	if err := v.epochs.Place().validate(); err != nil || len(rows) > 0 {
		return err
	}
	_, err = v.Advance(troth.WithActor(ctx, self))
	return err
}

func (v *Vault) epochRows(ctx context.Context) ([]EpochRow, error) {
	rows, err := v.store.Epochs(ctx)
	if err != nil {
		return nil, fmt.Errorf("vault: read epochs: %w", err)
	}
	return rows, nil
}

// newestEpoch is the one that new roots come under; 0 where there are none.
func (v *Vault) newestEpoch(ctx context.Context) (uint32, error) {
	if v.epochs == nil {
		return 0, nil
	}
	rows, err := v.epochRows(ctx)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	newest := rows[len(rows)-1]
	if newest.Place != v.epochs.Place().Name {
		return 0, fmt.Errorf("%w: the newest epoch's key is in another one, call Advance", ErrEpochStore)
	}
	return newest.Epoch, nil
}

// epochCall admits calls that do their own transactions.
func (v *Vault) epochCall(ctx context.Context) error {
	switch {
	case v.closed.Load():
		return ErrClosed
	case v.epochs == nil:
		return ErrNoEpochs
	case v.tx.Scope(ctx) != nil:
		return ErrInTx
	}
	_, err := troth.ActorFrom(ctx)
	return err
}

// epochTries bounds how many numbers are passed over whose keys were destroyed
// in a history that a restore has taken back.
const epochTries = 1000

// Advance opens the next epoch and returns its number: new tenants' roots come
// under it from now on, and [Vault.Rotate] and [Vault.Rewrap] move the others
// there. Its key is made first and its row commits then; a crash in between, or
// another process that advances at the same time, ends in one epoch.
//
// It returns [ErrNoEpochs] without an EpochStore, [ErrEpochStore] if that fails,
// and [ErrInTx] inside a transaction. Advance as often as the horizon asks for;
// once a week is usual.
func (v *Vault) Advance(ctx context.Context) (epoch uint32, err error) {
	if err := v.epochCall(ctx); err != nil {
		return 0, err
	}
	rows, err := v.epochRows(ctx)
	if err != nil {
		return 0, err
	}
	if len(rows) > 0 {
		epoch = rows[len(rows)-1].Epoch
	}
	for range epochTries {
		epoch++
		err = v.epochs.Create(ctx, epoch)
		if !errors.Is(err, ErrEpochDestroyed) {
			break
		}
	}
	if err := epochFailed(ctx, "create", err); err != nil {
		return 0, err
	}
	row := EpochRow{Epoch: epoch, Place: v.epochs.Place().Name, OpenedAt: v.micros()}
	return epoch, v.tx.Atomically(ctx, func(ctx context.Context) error {
		inserted, err := v.store.InsertEpoch(ctx, row)
		if err != nil {
			return fmt.Errorf("vault: insert epoch: %w", err)
		}
		if !inserted {
			return nil // another process opened it, and recorded it
		}
		return v.record(ctx, troth.Entry{
			Act: actEpochOpen, Tenant: troth.Platform,
			Facts: troth.Facts{"epoch": troth.Count(int(epoch)), "place": troth.Word(row.Place)},
		})
	})
}

// closeEpochs closes those under which nothing lies any more.
func (v *Vault) closeEpochs(ctx context.Context) (closed []uint32, err error) {
	rows, err := v.epochRows(ctx)
	if err != nil {
		return nil, err
	}
	for _, row := range rows[:max(0, len(rows)-1)] {
		if row.ClosedAt != 0 {
			continue
		}
		var now bool
		err := v.tx.Atomically(ctx, func(ctx context.Context) error {
			var err error
			if now, err = v.store.CloseEpoch(ctx, row.Epoch, v.micros()); err != nil {
				return fmt.Errorf("vault: close epoch: %w", err)
			}
			if !now {
				return nil
			}
			return v.record(ctx, troth.Entry{
				Act: actEpochClose, Tenant: troth.Platform, Facts: troth.Facts{"epoch": troth.Count(int(row.Epoch))},
			})
		})
		if err != nil {
			return closed, err
		}
		if now {
			closed = append(closed, row.Epoch)
		}
	}
	return closed, nil
}

// Retired is what one call of [Vault.Retire] came to, by epochs.
type Retired struct {
	// Closed are those under which nothing can come any more, as of this call.
	Closed []uint32
	// Destroyed are those whose key is gone, as of this call.
	Destroyed []uint32
	// Pending are those whose key goes at an instant to come.
	Pending []uint32
	// Waiting are closed ones that wait for a key backup.
	Waiting []uint32
}

// Retire closes the epochs under which no root is left, and destroys the keys of
// closed ones: each only if a key backup that is newer than its closing was
// opened as a test, or the vault was opened with [UnsafeWithoutKeyBackups]. Call
// it again, once a day or so: what a crash left undone is done then, and a
// destruction that was pending is confirmed.
//
// It returns what was done and, with [ErrNoKeyBackup], that epochs wait for a
// backup; with [ErrEpochStore], that keys could not be destroyed.
func (v *Vault) Retire(ctx context.Context) (r Retired, err error) {
	if err := v.epochCall(ctx); err != nil {
		return r, err
	}
	if r.Closed, err = v.closeEpochs(ctx); err != nil {
		return r, err
	}
	rows, err := v.epochRows(ctx)
	if err != nil {
		return r, err
	}
	backedUp, err := v.store.KeyBackedUp(ctx)
	if err != nil {
		return r, fmt.Errorf("vault: read key backup: %w", err)
	}
	var errs []error
	for _, row := range rows {
		switch {
		case row.ClosedAt == 0 || row.DestroyedAt != 0:
		case backedUp <= row.ClosedAt && v.opt.noKeyBackups == "":
			r.Waiting = append(r.Waiting, row.Epoch)
		default:
			errs = append(errs, v.destroyEpoch(ctx, row, &r))
		}
	}
	if len(r.Waiting) > 0 {
		errs = append(errs, ErrNoKeyBackup)
	}
	return r, errors.Join(errs...)
}

// destroyEpoch destroys the key of a closed epoch, and then says so.
func (v *Vault) destroyEpoch(ctx context.Context, row EpochRow, r *Retired) error {
	if row.Place != v.epochs.Place().Name {
		return fmt.Errorf("%w: the key of epoch %d is in another one", ErrEpochStore, row.Epoch)
	}
	final, err := v.epochs.Destroy(ctx, row.Epoch)
	if err := epochFailed(ctx, "destroy", err); err != nil {
		return err
	}
	now := v.now()
	state, finalAt, destroyedAt := "pending", final.UnixMicro(), int64(0)
	if final.IsZero() {
		state, final = "destroyed", now
		finalAt, destroyedAt = now.UnixMicro(), now.UnixMicro()
		r.Destroyed = append(r.Destroyed, row.Epoch)
	} else {
		r.Pending = append(r.Pending, row.Epoch)
		if finalAt == row.FinalAt {
			return nil // known
		}
	}
	facts := troth.Facts{
		"epoch": troth.Count(int(row.Epoch)), "place": troth.Word(row.Place),
		"state": troth.Word(state), "final": troth.Instant(final), "backup": troth.Word("tested"),
	}
	if v.opt.noKeyBackups != "" {
		facts["backup"], facts["ground"] = troth.Word("none"), troth.Word(v.opt.noKeyBackups)
	}
	return v.tx.Atomically(ctx, func(ctx context.Context) error {
		ended, err := v.store.EndEpoch(ctx, row.Epoch, finalAt, destroyedAt)
		if err != nil {
			return fmt.Errorf("vault: end epoch: %w", err)
		}
		if !ended {
			return nil // another process was first
		}
		return v.record(ctx, troth.Entry{Act: actEpochEnd, Tenant: troth.Platform, Facts: facts})
	})
}

// Epoch is what is known of one epoch. Instants are zero while they have not
// come.
type Epoch struct {
	Number uint32
	Place  string
	// Opened is since when roots can come under it, Closed since when none can.
	Opened, Closed time.Time
	// Final is when its key will be gone, or was; Destroyed when that was
	// confirmed.
	Final, Destroyed time.Time
}

// Epochs returns all epochs, in order.
func (v *Vault) Epochs(ctx context.Context) ([]Epoch, error) {
	rows, err := v.epochRows(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]Epoch, len(rows))
	for i, r := range rows {
		all[i] = Epoch{
			Number: r.Epoch, Place: r.Place, Opened: instantOf(r.OpenedAt), Closed: instantOf(r.ClosedAt),
			Final: instantOf(r.FinalAt), Destroyed: instantOf(r.DestroyedAt),
		}
	}
	return all, nil
}

// instantOf is a stored instant; zero for never.
func instantOf(at int64) time.Time {
	if at == 0 {
		return time.Time{}
	}
	return time.UnixMicro(at).UTC()
}
