package retention

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
)

// WithReviews has somebody told of every hold whose review has come, once for each date,
// in the transaction that records it. A failure undoes that, and it is told again by the
// next sweep. A review ends nothing: see [Keeper.ReviewHold].
func WithReviews(tell func(ctx context.Context, hold Hold) error) Option {
	return func(o *options) error { o.review = tell; return present("review", tell != nil) }
}

// sweepReviews tells of holds whose review has come.
func (k *Keeper) sweepReviews(ctx context.Context, now time.Time) error {
	rows, err := k.store.HoldsToReview(ctx, now.UnixMicro(), k.opt.batch)
	if err != nil {
		return fmt.Errorf("retention: look for reviews: %w", err)
	}
	for i := range rows {
		err := k.tx.Atomically(ctx, func(ctx context.Context) error { return k.reviewDue(ctx, rows[i], now) })
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			k.log.Error("retention: nobody could be told of a review, which is tried again",
				zap.String("tenant", string(rows[i].Tenant)), zap.String("hold", rows[i].ID), zap.Error(err))
		}
	}
	return nil
}

func (k *Keeper) reviewDue(ctx context.Context, found HoldRow, now time.Time) error {
	if err := k.store.LockTenant(ctx, found.Tenant, true); err != nil {
		return fmt.Errorf("retention: lock tenant: %w", err)
	}
	row, there, err := k.store.Hold(ctx, found.Tenant, found.ID)
	if err != nil {
		return fmt.Errorf("retention: read hold: %w", err)
	}
	if !there || row.ReleasedAt != 0 || row.ReviewAt > now.UnixMicro() || row.ReviewAt <= row.ToldAt {
		return nil // somebody else did
	}
	row.ToldAt = row.ReviewAt // it is not sealed: what is told has no say in what is kept
	if err := k.store.PutHold(ctx, row); err != nil {
		return fmt.Errorf("retention: write hold: %w", err)
	}
	e := row.entry(actReviewDue)
	e.Facts["review"] = troth.Instant(timeOf(row.ReviewAt))
	if err := k.record(ctx, e); err != nil || k.opt.review == nil {
		return err
	}
	hold, err := row.hold()
	if err != nil {
		return err
	}
	return k.opt.review(ctx, hold)
}

// ReviewHold sets when people look at a hold again, after they looked at it; only counsel
// may. Setting the same again changes nothing.
func (k *Keeper) ReviewHold(ctx context.Context, tenant troth.Tenant, id string, next time.Time) error {
	if err := k.person(ctx, tenant, k.opt.counsel); err != nil {
		return err
	}
	if !next.After(k.now()) {
		return fmt.Errorf("%w: the next review is past", ErrHold)
	}
	return k.withHold(ctx, tenant, id, func(ctx context.Context, row HoldRow) error {
		if row.ReviewAt == next.UnixMicro() {
			return nil
		}
		row.ReviewAt = next.UnixMicro()
		if err := k.putHold(ctx, &row); err != nil {
			return err
		}
		e := row.entry(actReview)
		e.Facts["review"] = troth.Instant(timeOf(row.ReviewAt))
		return k.record(ctx, e)
	})
}
