package vault_test

import (
	"bytes"
	"context"
	"database/sql"
	"net/url"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/vault"
)

// remains are the wrapped keys of people in a SQLite database, and its files.
type remains struct {
	t    *testing.T
	d    database
	db   *sql.DB
	kit  *kit.Kit
	svc  context.Context
	keys [][]byte
}

// newRemains seals something of the person and remembers what their key, and
// their tenant's roots, look like in the database.
func newRemains(t *testing.T, subject string) *remains {
	t.Helper()
	d := newStock(t, "sqlite")
	r := &remains{t: t, d: d, db: d.open(t), kit: d.kit(t)}
	r.svc = troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "eraser"})
	_, err := r.kit.Vault.AppendSeal(r.svc, nil, emailOf(shop, subject), []byte("ada@example.org"))
	require.NoError(t, err)
	return r
}

func (r *remains) remember(query string, args ...any) {
	r.t.Helper()
	rows, err := r.db.QueryContext(r.t.Context(), query, args...)
	require.NoError(r.t, err)
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var key []byte
		require.NoError(r.t, rows.Scan(&key))
		r.keys = append(r.keys, key)
	}
	require.NoError(r.t, rows.Err())
	require.NotEmpty(r.t, r.keys)
}

// lie reports whether any of the keys is found in the database's files.
func (r *remains) lie() bool {
	r.t.Helper()
	source, err := url.Parse(r.d.DSN)
	require.NoError(r.t, err)
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(source.Path + suffix)
		require.NoError(r.t, err)
		for _, key := range r.keys {
			if bytes.Contains(content, key) {
				return true
			}
		}
	}
	return false
}

const keysOf = "SELECT sealed FROM troth_vault_key WHERE tenant = ? AND subject = ? AND compartment = ?"

func TestScrub_DeadKeysLeaveTheFiles(t *testing.T) {
	t.Parallel()
	r := newRemains(t, "42")
	r.remember(keysOf, shop, "42", profile)
	require.True(t, r.lie(), "a living key does")
	require.NoError(t, r.kit.Vault.Sweep(r.svc))
	require.True(t, r.lie())

	_, err := r.kit.Vault.Shred(r.svc, erasure, vault.Target{Tenant: shop, SubjectID: "42"})
	require.NoError(t, err)
	require.True(t, r.lie(), "the page from before is still there")
	require.NoError(t, r.kit.Vault.Sweep(r.svc))
	require.False(t, r.lie())

	// The tenant's roots, which are of the key-encryption key.
	r.keys = nil
	r.remember("SELECT sealed FROM troth_vault_root WHERE tenant = ? AND sealed IS NOT NULL", shop)
	require.True(t, r.lie())
	_, err = r.kit.Vault.Shred(r.svc, erasure, vault.Target{Tenant: shop, WholeTenant: true})
	require.NoError(t, err)
	require.True(t, r.lie())
	require.NoError(t, r.kit.Vault.Sweep(r.svc))
	require.False(t, r.lie())
}

// The host's own transaction is heard of when committed rows decide.
func TestScrub_AfterTheHostsTransaction(t *testing.T) {
	t.Parallel()
	r := newRemains(t, "42")
	require.NoError(t, r.kit.Vault.Sweep(r.svc))
	r.remember(keysOf, shop, "42", profile)
	tx, err := r.db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = r.kit.Vault.Shred(r.kit.WithTx(r.svc, tx), erasure, vault.Target{Tenant: shop, SubjectID: "42"})
	require.NoError(t, err)
	require.NoError(t, tx.Commit())
	require.True(t, r.lie())
	require.NoError(t, r.kit.Vault.Sweep(r.svc))
	require.False(t, r.lie())
}

// Somebody who reads for long keeps the log from being emptied. That fails
// nothing, holds nobody up, and is made good for.
func TestScrub_IsTriedAgainAfterAReader(t *testing.T) {
	t.Parallel()
	r := newRemains(t, "42")
	r.remember(keysOf, shop, "42", profile)
	reader, err := r.db.Conn(t.Context())
	require.NoError(t, err)
	defer func() { _ = reader.Close() }()
	_, err = reader.ExecContext(t.Context(), "BEGIN DEFERRED")
	require.NoError(t, err)
	var n int
	require.NoError(t, reader.QueryRowContext(t.Context(), "SELECT count(*) FROM troth_vault_key").Scan(&n))

	_, err = r.kit.Vault.Shred(r.svc, erasure, vault.Target{Tenant: shop, SubjectID: "42"})
	require.NoError(t, err)
	require.NoError(t, r.kit.Vault.Sweep(r.svc))
	require.True(t, r.lie(), "the reader needs the page")
	_, err = r.kit.Vault.AppendSeal(r.svc, nil, emailOf(shop, "43"), []byte("x"))
	require.NoError(t, err)

	_, err = reader.ExecContext(t.Context(), "ROLLBACK")
	require.NoError(t, err)
	require.NoError(t, r.kit.Vault.Sweep(r.svc))
	require.False(t, r.lie())
}

// What a process left that died after a shredding is for the next one.
func TestScrub_AfterAProcessThatDied(t *testing.T) {
	t.Parallel()
	r := newRemains(t, "42")
	r.remember(keysOf, shop, "42", profile)
	_, err := r.kit.Vault.Shred(r.svc, erasure, vault.Target{Tenant: shop, SubjectID: "42"})
	require.NoError(t, err)
	next := r.d.kit(t)
	require.True(t, r.lie())
	require.NoError(t, next.Vault.Sweep(r.svc))
	require.False(t, r.lie())
}
