package vault_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/permit"
	"github.com/trothdev/troth/vault"
)

var policy = [32]byte{1, 2, 3}

func refOf(t vault.Target) troth.PermitRef {
	ref := troth.PermitRef{Tenant: string(t.Tenant), Subject: t.SubjectID}
	if len(t.Compartments) > 0 {
		ref.Compartment = string(t.Compartments[0])
	}
	return ref
}

func TestPermit_ZeroIsRefused(t *testing.T) {
	c := newPendingCase(t)
	require.ErrorIs(t, lookup(c.v.Shred(c.ctx, troth.Permit{}, personOf(shop, "42"))), vault.ErrNotPermitted)
	require.Zero(t, c.v.Undecided())
	c.opens(c.v, c.at, c.sealed, "ada")
}

func TestPermit_UnmanagedNeedsTheOption(t *testing.T) {
	c := newPendingCase(t)
	v, err := vault.Open(c.ctx, c.config())
	require.NoError(t, err)
	require.ErrorIs(t, lookup(v.Shred(c.ctx, erasure, personOf(shop, "42"))), vault.ErrNotPermitted)
	c.opens(v, c.at, c.sealed, "ada")
}

func TestPermit_UnmanagedIsRecordedWhenOpened(t *testing.T) {
	w := newWorld(t)
	w.vault()
	entries := w.rec.committed(t, "vault.unmanaged")
	require.Len(t, entries, 1)
	require.Equal(t, troth.Platform, entries[0].Tenant)
	require.Equal(t, troth.Facts{"ground": troth.Word("tests")}, entries[0].Facts)
	stop := w.rec.failOn("vault.unmanaged")
	defer stop()
	_, err := vault.Open(w.ctx, w.config(), vault.Unmanaged("tests"))
	require.ErrorIs(t, err, errRecorder, "no unmanaged vault without evidence of it")
	_, err = vault.Open(w.ctx, w.config(), vault.Unmanaged(""))
	require.Error(t, err)
}

func TestPermit_UnmanagedIsRefusedOnceAKeeperHasTheStore(t *testing.T) {
	c := newPendingCase(t)
	require.NoError(t, c.store.SetManaged(c.ctx))
	require.ErrorIs(t, lookup(c.v.Shred(c.ctx, erasure, personOf(shop, "42"))), vault.ErrUnmanaged)
	require.Zero(t, c.v.Undecided())
	c.opens(c.v, c.at, c.sealed, "ada")
	_, err := vault.Open(c.ctx, c.config(), vault.Unmanaged("tests"))
	require.ErrorIs(t, err, vault.ErrUnmanaged)
}

func TestPermit_GroundsAreIdentifiers(t *testing.T) {
	c := newPendingCase(t)
	var refused *troth.IdentifierError
	require.ErrorAs(t, lookup(c.v.Shred(c.ctx, troth.UnmanagedPermit(""), personOf(shop, "42"))), &refused)
	require.ErrorAs(t, lookup(c.v.Shred(c.ctx, troth.UnmanagedPermit("line\nbreak"), personOf(shop, "42"))), &refused)
	c.opens(c.v, c.at, c.sealed, "ada")
}

func TestPermit_ManagedShredsItsOwnThingInItsOwnTransaction(t *testing.T) {
	one := []troth.Compartment{profile}
	for _, target := range []vault.Target{
		personOf(shop, "42"),
		{Tenant: shop, SubjectID: "42", Compartments: one},
		{Tenant: shop, WholeTenant: true},
	} {
		c := newPendingCase(t)
		require.NoError(t, c.store.SetManaged(c.ctx))
		v, err := vault.Open(c.ctx, c.config()) // no option is needed
		require.NoError(t, err)
		var r vault.Receipt
		require.NoError(t, c.db.Atomically(c.ctx, func(ctx context.Context) error {
			p := permit.Managed(refOf(target), "keep-until-passed", policy, c.db.Scope(ctx))
			r, err = v.Shred(ctx, p, target)
			return err
		}))
		require.Len(t, r.Keys, 1)
		require.ErrorIs(t, lookup(v.AppendOpen(c.ctx, nil, c.at, orders, c.sealed)), vault.ErrShredded)
		entries := c.rec.committed(t, "vault.shred")
		require.Len(t, entries, 1)
		require.Equal(t, troth.Word("managed"), entries[0].Facts["permit"])
		require.Equal(t, troth.Digest(policy), entries[0].Facts["policy"])
		require.Equal(t, troth.Word("keep-until-passed"), entries[0].Facts["ground"])
	}
}

func TestPermit_ManagedIsGoodForNothingElse(t *testing.T) {
	c := newPendingCase(t)
	target := vault.Target{Tenant: shop, SubjectID: "42", Compartments: []troth.Compartment{profile}}
	refs := map[string]troth.PermitRef{
		"another tenant":      {Tenant: "bakery-3", Subject: "42", Compartment: "profile"},
		"another person":      {Tenant: "shop-17", Subject: "43", Compartment: "profile"},
		"another compartment": {Tenant: "shop-17", Subject: "42", Compartment: "invoice"},
		"the whole person":    {Tenant: "shop-17", Subject: "42"},
		"the whole tenant":    {Tenant: "shop-17"},
		"nothing":             {},
	}
	for name, ref := range refs {
		t.Run(name, func(t *testing.T) {
			err := c.db.Atomically(c.ctx, func(ctx context.Context) error {
				_, err := c.v.Shred(ctx, permit.Managed(ref, "ground", policy, c.db.Scope(ctx)), target)
				return err
			})
			require.ErrorIs(t, err, vault.ErrNotPermitted)
		})
	}
	t.Run("the second of two compartments", func(t *testing.T) {
		two := target
		two.Compartments = []troth.Compartment{profile, invoice}
		err := c.db.Atomically(c.ctx, func(ctx context.Context) error {
			_, err := c.v.Shred(ctx, permit.Managed(refOf(two), "ground", policy, c.db.Scope(ctx)), two)
			return err
		})
		require.ErrorIs(t, err, vault.ErrNotPermitted)
	})
	t.Run("another transaction", func(t *testing.T) {
		var p troth.Permit
		require.NoError(t, c.db.Atomically(c.ctx, func(ctx context.Context) error {
			p = permit.Managed(refOf(target), "ground", policy, c.db.Scope(ctx))
			return nil
		}))
		require.ErrorIs(t, lookup(c.v.Shred(c.ctx, p, target)), vault.ErrNotPermitted)
	})
	t.Run("no transaction", func(t *testing.T) {
		for _, scope := range []any{nil, (*troth.Scope)(nil), "scope"} {
			p := permit.Managed(refOf(target), "ground", policy, scope)
			require.ErrorIs(t, lookup(c.v.Shred(c.ctx, p, target)), vault.ErrNotPermitted)
		}
	})
	require.Zero(t, c.v.Undecided())
	c.opens(c.v, c.at, c.sealed, "ada")
	require.Empty(t, c.rec.committed(t, "vault.shred"))
}
