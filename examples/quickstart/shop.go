package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/unsubscribe"
)

// passphrase protects the secrets of this example. A real host reads its own
// from where it keeps such things.
const passphrase = "quickstart, and nothing else"

// origin names the log of this example. A real host's is unique in the world.
const origin = "shops.example/trail"

// controller is who answers for the processing.
var controller = consent.Controller{Name: "Aurora Books", Contact: "privacy@aurora-books.example"}

// shop is the host application: its own database, and troth beside it.
type shop struct {
	db       *sql.DB
	dialect  sqlstore.Dialect
	dir, dsn string
	secrets  kit.Secrets
	kit      *kit.Kit
	provider *provider
	// ahead is by how many days the keeper's clock is ahead of the real one.
	ahead int
}

// tables are the shop's own; the sealed columns are plain bytes to it.
const tables = `CREATE TABLE IF NOT EXISTS customer (
	shop TEXT NOT NULL, id TEXT NOT NULL,
	name %[1]s NOT NULL, email %[1]s NOT NULL, phone %[1]s NOT NULL, address %[1]s NOT NULL,
	PRIMARY KEY (shop, id));
CREATE TABLE IF NOT EXISTS purchase (
	shop TEXT NOT NULL, id TEXT NOT NULL, text %[1]s NOT NULL, visible TEXT NOT NULL, PRIMARY KEY (shop, id))`

func openShop(ctx context.Context, dir, dsn string) (*shop, error) {
	secrets, err := kit.LocalSecrets(filepath.Join(dir, "secrets"), passphrase, kit.KeptApart(0))
	if err != nil {
		return nil, err
	}
	s := &shop{dir: dir, dsn: dsn, secrets: secrets}
	if s.db, s.dialect, err = connect(dir, dsn); err != nil {
		return nil, err
	}
	bytes := map[sqlstore.Dialect]string{sqlstore.SQLite: "BLOB", sqlstore.Postgres: "BYTEA"}[s.dialect]
	if _, err := s.db.ExecContext(ctx, fmt.Sprintf(tables, bytes)); err != nil {
		return nil, errors.Join(err, s.db.Close())
	}
	if err := s.openKit(ctx); err != nil {
		return nil, errors.Join(err, s.db.Close())
	}
	return s, nil
}

func (s *shop) openKit(ctx context.Context) error {
	mail, client, err := newProvider()
	if err != nil {
		return err
	}
	s.provider = mail
	s.kit, err = kit.Open(ctx, kit.Config{
		DB: s.db, Dialect: s.dialect, Secrets: s.secrets, Origin: origin,
		Consent:     []consent.Option{consent.WithController(controller)},
		Unsubscribe: []unsubscribe.Option{unsubscribe.WithProvider("mail", client)},
		Retention:   s.retention,
		Rights:      s.rights,
	})
	if err != nil {
		s.provider.server.Close()
		return err
	}
	return s.activate(ctx)
}

func connect(dir, dsn string) (*sql.DB, sqlstore.Dialect, error) {
	if dsn != "" {
		db, err := sql.Open("pgx", dsn)
		return db, sqlstore.Postgres, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, 0, err
	}
	db, err := openSQLite(filepath.Join(dir, "shop.db"))
	return db, sqlstore.SQLite, err
}

// openSQLite opens a file with the settings that troth checks under the host's
// transactions; those that write take the lock at once.
func openSQLite(path string) (*sql.DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	source := url.URL{Scheme: "file", Path: path, RawQuery: "_txlock=immediate&_pragma=busy_timeout(5000)" +
		"&_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=foreign_keys(on)"}
	return sql.Open("sqlite", source.String())
}

func (s *shop) close(ctx context.Context) error {
	s.provider.server.Close()
	return errors.Join(s.kit.Close(ctx), s.db.Close())
}

// inTx runs fn in a transaction of the shop's own, which troth joins through
// the context.
func (s *shop) inTx(ctx context.Context, fn func(ctx context.Context, tx *sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := fn(s.kit.WithTx(ctx, tx), tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}
