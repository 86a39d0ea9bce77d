package clearance_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/clearance"
	"github.com/trothdev/troth/internal/permit"
	"github.com/trothdev/troth/storage/memory"
)

var (
	errManaged = errors.New("managed")
	errAlone   = errors.New("alone")
	errNone    = errors.New("none")
	errStore   = errors.New("store")

	thing = troth.DisposalRef{Tenant: "acme", Kind: "test.thing", ID: "1"}
	named = troth.PermitRef{Tenant: "acme", Record: "thing/1"}
)

// keeper mints permits for one thing in transactions of its own.
type keeper struct {
	tx  troth.Transactor
	ref troth.PermitRef
	// after is called once the permit is minted.
	after func(p troth.Permit)
}

func (k keeper) Dispose(ctx context.Context, _ troth.DisposalRef, ground string, destroy func(ctx context.Context, p troth.Permit) error) error {
	return k.tx.Atomically(ctx, func(ctx context.Context) error {
		p := permit.Managed(k.ref, ground, [32]byte{7}, k.tx.Scope(ctx))
		if k.after != nil {
			k.after(p)
		}
		return destroy(ctx, p)
	})
}

func way(tx troth.Transactor) *clearance.Way {
	return &clearance.Way{
		Tx: tx, Managed: func(context.Context) (bool, error) { return false, nil },
		ErrManaged: errManaged, ErrAlone: errAlone, ErrNone: errNone,
	}
}

func TestDispose(t *testing.T) {
	db := memory.Open()
	for name, c := range map[string]struct {
		change func(w *clearance.Way)
		want   error
	}{
		"nobody to ask":               {func(*clearance.Way) {}, errNone},
		"the host's word":             {func(w *clearance.Way) { w.Ground = "no-keeper" }, nil},
		"of a store with a keeper":    {func(w *clearance.Way) { w.Ground, w.Managed = "no-keeper", isManaged }, errManaged},
		"of a store that is down":     {func(w *clearance.Way) { w.Ground, w.Managed = "no-keeper", isDown }, errStore},
		"a keeper":                    {func(w *clearance.Way) { w.Keeper = keeper{tx: db, ref: named} }, nil},
		"a keeper, and its store":     {func(w *clearance.Way) { w.Keeper, w.Managed = keeper{tx: db, ref: named}, isManaged }, nil},
		"of something else":           {func(w *clearance.Way) { w.Keeper = keeper{tx: db, ref: troth.PermitRef{Tenant: "acme"}} }, troth.ErrNotPermitted},
		"taken back":                  {func(w *clearance.Way) { w.Keeper = keeper{tx: db, ref: named, after: permit.Revoke} }, troth.ErrNotPermitted},
		"a keeper of another's store": {func(w *clearance.Way) { w.Keeper = keeper{tx: memory.Open(), ref: named} }, troth.ErrNotShared},
	} {
		w, done := way(db), 0
		c.change(w)
		err := w.Dispose(t.Context(), thing, named, "old", func(ctx context.Context, p troth.Permit) error {
			require.NotNil(t, db.Scope(ctx), name)
			require.Equal(t, "old", p.Ground(), name)
			require.Equal(t, w.Keeper == nil, p.IsUnmanaged(), name)
			done++
			return nil
		})
		if c.want != nil {
			require.ErrorIs(t, err, c.want, name)
			require.Zero(t, done, name)
			continue
		}
		require.NoError(t, err, name)
		require.Equal(t, 1, done, name)
	}
	var kept troth.Permit
	w := way(db)
	w.Keeper = keeper{tx: db, ref: named}
	require.NoError(t, w.Dispose(t.Context(), thing, named, "old", func(_ context.Context, p troth.Permit) error { kept = p; return nil }))
	require.NoError(t, db.Atomically(t.Context(), func(ctx context.Context) error {
		require.ErrorIs(t, w.Check(ctx, kept, named), troth.ErrNotPermitted, "in a later transaction")
		return nil
	}))
	require.ErrorIs(t, w.Check(t.Context(), kept, named), troth.ErrNotPermitted, "in none")
}

func isManaged(context.Context) (bool, error) { return true, nil }

func isDown(context.Context) (bool, error) { return false, errStore }

func TestCheck(t *testing.T) {
	db := memory.Open()
	w := way(db)
	require.ErrorIs(t, w.Check(t.Context(), troth.UnmanagedPermit("mine"), named), errAlone)
	require.ErrorIs(t, w.Check(t.Context(), troth.Permit{}, named), troth.ErrNotPermitted)
	require.NoError(t, db.Atomically(t.Context(), func(ctx context.Context) error {
		p := permit.Managed(named, "old", [32]byte{}, db.Scope(ctx))
		require.NoError(t, w.Check(ctx, p, troth.PermitRef{Tenant: "other"}, named), "one of them")
		require.ErrorIs(t, w.Check(ctx, p), troth.ErrNotPermitted, "none of them")
		return db.Atomically(ctx, func(ctx context.Context) error {
			require.NoError(t, w.Check(ctx, p, named), "inside of it")
			return nil
		})
	}))
	require.ErrorIs(t, w.Check(t.Context(), permit.Managed(named, "old", [32]byte{}, (*troth.Scope)(nil)), named), troth.ErrNotPermitted)
}

func TestFacts(t *testing.T) {
	fields := []troth.Field{clearance.Ground, clearance.Permit, clearance.Policy}
	act := &troth.Act{Name: "test.gone", Version: 1, Doc: "Something is gone.", Fields: fields}
	for _, p := range []troth.Permit{troth.UnmanagedPermit("mine"), permit.Managed(named, "old", [32]byte{7}, nil)} {
		facts := clearance.Facts(p, troth.Facts{})
		require.NoError(t, troth.Entry{Act: act, Tenant: "acme", Facts: facts}.Validate())
		require.Equal(t, p.Ground(), facts["ground"].Text())
		require.Equal(t, p.IsUnmanaged(), facts["permit"].Text() == "unmanaged")
		_, has := facts["policy"]
		require.Equal(t, !p.IsUnmanaged(), has)
	}
	require.NoError(t, clearance.Alone(clearance.Unmanaged("test.unmanaged", "Something was made."), "mine").Validate())
}
