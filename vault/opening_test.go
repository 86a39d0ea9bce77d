package vault_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

func TestOpen_APersonsIsOnRecordBeforeItReturns(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	at := emailOf(shop, "42", profile)
	sealed := w.seal(v, at, "ada")
	clerk := asPerson(t.Context(), "clerk-1")
	h, err := v.For(clerk, at.Subject, at.Compartment, "support-case")
	require.NoError(t, err)
	for i, open := range []func() ([]byte, error){
		func() ([]byte, error) { return v.AppendOpen(clerk, nil, at, "support-case", sealed) },
		func() ([]byte, error) { return v.Open(clerk, nil, at, "support-case", sealed) },
		func() ([]byte, error) { return h.AppendOpen(t.Context(), nil, at.Cell, sealed) },
	} {
		got, err := open()
		require.NoError(t, err)
		require.Equal(t, "ada", string(got))
		entries := w.rec.committed(t, "vault.open")
		require.Len(t, entries, i+1)
		e := entries[i]
		assert.Equal(t, "clerk-1", e.Actor.ID)
		assert.Equal(t, shop, e.Tenant)
		assert.Equal(t, "42", e.SubjectID)
		assert.Equal(t, troth.Purpose("support-case"), e.Purpose)
		assert.Equal(t, troth.Facts{
			"compartments": troth.Words(profile), "columns": troth.Words("customer.email"), "values": troth.Count(1),
		}, e.Facts)
	}
	require.Empty(t, w.rec.committed(t, "vault.window-open"))
}

func TestOpen_APersonIsRefusedInsideATransaction(t *testing.T) {
	c := newPendingCase(t)
	inTx, tx := c.begin()
	clerk := asPerson(inTx, "clerk-1")
	h, err := c.v.For(clerk, c.at.Subject, c.at.Compartment, orders)
	require.NoError(t, err)
	for _, err := range []error{
		lookup(c.v.AppendOpen(clerk, nil, c.at, orders, c.sealed)),
		lookup(c.v.OpenBatch(clerk, orders, []vault.Item{{At: c.at, Data: c.sealed}})),
		lookup(h.AppendOpen(inTx, nil, c.at.Cell, c.sealed)),
	} {
		require.ErrorIs(t, err, vault.ErrOpenInTx)
	}
	require.ErrorIs(t, c.v.OpenWindow(inTx, shop, orders), vault.ErrOpenInTx)
	require.NoError(t, c.v.OpenWindow(clerk, shop, orders), "people need none")
	require.NoError(t, tx.Rollback())
	require.Empty(t, c.rec.committed(t, "vault.open"))
}

func TestOpen_WithoutEvidenceThereIsNoPlaintext(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	at := emailOf(shop, "42", profile)
	sealed := w.seal(v, at, "ada lovelace")
	stop := w.rec.failOn("vault.open", "vault.window-open")
	defer stop()
	for name, ctx := range map[string]context.Context{
		"person": asPerson(t.Context(), "clerk-1"), "service": asService(t.Context(), "export"),
	} {
		t.Run(name, func(t *testing.T) {
			buf := bytes.Repeat([]byte{0xAA}, 100)
			got, err := v.AppendOpen(ctx, buf[:4], at, orders, sealed)
			require.ErrorIs(t, err, errRecorder)
			require.Nil(t, got)
			assert.NotContains(t, string(buf), "ada", "the tail of dst is wiped")
			assert.Equal(t, bytes.Repeat([]byte{0xAA}, 4), buf[:4])
			h, err := v.For(ctx, at.Subject, at.Compartment, orders)
			require.NoError(t, err)
			got, err = h.AppendOpen(ctx, buf[:4], at.Cell, sealed)
			require.ErrorIs(t, err, errRecorder)
			require.Nil(t, got)
			assert.NotContains(t, string(buf), "ada")
			batch, err := v.OpenBatch(ctx, orders, []vault.Item{{At: at, Data: sealed}})
			require.ErrorIs(t, err, errRecorder)
			require.Nil(t, batch)
		})
	}
	require.Empty(t, w.rec.committed(t, "vault.open", "vault.window-open"))
}

func TestOpenBatch_OneEntryForEachSubject(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	var items []vault.Item
	var want []string
	for _, id := range []string{"42", "43"} {
		for _, column := range []string{"email", "phone"} {
			for _, c := range []troth.Compartment{profile, invoice} {
				at := emailOf(shop, id, c)
				at.Cell.Column = column
				want = append(want, id+column+string(c))
				items = append(items, vault.Item{At: at, Data: w.seal(v, at, want[len(want)-1])})
			}
		}
	}
	plain, err := v.OpenBatch(asPerson(t.Context(), "clerk-1"), "support-case", items)
	require.NoError(t, err)
	for i := range want {
		require.Equal(t, want[i], string(plain[i]))
	}
	entries := w.rec.committed(t, "vault.open")
	require.Len(t, entries, 2)
	for i, id := range []string{"42", "43"} {
		assert.Equal(t, id, entries[i].SubjectID)
		assert.Equal(t, troth.Facts{
			"compartments": troth.Words(profile, invoice),
			"columns":      troth.Words("customer.email", "customer.phone"),
			"values":       troth.Count(4),
		}, entries[i].Facts)
	}

	plain, err = v.OpenBatch(w.ctx, orders, items)
	require.NoError(t, err)
	require.Len(t, plain, len(items))
	require.Len(t, w.rec.committed(t, "vault.open"), 2)
}

func TestOpenBatch_OneBadItemAndNothingIsSeen(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	at := emailOf(shop, "42", profile)
	items := []vault.Item{{At: at, Data: w.seal(v, at, "ada")}, {At: at, Data: []byte("not sealed")}}
	for _, ctx := range []context.Context{w.ctx, asPerson(t.Context(), "clerk-1")} {
		plain, err := v.OpenBatch(ctx, orders, items)
		require.Nil(t, plain)
		var bad *vault.BatchError
		require.ErrorAs(t, err, &bad)
		require.Equal(t, 1, bad.Index)
		require.ErrorIs(t, err, vault.ErrOpen)
	}
	require.Empty(t, w.rec.committed(t, "vault.open"))
	items[1].At.Cell.Row = ""
	sealed, err := v.SealBatch(w.ctx, items)
	require.Nil(t, sealed)
	var bad *vault.BatchError
	require.ErrorAs(t, err, &bad)
	require.Equal(t, 1, bad.Index)
}

func TestSealBatch_MakesItsKeysInOneTransaction(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	items := make([]vault.Item, 20)
	for i := range items {
		items[i] = vault.Item{At: emailOf(shop, subject(i%10), profile), Data: []byte(subject(i))}
	}
	for range 2 { // the second time all keys are cached
		sealed, err := v.SealBatch(w.ctx, items)
		require.NoError(t, err)
		for i := range items {
			w.opens(v, items[i].At, sealed[i], subject(i))
		}
	}
	spoilt := slices.Clone(items)
	spoilt[0].At.Subject.ID = "new"
	spoilt[19].At.Cell.Table = ""
	require.Error(t, lookup(v.SealBatch(w.ctx, spoilt)))
	rows, err := w.store.Keys(w.ctx, nameOf(spoilt[0].At))
	require.NoError(t, err)
	require.Empty(t, rows, "all or nothing")
}

func TestOpen_NeedsAnActorAndAPurpose(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	at := emailOf(shop, "42", profile)
	sealed := w.seal(v, at, "ada")
	nobody := t.Context()
	item := []vault.Item{{At: at, Data: sealed}}
	require.ErrorIs(t, lookup(v.AppendOpen(nobody, nil, at, orders, sealed)), troth.ErrNoActor)
	require.ErrorIs(t, lookup(v.OpenBatch(nobody, orders, item)), troth.ErrNoActor)
	require.ErrorIs(t, lookup(v.For(nobody, at.Subject, at.Compartment, orders)), troth.ErrNoActor)
	require.ErrorIs(t, v.OpenWindow(nobody, shop, orders), troth.ErrNoActor)
	_, err := v.AppendSeal(nobody, nil, at, nil)
	require.NoError(t, err, "sealing needs none")
	h, err := v.For(nobody, at.Subject, at.Compartment, "")
	require.NoError(t, err)
	require.ErrorIs(t, lookup(h.AppendOpen(w.ctx, nil, at.Cell, sealed)), vault.ErrNoPurpose)

	for _, purpose := range []troth.Purpose{"", "~reserved", "a\tb", troth.Purpose(strings.Repeat("p", 256))} {
		for _, ctx := range []context.Context{w.ctx, asPerson(nobody, "clerk-1")} {
			var refused *troth.IdentifierError
			require.ErrorAs(t, lookup(v.AppendOpen(ctx, nil, at, purpose, sealed)), &refused)
			require.ErrorAs(t, lookup(v.OpenBatch(ctx, purpose, item)), &refused)
			if purpose != "" {
				require.ErrorAs(t, lookup(v.For(ctx, at.Subject, at.Compartment, purpose)), &refused)
			}
		}
		var refused *troth.IdentifierError
		require.ErrorAs(t, v.OpenWindow(w.ctx, shop, purpose), &refused)
	}
	require.Empty(t, w.rec.committed(t, "vault.open", "vault.window-open"))
	bad := troth.WithActor(nobody, troth.Actor{Kind: "robot", ID: "x"})
	require.Error(t, lookup(v.AppendOpen(bad, nil, at, orders, sealed)))
}

func TestOpen_LongNamesAreOnRecordToo(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	at := emailOf(shop, "42", profile)
	at.Cell.Table = strings.Repeat("t", troth.MaxIdentifier)
	at.Cell.Column = strings.Repeat("c", troth.MaxIdentifier)
	sealed := w.seal(v, at, "ada")
	got, err := v.AppendOpen(asPerson(t.Context(), "clerk-1"), nil, at, orders, sealed)
	require.NoError(t, err)
	require.Equal(t, "ada", string(got))
	require.Equal(t, troth.Words(at.Cell.Table), w.rec.committed(t, "vault.open")[0].Facts["columns"])
}
