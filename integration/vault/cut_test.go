package vault_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/vault"
)

// TestFence_WithoutItsDatabaseAProcessRefuses cuts a process off. What it has
// cached opens until the fence is too old, and again when the database is back;
// what was destroyed meanwhile never does.
func TestFence_WithoutItsDatabaseAProcessRefuses(t *testing.T) {
	const bound = 3 * time.Second
	direct := newStock(t, "pgx")
	wire := newProxy(t, direct.DSN)
	cut := direct
	cut.DSN = wire.dsn
	here := direct.kit(t)
	there := cut.kit(t, vault.WithFenceAge(bound))
	ctx := service(t.Context(), "worker")
	sealed := map[string][]byte{}
	for _, subject := range []string{"kept", "dead"} {
		v, err := here.Vault.AppendSeal(ctx, nil, emailOf(shop, subject), plaintextOf(subject))
		require.NoError(t, err)
		sealed[subject] = v
	}
	open := func(subject string) string {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		plain, err := there.Vault.AppendOpen(ctx, nil, emailOf(shop, subject), orders, sealed[subject])
		return openedAs(subject, plain, err)
	}
	require.Equal(t, ok, open("kept"))
	require.Equal(t, ok, open("dead"))

	wire.cut()
	gone := time.Now()
	require.Equal(t, ok, open("kept"), "the fence is young")
	_, err := here.Vault.Shred(ctx, erasure, vault.Target{Tenant: shop, SubjectID: "dead"})
	require.NoError(t, err)
	var last time.Time
	for got := ok; got == ok; got = open("dead") {
		last = time.Now()
		require.Less(t, last.Sub(gone), patience)
	}
	require.LessOrEqual(t, last.Sub(gone), bound+slack)
	for range refusals {
		require.Equal(t, stale, open("kept"))
		require.Equal(t, stale, open("dead"))
	}
	_, err = there.Vault.AppendSeal(ctx, nil, emailOf(shop, "kept"), []byte("new"))
	require.ErrorIs(t, err, vault.ErrFenceStale)

	wire.mend()
	require.Equal(t, ok, open("kept"))
	require.Equal(t, shredded, open("dead"))
	require.Equal(t, ok, open("kept"))
}
