package vault_test

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/internal/sealedfile"
	"github.com/trothdev/troth/kit"
)

// stock is an installation of each kind, made once for all tests, who get copies:
// migrations, and the stretching of passphrases, take most of what a small test
// takes otherwise.
var stock struct {
	once    sync.Once
	dir     string
	secrets string
	err     error

	sqlite sync.Once
	file   string
	broken error
}

// stocked makes the secrets of the stock.
func stocked() (secrets string, err error) {
	stock.once.Do(func() {
		if stock.dir, stock.err = os.MkdirTemp("", "stock"); stock.err != nil {
			return
		}
		stock.secrets = filepath.Join(stock.dir, "secrets")
		if _, stock.err = kit.LocalSecrets(stock.secrets, passphrase); stock.err != nil {
			return
		}
		// A database of its own makes the first epoch's key.
		probe := sqliteAt(filepath.Join(stock.dir, "probe"))
		probe.Secrets = stock.secrets
		if stock.err = probe.install(); stock.err == nil {
			stock.err = weaken(stock.secrets)
		}
	})
	return stock.secrets, stock.err
}

// unstock removes it.
func unstock() {
	if stock.dir != "" {
		_ = os.RemoveAll(stock.dir)
	}
}

// weaken writes the secrets' files anew, so that they cost nothing to open.
func weaken(dir string) error {
	for file, kind := range map[string]string{
		"kek": "troth.vault.kek/1", "trail.key": "troth.kit.trail-key/1", "epochs/epoch-0000000001.key": "troth.vault.epoch/1.1",
	} {
		path := filepath.Join(dir, file)
		secret, err := sealedfile.Read(path, passphrase, kind)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if err := os.Remove(path); err != nil {
			return err
		}
		if err := sealedfile.CreateWith(path, passphrase, kind, secret, sealedfile.WeakForTests); err != nil {
			return err
		}
	}
	return nil
}

// install makes what a first start makes, and closes it.
func (d database) install() error {
	ctx := context.Background()
	db, err := sql.Open(d.Driver, d.DSN)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	secrets, err := kit.LocalSecrets(d.Secrets, passphrase)
	if err != nil {
		return err
	}
	k, err := kit.Open(ctx, kit.Config{DB: db, Dialect: d.dialect(), Secrets: secrets})
	if err != nil {
		return err
	}
	if err := k.Close(ctx); err != nil || d.Driver != "sqlite" {
		return err
	}
	_, err = db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	return err
}

// newStock is a copy of the stock: a database with its tables, and its secrets.
func newStock(t testing.TB, driver string) database {
	t.Helper()
	secrets, err := stocked()
	require.NoError(t, err)
	dir := t.TempDir()
	d := sqliteAt(filepath.Join(dir, "test.db"))
	if driver == "sqlite" {
		stock.sqlite.Do(func() {
			stock.file = filepath.Join(stock.dir, "stock.db")
			made := sqliteAt(stock.file)
			made.Secrets = secrets
			stock.broken = made.install()
		})
		require.NoError(t, stock.broken)
		require.NoError(t, copyTo(stock.file, filepath.Join(dir, "test.db")))
	} else {
		d = database{Driver: "pgx", DSN: pgtest.Copy(t, "kit", func(dsn string) error {
			return database{Driver: "pgx", DSN: dsn, Secrets: secrets}.install()
		})}
	}
	d.Secrets = filepath.Join(dir, "secrets")
	require.NoError(t, copyFolder(secrets, d.Secrets))
	return d
}

func copyFolder(from, to string) error {
	return filepath.Walk(from, func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if info.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		return copyTo(path, filepath.Join(to, rel))
	})
}

func copyTo(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		_ = out.Close()
		return err
	}
	return out.Close()
}

// newBare is a database with nothing in it, and secrets of the stock without an
// epoch.
func newBare(t testing.TB, made func(testing.TB) database) database {
	t.Helper()
	secrets, err := stocked()
	require.NoError(t, err)
	d := made(t)
	require.NoError(t, copyFolder(secrets, d.Secrets))
	require.NoError(t, os.RemoveAll(d.epochFolder()))
	return d
}
