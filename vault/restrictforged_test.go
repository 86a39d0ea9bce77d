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

// flagless tells what becomes of a restricted key row whose flag a database
// writer changes: it does not unwrap.
func TestFlag_ChangedOrRemovedDoesNotUnwrap(t *testing.T) {
	c := newRestrictCase(t)
	c.restrict(c.ctx, claims)
	honest := c.keyRow(c.at)
	check := func(name string, flag []byte) {
		t.Run(name, func(t *testing.T) {
			w := c.in(t)
			row := honest
			row.Flag = flag
			w.unusable(w.forged(nameOf(c.at), row), c.at, c.sealed)
		})
	}
	check("removed", nil)
	check("longer", append(append([]byte(nil), honest.Flag...), 0))
	for i := range honest.Flag {
		flipped := append([]byte(nil), honest.Flag...)
		flipped[i] ^= 1
		check(fmt.Sprintf("byte %d", i), flipped)
	}
	// That of another person, who is restricted less.
	other := emailOf(shop, "43", profile)
	c.seal(c.v, other, "bob")
	_, err := c.v.Restrict(c.ctx, restriction("43", claims, orders))
	require.NoError(t, err)
	check("of another person", c.keyRow(other).Flag)
}

// A flag that is put on a row which has none makes nothing open that did not.
func TestFlag_AddedDoesNotUnwrap(t *testing.T) {
	c := newRestrictCase(t)
	other := emailOf(shop, "43", profile)
	c.seal(c.v, other, "bob")
	_, err := c.v.Restrict(c.ctx, restriction("43", orders))
	require.NoError(t, err)
	row := c.keyRow(c.at)
	row.Flag = c.keyRow(other).Flag
	c.unusable(c.forged(nameOf(c.at), row), c.at, c.sealed)
}

// control is a store whose control rows a test forges.
type control struct {
	vault.Backend
	restriction func(row *vault.RestrictionRow)
	grant       func(row *vault.GrantRow)
	drop        bool
}

func (c *control) Restrictions(ctx context.Context, t troth.Tenant, id string) ([]vault.RestrictionRow, error) {
	rows, err := c.Backend.Restrictions(ctx, t, id)
	for i := range rows {
		if c.restriction != nil {
			c.restriction(&rows[i])
		}
	}
	if c.drop {
		rows = nil
	}
	return rows, err
}

func (c *control) Restriction(ctx context.Context, t troth.Tenant, id troth.EntryID) (vault.RestrictionRow, bool, error) {
	row, found, err := c.Backend.Restriction(ctx, t, id)
	if c.restriction != nil {
		c.restriction(&row)
	}
	return row, found && !c.drop, err
}

func (c *control) Grant(ctx context.Context, t troth.Tenant, id troth.EntryID) (vault.GrantRow, bool, error) {
	row, found, err := c.Backend.Grant(ctx, t, id)
	if c.grant != nil {
		c.grant(&row)
	}
	return row, found, err
}

func (c *control) Grants(ctx context.Context, t troth.Tenant, id string) ([]vault.GrantRow, error) {
	rows, err := c.Backend.Grants(ctx, t, id)
	for i := range rows {
		if c.grant != nil {
			c.grant(&rows[i])
		}
	}
	return rows, err
}

// A restriction that a database writer weakens, or calls lifted, denies
// everything for what is sealed next.
func TestRestriction_ForgedDeniesEverything(t *testing.T) {
	for name, forge := range map[string]func(*vault.RestrictionRow){
		"weaker":  func(r *vault.RestrictionRow) { r.Except = append(r.Except, orders) },
		"lifted":  func(r *vault.RestrictionRow) { r.LiftedAt = 1; r.Grant[0], r.LiftedBy[0] = 1, 1 },
		"unmaced": func(r *vault.RestrictionRow) { r.MAC = [32]byte{} },
		"ground":  func(r *vault.RestrictionRow) { r.Ground = "another" },
		"younger": func(r *vault.RestrictionRow) { r.At++ },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			r, err := w.vault().Restrict(w.ctx, restriction("42", claims))
			require.NoError(t, err)
			v := w.vaultOn(&control{Backend: w.store, restriction: forge})
			at := emailOf(shop, "42", profile)
			sealed := w.seal(v, at, "ada")
			for _, p := range []troth.Purpose{orders, claims} {
				_, err = v.AppendOpen(w.ctx, nil, at, p, sealed)
				require.ErrorIs(t, err, vault.ErrRestricted)
			}
			_, err = v.Restrictions(w.ctx, shop, "42")
			require.ErrorIs(t, err, vault.ErrForged)
			_, err = v.Grant(w.ctx, grantFor(r))
			require.ErrorIs(t, err, vault.ErrForged)
		})
	}
}

func TestRestriction_RemovedKeepsNewKeysFromBeingMade(t *testing.T) {
	w := newWorld(t)
	_, err := w.vault().Restrict(w.ctx, restriction("42", claims))
	require.NoError(t, err)
	v := w.vaultOn(&control{Backend: w.store, drop: true})
	_, err = v.AppendSeal(w.ctx, nil, emailOf(shop, "42", profile), []byte("ada"))
	require.ErrorIs(t, err, vault.ErrForged)
}

func TestGrant_ForgedIsRefusedWhenUsed(t *testing.T) {
	for name, forge := range map[string]func(*vault.GrantRow){
		"of another restriction": func(g *vault.GrantRow) { g.Restriction[15] ^= 1 },
		"of another person":      func(g *vault.GrantRow) { g.SubjectID = "43" },
		"announced before":       func(g *vault.GrantRow) { g.Announced -= 1 },
		"another ground":         func(g *vault.GrantRow) { g.Ground = "x" },
		"another instant":        func(g *vault.GrantRow) { g.At++ },
		"another MAC":            func(g *vault.GrantRow) { g.MAC[31] ^= 1 },
	} {
		t.Run(name, func(t *testing.T) {
			c := newRestrictCase(t)
			g := c.grant(c.restrict(c.ctx, claims))
			v := c.vaultOn(&control{Backend: c.store, grant: forge})
			_, err := v.Lift(c.ctx, g)
			require.ErrorIs(t, err, vault.ErrForged)
			grants, err := v.Grants(c.ctx, shop, "42")
			require.ErrorIs(t, err, vault.ErrForged)
			require.Empty(t, grants)
			c.forbids(c.ctx, orders)
		})
	}
}

// A grant that a database writer copies to another tenant is nobody's.
func TestGrant_CopiedToAnotherTenantIsForged(t *testing.T) {
	c := newRestrictCase(t)
	g := c.grant(c.restrict(c.ctx, claims))
	row, found, err := c.store.Grant(c.ctx, shop, g.Entry)
	require.NoError(t, err)
	require.True(t, found)
	row.Tenant = bakery
	_, err = c.store.InsertGrant(c.ctx, row)
	require.NoError(t, err)
	g.Tenant = bakery
	_, err = c.v.Lift(c.ctx, g)
	require.ErrorIs(t, err, vault.ErrForged)
}

func TestGrant_NeedsARestrictionAndAnAnnouncement(t *testing.T) {
	c := newRestrictCase(t)
	r := c.restrict(c.ctx, claims)
	for name, bad := range map[string]func(*vault.Grant){
		"another person's":  func(g *vault.Grant) { g.SubjectID = "43" },
		"another tenant's":  func(g *vault.Grant) { g.Tenant = bakery },
		"no restriction":    func(g *vault.Grant) { g.Restriction = troth.EntryID{} },
		"one that is not":   func(g *vault.Grant) { g.Restriction = troth.NewEntryID(time.Now()) },
		"no ground":         func(g *vault.Grant) { g.Ground = "" },
		"not announced":     func(g *vault.Grant) { g.Announced = time.Time{} },
		"announced earlier": func(g *vault.Grant) { g.Announced = r.At.Add(-time.Second) },
	} {
		g := grantFor(r)
		bad(&g)
		_, err := c.v.Grant(c.ctx, g)
		require.Error(t, err, name)
	}
	require.Empty(t, c.rec.committed(t, "vault.grant"))
	_, err := c.v.Grant(t.Context(), grantFor(r))
	require.ErrorIs(t, err, troth.ErrNoActor)
}

func TestLift_WaitsForTheAnnouncement(t *testing.T) {
	w := newWorld(t)
	now := time.Now()
	v := w.vault(vault.WithClock(func() time.Time { return now }))
	at := emailOf(shop, "42", profile)
	sealed := w.seal(v, at, "ada")
	r, err := v.Restrict(w.ctx, restriction("42"))
	require.NoError(t, err)
	g := grantFor(r)
	g.Announced = now.Add(24 * time.Hour)
	g, err = v.Grant(w.ctx, g)
	require.NoError(t, err)
	_, err = v.Lift(w.ctx, g)
	require.ErrorIs(t, err, vault.ErrUnannounced)
	// What the caller says of the announcement does not count.
	early := g
	early.Announced = now.Add(-time.Hour)
	_, err = v.Lift(w.ctx, early)
	require.ErrorIs(t, err, vault.ErrUnannounced)
	now = now.Add(24 * time.Hour)
	_, err = v.Lift(w.ctx, g)
	require.NoError(t, err)
	w.opens(v, at, sealed, "ada")
}

func TestLift_AGrantLiftsOnce(t *testing.T) {
	c := newRestrictCase(t)
	r := c.restrict(c.ctx, claims)
	g, also := c.grant(r), c.grant(r)
	_, err := c.v.Lift(c.ctx, g)
	require.NoError(t, err)
	for _, used := range []vault.Grant{g, also, {Tenant: shop, Entry: troth.NewEntryID(time.Now())}} {
		_, err = c.v.Lift(c.ctx, used)
		require.ErrorIs(t, err, vault.ErrGrant)
	}
	// A later restriction is another one.
	c.restrict(c.ctx, claims)
	_, err = c.v.Lift(c.ctx, also)
	require.ErrorIs(t, err, vault.ErrGrant)
	c.forbids(c.ctx, orders)
	require.Len(t, c.rec.committed(t, "vault.lift"), 1)
}

// A restriction that keys carry and of which there is no row, as after newer keys
// were restored, is in force, and can be lifted.
func TestLift_OfARestrictionWithoutARow(t *testing.T) {
	c := newRestrictCase(t)
	r := c.restrict(c.ctx, claims)
	restored := &rowless{Backend: c.store}
	v := c.vaultOn(restored)
	_, err := v.Grant(c.ctx, vault.Grant{
		Tenant: shop, SubjectID: "43", Restriction: r.Entry, Ground: "g", Announced: time.Now(),
	})
	require.ErrorIs(t, err, vault.ErrGrant, "nobody else carries it")
	g, err := v.Grant(c.ctx, grantFor(r))
	require.NoError(t, err)
	require.NoError(t, v.OpenWindow(c.ctx, shop, orders))
	inTx, tx := c.begin()
	_, err = v.Lift(inTx, g)
	require.NoError(t, err)
	_, err = v.AppendOpen(inTx, nil, c.at, orders, c.sealed)
	require.ErrorIs(t, err, vault.ErrRestricted, "it waits for the commit like any other")
	require.NoError(t, tx.Commit())
	c.opens(v, c.at, c.sealed, "ada")
	require.Empty(t, c.keyRow(c.at).Flag)
	_, err = v.Lift(c.ctx, g)
	require.ErrorIs(t, err, vault.ErrGrant)
}

// rowless is a store in which restrictions have no rows, and nobody counts them.
type rowless struct{ vault.Backend }

func (*rowless) Restriction(context.Context, troth.Tenant, troth.EntryID) (vault.RestrictionRow, bool, error) {
	return vault.RestrictionRow{}, false, nil
}

func (*rowless) Restrictions(context.Context, troth.Tenant, string) ([]vault.RestrictionRow, error) {
	return nil, nil
}
