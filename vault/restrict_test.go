package vault_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

const (
	claims  troth.Purpose = "legal-claims"
	consent troth.Purpose = "asked-by-the-person"
)

// ways are all ways in which a value is opened, as a service and as a person.
func ways(w *world, v *vault.Vault, at troth.Context, sealed []byte) map[string]func(ctx context.Context, p troth.Purpose) ([]byte, error) {
	w.t.Helper()
	handles := map[troth.Purpose]map[troth.ActorKind]*vault.Handle{}
	for _, p := range []troth.Purpose{orders, claims, consent} {
		handles[p] = map[troth.ActorKind]*vault.Handle{}
		for kind, ctx := range map[troth.ActorKind]context.Context{troth.Service: w.ctx, troth.Person: asPerson(w.ctx, "kim")} {
			h, err := v.For(ctx, at.Subject, at.Compartment, p)
			require.NoError(w.t, err)
			handles[p][kind] = h
		}
	}
	return map[string]func(ctx context.Context, p troth.Purpose) ([]byte, error){
		"Open": func(ctx context.Context, p troth.Purpose) ([]byte, error) { return v.Open(ctx, nil, at, p, sealed) },
		"AppendOpen": func(ctx context.Context, p troth.Purpose) ([]byte, error) {
			return v.AppendOpen(ctx, []byte{}, at, p, sealed)
		},
		"Handle": func(ctx context.Context, p troth.Purpose) ([]byte, error) {
			actor, err := troth.ActorFrom(ctx)
			if err != nil {
				return nil, err
			}
			return handles[p][actor.Kind].AppendOpen(ctx, nil, at.Cell, sealed)
		},
		"OpenBatch": func(ctx context.Context, p troth.Purpose) ([]byte, error) {
			out, err := v.OpenBatch(ctx, p, []vault.Item{{At: at, Data: sealed}})
			if err != nil {
				return nil, err
			}
			return out[0], nil
		},
	}
}

// restrictCase is a world with a value that opens in every way.
type restrictCase struct {
	*world
	v      *vault.Vault
	at     troth.Context
	sealed []byte
	open   map[string]func(ctx context.Context, p troth.Purpose) ([]byte, error)
}

func newRestrictCase(t *testing.T, opts ...vault.Option) *restrictCase {
	w := newWorld(t)
	c := &restrictCase{world: w, v: w.vault(opts...), at: emailOf(shop, "42", profile)}
	c.sealed = w.seal(c.v, c.at, "ada")
	c.open = ways(w, c.v, c.at, c.sealed)
	c.allows(w.ctx, orders, claims)
	return c
}

// allows checks that every way opens for every purpose.
func (c *restrictCase) allows(ctx context.Context, ps ...troth.Purpose) {
	c.t.Helper()
	for name, open := range c.open {
		for _, p := range ps {
			got, err := open(ctx, p)
			require.NoError(c.t, err, "%s %s", name, p)
			require.Equal(c.t, "ada", string(got))
		}
	}
}

// forbids checks that no way opens for any of the purposes, and that sealing
// goes on.
func (c *restrictCase) forbids(ctx context.Context, ps ...troth.Purpose) {
	c.t.Helper()
	for name, open := range c.open {
		for _, p := range ps {
			got, err := open(ctx, p)
			require.ErrorIs(c.t, err, vault.ErrRestricted, "%s %s", name, p)
			restricted, ok := errors.AsType[*vault.RestrictedError](err)
			require.True(c.t, ok)
			require.Equal(c.t, p, restricted.Purpose)
			require.Nil(c.t, got)
		}
	}
	_, err := c.v.AppendSeal(ctx, nil, c.at, []byte("more"))
	require.NoError(c.t, err, "sealing is storing")
}

func (c *restrictCase) restrict(ctx context.Context, except ...troth.Purpose) vault.Restricted {
	c.t.Helper()
	r, err := c.v.Restrict(ctx, restriction("42", except...))
	require.NoError(c.t, err)
	return r
}

func restriction(subject string, except ...troth.Purpose) vault.Restriction {
	return vault.Restriction{Tenant: shop, SubjectID: subject, Except: except, Ground: "accuracy-contested"}
}

// grant decides that the restriction may end, announced a moment ago.
func (c *restrictCase) grant(r vault.Restricted) vault.Grant {
	c.t.Helper()
	g, err := c.v.Grant(c.ctx, grantFor(r))
	require.NoError(c.t, err)
	return g
}

func grantFor(r vault.Restricted) vault.Grant {
	return vault.Grant{
		Tenant: r.Tenant, SubjectID: r.SubjectID, Restriction: r.Entry, Ground: "accuracy-verified", Announced: time.Now(),
	}
}

func TestRestrict_OpensForTheExceptedPurposesOnlyInEveryWay(t *testing.T) {
	c := newRestrictCase(t)
	other := emailOf(shop, "43", profile)
	theirs := c.seal(c.v, other, "bob")
	elsewhere := emailOf(bakery, "42", profile)
	namesake := c.seal(c.v, elsewhere, "eve")
	r := c.restrict(c.ctx, claims, consent, claims)
	require.Equal(t, 1, r.Keys)
	require.Equal(t, []troth.Purpose{consent, claims}, r.Except)
	for _, ctx := range []context.Context{c.ctx, asPerson(c.ctx, "kim")} {
		c.forbids(ctx, orders)
		c.allows(ctx, claims, consent)
	}
	c.opens(c.v, other, theirs, "bob")
	c.opens(c.v, elsewhere, namesake, "eve")
	// An opening that was refused is neither counted nor on record.
	for _, e := range c.rec.committed(t, "vault.open") {
		require.NotEqual(t, orders, e.Purpose)
	}

	// Another process, which loads it.
	there := &restrictCase{world: c.world, v: c.vault(), at: c.at, sealed: c.sealed}
	there.open = ways(c.world, there.v, c.at, c.sealed)
	there.forbids(c.ctx, orders)
	there.allows(c.ctx, claims)
}

func TestRestrict_WithoutExceptionsOpensForNothing(t *testing.T) {
	c := newRestrictCase(t)
	c.restrict(c.ctx)
	c.forbids(c.ctx, orders, claims, consent)
}

func TestRestrict_LeavesNoTraceWhereNothingIsRestricted(t *testing.T) {
	c := newRestrictCase(t)
	before := c.keyRow(c.at)
	require.Empty(t, before.Flag)
	r := c.restrict(c.ctx, claims)
	require.NotEqual(t, before.Sealed, c.keyRow(c.at).Sealed)
	_, err := c.v.Lift(c.ctx, c.grant(r))
	require.NoError(t, err)
	after := c.keyRow(c.at)
	require.Empty(t, after.Flag)
	require.Len(t, after.Sealed, len(before.Sealed))
	require.Equal(t, before.Commitment, after.Commitment)
}

func TestRestrict_CoversEveryCompartmentAndThoseToCome(t *testing.T) {
	c := newRestrictCase(t)
	second := emailOf(shop, "42", invoice)
	before := c.seal(c.v, second, "an invoice")
	require.Equal(t, 2, c.restrict(c.ctx, claims).Keys)
	for _, v := range []*vault.Vault{c.v, c.vault()} {
		third := emailOf(shop, "42", "made later")
		after := c.seal(v, third, "a note")
		for at, sealed := range map[troth.Context][]byte{second: before, third: after} {
			_, err := v.AppendOpen(c.ctx, nil, at, orders, sealed)
			require.ErrorIs(t, err, vault.ErrRestricted)
			_, err = v.AppendOpen(c.ctx, nil, at, claims, sealed)
			require.NoError(t, err)
		}
	}
}

func TestRestrict_APersonWithoutKeys(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	r, err := v.Restrict(w.ctx, restriction("new", claims))
	require.NoError(t, err)
	require.Zero(t, r.Keys)
	at := emailOf(shop, "new", profile)
	sealed := w.seal(v, at, "ada")
	for _, v := range []*vault.Vault{v, w.vault()} {
		_, err = v.AppendOpen(w.ctx, nil, at, orders, sealed)
		require.ErrorIs(t, err, vault.ErrRestricted)
		_, err = v.AppendOpen(w.ctx, nil, at, claims, sealed)
		require.NoError(t, err)
	}
}

func TestRestrict_EveryGenerationIsRestricted(t *testing.T) {
	c := newRestrictCase(t)
	next, err := c.v.NextGeneration(c.ctx, c.keyRow(c.at))
	require.NoError(t, err)
	_, err = c.store.InsertKey(c.ctx, next)
	require.NoError(t, err)
	require.Equal(t, 2, c.restrict(c.ctx, claims).Keys)
	c.forbids(c.ctx, orders)
	c.allows(c.ctx, claims)
}

// The pseudonym's compartment serves evidence alone, which goes on.
func TestRestrict_SparesWhatLinksToThePseudonym(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	at := emailOf(shop, "42", troth.PseudonymCompartment)
	sealed := w.seal(v, at, "ada")
	require.NoError(t, v.OpenWindow(w.ctx, shop, orders))
	inTx, tx := pendingCase{world: w}.begin()
	_, err := v.Restrict(inTx, restriction("42"))
	require.NoError(t, err)
	w.opens(v, at, sealed, "ada")
	require.NoError(t, tx.Commit())
	w.opens(v, at, sealed, "ada")
	w.opens(w.vault(), at, sealed, "ada")
}

func TestRestrict_SeveralMustAllExceptAPurpose(t *testing.T) {
	c := newRestrictCase(t)
	first := c.restrict(c.ctx, claims, consent)
	second, err := c.v.Restrict(c.ctx, vault.Restriction{
		Tenant: shop, SubjectID: "42", Except: []troth.Purpose{claims}, Ground: "objection-pending",
	})
	require.NoError(t, err)
	c.forbids(c.ctx, orders, consent)
	c.allows(c.ctx, claims)

	// Each is lifted by itself.
	_, err = c.v.Lift(c.ctx, c.grant(second))
	require.NoError(t, err)
	c.forbids(c.ctx, orders)
	c.allows(c.ctx, claims, consent)
	_, err = c.v.Lift(c.ctx, c.grant(first))
	require.NoError(t, err)
	c.allows(c.ctx, orders, claims, consent)
	require.Equal(t, vault.PersonState{}, c.person("42"))
}

func (w *world) person(id string) vault.PersonState {
	w.t.Helper()
	state, err := w.store.Person(w.t.Context(), shop, id)
	require.NoError(w.t, err)
	return state
}

func TestRestrict_TheSameAgainIsOne(t *testing.T) {
	c := newRestrictCase(t)
	first := c.restrict(c.ctx, claims, consent)
	again := c.restrict(c.ctx, consent, claims)
	require.True(t, again.Already)
	require.Equal(t, first.Entry, again.Entry)
	require.Len(t, c.rec.committed(t, "vault.restrict"), 1)
	c.forbids(c.ctx, orders)
}

func TestRestrict_IsOnRecord(t *testing.T) {
	c := newRestrictCase(t)
	r := c.restrict(asPerson(c.ctx, "kim"), claims)
	g := c.grant(r)
	lifted, err := c.v.Lift(c.ctx, g)
	require.NoError(t, err)
	es := c.rec.committed(t, "vault.restrict", "vault.grant", "vault.lift")
	require.Len(t, es, 3)
	for i, want := range []troth.EntryID{r.Entry, g.Entry, lifted.Lifted} {
		require.Equal(t, want, es[i].ID)
		require.Equal(t, shop, es[i].Tenant)
		require.Equal(t, "42", es[i].SubjectID)
	}
	require.Equal(t, "kim", es[0].Actor.ID)
	require.Equal(t, troth.Facts{"except": troth.Words(claims), "ground": troth.Word("accuracy-contested")}, es[0].Facts)
	require.Equal(t, troth.Facts{
		"restriction": troth.ID(r.Entry.String()), "ground": troth.Word("accuracy-verified"), "announced": troth.Instant(g.Announced),
	}, es[1].Facts)
	require.Equal(t, troth.Facts{
		"restriction": troth.ID(r.Entry.String()), "grant": troth.ID(g.Entry.String()), "announced": troth.Instant(g.Announced),
	}, es[2].Facts)

	listed, err := c.v.Restrictions(c.ctx, shop, "42")
	require.NoError(t, err)
	require.Len(t, listed, 1)
	require.Equal(t, lifted.LiftedAt, listed[0].LiftedAt)
	require.Equal(t, g.Entry, listed[0].Grant)
	grants, err := c.v.Grants(c.ctx, shop, "42")
	require.NoError(t, err)
	require.Equal(t, []vault.Grant{g}, grants)
	grants, err = c.v.Grants(c.ctx, bakery, "42")
	require.NoError(t, err)
	require.Empty(t, grants)
}

func TestRestrict_WithoutEvidenceNothingIsRestricted(t *testing.T) {
	c := newRestrictCase(t)
	for _, act := range []string{"vault.restrict", "vault.grant", "vault.lift"} {
		stop := c.rec.failOn(act)
		_, err := c.v.Restrict(c.ctx, restriction("42"))
		if act == "vault.restrict" {
			require.ErrorIs(t, err, errRecorder)
			stop()
			c.allows(c.ctx, orders)
			require.Zero(t, c.v.Undecided())
			continue
		}
		require.NoError(t, err)
		stop()
	}
	listed, err := c.v.Restrictions(c.ctx, shop, "42")
	require.NoError(t, err)
	require.Len(t, listed, 1)
	stop := c.rec.failOn("vault.grant")
	_, err = c.v.Grant(c.ctx, grantFor(listed[0]))
	require.ErrorIs(t, err, errRecorder)
	stop()
	grants, err := c.v.Grants(c.ctx, shop, "42")
	require.NoError(t, err)
	require.Empty(t, grants)
	g := c.grant(listed[0])
	stop = c.rec.failOn("vault.lift")
	_, err = c.v.Lift(c.ctx, g)
	require.ErrorIs(t, err, errRecorder)
	stop()
	c.forbids(c.ctx, orders)
}

func TestRestrict_RefusesWhatIsNotValid(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	many := make([]troth.Purpose, 17)
	for i := range many {
		many[i] = troth.Purpose(fmt.Sprintf("purpose-%02d", i))
	}
	for name, r := range map[string]vault.Restriction{
		"no tenant":       {SubjectID: "42", Ground: "g"},
		"no person":       {Tenant: shop, Ground: "g"},
		"no ground":       {Tenant: shop, SubjectID: "42"},
		"a bad exception": {Tenant: shop, SubjectID: "42", Ground: "g", Except: []troth.Purpose{""}},
		"too many":        {Tenant: shop, SubjectID: "42", Ground: "g", Except: many},
	} {
		_, err := v.Restrict(w.ctx, r)
		require.Error(t, err, name)
	}
	_, err := v.Restrict(t.Context(), restriction("42"))
	require.ErrorIs(t, err, troth.ErrNoActor)
	for i := range 16 {
		_, err := v.Restrict(w.ctx, vault.Restriction{Tenant: shop, SubjectID: "42", Ground: fmt.Sprintf("ground-%d", i)})
		require.NoError(t, err)
	}
	_, err = v.Restrict(w.ctx, restriction("42"))
	require.ErrorIs(t, err, vault.ErrRestriction)
	require.NoError(t, v.Close(w.ctx))
	_, err = v.Restrict(w.ctx, restriction("43"))
	require.ErrorIs(t, err, vault.ErrClosed)
}

func TestRestrict_ShreddingGoesBefore(t *testing.T) {
	c := newRestrictCase(t)
	r := c.restrict(c.ctx, claims)
	g := c.grant(r)
	c.shred(c.v, personOf(shop, "42"))
	c.refuses(c.v, c.at, c.sealed, vault.ErrShredded)
	_, err := c.v.AppendOpen(c.ctx, nil, c.at, claims, c.sealed)
	require.ErrorIs(t, err, vault.ErrShredded)
	lifted, err := c.v.Lift(c.ctx, g)
	require.NoError(t, err)
	require.Zero(t, lifted.Keys)
	c.refuses(c.v, c.at, c.sealed, vault.ErrShredded)
	_, err = c.v.Restrict(c.ctx, vault.Restriction{Tenant: shop, SubjectID: "42", Ground: "again"})
	require.NoError(t, err)
	c.refuses(c.v, c.at, c.sealed, vault.ErrShredded)

	c.shred(c.v, vault.Target{Tenant: shop, WholeTenant: true})
	_, err = c.v.Restrict(c.ctx, restriction("43"))
	require.ErrorIs(t, err, vault.ErrShredded)
}

func TestRestrict_IndexKeysGoOn(t *testing.T) {
	c := newRestrictCase(t)
	ref := troth.KeyRef{Tenant: shop, Use: "search", ID: "email"}
	before, err := c.v.MAC(c.ctx, ref, []byte("x"))
	require.NoError(t, err)
	c.restrict(c.ctx)
	after, err := c.v.MAC(c.ctx, ref, []byte("x"))
	require.NoError(t, err)
	require.Equal(t, before, after)
}
