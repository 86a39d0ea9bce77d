package vault_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/vault"
)

// workOnKeys moves the tenant to and fro, begins generations and seals letters
// anew, all at once, until it is killed.
func (c *child) workOnKeys(config childConfig, out *report) []func() error {
	v, err := ownVault(c.ctx, c.d, c.kit, vault.WithFenceAge(config.FenceAge))
	if err != nil {
		return []func() error{func() error { return err }}
	}
	l := &letters{d: c.d, h: c.kit.Handle, v: v}
	subjects := slices.Sorted(maps.Keys(config.Values))
	return []func() error{
		func() error {
			for i := 0; ; i++ {
				if _, err := v.MoveTenant(c.ctx, shop, kekNames[i%len(kekNames)]); err != nil && !troth.Retryable(err) {
					return err
				}
				if err := out.print(deed{Actor: "mover"}); err != nil {
					return err
				}
			}
		},
		func() error {
			// A name has at most 64 generations at a time.
			for i := range 20 * len(subjects) {
				_, err := v.NewGeneration(c.ctx, troth.Subject{Tenant: shop, ID: subjects[i%len(subjects)]}, profile)
				if err != nil && !troth.Retryable(err) {
					return err
				}
			}
			select {}
		},
		func() error {
			for {
				if _, err := v.Reencrypt(c.ctx, l.reencryption()); err != nil && !troth.Retryable(err) {
					return err
				}
				if err := out.print(deed{Actor: "sealer"}); err != nil {
					return err
				}
			}
		},
	}
}

// TestKeys_ACrashLosesNoValue kills a program that moves a tenant between
// key-encryption keys, renews its keys and seals its values anew. Whatever it was
// at, each value opens, the roots lie under one key, and the work can be ended.
func TestKeys_ACrashLosesNoValue(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		db := d.open(t)
		makeLetters(t, d, db)
		k := d.kitOn(t, db)
		v, err := ownVault(t.Context(), d, k)
		require.NoError(t, err)
		ctx := service(t.Context(), "host")
		values := map[string][]byte{}
		for i := range 12 {
			values[fmt.Sprintf("s%02d", i)] = nil
		}
		subjects := slices.Sorted(maps.Keys(values))
		require.NoError(t, (&letters{d: d, h: k.Handle, v: v}).fill(ctx, subjects))
		chance := newChance(t)
		for round := range times(2, 20) {
			config := childConfig{Database: d, FenceAge: time.Second, Toil: "keys", Round: round, Values: values}
			require.NotEmpty(t, toilAndCrash(t, config, chance, 300*time.Millisecond))
			d.quiet(t, db)
			keysAreWhole(t, d, k, len(subjects))
		}
		// What was begun can be ended.
		after, err := ownVault(t.Context(), d, k)
		require.NoError(t, err)
		l := &letters{d: d, h: k.Handle, v: after}
		did, err := after.Reencrypt(ctx, l.reencryption())
		require.NoError(t, err)
		require.True(t, did.Done)
		require.Zero(t, did.Unopened+did.Lost+did.Shredded)
		for at, sealed := range l.all(t) {
			old, err := after.Outdated(ctx, at, sealed)
			require.NoError(t, err)
			require.False(t, old)
		}
		told := 0
		for _, r := range entries(t, k.Trail, shop) {
			if r.Act == "vault.renew" {
				told += int(fact(r, "keys").Number())
			}
		}
		require.Equal(t, told, d.count(t, db, "SELECT count(*) FROM troth_vault_key WHERE tenant = ? AND compartment = 'profile' AND generation > 1", string(shop)),
			"generations and their evidence")
	})
}

// keysAreWhole looks with a vault that has nothing cached.
func keysAreWhole(t *testing.T, d database, k *kit.Kit, want int) {
	t.Helper()
	v, err := ownVault(t.Context(), d, k)
	require.NoError(t, err)
	l := &letters{d: d, h: k.Handle, v: v}
	n := 0
	for at, sealed := range l.all(t) {
		plain, err := v.AppendOpen(service(t.Context(), "reader"), nil, at, orders, sealed)
		require.Equal(t, ok, openedAs(at.Subject.ID, plain, err), at.Subject.ID)
		n++
	}
	require.Equal(t, want, n)
	require.Equal(t, 1, d.count(t, d.open(t), "SELECT count(DISTINCT kek) FROM troth_vault_root WHERE tenant = ? AND sealed IS NOT NULL", string(shop)))
	require.NoError(t, v.Close(service(t.Context(), "reader")))
}

// all are the letters there are.
func (l *letters) all(t *testing.T) map[troth.Context][]byte {
	t.Helper()
	all := map[troth.Context][]byte{}
	for after := ""; ; {
		items, next, err := l.page(t.Context(), after)
		require.NoError(t, err)
		if len(items) == 0 {
			return all
		}
		for _, item := range items {
			all[item.At] = item.Data
		}
		after = next
	}
}

// A program that was running seals with a generation that another one began,
// within its fence's bound, and opens what is sealed with it at once.
func TestNewGeneration_ReachesAnotherProgram(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		k := d.kit(t)
		p := childConfig{Database: d, FenceAge: 300 * time.Millisecond, Run: true}.start(t)
		id := func(sealed []byte) uint32 {
			n, ok := vault.KeyID(sealed)
			require.True(t, ok)
			return n
		}
		before := id(p.ask(request{Op: "seal", Subjects: []string{"42"}}).Sealed[0])
		ctx := service(context.WithoutCancel(t.Context()), "host")
		g, err := k.Vault.NewGeneration(ctx, troth.Subject{Tenant: shop, ID: "42"}, profile)
		require.NoError(t, err)
		require.EqualValues(t, 2, g)
		sealed, err := k.Vault.AppendSeal(ctx, nil, emailOf(shop, "42"), plaintextOf("42"))
		require.NoError(t, err)
		require.NotEqual(t, before, id(sealed))
		opened := p.ask(request{Op: "open", Subjects: []string{"42"}, Sealed: [][]byte{sealed}}).Opened
		for _, how := range opened {
			require.Equal(t, ok, how)
		}
		require.Eventually(t, func() bool {
			return id(p.ask(request{Op: "seal", Subjects: []string{"42"}}).Sealed[0]) == id(sealed)
		}, patience, 10*time.Millisecond)
	})
}
