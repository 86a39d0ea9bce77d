package kit_test

import (
	"context"
	"database/sql"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/vault"
	"github.com/trothdev/troth/vault/vaulttest"
)

// TestOpen_ProgramsStartAtOnceAsTheREADMESays uses the README's settings, which
// have no busy timeout: Open itself must wait within its bound.
func TestOpen_ProgramsStartAtOnceAsTheREADMESays(t *testing.T) {
	d := sqlite(t)
	d.source = strings.Replace(d.source, "&_pragma=busy_timeout(5000)", "", 1)
	startAtOnce(t, d, d.config)
}

// TestOpen_ProgramsStartAtOnceWithEpochs: whoever is the last has the platform's root under
// the first epoch.
func TestOpen_ProgramsStartAtOnceWithEpochs(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		epochs := &vaulttest.EpochStore{Declared: vault.EpochPlace{Name: "elsewhere", Apart: true}}
		startAtOnce(t, d, func(db *sql.DB) kit.Config {
			c := d.config(db)
			c.Secrets.Epochs = epochs
			return c
		})
		var bare, lie int
		require.NoError(t, d.connect(t).QueryRowContext(t.Context(), `SELECT
			(SELECT count(*) FROM troth_vault_root WHERE epoch = 0 AND sealed IS NOT NULL),
			(SELECT count(*) FROM troth_vault_root WHERE epoch = 1 AND sealed IS NOT NULL)`).Scan(&bare, &lie))
		require.Zero(t, bare)
		require.Positive(t, lie)
	})
}

func startAtOnce(t *testing.T, d database, config func(*sql.DB) kit.Config) {
	t.Helper()
	var wg sync.WaitGroup
	for range 4 {
		db := d.connect(t)
		wg.Go(func() {
			k, err := kit.Open(t.Context(), config(db))
			if assert.NoError(t, err) {
				assert.NoError(t, k.Close(t.Context()))
			}
		})
	}
	wg.Wait()
}

// TestClose_CanBeRepeated closes with a context that has ended, as a program
// does that stops by a signal, and then properly.
func TestClose_CanBeRepeated(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h := d.host(t)
		h.requireOpens(asService(t), t, "c-1", h.seal(asService(t), t, "c-1"))
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, h.Close(ended), context.Canceled)
		require.NoError(t, h.Close(t.Context()))
		require.Equal(t, 1, d.host(t).count(t, "vault.window-close"))
	})
}
