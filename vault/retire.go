package vault

import (
	"context"
	"errors"
	"fmt"

	"github.com/trothdev/troth"
)

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
// closed ones: each only if a key backup in which it is closed, and which is newer
// therefore, was opened as a test, or the vault was opened with [UnsafeWithoutKeyBackups]. Call
// it again, once a day or so: what a crash left undone is done then, and a
// destruction that was pending is confirmed.
//
// It returns what was done and, with [ErrNoKeyBackup], that epochs wait for a
// backup; with [ErrEpochStore], that keys could not be destroyed.
func (v *Vault) Retire(ctx context.Context) (r Retired, err error) {
	if err := v.rotationCall(ctx); err != nil {
		return r, err
	}
	if r.Closed, err = v.closeEpochs(ctx); err != nil {
		return r, err
	}
	rows, err := v.epochRows(ctx)
	if err != nil {
		return r, err
	}
	var errs []error
	for _, row := range rows {
		switch {
		case row.ClosedAt == 0 || row.DestroyedAt != 0:
		case row.BackedUpAt == 0 && v.opt.noKeyBackups == "":
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
