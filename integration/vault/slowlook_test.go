package vault_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/vault"
)

// TestFence_ALookThatTakesTooLongCountsAsNone lets the look at the fence, which
// begins while the old one is young, wait for a connection until it is too old.
func TestFence_ALookThatTakesTooLongCountsAsNone(t *testing.T) {
	const bound = 400 * time.Millisecond
	each(t, func(t *testing.T, d database) {
		here := d.kit(t)
		pool := d.open(t)
		// One for us to take, and on SQLite the one that the handle keeps.
		pool.SetMaxOpenConns(map[string]int{"sqlite": 2, "pgx": 1}[d.Driver])
		there := d.kitOn(t, pool, vault.WithFenceAge(bound))
		ctx := service(t.Context(), "worker")
		at := emailOf(shop, "1")
		sealed, err := here.Vault.AppendSeal(ctx, nil, at, plaintextOf("1"))
		require.NoError(t, err)
		_, err = there.Vault.AppendOpen(ctx, nil, at, orders, sealed)
		require.NoError(t, err)

		taken := takeAll(t, pool)
		_, err = here.Vault.Shred(ctx, erasure, vault.Target{Tenant: shop, SubjectID: "1"})
		died := time.Now()
		require.NoError(t, err)
		opened, last := openUntilRefused(ctx, there, at, sealed)
		require.NoError(t, taken.Close())
		require.LessOrEqual(t, last.Sub(died), bound+slack, "%d openings", opened)
		_, err = there.Vault.AppendOpen(ctx, nil, at, orders, sealed)
		require.ErrorIs(t, err, vault.ErrShredded)
	})
}

// takeAll takes the last connection of a pool.
func takeAll(t *testing.T, pool *sql.DB) *sql.Conn {
	t.Helper()
	c, err := pool.Conn(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// openUntilRefused opens for as long as that gives plaintext, and tells when the
// last opening that did began.
func openUntilRefused(ctx context.Context, k *kit.Kit, at troth.Context, sealed []byte) (opened int, last time.Time) {
	for {
		began := time.Now()
		if _, err := k.Vault.AppendOpen(ctx, nil, at, orders, sealed); err != nil {
			return opened, last
		}
		opened, last = opened+1, began
	}
}
