package vault_test

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// kekBound is the default life of what a tenant's own key unwrapped.
const kekBound = 5 * time.Minute

// ownCase is a shop under its own key and a bakery under the platform's, in a
// process whose clock a test moves.
type ownCase struct {
	*world
	kms                *tenantKMS
	key                *kmsKey
	v                  *vault.Vault
	clock              *monoClock
	at, theirs         troth.Context
	sealed, bread      []byte
	handle             *vault.Handle
	derived, theirMACs troth.KeyRef
}

func newOwnCase(t *testing.T, opts ...vault.Option) *ownCase {
	w := newWorld(t)
	k := w.kms(ourKey)
	c := &ownCase{
		world: w, kms: k, key: k.keys[ourKey], v: w.vault(opts...),
		at: emailOf(shop, "42", profile), theirs: emailOf(bakery, "1", profile),
		derived: someKey, theirMACs: someKey,
	}
	c.theirMACs.Tenant = bakery
	c.clock = w.fakeMono(c.v)
	w.move(c.v, shop, ourKey)
	c.sealed, c.bread = w.seal(c.v, c.at, "ada"), w.seal(c.v, c.theirs, "bread")
	var err error
	c.handle, err = c.v.For(w.ctx, c.at.Subject, c.at.Compartment, orders)
	require.NoError(t, err)
	return c
}

// works demands that every way to the shop's keys is open.
func (c *ownCase) works() {
	c.t.Helper()
	c.opens(c.v, c.at, c.sealed, "ada")
	got, err := c.handle.AppendOpen(c.ctx, nil, c.at.Cell, c.sealed)
	require.NoError(c.t, err)
	require.Equal(c.t, "ada", string(got))
	_, err = c.handle.AppendSeal(c.ctx, nil, c.at.Cell, nil)
	require.NoError(c.t, err)
	c.seal(c.v, c.at, "again")
	_, err = c.v.MAC(c.ctx, c.derived, nil)
	require.NoError(c.t, err)
	_, err = c.v.AEAD(c.ctx, c.derived)
	require.NoError(c.t, err)
	_, err = c.v.OpenBatch(asPerson(c.t.Context(), "kim"), orders, []vault.Item{{At: c.at, Data: c.sealed}})
	require.NoError(c.t, err)
	c.othersWork()
}

func (c *ownCase) othersWork() {
	c.t.Helper()
	c.opens(c.v, c.theirs, c.bread, "bread")
	c.seal(c.v, c.theirs, "cake")
	_, err := c.v.MAC(c.ctx, c.theirMACs, nil)
	require.NoError(c.t, err)
}

// fails demands that every way to the shop's keys is closed, and nobody else's.
func (c *ownCase) fails(why error) {
	c.t.Helper()
	c.refuses(c.v, c.at, c.sealed, why)
	require.ErrorIs(c.t, lookup(c.handle.AppendOpen(c.ctx, nil, c.at.Cell, c.sealed)), why)
	require.ErrorIs(c.t, lookup(c.handle.AppendSeal(c.ctx, nil, c.at.Cell, nil)), why)
	require.ErrorIs(c.t, lookup(c.v.MAC(c.ctx, c.derived, nil)), why)
	require.ErrorIs(c.t, lookup(c.v.AEAD(c.ctx, c.derived)), why)
	require.ErrorIs(c.t, lookup(c.v.OpenBatch(c.ctx, orders, []vault.Item{{At: c.at, Data: c.sealed}})), why)
	require.ErrorIs(c.t, lookup(c.v.SealBatch(c.ctx, []vault.Item{{At: c.at}})), why)
	require.ErrorIs(c.t, lookup(c.v.NewGeneration(c.ctx, c.at.Subject, c.at.Compartment)), why)
	c.othersWork()
}

// However hot they are, a tenant's keys stop within the bound once its key is
// taken away, and work again once it is back, in the same process.
func TestOwnKEK_RevocationStopsWithinItsBound(t *testing.T) {
	c := newOwnCase(t)
	c.clock.advance(bound) // the fence tells this process too of its move
	for range 3 {
		c.works()
		c.key.revoke()
		before := c.key.called()
		for range int(kekBound*9/10/bound) - 2 {
			c.clock.advance(bound)
			c.works() // hot, up to the bound less its jitter
		}
		require.Equal(t, before, c.key.called(), "what is fresh asks nobody")
		c.clock.advance(kekBound - kekBound*9/10 + 3*bound)
		c.fails(vault.ErrKEK)
		c.fails(errRevoked)

		c.key.restore()
		c.clock.advance(10*time.Second + 1)
		c.works()
	}
}

// The same in a process that only ever uses one of the ways.
func TestOwnKEK_RevocationMeetsEachWay(t *testing.T) {
	for name, use := range map[string]func(c *ownCase) error{
		"open": func(c *ownCase) error { return lookup(c.v.AppendOpen(c.ctx, nil, c.at, orders, c.sealed)) },
		"seal": func(c *ownCase) error { return lookup(c.v.AppendSeal(c.ctx, nil, c.at, nil)) },
		"open by handle": func(c *ownCase) error {
			return lookup(c.handle.AppendOpen(c.ctx, nil, c.at.Cell, c.sealed))
		},
		"seal by handle": func(c *ownCase) error { return lookup(c.handle.AppendSeal(c.ctx, nil, c.at.Cell, nil)) },
		"mac":            func(c *ownCase) error { return lookup(c.v.MAC(c.ctx, c.derived, nil)) },
		"new person": func(c *ownCase) error {
			at := emailOf(shop, rand.Text(), profile)
			return lookup(c.v.AppendSeal(c.ctx, nil, at, nil))
		},
		"in a transaction": func(c *ownCase) error {
			return c.db.Atomically(c.ctx, func(ctx context.Context) error {
				return lookup(c.v.AppendSeal(ctx, nil, c.at, nil))
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newOwnCase(t)
			require.NoError(t, use(c))
			c.key.revoke()
			for range int((kekBound + bound) / time.Second) {
				c.clock.advance(time.Second)
				_ = use(c) // used all the time
			}
			c.clock.advance(1)
			require.ErrorIs(t, use(c), vault.ErrKEK)
			c.othersWork()
			c.key.restore()
			c.clock.advance(10*time.Second + 1)
			require.NoError(t, use(c))
		})
	}
}

// The resolver may take a key away as well as the key itself.
func TestOwnKEK_RevokedByTheResolver(t *testing.T) {
	c := newOwnCase(t)
	c.works()
	c.kms.fail = errRevoked
	c.clock.advance(kekBound + bound + 1)
	c.fails(errRevoked)
	c.kms.fail = nil
	c.clock.advance(10*time.Second + 1)
	c.works()
}

func TestOwnKEK_AnotherProcessFollowsAMove(t *testing.T) {
	c := newOwnCase(t)
	there := c.vault()
	clock := c.fakeMono(there)
	c.opens(there, c.theirs, c.bread, "bread")
	// The bakery moves, and takes its key away at once: a process that has it in
	// its cache under the platform's key, for an hour, hears of it all the same.
	key := newKMSKey(t)
	c.kms.keys[theirKey] = key
	c.move(c.v, bakery, theirKey)
	key.revoke()
	clock.advance(bound + 1)
	require.ErrorIs(t, lookup(there.AppendOpen(c.ctx, nil, c.theirs, orders, c.bread)), vault.ErrKEK)
}

func TestOwnKEK_WithoutAResolver(t *testing.T) {
	c := newOwnCase(t)
	c.keks = nil
	c.refuses(c.vault(), c.at, c.sealed, vault.ErrKEK)
}

// A key that answers with something else than the root is as good as none, and
// is left alone for a while.
func TestOwnKEK_AnswersWithAnotherKey(t *testing.T) {
	for name, answer := range map[string]func(plain []byte, err error) ([]byte, error){
		"one bit":  func(plain []byte, err error) ([]byte, error) { plain[0] ^= 1; return plain, err },
		"nothing":  func([]byte, error) ([]byte, error) { return nil, nil },
		"too long": func(plain []byte, err error) ([]byte, error) { return append(plain, 0), err },
	} {
		t.Run(name, func(t *testing.T) {
			c := newOwnCase(t)
			c.works()
			c.key.answer = answer
			c.clock.advance(kekBound + bound + 1)
			require.ErrorIs(t, lookup(c.v.AppendSeal(c.ctx, nil, c.at, nil)), vault.ErrKeyRecord)
			c.othersWork()
			before := c.key.called()
			for range 100 {
				require.Error(t, lookup(c.v.AppendOpen(c.ctx, nil, c.at, orders, c.sealed)))
				require.Error(t, lookup(c.v.MAC(c.ctx, c.derived, nil)))
			}
			require.Equal(t, before, c.key.called(), "it is left alone")
			c.key.answer = nil
			c.clock.advance(10*time.Second + 1)
			c.works()
		})
	}
	t.Run("of another name", func(t *testing.T) {
		c := newOwnCase(t)
		c.kms.keys[ourKey] = newKMSKey(t)
		c.clock.advance(kekBound + bound + 1)
		require.Error(t, lookup(c.v.AppendOpen(c.ctx, nil, c.at, orders, c.sealed)))
		c.othersWork()
		c.kms.keys[ourKey] = c.key
		c.clock.advance(10*time.Second + 1)
		c.works()
	})
}

// A dead key is not asked again and again: while it is dead, and however many
// callers there are, some calls a minute.
func TestOwnKEK_DeadOneIsLeftAlone(t *testing.T) {
	c := newOwnCase(t)
	c.key.revoke()
	c.clock.advance(kekBound + bound + 1)
	before := c.key.called()
	for range 600 { // ten minutes
		c.clock.advance(time.Second)
		for i := range 5 {
			require.ErrorIs(t, lookup(c.v.AppendSeal(c.ctx, nil, emailOf(shop, subject(i), profile), nil)), vault.ErrKEK)
		}
	}
	asked := c.key.called() - before
	require.Positive(t, asked)
	require.LessOrEqual(t, asked, 10+600/10)
}

// Tenant after tenant the platform's database says where to ask. Whoever writes
// the database cannot have the vault ask elsewhere, nor give it a root of his
// own under a key of his own.
func TestOwnKEK_DatabaseWriterChoosesNoKey(t *testing.T) {
	c := newOwnCase(t)
	mine := newKMSKey(t)
	c.kms.keys["kms://mallory"] = mine
	forge := func(row vault.RootRow) vault.RootRow {
		var secret [32]byte
		row.KEK, row.Commitment = "kms://mallory", vault.Commitment(secret[:])
		box := mine.aead.Seal(nil, nil, secret[:], vault.RootAAD(row))
		row.Sealed = append(make([]byte, 32), box...)
		return row
	}
	own := c.rootRow(shop, vault.WrapLineage)
	for name, spoil := range map[string]func(row vault.RootRow) vault.RootRow{
		"a root of his own":  forge,
		"without a tag":      func(row vault.RootRow) vault.RootRow { row = forge(row); row.Sealed = row.Sealed[32:]; return row },
		"another name":       func(row vault.RootRow) vault.RootRow { row.KEK = "kms://mallory"; return row },
		"no name":            func(row vault.RootRow) vault.RootRow { row.KEK = ""; return row },
		"the tag of another": func(row vault.RootRow) vault.RootRow { r := forge(row); copy(r.Sealed, own.Sealed[:32]); return r },
		"cut short":          func(row vault.RootRow) vault.RootRow { row.Sealed = row.Sealed[:31]; return row },
		"one bit":            func(row vault.RootRow) vault.RootRow { row.Sealed[40] ^= 1; return row },
		"another tenant's root": func(row vault.RootRow) vault.RootRow {
			o := own
			o.Tenant, o.Lineage = row.Tenant, row.Lineage
			return o
		},
	} {
		for _, victim := range []troth.Context{c.at, c.theirs} {
			if name == "no name" && victim == c.theirs {
				continue // it has none
			}
			if (name == "another tenant's root" || name == "cut short" || name == "one bit") && victim == c.at {
				continue
			}
			t.Run(name+" "+string(victim.Subject.Tenant), func(t *testing.T) {
				store := &hooked{Backend: c.store, root: func(row vault.RootRow) vault.RootRow {
					if row.Tenant == victim.Subject.Tenant {
						return spoil(row)
					}
					return row
				}}
				v := c.in(t).vaultOn(store)
				err := lookup(v.AppendSeal(c.ctx, nil, victim, nil))
				require.Error(t, err)
				if name != "no name" && !(victim == c.theirs && (name == "cut short" || name == "one bit")) {
					require.ErrorIs(t, err, vault.ErrKeyRecord)
				}
				require.Error(t, lookup(v.AppendSeal(c.ctx, nil, emailOf(victim.Subject.Tenant, "new", profile), nil)))
			})
		}
	}
	require.Zero(t, mine.called(), "nobody asked it")
}

// A tenant that has taken its key away can still be shredded.
func TestOwnKEK_ShreddingNeedsItNot(t *testing.T) {
	c := newOwnCase(t)
	c.key.revoke()
	cold := c.vault()
	c.shred(cold, personOf(shop, "42"))
	c.shred(cold, vault.Target{Tenant: shop, WholeTenant: true})
	c.key.restore()
	c.refuses(c.vault(), c.at, c.sealed, vault.ErrShredded)
}

func TestOwnKEK_Options(t *testing.T) {
	w := newWorld(t)
	for _, bad := range []vault.Option{
		vault.WithKEKTTL(time.Second - 1), vault.WithKEKTimeout(10*time.Millisecond - 1),
	} {
		_, err := vault.Open(w.ctx, w.config(), bad)
		require.Error(t, err)
	}
	c := newOwnCase(t, vault.WithKEKTTL(time.Second))
	c.key.revoke()
	c.clock.advance(time.Second + bound + 1)
	c.fails(vault.ErrKEK)
}
