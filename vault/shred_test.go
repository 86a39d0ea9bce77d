package vault_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

func TestShred_Compartments(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	dead, alive := emailOf(shop, "42", profile), emailOf(shop, "42", invoice)
	lost, kept := w.seal(v, dead, "ada"), w.seal(v, alive, "bill")
	row := w.keyRow(dead)

	r := w.shred(v, vault.Target{Tenant: shop, SubjectID: "42", Compartments: []troth.Compartment{profile}})
	require.Equal(t, []vault.DeadKey{{Compartment: profile, Generation: 1, KeyID: row.KeyID, Commitment: row.Commitment}}, r.Keys)
	require.False(t, r.Already)
	w.refuses(v, dead, lost, vault.ErrShredded)
	w.opens(v, alive, kept, "bill")
	w.opens(v, emailOf(shop, "42", "orders"), w.seal(v, emailOf(shop, "42", "orders"), "new"), "new")
	require.Empty(t, w.keyRow(dead).Sealed, "the key is gone")
	require.NotZero(t, w.keyRow(dead).ShreddedAt, "the tombstone stands")
}

func TestShred_CompartmentThatNeverWasIsClosedToo(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	target := vault.Target{Tenant: shop, SubjectID: "42", Compartments: []troth.Compartment{profile}}
	r := w.shred(v, target)
	require.Empty(t, r.Keys)
	require.False(t, r.Already)
	require.ErrorIs(t, lookup(v.AppendSeal(w.ctx, nil, emailOf(shop, "42", profile), nil)), vault.ErrShredded)
	require.True(t, w.shred(v, target).Already)
}

func TestShred_SubjectSparesWhatIsExcepted(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	dead, held := emailOf(shop, "42", profile), emailOf(shop, "42", invoice)
	lost, kept := w.seal(v, dead, "ada"), w.seal(v, held, "bill")
	w.shred(v, vault.Target{Tenant: shop, SubjectID: "42", Except: []troth.Compartment{invoice}})
	for _, at := range []*vault.Vault{v, w.vault()} {
		w.refuses(at, dead, lost, vault.ErrShredded)
		w.opens(at, held, kept, "bill")
		w.opens(at, held, w.seal(at, held, "second bill"), "second bill")
		require.ErrorIs(t, lookup(at.AppendSeal(w.ctx, nil, emailOf(shop, "42", "orders"), nil)), vault.ErrShredded,
			"the person is closed to new compartments")
	}
	// Later the hold ends.
	r := w.shred(v, vault.Target{Tenant: shop, SubjectID: "42", Compartments: []troth.Compartment{invoice}})
	require.Len(t, r.Keys, 1)
	w.refuses(v, held, kept, vault.ErrShredded)
}

func TestShred_PseudonymDiesOnlyByName(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	at := emailOf(shop, "42", troth.PseudonymCompartment)
	sealed := w.seal(v, at, "p-1")
	w.shred(v, personOf(shop, "42"))
	w.opens(v, at, sealed, "p-1")
	fresh := emailOf(shop, "43", troth.PseudonymCompartment)
	w.shred(v, personOf(shop, "43"))
	w.opens(v, fresh, w.seal(v, fresh, "p-2"), "p-2") // evidence of the erasure needs one
	w.shred(v, vault.Target{Tenant: shop, SubjectID: "42", Compartments: []troth.Compartment{troth.PseudonymCompartment}})
	w.refuses(v, at, sealed, vault.ErrShredded)
}

func TestShred_TenantIsAWall(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	a, b := emailOf(shop, "42", profile), emailOf(bakery, "42", profile)
	lost, kept := w.seal(v, a, "ada"), w.seal(v, b, "bob")
	pseudonym := emailOf(shop, "42", troth.PseudonymCompartment)
	lostToo := w.seal(v, pseudonym, "p-1")
	r := w.shred(v, vault.Target{Tenant: shop, WholeTenant: true})
	require.Len(t, r.Keys, 1)
	for _, at := range []*vault.Vault{v, w.vault()} {
		w.refuses(at, a, lost, vault.ErrShredded)
		w.refuses(at, pseudonym, lostToo, vault.ErrShredded)
		require.ErrorIs(t, lookup(at.AppendSeal(w.ctx, nil, emailOf(shop, "new", profile), nil)), vault.ErrShredded)
		require.ErrorIs(t, lookup(at.MAC(w.ctx, someKey, nil)), vault.ErrShredded)
		w.opens(at, b, kept, "bob")
	}
	require.True(t, w.shred(v, vault.Target{Tenant: shop, WholeTenant: true}).Already)
	require.True(t, w.shred(v, personOf(shop, "42")).Already)
	require.Len(t, w.rec.committed(t, "vault.shred"), 1)
}

func TestShred_TenantThatNeverWas(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	r := w.shred(v, vault.Target{Tenant: shop, WholeTenant: true})
	require.Empty(t, r.Keys)
	require.False(t, r.Already)
	require.ErrorIs(t, lookup(v.AppendSeal(w.ctx, nil, emailOf(shop, "42", profile), nil)), vault.ErrShredded)
	require.ErrorIs(t, lookup(v.MAC(w.ctx, someKey, nil)), vault.ErrShredded)
}

func TestShred_IsForEverAlsoForARecreatedID(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	at := emailOf(shop, "42", profile)
	sealed := w.seal(v, at, "ada")
	w.shred(v, personOf(shop, "42"))
	for range 3 {
		w.refuses(v, at, sealed, vault.ErrShredded)
		w.refuses(w.vault(), at, sealed, vault.ErrShredded)
	}
	neverSeen := emailOf(shop, "99", profile)
	w.shred(v, personOf(shop, "99"))
	require.ErrorIs(t, lookup(v.AppendSeal(w.ctx, nil, neverSeen, nil)), vault.ErrShredded)
	other := emailOf(bakery, "42", profile)
	w.opens(v, other, w.seal(v, other, "the same id under another tenant"), "the same id under another tenant")
}

func TestShred_TwiceIsOnce(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	w.seal(v, emailOf(shop, "42", profile), "ada")
	first := w.shred(v, personOf(shop, "42"))
	require.Len(t, first.Keys, 1)
	require.False(t, first.Entry.IsZero())
	events, err := w.store.Follow(w.ctx, 0)
	require.NoError(t, err)
	for _, at := range []*vault.Vault{v, w.vault()} {
		again := w.shred(at, personOf(shop, "42"))
		require.True(t, again.Already)
		require.Empty(t, again.Keys)
		require.True(t, again.Entry.IsZero())
		require.Zero(t, at.Undecided())
	}
	require.Len(t, w.rec.committed(t, "vault.shred"), 1)
	after, err := w.store.Follow(w.ctx, 0)
	require.NoError(t, err)
	require.Equal(t, events.Head, after.Head, "nor is the fence raised again")
}

func TestShred_RecordsWhatDied(t *testing.T) {
	w := newWorld(t)
	at := time.Date(2026, 11, 22, 10, 0, 0, 123456789, time.UTC)
	v := w.vault(vault.WithClock(func() time.Time { return at }))
	for _, c := range []troth.Compartment{profile, invoice, "orders"} {
		w.seal(v, emailOf(shop, "42", c), "x")
	}
	r := w.shred(v, vault.Target{Tenant: shop, SubjectID: "42", Except: []troth.Compartment{invoice}})
	require.Equal(t, at, r.At)
	entries := w.rec.committed(t, "vault.shred")
	require.Len(t, entries, 1)
	e := entries[0]
	assert.Equal(t, e.ID, r.Entry)
	assert.Equal(t, "mailer", e.Actor.ID)
	assert.Equal(t, troth.Subject{Tenant: shop, ID: "42"}, troth.Subject{Tenant: e.Tenant, ID: e.SubjectID})
	assert.Equal(t, troth.Facts{
		"scope":        troth.Word("subject"),
		"compartments": troth.Words(profile, "orders"),
		"spared":       troth.Words(invoice, troth.PseudonymCompartment),
		"keys":         troth.Count(2),
		"tombstones":   troth.Count(2),
		"closed":       troth.Word("subject"),
		"commitments":  troth.Digest(r.Digest()),
		"ground":       troth.Word("erasure-request"),
		"permit":       troth.Word("unmanaged"),
		"first-epoch":  troth.Count(0),
		"last-epoch":   troth.Count(0),
	}, e.Facts)
	assert.Equal(t, at.UnixMicro(), w.keyRow(emailOf(shop, "42", profile)).ShreddedAt)
}

func TestShred_FailsWithItsEvidence(t *testing.T) {
	for _, target := range []vault.Target{
		personOf(shop, "42"),
		{Tenant: shop, SubjectID: "42", Compartments: []troth.Compartment{profile}},
		{Tenant: shop, WholeTenant: true},
	} {
		for _, hosts := range []bool{false, true} {
			c := newPendingCase(t)
			ctx, end := c.ctx, func() error { return nil }
			if hosts {
				inTx, tx := c.begin()
				ctx, end = inTx, tx.Commit
			}
			stop := c.rec.failOn("vault.shred")
			r, err := c.v.Shred(ctx, erasure, target)
			require.ErrorIs(t, err, errRecorder)
			require.Zero(t, r)
			stop()
			require.NoError(t, end())
			require.Zero(t, c.v.Undecided())
			c.opens(c.v, c.at, c.sealed, "ada")
			c.handleOpens()
			c.opens(c.vault(), c.at, c.sealed, "ada")
			require.Empty(t, c.rec.committed(t, "vault.shred"))
			c.shred(c.v, target) // and can be done again
			c.refusesAll(c.ctx, vault.ErrShredded)
		}
	}
}

func TestShred_NeedsAnActor(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	require.ErrorIs(t, lookup(v.Shred(t.Context(), erasure, personOf(shop, "42"))), troth.ErrNoActor)
}

func TestShred_RefusesUnclearTargets(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	for name, target := range map[string]vault.Target{
		"the platform":                     {Tenant: troth.Platform, WholeTenant: true},
		"nobody, by an id that got lost":   {Tenant: shop},
		"a person and the whole tenant":    {Tenant: shop, SubjectID: "42", WholeTenant: true},
		"compartments of the whole tenant": {Tenant: shop, WholeTenant: true, Compartments: []troth.Compartment{profile}},
		"compartments without a person":    {Tenant: shop, Compartments: []troth.Compartment{profile}},
		"exceptions without a person":      {Tenant: shop, WholeTenant: true, Except: []troth.Compartment{profile}},
		"named and excepted": {
			Tenant: shop, SubjectID: "42", Compartments: []troth.Compartment{profile}, Except: []troth.Compartment{invoice},
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorIs(t, lookup(v.Shred(w.ctx, erasure, target)), vault.ErrTarget)
		})
	}
	for name, target := range map[string]vault.Target{
		"no tenant":               {SubjectID: "42"},
		"tenant":                  {Tenant: "~other"},
		"subject":                 {Tenant: shop, SubjectID: "a\nb"},
		"compartment":             {Tenant: shop, SubjectID: "42", Compartments: []troth.Compartment{""}},
		"exception":               {Tenant: shop, SubjectID: "42", Except: []troth.Compartment{"~x"}},
		"the zero target, by far": {},
	} {
		t.Run(name, func(t *testing.T) {
			var refused *troth.IdentifierError
			require.ErrorAs(t, lookup(v.Shred(w.ctx, erasure, target)), &refused)
		})
	}
	require.Empty(t, w.rec.committed(t, "vault.shred"))
	// A person of the platform, such as staff, can be shredded.
	staff := emailOf(troth.Platform, "7", profile)
	sealed := w.seal(v, staff, "eve")
	w.shred(v, personOf(troth.Platform, "7"))
	w.refuses(v, staff, sealed, vault.ErrShredded)
}
