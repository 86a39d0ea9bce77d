package vault_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

func (w *world) renew(v *vault.Vault, at troth.Context) uint32 {
	w.t.Helper()
	g, err := v.NewGeneration(w.ctx, at.Subject, at.Compartment)
	require.NoError(w.t, err)
	return g
}

// sealedBy is the generation that a new value gets.
func (w *world) sealedBy(v *vault.Vault, at troth.Context) uint32 {
	w.t.Helper()
	return w.generationOf(at, w.seal(v, at, "x"))
}

func (w *world) generationOf(at troth.Context, sealed []byte) uint32 {
	w.t.Helper()
	rows, err := w.store.Keys(w.t.Context(), nameOf(at))
	require.NoError(w.t, err)
	id, ok := vault.KeyID(sealed)
	require.True(w.t, ok)
	for _, row := range rows {
		if row.KeyID == id {
			return row.Generation
		}
	}
	require.FailNow(w.t, "sealed by no key")
	return 0
}

func TestNewGeneration_SealsAndTheOldOnesOpen(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	at, other := emailOf(shop, "42", profile), emailOf(shop, "42", invoice)
	first := w.seal(v, at, "ada")
	spared := w.seal(v, other, "bill")
	h, err := v.For(w.ctx, at.Subject, at.Compartment, orders)
	require.NoError(t, err)
	_, err = h.AppendSeal(w.ctx, nil, at.Cell, []byte("x"))
	require.NoError(t, err)

	require.EqualValues(t, 2, w.renew(v, at))
	second := w.seal(v, at, "ada")
	byHandle, err := h.AppendSeal(w.ctx, nil, at.Cell, []byte("x"))
	require.NoError(t, err)
	require.EqualValues(t, 3, w.renew(v, at))
	third := w.seal(v, at, "ada")
	for i, sealed := range [][]byte{first, second, third} {
		require.EqualValues(t, i+1, w.generationOf(at, sealed))
		w.opens(v, at, sealed, "ada")
		w.opens(w.vault(), at, sealed, "ada")
	}
	require.EqualValues(t, 2, w.generationOf(at, byHandle))
	require.EqualValues(t, 1, w.sealedBy(v, other))
	w.opens(v, other, spared, "bill")

	es := w.rec.committed(t, "vault.renew")
	require.Len(t, es, 2)
	require.Equal(t, "42", es[0].SubjectID)
	require.Equal(t, []string{string(profile)}, es[0].Facts["compartments"].Words())
	require.EqualValues(t, 1, es[0].Facts["keys"].Number())
	require.NotEqual(t, es[0].Facts["commitments"], es[1].Facts["commitments"])

	// They die together.
	w.shred(v, personOf(shop, "42"))
	for _, sealed := range [][]byte{first, second, third} {
		w.refuses(v, at, sealed, vault.ErrShredded)
	}
	_, err = v.NewGeneration(w.ctx, at.Subject, at.Compartment)
	require.ErrorIs(t, err, vault.ErrShredded)
	_, err = v.NewGeneration(w.ctx, at.Subject, "newsletter")
	require.Error(t, err)
}

func TestNewGeneration_NeedsAKey(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	_, err := v.NewGeneration(w.ctx, troth.Subject{Tenant: shop, ID: "42"}, profile)
	require.ErrorIs(t, err, vault.ErrNoKey)
	w.seal(v, emailOf(shop, "43", profile), "x")
	_, err = v.NewGeneration(w.ctx, troth.Subject{Tenant: shop, ID: "42"}, profile)
	require.ErrorIs(t, err, vault.ErrNoKey)
	_, err = v.NewGeneration(t.Context(), troth.Subject{Tenant: shop, ID: "43"}, profile)
	require.ErrorIs(t, err, troth.ErrNoActor)
	_, err = v.NewGeneration(w.ctx, troth.Subject{Tenant: shop, ID: ""}, profile)
	require.Error(t, err)
	require.Empty(t, w.rec.committed(t, "vault.renew"))
	stop := w.rec.failOn("vault.renew")
	_, err = v.NewGeneration(w.ctx, troth.Subject{Tenant: shop, ID: "43"}, profile)
	require.ErrorIs(t, err, errRecorder)
	stop()
	require.EqualValues(t, 1, w.sealedBy(v, emailOf(shop, "43", profile)), "no act without evidence")
	require.NoError(t, v.Close(w.ctx))
	_, err = v.NewGeneration(w.ctx, troth.Subject{Tenant: shop, ID: "43"}, profile)
	require.ErrorIs(t, err, vault.ErrClosed)
}

// Another process seals with the newest generation within the fence's bound,
// and opens what it sealed at once.
func TestNewGeneration_ReachesOtherProcesses(t *testing.T) {
	w := newWorld(t)
	here, there := w.vault(), w.vault()
	clock := w.fakeMono(there)
	at := emailOf(shop, "42", profile)
	w.seal(here, at, "ada")
	require.EqualValues(t, 1, w.sealedBy(there, at))
	w.renew(here, at)
	sealed := w.seal(here, at, "new")
	w.opens(there, at, sealed, "new")
	require.EqualValues(t, 2, w.sealedBy(there, at), "who has met it seals with it")

	w.renew(here, at)
	require.EqualValues(t, 2, w.sealedBy(there, at))
	clock.advance(bound + 1)
	require.EqualValues(t, 3, w.sealedBy(there, at))
}

// What a transaction renews it uses, and nobody else does before its end.
func TestNewGeneration_InATransaction(t *testing.T) {
	c := newPendingCase(t)
	at := emailOf(shop, "42", profile)
	c.seal(c.v, at, "ada")
	for _, commit := range []bool{false, true} {
		inTx, tx := c.begin()
		before := c.sealedBy(c.v, at)
		g, err := c.v.NewGeneration(inTx, at.Subject, at.Compartment)
		require.NoError(t, err)
		sealed, err := c.v.AppendSeal(inTx, nil, at, []byte("in"))
		require.NoError(t, err)
		require.Equal(t, before, c.sealedBy(c.v, at), "outside it is not there")
		if !commit {
			require.NoError(t, tx.Rollback())
			require.ErrorIs(t, lookup(c.v.AppendOpen(c.ctx, nil, at, orders, sealed)), vault.ErrOpen)
			require.Equal(t, before, c.sealedBy(c.v, at))
			continue
		}
		require.NoError(t, tx.Commit())
		require.Equal(t, g, c.generationOf(at, sealed))
		c.opens(c.v, at, sealed, "in")
		require.Equal(t, g, c.sealedBy(c.v, at))
	}
	require.NoError(t, c.db.Atomically(c.ctx, func(ctx context.Context) error {
		g, err := c.v.NewGeneration(ctx, at.Subject, at.Compartment)
		require.NoError(t, err)
		sealed, err := c.v.AppendSeal(ctx, nil, at, []byte("in"))
		require.NoError(t, err)
		id, _ := vault.KeyID(sealed)
		rows, err := c.store.Keys(ctx, nameOf(at))
		require.NoError(t, err)
		require.Equal(t, rows[0].KeyID, id)
		require.Equal(t, rows[0].Generation, g)
		return nil
	}))
}

func TestNewGeneration_HasALimit(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	at := emailOf(shop, "42", profile)
	first := w.seal(v, at, "ada")
	for g := uint32(2); g <= vault.MaxGenerations; g++ {
		require.Equal(t, g, w.renew(v, at))
	}
	_, err := v.NewGeneration(w.ctx, at.Subject, at.Compartment)
	require.ErrorIs(t, err, vault.ErrGenerations)
	did, err := v.RenewKeys(w.ctx, shop, vault.Renewal{OlderThan: time.Now().Add(time.Hour)})
	require.NoError(t, err)
	require.Equal(t, 1, did.Full)
	require.Zero(t, did.Keys)
	w.opens(w.vault(), at, first, "ada")
}

// household seals for people of a tenant, two compartments each.
func (w *world) household(v *vault.Vault, tenant troth.Tenant, people int) (at []troth.Context) {
	w.t.Helper()
	for i := range people {
		for _, c := range []troth.Compartment{profile, invoice} {
			at = append(at, emailOf(tenant, fmt.Sprintf("s%03d", i), c))
			w.seal(v, at[len(at)-1], "x")
		}
	}
	return at
}

func TestRenewKeys_InPagesOnceEach(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	ours, theirs := w.household(v, shop, 12), w.household(v, bakery, 2)
	w.shred(v, personOf(shop, "s003"))
	cut := time.Now().Add(time.Second)
	later := func() time.Time { return cut.Add(time.Second) }
	v = w.vault(vault.WithClock(later))
	r := vault.Renewal{OlderThan: cut, Limit: 5}
	var pages, keys int
	for done := false; !done; pages++ {
		did, err := v.RenewKeys(w.ctx, shop, r)
		require.NoError(t, err)
		// A repeated page, and another process, find nothing left to do.
		again, err := w.vault(vault.WithClock(later)).RenewKeys(w.ctx, shop, r)
		require.NoError(t, err)
		require.Zero(t, again.Keys)
		require.Equal(t, did.Next, again.Next)
		keys += did.Keys
		r.After, done = did.Next, did.Done
	}
	require.Equal(t, 5, pages)
	require.Equal(t, 22, keys)
	for _, at := range ours {
		if at.Subject.ID != "s003" {
			require.EqualValues(t, 2, w.sealedBy(v, at))
		}
	}
	for _, at := range theirs {
		require.EqualValues(t, 1, w.sealedBy(v, at))
	}
	var told int64
	for _, e := range w.rec.committed(t, "vault.renew") {
		require.Equal(t, shop, e.Tenant)
		require.Empty(t, e.SubjectID)
		told += e.Facts["keys"].Number()
	}
	require.EqualValues(t, 22, told)
}

func TestRenewKeys_RefusesWhatItDoesNotKnow(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	for _, r := range []vault.Renewal{
		{Limit: -1},
		{Limit: 1001},
		{After: vault.KeyName{Tenant: bakery, SubjectID: "1", Compartment: profile}},
	} {
		_, err := v.RenewKeys(w.ctx, shop, r)
		require.ErrorIs(t, err, vault.ErrTarget)
	}
	_, err := v.RenewKeys(w.ctx, "", vault.Renewal{})
	require.Error(t, err)
	did, err := v.RenewKeys(w.ctx, shop, vault.Renewal{OlderThan: time.Now()})
	require.NoError(t, err)
	require.Equal(t, vault.Renewed{Next: vault.KeyName{Tenant: shop}, Done: true}, did)
	w.shred(v, vault.Target{Tenant: shop, WholeTenant: true})
	_, err = v.RenewKeys(w.ctx, shop, vault.Renewal{OlderThan: time.Now()})
	require.ErrorIs(t, err, vault.ErrShredded)
}
