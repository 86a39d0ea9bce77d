package vault_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// backUp makes the newest backup of the key tables, where a test wants one.
func (c *controlled) backUp() {
	c.Helper()
	if !c.backs {
		return
	}
	require.NoError(c, c.vault.PumpJournal(c.ctx()))
	var b bytes.Buffer
	_, err := c.vault.BackupKeys(c.ctx(), &b)
	require.NoError(c, err)
	c.backup = b.Bytes()
}

// drop deletes rows that no vault wrote as they are, as docs/tampering.md has it.
func (c *controlled) drop(table, where string, args ...any) {
	c.Helper()
	c.write("DELETE FROM "+table+" WHERE tenant = ? AND "+where, append([]any{string(c.tenant)}, args...)...)
}

// dropRestrictions deletes a person's restrictions, and the row that counts them.
func (c *controlled) dropRestrictions(subject string) {
	c.Helper()
	for _, statement := range []string{
		"DELETE FROM troth_vault_restriction WHERE tenant = ? AND subject = ?",
		"DELETE FROM troth_vault_person WHERE tenant = ? AND subject = ?",
	} {
		_, err := c.db.ExecContext(c.Context(), c.d.dialect().Rebind(statement), string(c.tenant), subject)
		require.NoError(c, err)
	}
}

func (c *controlled) dropKey(subject string) {
	c.Helper()
	c.drop("troth_vault_key", "subject = ? AND compartment = ?", subject, string(profile))
}

// restore puts the newest backup of the key tables back, and replays the journal.
func (c *controlled) restore() {
	c.Helper()
	v := c.open(vault.ForReplay())
	_, err := v.RestoreKeys(c.ctx(), bytes.NewReader(c.backup))
	require.NoError(c, err)
	_, err = v.Replay(c.ctx())
	require.NoError(c, err)
	require.NoError(c, v.Close(c.ctx()))
}

// remedies are what is done before the backup is put back, by attack: rows that putting
// back does not replace. Every other attack needs nothing.
var remedies = map[string]func(c *controlled){
	"a tombstone loses its evidence":                                 func(c *controlled) { c.dropKey("dead") },
	"a key is made to look dead":                                     func(c *controlled) { c.dropKey("alive") },
	"a key is made to look dead by an entry that never was":          func(c *controlled) { c.dropKey("alive") },
	"a key is made to look dead by an entry of something else":       func(c *controlled) { c.dropKey("alive") },
	"a key is made to look dead by the entry of another's shredding": func(c *controlled) { c.dropKey("alive") },
	"a person is closed whom nobody shredded":                        func(c *controlled) { c.drop("troth_vault_person", "subject = 'alive'") },
	"a row holds what no vault writes":                               func(c *controlled) { c.dropKey("dead") },
	"a tombstone is called a generation that was let go":             func(c *controlled) { c.dropKey("part") },
	"a flag is spoilt":                     func(c *controlled) { c.dropKey("restricted") },
	"a person is called unrestricted":      func(c *controlled) { c.dropRestrictions("restricted") },
	"a restriction is deleted":             func(c *controlled) { c.dropRestrictions("restricted") },
	"a restriction is weakened":            func(c *controlled) { c.dropRestrictions("restricted") },
	"a restriction is called lifted":       func(c *controlled) { c.dropRestrictions("restricted") },
	"a restriction comes that nobody made": func(c *controlled) { c.dropRestrictions("alive") },
	"a grant is forged": func(c *controlled) {
		c.drop("troth_vault_grant", "subject = 'restricted'")
	},
	"a grant is copied for another restriction": func(c *controlled) {
		c.drop("troth_vault_grant", "subject = 'restricted'")
	},
	"a grant is announced earlier": func(c *controlled) {
		c.drop("troth_vault_grant", "subject = 'restricted'")
	},
}

// TestRemedy_WhatADatabaseWriterDidIsMended does what docs/tampering.md says about each
// attack, and finds nothing any more: who is dead is dead, who is restricted is restricted,
// and everybody else's data opens. What mends is the vault, on each database the same.
func TestRemedy_WhatADatabaseWriterDidIsMended(t *testing.T) {
	d := newStock(t, "sqlite")
	db := d.open(t)
	k := d.kitOn(t, db)
	named := map[vault.DiscrepancyKind]bool{}
	for i, a := range slices.Concat(tombstoneAttacks, retiredAttacks, controlAttacks) {
		t.Run(a.name, func(t *testing.T) {
			c := newControlled(t, d, db, k, troth.Tenant(fmt.Sprintf("shop-%d", i)))
			c.backs = true
			c.live()
			var had any
			if a.before != nil {
				had = a.before(c)
			}
			c.happen()
			for _, found := range a.do(c, had) {
				named[found.Kind] = true
			}
			if first := remedies[a.name]; first != nil {
				first(c)
			}
			c.restore()
			if a.name == "a grant is announced earlier" { // it is newer than the backup, and lost
				c.named(vault.GrantMissing)
			} else {
				c.finds()
			}
			c.kept()
		})
	}
	for _, kind := range mended {
		require.True(t, named[kind], kind)
	}
}

// mended are the kinds that the attacks have. The other one has a test below.
var mended = []vault.DiscrepancyKind{
	vault.TombstoneMissing, vault.TombstoneReplaced, vault.TombstoneUnevidenced, vault.PersonReopened, vault.RestrictionMissing,
	vault.RestrictionForged, vault.RestrictionUnevidenced, vault.FlagMissing, vault.FlagStale, vault.GrantMissing, vault.GrantForged,
	vault.LiftMissing, vault.LiftUnevidenced, vault.RowUnreadable,
}

// named demands that these kinds are found, in the order of a comparison.
func (c *controlled) named(want ...vault.DiscrepancyKind) {
	c.Helper()
	r, err := c.open().Reconcile(c.ctx(), vault.ReconcileParams{Full: true})
	require.NoError(c, err)
	var kinds []vault.DiscrepancyKind
	for _, d := range r.Discrepancies {
		kinds = append(kinds, d.Kind)
	}
	require.Equal(c, want, kinds)
}

// kept demands that what was promised holds, by another process.
func (c *controlled) kept() {
	c.Helper()
	v := c.open()
	for _, dead := range []string{"dead", "part"} {
		require.False(c, c.opens(dead, orders), dead)
		_, err := v.AppendSeal(c.ctx(), nil, c.at(dead, profile), []byte("x"))
		require.ErrorIs(c, err, vault.ErrShredded)
	}
	_, err := v.AppendSeal(c.ctx(), nil, c.at("nothing sealed", profile), []byte("x"))
	require.ErrorIs(c, err, vault.ErrShredded)
	require.False(c, c.opens("restricted", orders))
	if _, err = v.AppendSeal(c.ctx(), nil, c.at("alive", "new"), nil); errors.Is(err, vault.ErrShredded) {
		require.False(c, c.opens("alive", orders)) // the tenant is dead
		return
	}
	require.NoError(c, err)
	at := c.at("alive", invoices) // the first generation of the other one may have been let go
	_, err = v.AppendOpen(c.ctx(), nil, at, orders, c.sealed[at])
	require.NoError(c, err)
	require.True(c, c.opens("lifted", orders))
	require.True(c, c.opens("restricted", claims))

	// The restriction ends as any other, and leaves nothing behind.
	g, err := v.Grant(c.ctx(), grantFor(c.restrict))
	require.NoError(c, err)
	_, err = v.Lift(c.ctx(), g)
	require.NoError(c, err)
	require.True(c, c.opens("restricted", orders))
	at = c.at("restricted", "after all")
	sealed, err := v.AppendSeal(c.ctx(), nil, at, []byte("x"))
	require.NoError(c, err)
	_, err = c.open().AppendOpen(c.ctx(), nil, at, orders, sealed)
	require.NoError(c, err)
}

// Without a backup a key that was put back is shredded again: it is dead, and the entry of
// the first shredding finds no tombstone from then on.
func TestRemedy_WithoutABackup(t *testing.T) {
	d := newStock(t, "sqlite")
	db := d.open(t)
	c := newControlled(t, d, db, d.kitOn(t, db), "shop")
	c.live()
	old := c.read("troth_vault_key", "subject = 'dead' AND compartment = ?", string(profile))
	c.happen()
	c.putBack("troth_vault_key", "subject = 'dead' AND compartment = '"+string(profile)+"'", old)
	require.True(t, c.opens("dead", orders), "what this is about")
	c.named(vault.TombstoneReplaced)
	_, err := c.open().Shred(c.ctx(), erasure, vault.Target{Tenant: c.tenant, SubjectID: "dead"})
	require.NoError(t, err)
	require.False(t, c.opens("dead", orders))
	c.named(vault.TombstoneMissing)

	// A restriction whose row is gone: the keys still refuse, and the person can be
	// restricted anew.
	c.drop("troth_vault_restriction", "subject = 'restricted'")
	c.named(vault.TombstoneMissing, vault.RestrictionMissing, vault.FlagStale, vault.FlagStale)
	_, err = c.open().Restrict(c.ctx(), vault.Restriction{
		Tenant: c.tenant, SubjectID: "restricted", Ground: "row-lost", Except: []troth.Purpose{claims},
	})
	require.NoError(t, err)
	_, err = c.open().AppendSeal(c.ctx(), nil, c.at("restricted", "made later"), []byte("x"))
	require.ErrorIs(t, err, vault.ErrForged, "no new key is made of whose row counts more than there are")
	require.False(t, c.opens("restricted", orders))
	c.named(vault.TombstoneMissing, vault.RestrictionMissing, vault.FlagStale, vault.FlagStale, vault.FlagStale)
}

// A grant of which the trail tells nothing is deleted, and given again.
func TestRemedy_AGrantWithoutEvidence(t *testing.T) {
	d := newStock(t, "sqlite")
	db := d.open(t)
	c := newControlled(t, d, db, d.kitOn(t, db), "shop")
	c.live()
	c.happen()
	c.finds()
	g, err := c.vault.Grant(c.ctx(), grantFor(c.restrict))
	require.NoError(t, err)
	c.write("DELETE FROM troth_audit_inbox WHERE id = ?", g.Entry[:])
	c.named(vault.GrantUnevidenced)
	c.drop("troth_vault_grant", "id = ?", g.Entry[:])
	c.finds()
	_, err = c.vault.Lift(c.ctx(), g)
	require.ErrorIs(t, err, vault.ErrGrant)
	c.kept()
	c.finds()
}

// What opens again is closed at once, without a backup.
func TestRemedy_AtOnce(t *testing.T) {
	d := newStock(t, "sqlite")
	db := d.open(t)
	k := d.kitOn(t, db)
	begin := func(t *testing.T, tenant troth.Tenant) *controlled {
		t.Helper()
		c := newControlled(t, d, db, k, tenant)
		c.live()
		return c
	}
	t.Run("older keys of a restricted person", func(t *testing.T) {
		c := begin(t, "one")
		old := c.read("troth_vault_key", "subject = 'restricted' AND compartment <> '~pseudonym'")
		c.happen()
		c.putBack("troth_vault_key", "subject = 'restricted' AND compartment <> '~pseudonym'", old)
		require.True(t, c.opens("restricted", orders), "what this is about")
		_, err := c.open().Restrict(c.ctx(), vault.Restriction{
			Tenant: c.tenant, SubjectID: "restricted", Ground: "keys-put-back", Except: []troth.Purpose{claims},
		})
		require.NoError(t, err)
		require.False(t, c.opens("restricted", orders))
		require.True(t, c.opens("restricted", claims))
		c.named(vault.FlagMissing, vault.FlagMissing)
	})
	t.Run("a tenant's roots", func(t *testing.T) {
		c := begin(t, "two")
		old := c.read("troth_vault_root", "1 = 1")
		c.happen()
		c.shredTenant()
		c.putBack("troth_vault_root", "1 = 1", old)
		require.True(t, c.opens("alive", orders), "what this is about")
		_, err := c.open().Shred(c.ctx(), erasure, vault.Target{Tenant: c.tenant, WholeTenant: true})
		require.NoError(t, err)
		require.False(t, c.opens("alive", orders))
		c.named(vault.TombstoneMissing)
	})
	t.Run("a generation that was let go", func(t *testing.T) {
		c := begin(t, "three")
		old := c.read("troth_vault_key", "subject = 'alive' AND compartment = ?", string(profile))
		c.happen()
		c.retire()
		c.putBack("troth_vault_key", "subject = 'alive' AND compartment = '"+string(profile)+"' AND generation = 1", old)
		require.True(t, c.opens("alive", orders), "what this is about")
		later := c.open(vault.WithClock(func() time.Time { return time.Now().Add(4 * time.Hour) }))
		_, err := later.RetireKey(c.ctx(), erasure, vault.Retirement{
			Subject: troth.Subject{Tenant: c.tenant, ID: "alive"}, Compartment: profile, Generation: 1,
			NothingLeft: func(context.Context, uint32) (bool, error) { return true, nil },
		})
		require.NoError(t, err)
		require.False(t, c.opens("alive", orders))
		c.named(vault.TombstoneMissing)
	})
	t.Run("a person who is open", func(t *testing.T) {
		c := begin(t, "four")
		c.happen()
		c.write("UPDATE troth_vault_person SET closed_at = 0 WHERE tenant = ? AND subject = 'nothing sealed'", string(c.tenant))
		c.named(vault.PersonReopened)
		_, err := c.open().Shred(c.ctx(), erasure, vault.Target{Tenant: c.tenant, SubjectID: "nothing sealed"})
		require.NoError(t, err)
		_, err = c.open().AppendSeal(c.ctx(), nil, c.at("nothing sealed", profile), []byte("x"))
		require.ErrorIs(t, err, vault.ErrShredded)
		c.named(vault.PersonReopened)
	})
}

// Older keys that carry a restriction which was lifted are put right by a backup.
func TestRemedy_KeysFromBeforeALifting(t *testing.T) {
	d := newStock(t, "sqlite")
	db := d.open(t)
	c := newControlled(t, d, db, d.kitOn(t, db), "shop")
	c.backs = true
	c.live()
	c.happen()
	old := c.read("troth_vault_key", "subject = 'restricted' AND compartment <> '~pseudonym'")
	g, err := c.vault.Grant(c.ctx(), grantFor(c.restrict))
	require.NoError(t, err)
	_, err = c.vault.Lift(c.ctx(), g)
	require.NoError(t, err)
	c.backUp()
	c.putBack("troth_vault_key", "subject = 'restricted' AND compartment <> '~pseudonym'", old)
	require.False(t, c.opens("restricted", orders))
	c.named(vault.FlagStale, vault.FlagStale)
	c.restore()
	c.finds()
	require.True(t, c.opens("restricted", orders))
}
