package vault_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/storage/faultstore"
	"github.com/trothdev/troth/storage/faultstore/vaultfault"
	"github.com/trothdev/troth/vault"
)

// faulted is an epochal world with a plan between the vault and its store.
type faulted struct {
	*epochal
	plan   *faultstore.Plan
	v      *vault.Vault
	values map[string][]byte
	dead   []byte
	r      vault.Receipt
}

// newFaulted has a living person, a dead one, and a second epoch.
func newFaulted(t *testing.T) *faulted {
	t.Helper()
	e := newEpochal(t)
	f := &faulted{epochal: e, plan: faultstore.NewPlan()}
	honest := e.open()
	f.values = e.people(honest, shop, 5)
	_, err := honest.MAC(e.ctx, someKey, nil)
	require.NoError(t, err)
	f.dead = e.seal(honest, emailOf(shop, "dead", profile), "dead")
	f.r = e.shred(honest, personOf(shop, "dead"))
	e.advance(honest)
	tx := faultstore.Transactor(e.db, f.plan)
	rec := &recorder{tx: tx, entries: e.rec.entries} // the same entries, under the plan
	rec.next.Store(1 << 32)
	v, err := vault.Open(e.ctx, vault.Config{
		Store: vaultfault.New(e.store, tx, f.plan), KEK: e.kek, Recorder: rec, Epochs: e.epochs,
	}, vault.WithClock(e.clock))
	require.NoError(t, err)
	f.v = v
	return f
}

// eachEpochFault tries an operation with every fault in every call of the store
// and of transactions, and then again without: the end is always the same.
func eachEpochFault(t *testing.T, prepare func(f *faulted), do func(f *faulted, ctx context.Context) error, check func(f *faulted)) {
	t.Helper()
	dry := newFaulted(t)
	prepare(dry)
	before := len(dry.plan.Calls())
	require.NoError(t, do(dry, dry.ctx))
	calls := dry.plan.Calls()[before:]
	require.Greater(t, len(calls), 3)
	check(dry)
	for i := range faultstore.Each(calls, faultstore.Faults()...) {
		t.Run(fmt.Sprintf("%s %d %s", i.Method, i.Nth, i.Fault), func(t *testing.T) {
			f := newFaulted(t)
			prepare(f)
			f.plan.Add(i)
			ctx, cancel := f.plan.Context(f.ctx)
			defer cancel()
			_ = do(f, ctx) // it may have failed or not
			require.Equal(t, 1, f.plan.Injected())
			f.nothingIsLost()
			require.NoError(t, do(f, f.ctx), "again")
			check(f)
			f.nothingIsLost()
		})
	}
}

// nothingIsLost demands what must be true at any moment.
func (f *faulted) nothingIsLost() {
	f.t.Helper()
	fresh := f.open()
	f.allOpen(fresh, shop, f.values)
	f.refuses(fresh, emailOf(shop, "dead", profile), f.dead, vault.ErrShredded)
	require.Empty(f.t, f.keyRow(emailOf(shop, "dead", profile)).Sealed)
}

func TestFault_Advance(t *testing.T) {
	eachEpochFault(t, func(*faulted) {}, func(f *faulted, ctx context.Context) error {
		_, err := f.v.Advance(ctx)
		return err
	}, func(f *faulted) {
		all, err := f.v.Epochs(f.ctx)
		require.NoError(f.t, err)
		require.Len(f.t, f.facts("vault.epoch-open"), len(all), "each epoch has its evidence, once")
		require.False(f.t, f.epochs.Has(uint32(len(all)+1)), "no key without an epoch")
	})
}

func TestFault_Rotate(t *testing.T) {
	eachEpochFault(t, func(*faulted) {}, func(f *faulted, ctx context.Context) error {
		_, err := f.v.Rotate(ctx, shop)
		return err
	}, func(f *faulted) {
		f.allUnder(shop, 2, f.values)
		require.Len(f.t, f.facts("vault.rotate"), 1)
	})
}

func TestFault_Rewrap(t *testing.T) {
	eachEpochFault(t, func(*faulted) {}, func(f *faulted, ctx context.Context) error {
		_, err := f.v.Rewrap(ctx, vault.RewrapParams{Batch: 2})
		return err
	}, func(f *faulted) {
		f.allUnder(shop, 2, f.values)
		require.Len(f.t, f.facts("vault.rotate"), 1)
		require.Len(f.t, f.facts("vault.epoch-close"), 1)
	})
}

func TestFault_Retire(t *testing.T) {
	eachEpochFault(t, func(f *faulted) {
		_, err := f.v.Rotate(f.ctx, shop)
		require.NoError(f.t, err)
	}, func(f *faulted, ctx context.Context) error {
		// Closing, then a backup, then the end.
		if _, err := f.v.Rewrap(ctx, vault.RewrapParams{}); err != nil {
			return err
		}
		f.pass(time.Second)
		if _, err := f.v.Retire(ctx); err != nil && !errors.Is(err, vault.ErrNoKeyBackup) {
			return err
		}
		noteBackup(f.ctx, f.t, f.store, f.at)
		_, err := f.v.Retire(ctx)
		return err
	}, func(f *faulted) {
		require.False(f.t, f.epochs.Has(1))
		require.Len(f.t, f.facts("vault.epoch-close"), 1)
		require.Len(f.t, f.facts("vault.epoch-end"), 1)
		f.pass(fence)
		require.True(f.t, f.horizon(f.v, f.r).Final)
	})
}
