package retention

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/trothdev/troth"
)

// Stop is a stop of all destruction in a tenant, or, of [troth.Platform], everywhere.
type Stop struct {
	Tenant troth.Tenant
	// ID names it, and is not about a person: "incident-17".
	ID       string
	PlacedAt time.Time
}

// StoppedError names the stop that keeps something from being destroyed.
type StoppedError struct{ Stop string }

func (e *StoppedError) Error() string {
	return fmt.Sprintf("retention: destruction is stopped by %q", e.Stop)
}

// Unwrap returns ErrStopped.
func (e *StoppedError) Unwrap() error { return ErrStopped }

// WithOperator names the role of those who, beside counsel and the data-protection
// officer, may stop all destruction; "operator" by default.
func WithOperator(role string) Option {
	return func(o *options) error { o.operator = role; return checkName("role", role) }
}

// StopAll stops all destruction in a tenant, or, for [troth.Platform], everywhere: by
// sweeps, [Keeper.Dispose] and [Keeper.Permit], in all processes, until it is lifted.
// Records are hidden all the same when they are due. It takes a person who is operator,
// counsel or the data-protection officer. Placing the same again changes nothing.
//
// The stop holds from its commit: whatever begins to be destroyed afterwards is not. Where
// StopAll is not called inside a transaction it then waits for what was under way; if it
// gives up on that, the error is retryable and the stop holds.
func (k *Keeper) StopAll(ctx context.Context, tenant troth.Tenant, id string) error {
	if err := tenant.Validate(); err != nil {
		return err
	}
	if err := checkName("stop", id); err != nil {
		return err
	}
	if err := k.anyOf(ctx, tenant, k.opt.operator, k.opt.counsel, k.opt.officer); err != nil {
		return err
	}
	row := StopRow{Tenant: tenant, ID: id, PlacedAt: k.now().UnixMicro()}
	err := k.tx.Atomically(ctx, func(ctx context.Context) error {
		k.revokeLive(ctx)
		inserted, err := k.store.InsertStop(ctx, row)
		if err != nil {
			return fmt.Errorf("retention: write stop: %w", err)
		}
		if inserted {
			return k.record(ctx, row.entry(actStop))
		}
		active, err := k.store.ActiveStops(ctx, tenant)
		if err != nil {
			return fmt.Errorf("retention: read stops: %w", err)
		}
		if !slices.ContainsFunc(active, func(s StopRow) bool { return s.ID == id }) {
			return ErrConflict // it was lifted
		}
		return nil
	})
	if err != nil || k.tx.Scope(ctx) != nil {
		return err
	}
	return k.tx.Atomically(ctx, func(ctx context.Context) error {
		if err := k.store.LockTenant(ctx, tenant, true); err != nil {
			return fmt.Errorf("retention: stopped, wait for what is under way: %w", err)
		}
		return nil
	})
}

// anyOf demands a person with one of some roles.
func (k *Keeper) anyOf(ctx context.Context, tenant troth.Tenant, roles ...string) (err error) {
	for _, role := range roles {
		if err = k.person(ctx, tenant, role); err == nil {
			return nil
		}
	}
	return err
}

func (row *StopRow) entry(act *troth.Act) troth.Entry {
	return troth.Entry{Act: act, Tenant: row.Tenant, Facts: troth.Facts{"stop": troth.Word(row.ID)}}
}

// Lift lifts a stop; only the data-protection officer may. What it kept goes with the
// next sweeps, if no other stop keeps it.
func (k *Keeper) Lift(ctx context.Context, tenant troth.Tenant, id string) error {
	if err := k.person(ctx, tenant, k.opt.officer); err != nil {
		return err
	}
	return k.tx.Atomically(ctx, func(ctx context.Context) error {
		if err := k.store.LockTenant(ctx, tenant, true); err != nil {
			return fmt.Errorf("retention: lock tenant: %w", err)
		}
		active, err := k.store.ActiveStops(ctx, tenant)
		if err != nil {
			return fmt.Errorf("retention: read stops: %w", err)
		}
		i := slices.IndexFunc(active, func(s StopRow) bool { return s.ID == id })
		if i < 0 {
			return ErrNotFound
		}
		row := active[i]
		row.LiftedAt = k.now().UnixMicro()
		if err := k.store.PutStop(ctx, row); err != nil {
			return fmt.Errorf("retention: write stop: %w", err)
		}
		return k.record(ctx, row.entry(actLift))
	})
}

// Stops returns the stops of a tenant that are not lifted, ordered by id. Those of
// [troth.Platform] hold for everybody.
func (k *Keeper) Stops(ctx context.Context, tenant troth.Tenant) ([]Stop, error) {
	rows, err := k.store.ActiveStops(ctx, tenant)
	if err != nil {
		return nil, fmt.Errorf("retention: read stops: %w", err)
	}
	var all []Stop
	for _, row := range rows {
		all = append(all, Stop{Tenant: row.Tenant, ID: row.ID, PlacedAt: timeOf(row.PlacedAt)})
	}
	return all, nil
}

// destroying locks a tenant, and the platform, as everybody does who destroys: with
// others who do, and until the end of the transaction. It returns the id of a stop
// that holds, or nothing.
//
// Who stops commits the stop first and then waits for these locks. So a stop that is
// not seen here was committed later, and waits for this transaction.
func (k *Keeper) destroying(ctx context.Context, tenant troth.Tenant) (stop string, err error) {
	tenants := []troth.Tenant{troth.Platform, tenant}
	if tenant == troth.Platform {
		tenants = tenants[:1]
	}
	for _, t := range tenants {
		if err := k.store.LockTenant(ctx, t, false); err != nil {
			return "", fmt.Errorf("retention: lock tenant: %w", err)
		}
	}
	return k.stopOf(ctx, tenants...)
}

// stopOf returns the id of a stop of one of the tenants, or nothing.
func (k *Keeper) stopOf(ctx context.Context, tenants ...troth.Tenant) (stop string, err error) {
	for _, t := range tenants {
		stops, err := k.store.ActiveStops(ctx, t)
		if err != nil {
			return "", fmt.Errorf("retention: read stops: %w", err)
		}
		if len(stops) > 0 {
			return stops[0].ID, nil
		}
	}
	return "", nil
}
