package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/storage/sqlstore"
)

// copied is a copy of the database that somebody could have made, with what it
// takes to verify it, and no key to sign with.
type copied struct {
	db  *sql.DB
	kit *kit.Kit
	// drop destroys the copy.
	drop func(ctx context.Context) error
}

// copy copies the database: to a file beside it, or on PostgreSQL troth's tables
// to a schema of their own.
func (s *shop) copy(ctx context.Context) (*copied, error) {
	open := s.copyFile
	if s.dialect == sqlstore.Postgres {
		open = s.copySchema
	}
	c, err := open(ctx)
	if err != nil {
		return nil, fmt.Errorf("copy the database: %w", err)
	}
	if err := c.forgetJournal(ctx); err != nil {
		return nil, fmt.Errorf("copy the database: %w", errors.Join(err, c.db.Close(), c.drop(ctx)))
	}
	c.kit, err = kit.Open(ctx, kit.Config{
		DB: c.db, Dialect: s.dialect, Secrets: s.stolen(), Retention: s.retention,
	})
	if err != nil {
		return nil, fmt.Errorf("copy the database: %w", errors.Join(err, c.db.Close(), c.drop(ctx)))
	}
	return c, nil
}

// forgetJournal takes the vault's own refusal away, to open an older copy without
// the journal of erasures: who has a copy can do that.
func (c *copied) forgetJournal(ctx context.Context) error {
	for _, forget := range []string{"DELETE FROM troth_vault_journal", "DELETE FROM troth_vault_line"} {
		if _, err := c.db.ExecContext(ctx, forget); err != nil {
			return err
		}
	}
	return nil
}

// stolen is what somebody may have who has a copy: the key-encryption key, access
// to the keys of epochs, and no key to sign with.
func (s *shop) stolen() kit.Secrets {
	return kit.Secrets{KEK: s.secrets.KEK, Epochs: s.secrets.Epochs, Verifiers: s.kit.Verifiers()}
}

func (c *copied) remove(ctx context.Context) error {
	var err error
	if c.kit != nil {
		err = c.kit.Close(ctx)
	}
	return errors.Join(err, c.db.Close(), c.drop(ctx))
}

func (s *shop) copyFile(ctx context.Context) (*copied, error) {
	dir, err := os.MkdirTemp(s.dir, "copy-")
	if err != nil {
		return nil, err
	}
	drop := func(context.Context) error { return os.RemoveAll(dir) }
	path := filepath.Join(dir, "shop.db")
	if _, err := s.db.ExecContext(ctx, "VACUUM INTO ?", path); err != nil {
		return nil, errors.Join(err, drop(ctx))
	}
	db, err := openSQLite(path)
	return &copied{db: db, drop: drop}, err
}

// copySchemaName is where the copy is on PostgreSQL.
const copySchemaName = "troth_quickstart_copy"

func (s *shop) copySchema(ctx context.Context) (*copied, error) {
	drop := func(ctx context.Context) error {
		_, err := s.db.ExecContext(ctx, "DROP SCHEMA IF EXISTS "+copySchemaName+" CASCADE")
		return err
	}
	if err := drop(ctx); err != nil { // of a run that was killed
		return nil, err
	}
	tables, err := s.tables(ctx)
	if err != nil {
		return nil, err
	}
	statements := []string{"CREATE SCHEMA " + copySchemaName}
	for _, t := range tables {
		there := pgx.Identifier{copySchemaName, t}.Sanitize()
		here := pgx.Identifier{t}.Sanitize()
		statements = append(statements,
			fmt.Sprintf("CREATE TABLE %s (LIKE %s INCLUDING ALL)", there, here),
			fmt.Sprintf("INSERT INTO %s OVERRIDING SYSTEM VALUE TABLE %s", there, here))
	}
	for _, statement := range statements {
		if _, err := s.db.ExecContext(ctx, statement); err != nil {
			return nil, errors.Join(err, drop(ctx))
		}
	}
	config, err := pgx.ParseConfig(s.dsn)
	if err != nil {
		return nil, errors.Join(err, drop(ctx))
	}
	config.RuntimeParams["search_path"] = copySchemaName
	return &copied{db: stdlib.OpenDB(*config), drop: drop}, nil
}

// tables are those of troth.
func (s *shop) tables(ctx context.Context) (names []string, err error) {
	rows, err := s.db.QueryContext(ctx, `SELECT tablename FROM pg_tables
		WHERE schemaname = current_schema() AND starts_with(tablename, 'troth_') ORDER BY tablename`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}
