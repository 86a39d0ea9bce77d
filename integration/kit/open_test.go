package kit_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/vault"
)

// TestOpen_ProgramsStartAtOnce opens the same empty database from several
// pools: all migrate, and all make the first root. They must agree on it.
func TestOpen_ProgramsStartAtOnce(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		kits := make([]*kit.Kit, 4)
		var wg sync.WaitGroup
		for i := range kits {
			db := d.connect(t)
			wg.Go(func() {
				k, err := kit.Open(t.Context(), d.config(db))
				if assert.NoError(t, err) {
					kits[i] = k
				}
			})
		}
		wg.Wait()
		ctx := asService(t)
		ref := troth.KeyRef{Tenant: troth.Platform, Use: "test", ID: "one"}
		for i, k := range kits {
			require.NotNil(t, k)
			first, err := kits[0].Vault.MAC(ctx, ref, []byte("message"))
			require.NoError(t, err)
			mine, err := k.Vault.MAC(ctx, ref, []byte("message"))
			require.NoError(t, err)
			require.Equal(t, first, mine, "program %d has another root", i)
		}
		sealed := host{Kit: kits[0]}.seal(ctx, t, "c-1")
		host{Kit: kits[3]}.requireOpens(ctx, t, "c-1", sealed)
		for _, k := range kits {
			require.NoError(t, k.Close(ctx))
		}
	})
}

func TestOpen_AgainFindsWhatWasThere(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		first := d.host(t)
		sealed := first.seal(asService(t), t, "c-1")
		require.NoError(t, first.Close(t.Context()))
		d.host(t).requireOpens(asPerson(t), t, "c-1", sealed)
	})
}

func TestOpen_RefusesTheKeyOfAnotherInstallation(t *testing.T) {
	dir := t.TempDir()
	ours, err := kit.LocalSecrets(filepath.Join(dir, "ours"), "a passphrase")
	require.NoError(t, err)
	theirs, err := kit.LocalSecrets(filepath.Join(dir, "theirs"), "a passphrase")
	require.NoError(t, err)
	each(t, func(t *testing.T, d database) {
		config := d.config(d.connect(t))
		for _, attempt := range []struct {
			name    string
			secrets kit.Secrets
			want    error
		}{
			{"ours makes the database", ours, nil},
			{"theirs", theirs, vault.ErrKEK},
			{"ours still fits", ours, nil},
		} {
			config.Secrets = attempt.secrets
			k, err := kit.Open(t.Context(), config)
			require.ErrorIs(t, err, attempt.want, attempt.name)
			if attempt.want == nil {
				require.NoError(t, k.Close(t.Context()))
			}
		}
	})
}

func TestOpen_RefusesANewerSchema(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		db := d.connect(t)
		require.NoError(t, d.hostOn(t, db).Close(t.Context()))
		for _, namespace := range []string{"audit", "vault"} {
			_, err := db.ExecContext(t.Context(), `INSERT INTO troth_migration
				(namespace, version, name, checksum, applied_at) VALUES ($1, 1000, 'later', '', 0)`, namespace)
			require.NoError(t, err)
			k, err := kit.Open(t.Context(), d.config(db))
			require.Nil(t, k)
			newer, ok := errors.AsType[*sqlstore.SchemaError](err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, namespace, newer.Namespace)
			assert.Equal(t, 1000, newer.Have)
			_, err = db.ExecContext(t.Context(), "DELETE FROM troth_migration WHERE version = 1000")
			require.NoError(t, err)
		}
		require.NoError(t, d.hostOn(t, db).Close(t.Context()))
	})
}

func TestOpen_SaysWhatIsMissing(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		config := d.config(d.connect(t))
		config.Secrets = kit.Secrets{}
		k, err := kit.Open(t.Context(), config)
		require.Nil(t, k)
		require.ErrorContains(t, err, "key-encryption key")

		closed, err := sql.Open(d.driver, d.source)
		require.NoError(t, err)
		require.NoError(t, closed.Close())
		_, err = kit.Open(t.Context(), d.config(closed))
		require.ErrorContains(t, err, "database is closed")

		_, err = kit.Open(t.Context(), d.config(d.connect(t)), vault.WithWindow(time.Millisecond))
		require.ErrorContains(t, err, "window is shorter")
	})
}
