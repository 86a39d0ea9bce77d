package kit_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/vaultsql"
	"github.com/trothdev/troth/task"
	"github.com/trothdev/troth/vault"
	"github.com/trothdev/troth/vault/vaulttest"
)

// TestOpen_TheFirstEpochIsOnTheTrail, once, whichever start it is.
func TestOpen_TheFirstEpochIsOnTheTrail(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		c := d.config(d.connect(t))
		c.Secrets.Epochs = &vaulttest.EpochStore{Declared: vault.EpochPlace{Name: "elsewhere", Apart: true}}
		for range 2 {
			k, err := kit.Open(t.Context(), c)
			require.NoError(t, err)
			var told []audit.Record
			for r, err := range k.Trail.Entries(t.Context(), troth.Platform, audit.Query{Act: "vault.epoch-open"}) {
				require.NoError(t, err)
				told = append(told, r)
			}
			require.Len(t, told, 1)
			epochs, err := k.Vault.Epochs(t.Context())
			require.NoError(t, err)
			require.Len(t, epochs, 1)
			sealed := host{k, c.DB}.seal(asService(t), t, "c-1")
			host{k, c.DB}.requireOpens(asService(t), t, "c-1", sealed)
			require.NoError(t, k.Close(context.WithoutCancel(t.Context())))
		}
		// The platform's root, which the trail needed before, comes along with the next one.
		k, err := kit.Open(t.Context(), c)
		require.NoError(t, err)
		_, err = k.Vault.Advance(asService(t))
		require.NoError(t, err)
		done, err := k.Vault.Rewrap(asService(t), vault.RewrapParams{})
		require.NoError(t, err)
		require.True(t, done.Done)
		h := host{k, c.DB}
		var left int
		require.NoError(t, h.db.QueryRowContext(t.Context(),
			"SELECT count(*) FROM troth_vault_root WHERE epoch < 2 AND sealed IS NOT NULL").Scan(&left))
		require.Zero(t, left)
		require.NoError(t, k.Close(context.WithoutCancel(t.Context())))
		k, err = kit.Open(t.Context(), c)
		require.NoError(t, err)
		require.NoError(t, k.Close(context.WithoutCancel(t.Context())))
	})
}

// TestOpen_GoesOnWhereTheFirstStartDied: between the first epoch, which the trail tells of, and
// moving there the root that the trail itself needed.
func TestOpen_GoesOnWhereTheFirstStartDied(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		c := d.config(d.connect(t))
		k, err := kit.Open(t.Context(), c)
		require.NoError(t, err)
		require.NoError(t, k.Close(t.Context()))
		c.Secrets.Epochs = &vaulttest.EpochStore{Declared: vault.EpochPlace{Name: "elsewhere", Apart: true}}
		h, err := sqlstore.Open(t.Context(), c.DB, c.Dialect)
		require.NoError(t, err)
		keys, err := vaultsql.New(t.Context(), h)
		require.NoError(t, err)
		v, err := vault.Open(t.Context(), vault.Config{
			Store: keys, KEK: c.Secrets.KEK, Epochs: c.Secrets.Epochs, Journal: c.Secrets.Journal, Recorder: troth.UnsafeNoEvidence(h),
		})
		require.NoError(t, err)
		newest := func() uint32 {
			root, found, err := keys.Root(t.Context(), troth.Platform, vault.IndexLineage)
			require.NoError(t, err)
			require.True(t, found)
			return root.Epoch
		}
		epochs, err := v.Epochs(t.Context())
		require.NoError(t, err)
		require.Len(t, epochs, 1)
		require.Zero(t, newest(), "this is where it died")
		require.NoError(t, v.Close(t.Context()))

		k, err = kit.Open(t.Context(), c)
		require.NoError(t, err)
		require.EqualValues(t, 1, newest())
		sealed := host{k, c.DB}.seal(asService(t), t, "c-1")
		host{k, c.DB}.requireOpens(asService(t), t, "c-1", sealed)
		require.NoError(t, errors.Join(k.Close(t.Context()), h.Close()))
	})
}

// TestRun_DoesNoWorkBeforeTheReplay: what the store says may be about people who are
// dead.
func TestRun_DoesNoWorkBeforeTheReplay(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		c := d.config(d.connect(t))
		path := filepath.Join(t.TempDir(), "journal")
		require.NoError(t, vault.CreateJournalFile(path))
		journal, err := vault.OpenJournalFile(path)
		require.NoError(t, err)
		c.Secrets.Journal = journal
		k, err := kit.Open(t.Context(), c)
		require.NoError(t, err)
		_, err = k.Tasks.Enqueue(asService(t), troth.Work{Tenant: "acme", Kind: "shop.notice"})
		require.NoError(t, err)
		require.NoError(t, k.Close(context.WithoutCancel(t.Context())))

		k, err = kit.Open(t.Context(), c, vault.ForReplay())
		require.NoError(t, err)
		require.True(t, k.Vault.Behind())
		did := make(chan bool, 1)
		require.NoError(t, k.Tasks.Handle(task.Kind{Name: "shop.notice"}, func(context.Context, troth.Job) (troth.Outcome, error) {
			did <- k.Vault.Behind()
			return troth.Completed, nil
		}))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- k.Run(ctx) }()
		select {
		case err := <-done:
			t.Fatalf("it ended: %v", err)
		case <-did:
			t.Fatal("it worked")
		case <-time.After(1500 * time.Millisecond):
		}
		_, err = k.Vault.Replay(asService(t))
		require.NoError(t, err)
		select {
		case behind := <-did:
			require.False(t, behind)
		case <-time.After(time.Minute):
			t.Fatal("it never worked")
		}
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
		require.NoError(t, k.Close(context.WithoutCancel(t.Context())))
	})
}
