package vault_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// gate stops the first read of the keys under a name after the rows are read
// and before they are handed out.
type gate struct {
	reached, pass chan struct{}
}

func (w *world) gated(name vault.KeyName) (*hooked, *gate) {
	g := &gate{reached: make(chan struct{}), pass: make(chan struct{})}
	first := make(chan struct{}, 1)
	first <- struct{}{}
	return &hooked{Backend: w.store, keys: func(_ context.Context, n vault.KeyName, rows []vault.KeyRow) ([]vault.KeyRow, error) {
		if n != name {
			return rows, nil
		}
		select {
		case <-first:
			close(g.reached)
			<-g.pass
		default:
		}
		return rows, nil
	}}, g
}

type answer struct {
	plain []byte
	err   error
}

func TestShred_LoadInFlightIsNotServedAfterwards(t *testing.T) {
	w := newWorld(t)
	at := emailOf(shop, "42", profile)
	sealed := w.seal(w.vault(), at, "ada")
	store, g := w.gated(nameOf(at))
	v := w.vaultOn(store)
	answers := make(chan answer, 2)
	open := func() {
		plain, err := v.AppendOpen(w.ctx, nil, at, orders, sealed)
		answers <- answer{plain, err}
	}
	go open()
	<-g.reached
	w.shred(v, personOf(shop, "42"))

	// One who comes after the shredding does not join the load from before it.
	_, err := v.AppendOpen(w.ctx, nil, at, orders, sealed)
	require.ErrorIs(t, err, vault.ErrShredded)

	close(g.pass)
	late := <-answers
	require.ErrorIs(t, late.err, vault.ErrShredded, "nor is what was read before handed out after it")
	require.Nil(t, late.plain)
	w.refuses(v, at, sealed, vault.ErrShredded)
}

func TestShred_AbandonedLoadLeavesNothingInTheCache(t *testing.T) {
	w := newWorld(t)
	at := emailOf(shop, "42", profile)
	sealed := w.seal(w.vault(), at, "ada")
	store, g := w.gated(nameOf(at))
	v := w.vaultOn(store)
	ctx, cancel := context.WithCancel(w.ctx)
	late := make(chan error)
	go func() { late <- lookup(v.AppendOpen(ctx, nil, at, orders, sealed)) }()
	<-g.reached
	w.shred(v, personOf(shop, "42"))
	cancel()
	close(g.pass)
	require.ErrorIs(t, <-late, context.Canceled)
	require.False(t, v.IsCached(nameOf(at)))
	w.refuses(v, at, sealed, vault.ErrShredded)
}

func TestShred_HandleKeepsNoLoadFromBefore(t *testing.T) {
	w := newWorld(t)
	at := emailOf(shop, "42", profile)
	sealed := w.seal(w.vault(), at, "ada")
	for _, target := range []vault.Target{
		personOf(shop, "42"),
		{Tenant: shop, SubjectID: "43"}, // some other eviction while it loads
	} {
		store, g := w.gated(nameOf(at))
		v := w.vaultOn(store)
		h, err := v.For(w.ctx, at.Subject, at.Compartment, orders)
		require.NoError(t, err)
		answers := make(chan answer, 1)
		go func() {
			plain, err := h.AppendOpen(w.ctx, nil, at.Cell, sealed)
			answers <- answer{plain, err}
		}()
		<-g.reached
		_, err = v.Shred(w.ctx, erasure, vault.Target{Tenant: bakery, SubjectID: "1"})
		require.NoError(t, err)
		close(g.pass)
		require.NoError(t, (<-answers).err, "another person's shredding is no reason to refuse")

		w.shred(v, personOf(shop, "42"))
		_, err = h.AppendOpen(w.ctx, nil, at.Cell, sealed)
		require.ErrorIs(t, err, vault.ErrShredded, "target %v", target)
		_, err = h.AppendSeal(w.ctx, nil, at.Cell, nil)
		require.ErrorIs(t, err, vault.ErrShredded)
		w = newWorld(t)
		sealed = w.seal(w.vault(), at, "ada")
	}
}

// With many writers a transaction goes on reading while another one shreds.
func TestShred_OtherTransactionThatReadTheKeyRefuses(t *testing.T) {
	for name, c := range map[string]struct{ current, otherProcess bool }{
		"read committed":                  {current: true},
		"snapshot":                        {},
		"read committed, another process": {current: true, otherProcess: true},
		"snapshot, another process":       {otherProcess: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			loose, store := w.loosely()
			at := emailOf(shop, "42", profile)
			v := w.vaultOn(store)
			clock := w.fakeMono(v)
			sealed := w.seal(v, at, "ada")
			_, err := v.MAC(w.ctx, someKey, nil)
			require.NoError(t, err)
			snapshot, err := w.store.Keys(w.ctx, nameOf(at))
			require.NoError(t, err)
			store.keys = func(ctx context.Context, _ vault.KeyName, rows []vault.KeyRow) ([]vault.KeyRow, error) {
				if s := loose.Scope(ctx); s != nil && !s.Current() {
					return snapshot, nil
				}
				return rows, nil
			}
			reader := w.vaultOn(store) // with an empty cache: what it reads, it reads in the transaction
			w.fakeMonoAs(reader, clock)
			require.NoError(t, reader.OpenWindow(w.ctx, shop, orders))
			inTx := loose.begin(w.ctx, c.current)
			got, err := reader.AppendOpen(inTx, nil, at, orders, sealed)
			require.NoError(t, err)
			require.Equal(t, "ada", string(got))

			shredder := reader
			if c.otherProcess {
				shredder = v
			}
			w.shred(shredder, personOf(shop, "42"))
			if c.otherProcess {
				clock.advance(bound + 1)
			}
			_, err = reader.AppendOpen(inTx, nil, at, orders, sealed)
			require.ErrorIs(t, err, vault.ErrShredded)
		})
	}
}

func TestShred_TenantsKeysDieInOtherTransactionsToo(t *testing.T) {
	for _, current := range []bool{true, false} {
		w := newWorld(t)
		loose, store := w.loosely()
		v := w.vaultOn(store)
		_, err := v.MAC(w.ctx, someKey, nil)
		require.NoError(t, err)
		row := w.rootRow(shop, vault.IndexLineage)
		frozen := false
		store.root = func(r vault.RootRow) vault.RootRow {
			if frozen {
				return row
			}
			return r
		}
		store.rootIn = func(ctx context.Context) {
			s := loose.Scope(ctx)
			frozen = s != nil && !s.Current()
		}
		reader := w.vaultOn(store)
		inTx := loose.begin(w.ctx, current)
		_, err = reader.MAC(inTx, someKey, nil)
		require.NoError(t, err)
		w.shred(reader, vault.Target{Tenant: shop, WholeTenant: true})
		_, err = reader.MAC(inTx, someKey, nil)
		require.ErrorIs(t, err, vault.ErrShredded, "current %v", current)
	}
}

var _ troth.Transactor = (*looseTx)(nil)
