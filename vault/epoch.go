package vault

import (
	"context"
	"errors"
	"fmt"
	"math"
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
	ctx = troth.WithActor(ctx, self)
	if err := v.epochCall(ctx); err != nil {
		return err
	}
	_, err = v.openAfter(ctx, 0) // and not a second one after another process's first
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

// rotationCall admits those of them that need to know who died.
func (v *Vault) rotationCall(ctx context.Context) error {
	if err := v.epochCall(ctx); err != nil {
		return err
	}
	return v.checkGate("")
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
	return v.openAfter(ctx, epoch)
}

// openAfter opens the epoch that follows the given one, unless another process did.
func (v *Vault) openAfter(ctx context.Context, epoch uint32) (_ uint32, err error) {
	for range epochTries {
		if epoch == math.MaxUint32 {
			return 0, fmt.Errorf("vault: advance: no number is left: %w", ErrKeyRecord)
		}
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
