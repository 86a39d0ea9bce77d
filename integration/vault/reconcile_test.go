package vault_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/storage/sqlstore/vaultsql"
	"github.com/trothdev/troth/vault"
)

const (
	invoices troth.Compartment = "invoices"
	claims   troth.Purpose     = "legal-claims"
)

// controlled is a vault that reads the trail, on a database that a test writes
// to past it. Each has a tenant of its own, so that many share one database.
type controlled struct {
	*testing.T
	d      database
	db     *sql.DB
	kit    *kit.Kit
	vault  *vault.Vault
	tenant troth.Tenant

	sealed map[troth.Context][]byte
	// shreds are the entries of shreddings by person.
	shreds   map[string]troth.EntryID
	restrict vault.Restricted
	lifted   vault.Restricted
	grant    vault.Grant

	// backup is the newest of the key tables, where a test wants one.
	backup []byte
	backs  bool
}

func newControlled(t *testing.T, d database, db *sql.DB, k *kit.Kit, tenant troth.Tenant) *controlled {
	t.Helper()
	c := &controlled{
		T: t, d: d, db: db, kit: k, tenant: tenant,
		sealed: map[troth.Context][]byte{}, shreds: map[string]troth.EntryID{},
	}
	c.vault = c.open()
	return c
}

// open opens another vault on the database, as another process has it.
func (c *controlled) open(opts ...vault.Option) *vault.Vault {
	c.Helper()
	keys, err := vaultsql.New(c.Context(), c.kit.Handle)
	require.NoError(c, err)
	secrets, err := secretsOf(c.d)
	require.NoError(c, err)
	v, err := vault.Open(c.Context(), vault.Config{
		Store: &oneTenant{keys, c.tenant}, KEK: secrets.KEK, Epochs: secrets.Epochs, Journal: secrets.Journal, Recorder: c.kit.Trail, Evidence: kit.Evidence(c.kit.Trail),
	}, append([]vault.Option{vault.Unmanaged("tests")}, opts...)...)
	require.NoError(c, err)
	return v
}

// oneTenant is a store in which nobody lists the tenants of other tests.
type oneTenant struct {
	vault.Backend
	tenant troth.Tenant
}

func (o *oneTenant) Tenants(_ context.Context, after troth.Tenant, _ int) ([]troth.Tenant, error) {
	if after >= o.tenant {
		return nil, nil
	}
	return []troth.Tenant{o.tenant}, nil
}

func (c *controlled) ctx() context.Context { return service(c.Context(), "desk") }

func (c *controlled) at(subject string, compartment troth.Compartment) troth.Context {
	at := emailOf(c.tenant, subject)
	at.Compartment = compartment
	return at
}

// live has everything that is compared happen to somebody.
func (c *controlled) live() {
	c.Helper()
	_, err := c.vault.MAC(c.ctx(), troth.KeyRef{Tenant: c.tenant, Use: "search", ID: "email"}, nil) // both roots are there
	require.NoError(c, err)
	for _, id := range []string{"alive", "dead", "part", "restricted", "lifted"} {
		for _, at := range []troth.Context{c.at(id, profile), c.at(id, invoices)} {
			v, err := c.vault.AppendSeal(c.ctx(), nil, at, plaintextOf(id))
			require.NoError(c, err)
			c.sealed[at] = v
		}
	}
}

// happen shreds, restricts and lifts.
func (c *controlled) happen() {
	c.Helper()
	for _, t := range []vault.Target{
		{SubjectID: "dead"}, {SubjectID: "part", Compartments: []troth.Compartment{profile, "never used"}}, {SubjectID: "nothing sealed"},
	} {
		t.Tenant = c.tenant
		r, err := c.vault.Shred(c.ctx(), erasure, t)
		require.NoError(c, err)
		c.shreds[t.SubjectID] = r.Entry
	}
	c.restrict = c.restricts("restricted")
	was := c.restricts("lifted")
	var err error
	c.grant, err = c.vault.Grant(c.ctx(), grantFor(was))
	require.NoError(c, err)
	c.lifted, err = c.vault.Lift(c.ctx(), c.grant)
	require.NoError(c, err)
	c.backUp()
}

func (c *controlled) restricts(subject string) vault.Restricted {
	c.Helper()
	r, err := c.vault.Restrict(c.ctx(), vault.Restriction{
		Tenant: c.tenant, SubjectID: subject, Ground: "accuracy-contested", Except: []troth.Purpose{claims},
	})
	require.NoError(c, err)
	return r
}

func grantFor(r vault.Restricted) vault.Grant {
	return vault.Grant{
		Tenant: r.Tenant, SubjectID: r.SubjectID, Restriction: r.Entry, Ground: "accuracy-verified", Announced: time.Now(),
	}
}

// write runs a statement past the vault, which must change some row.
func (c *controlled) write(statement string, args ...any) {
	c.Helper()
	res, err := c.db.ExecContext(c.Context(), c.d.dialect().Rebind(statement), args...)
	require.NoError(c, err)
	n, err := res.RowsAffected()
	require.NoError(c, err)
	require.NotZero(c, n, "nothing was attacked")
}

// row is one stored row as a database writer has it.
type row map[string]any

// read returns the rows of the tenant.
func (c *controlled) read(table, where string, args ...any) (found []row) {
	c.Helper()
	q := "SELECT * FROM " + table + " WHERE tenant = ? AND " + where //nolint:unqueryvet // every column is put back
	rows, err := c.db.QueryContext(c.Context(), c.d.dialect().Rebind(q), append([]any{string(c.tenant)}, args...)...)
	require.NoError(c, err)
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	require.NoError(c, err)
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		require.NoError(c, rows.Scan(values...))
		r := row{}
		for i, name := range columns {
			r[name] = *values[i].(*any)
		}
		found = append(found, r)
	}
	require.NoError(c, rows.Err())
	return found
}

// putBack exchanges the tenant's rows for older ones.
func (c *controlled) putBack(table, where string, old []row) {
	c.Helper()
	_, err := c.db.ExecContext(c.Context(), c.d.dialect().Rebind("DELETE FROM "+table+" WHERE tenant = ? AND "+where), string(c.tenant))
	require.NoError(c, err)
	require.NotEmpty(c, old)
	for _, r := range old {
		text, marks, args := "", "", []any{}
		for name, value := range r {
			text, marks, args = text+", "+name, marks+", ?", append(args, value)
		}
		c.write("INSERT INTO "+table+" ("+text[2:]+") VALUES ("+marks[2:]+")", args...)
	}
}

// opens reports whether another process, with nothing cached, opens the value.
func (c *controlled) opens(subject string, p troth.Purpose) bool {
	c.Helper()
	at := c.at(subject, profile)
	got, err := c.open().AppendOpen(c.ctx(), nil, at, p, c.sealed[at])
	return err == nil && bytes.Equal(got, plaintextOf(subject))
}

// finds demands that the tenant's discrepancies are these, in this order,
// whether the trail's entries wait or are in the log.
func (c *controlled) finds(want ...vault.Discrepancy) {
	c.Helper()
	for i := range want {
		want[i].Tenant = c.tenant
	}
	for range 2 {
		r, err := c.open().Reconcile(c.ctx(), vault.ReconcileParams{Full: true})
		require.NoError(c, err)
		require.True(c, r.Complete)
		require.ElementsMatch(c, want, r.Discrepancies)
		c.sequence()
	}
}

// sequence moves everything into the log.
func (c *controlled) sequence() {
	c.Helper()
	for {
		n, err := c.kit.Trail.Sequence(c.Context())
		require.NoError(c, err)
		if n == 0 {
			return
		}
	}
}

// kind is a discrepancy about a person.
func kind(k vault.DiscrepancyKind, subject string, compartment troth.Compartment, entry troth.EntryID) vault.Discrepancy {
	return vault.Discrepancy{Kind: k, SubjectID: subject, Compartment: compartment, Entry: entry}
}

// attack is what a database writer does, and what is found of it.
type attack struct {
	name string
	// before runs while everybody lives; what it returns comes to do.
	before func(c *controlled) any
	do     func(c *controlled, had any) []vault.Discrepancy
}

func TestReconcile_NamesWhatADatabaseWriterDid(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		db := d.open(t)
		k := d.kitOn(t, db)
		for i, a := range slices.Concat(tombstoneAttacks, retiredAttacks, controlAttacks) {
			t.Run(a.name, func(t *testing.T) {
				c := newControlled(t, d, db, k, troth.Tenant(fmt.Sprintf("shop-%d", i)))
				c.live()
				var had any
				if a.before != nil {
					had = a.before(c)
				}
				c.happen()
				c.finds()
				c.finds(a.do(c, had)...)
			})
		}
	})
}

var tombstoneAttacks = []attack{
	{name: "a tombstone is deleted", do: func(c *controlled, _ any) []vault.Discrepancy {
		c.write("DELETE FROM troth_vault_key WHERE tenant = ? AND subject = 'dead' AND compartment = ?", string(c.tenant), string(profile))
		return []vault.Discrepancy{kind(vault.TombstoneMissing, "dead", "", c.shreds["dead"])}
	}},
	{name: "a tombstone that never had a key is deleted", do: func(c *controlled, _ any) []vault.Discrepancy {
		c.write("DELETE FROM troth_vault_key WHERE tenant = ? AND subject = 'part' AND compartment = 'never used'", string(c.tenant))
		return []vault.Discrepancy{kind(vault.TombstoneMissing, "part", "", c.shreds["part"])}
	}},
	{name: "all of a person's rows are deleted", do: func(c *controlled, _ any) []vault.Discrepancy {
		c.write("DELETE FROM troth_vault_key WHERE tenant = ? AND subject = 'dead'", string(c.tenant))
		c.write("DELETE FROM troth_vault_person WHERE tenant = ? AND subject = 'dead'", string(c.tenant))
		return []vault.Discrepancy{
			kind(vault.TombstoneMissing, "", "", c.shreds["dead"]), kind(vault.PersonReopened, "", "", c.shreds["dead"]),
		}
	}},
	{
		name: "an old row takes the place of a tombstone",
		before: func(c *controlled) any {
			return c.read("troth_vault_key", "subject = 'dead' AND compartment = ?", string(profile))
		},
		do: func(c *controlled, had any) []vault.Discrepancy {
			c.putBack("troth_vault_key", "subject = 'dead' AND compartment = '"+string(profile)+"'", had.([]row))
			require.True(c, c.opens("dead", orders), "what this is about")
			return []vault.Discrepancy{kind(vault.TombstoneReplaced, "dead", profile, c.shreds["dead"])}
		},
	},
	{
		name:   "all of a person's old rows come back",
		before: func(c *controlled) any { return c.read("troth_vault_key", "subject = 'dead'") },
		do: func(c *controlled, had any) []vault.Discrepancy {
			c.putBack("troth_vault_key", "subject = 'dead' AND compartment <> '~pseudonym'", had.([]row))
			c.write("DELETE FROM troth_vault_person WHERE tenant = ? AND subject = 'dead'", string(c.tenant))
			require.True(c, c.opens("dead", orders), "what this is about")
			return []vault.Discrepancy{
				kind(vault.TombstoneReplaced, "dead", invoices, c.shreds["dead"]), kind(vault.PersonReopened, "", "", c.shreds["dead"]),
			}
		},
	},
	{
		name: "a tombstone is filled again and keeps its evidence",
		before: func(c *controlled) any {
			return c.read("troth_vault_key", "subject = 'part' AND compartment = ?", string(profile))
		},
		do: func(c *controlled, had any) []vault.Discrepancy {
			c.write("UPDATE troth_vault_key SET sealed = ?, shredded_at = 0 WHERE tenant = ? AND subject = 'part' AND compartment = ?",
				had.([]row)[0]["sealed"], string(c.tenant), string(profile))
			require.True(c, c.opens("part", orders), "what this is about")
			return []vault.Discrepancy{kind(vault.TombstoneReplaced, "part", profile, c.shreds["part"])}
		},
	},
	{name: "a tombstone loses its evidence", do: func(c *controlled, _ any) []vault.Discrepancy {
		c.write("UPDATE troth_vault_key SET evidence = NULL WHERE tenant = ? AND subject = 'dead' AND compartment = ?", string(c.tenant), string(profile))
		return []vault.Discrepancy{
			kind(vault.TombstoneMissing, "dead", "", c.shreds["dead"]), kind(vault.TombstoneUnevidenced, "dead", profile, troth.EntryID{}),
		}
	}},
	{name: "a key is made to look dead", do: func(c *controlled, _ any) []vault.Discrepancy {
		c.write("UPDATE troth_vault_key SET sealed = NULL, shredded_at = 1 WHERE tenant = ? AND subject = 'alive' AND compartment = ?", string(c.tenant), string(profile))
		return []vault.Discrepancy{kind(vault.TombstoneUnevidenced, "alive", profile, troth.EntryID{})}
	}},
	{name: "a key is made to look dead by an entry that never was", do: func(c *controlled, _ any) []vault.Discrepancy {
		id := troth.NewEntryID(time.Now())
		c.write("UPDATE troth_vault_key SET sealed = NULL, shredded_at = 1, evidence = ? WHERE tenant = ? AND subject = 'alive' AND compartment = ?", id[:], string(c.tenant), string(profile))
		return []vault.Discrepancy{kind(vault.TombstoneUnevidenced, "alive", profile, id)}
	}},
	{name: "a key is made to look dead by an entry of something else", do: func(c *controlled, _ any) []vault.Discrepancy {
		id := c.restrict.Entry
		c.write("UPDATE troth_vault_key SET sealed = NULL, shredded_at = 1, evidence = ? WHERE tenant = ? AND subject = 'alive' AND compartment = ?", id[:], string(c.tenant), string(profile))
		return []vault.Discrepancy{kind(vault.TombstoneUnevidenced, "alive", profile, id)}
	}},
	{name: "a key is made to look dead by the entry of another's shredding", do: func(c *controlled, _ any) []vault.Discrepancy {
		id := c.shreds["dead"]
		c.write("UPDATE troth_vault_key SET sealed = NULL, shredded_at = 1, evidence = ? WHERE tenant = ? AND subject = 'alive' AND compartment = ?", id[:], string(c.tenant), string(profile))
		return []vault.Discrepancy{kind(vault.TombstoneMissing, "alive", "", id)}
	}},
	{name: "a person is open again", do: func(c *controlled, _ any) []vault.Discrepancy {
		c.write("UPDATE troth_vault_person SET closed_at = 0 WHERE tenant = ? AND subject = 'dead'", string(c.tenant))
		return []vault.Discrepancy{kind(vault.PersonReopened, "dead", "", c.shreds["dead"])}
	}},
	{name: "a person of whom nothing was sealed is open again", do: func(c *controlled, _ any) []vault.Discrepancy {
		c.write("DELETE FROM troth_vault_person WHERE tenant = ? AND subject = 'nothing sealed'", string(c.tenant))
		return []vault.Discrepancy{kind(vault.PersonReopened, "", "", c.shreds["nothing sealed"])}
	}},
	{name: "a person is closed whom nobody shredded", do: func(c *controlled, _ any) []vault.Discrepancy {
		c.write("UPDATE troth_vault_person SET closed_at = 1 WHERE tenant = ? AND subject = 'alive'", string(c.tenant))
		return []vault.Discrepancy{kind(vault.TombstoneUnevidenced, "alive", "", troth.EntryID{})}
	}},
	{name: "a row holds what no vault writes", do: func(c *controlled, _ any) []vault.Discrepancy {
		c.write("UPDATE troth_vault_key SET commitment = ? WHERE tenant = ? AND subject = 'dead' AND compartment = ?", []byte("short"), string(c.tenant), string(profile))
		return []vault.Discrepancy{{Kind: vault.RowUnreadable}, {Kind: vault.RowUnreadable}}
	}},
	{
		name:   "a tenant's old roots come back",
		before: func(c *controlled) any { return c.read("troth_vault_root", "1 = 1") },
		do: func(c *controlled, had any) []vault.Discrepancy {
			r := c.shredTenant()
			c.putBack("troth_vault_root", "1 = 1", had.([]row))
			require.True(c, c.opens("alive", orders), "what this is about")
			return []vault.Discrepancy{{Kind: vault.TombstoneReplaced, Entry: r}}
		},
	},
	{name: "a tenant's tombstone is deleted", do: func(c *controlled, _ any) []vault.Discrepancy {
		r := c.shredTenant()
		c.write("DELETE FROM troth_vault_root WHERE tenant = ? AND lineage = 'index'", string(c.tenant))
		return []vault.Discrepancy{{Kind: vault.TombstoneMissing, Entry: r}}
	}},
}

var retiredAttacks = []attack{
	{name: "a generation that was let go is deleted", do: func(c *controlled, _ any) []vault.Discrepancy {
		entry := c.retire()
		c.write("DELETE FROM troth_vault_key WHERE tenant = ? AND retired = 1", string(c.tenant))
		return []vault.Discrepancy{kind(vault.TombstoneMissing, "", "", entry)}
	}},
	{
		name: "a generation that was let go comes back",
		before: func(c *controlled) any {
			return c.read("troth_vault_key", "subject = 'alive' AND compartment = ?", string(profile))
		},
		do: func(c *controlled, had any) []vault.Discrepancy {
			entry := c.retire()
			require.False(c, c.opens("alive", orders))
			c.putBack("troth_vault_key", "subject = 'alive' AND compartment = '"+string(profile)+"' AND generation = 1", had.([]row))
			require.True(c, c.opens("alive", orders), "what this is about")
			return []vault.Discrepancy{kind(vault.TombstoneReplaced, "alive", profile, entry)}
		},
	},
	{name: "a tombstone is called a generation that was let go", do: func(c *controlled, _ any) []vault.Discrepancy {
		c.write("UPDATE troth_vault_key SET retired = 1 WHERE tenant = ? AND subject = 'part' AND compartment = ?", string(c.tenant), string(profile))
		return []vault.Discrepancy{kind(vault.TombstoneMissing, "part", "", c.shreds["part"])}
	}},
}

// retire lets the first generation of a living key go.
func (c *controlled) retire() troth.EntryID {
	c.Helper()
	subject := troth.Subject{Tenant: c.tenant, ID: "alive"}
	_, err := c.vault.NewGeneration(c.ctx(), subject, profile)
	require.NoError(c, err)
	later := c.open(vault.WithClock(func() time.Time { return time.Now().Add(2 * time.Hour) }))
	r, err := later.RetireKey(c.ctx(), erasure, vault.Retirement{
		Subject: subject, Compartment: profile, Generation: 1,
		NothingLeft: func(context.Context, uint32) (bool, error) { return true, nil },
	})
	require.NoError(c, err)
	require.Len(c, r.Keys, 1)
	c.finds()
	c.backUp()
	return r.Entry
}

func (c *controlled) shredTenant() troth.EntryID {
	c.Helper()
	r, err := c.vault.Shred(c.ctx(), erasure, vault.Target{Tenant: c.tenant, WholeTenant: true})
	require.NoError(c, err)
	c.finds()
	c.backUp()
	return r.Entry
}
