package sqlstore

import (
	"context"
	"fmt"
	"time"
)

// SchemaError says that the database has migrations that this program does not
// know: a newer version of it was here.
type SchemaError struct {
	Namespace string
	// Have is the newest version in the database, Want the newest known here.
	Have, Want int
}

// Error names the namespace and both versions.
func (e *SchemaError) Error() string {
	return fmt.Sprintf("sqlstore: schema of %s is at version %d, this program knows %d", e.Namespace, e.Have, e.Want)
}

// ChecksumError says that a migration is not the one that was applied to the
// database, or was never recorded there though later ones were.
type ChecksumError struct {
	Namespace string
	Version   int
	Name      string
}

// Error names the migration.
func (e *ChecksumError) Error() string {
	return fmt.Sprintf("sqlstore: migration %s %04d_%s differs from what was applied", e.Namespace, e.Version, e.Name)
}

// migrationLock is the key of the advisory lock under which programs that start
// together migrate one PostgreSQL database one after the other: "troth" in
// ASCII.
const migrationLock = 0x74726f7468

const createMigrations = `CREATE TABLE IF NOT EXISTS troth_migration (
	namespace  TEXT   NOT NULL,
	version    BIGINT NOT NULL,
	name       TEXT   NOT NULL,
	checksum   TEXT   NOT NULL,
	applied_at BIGINT NOT NULL,
	PRIMARY KEY (namespace, version)
)`

// Migrate brings the tables of one store to the newest version, in one
// transaction of its own. Programs and handles may call it at the same time:
// they take turns, waiting no longer than the wait bound, and find nothing left
// to do. Nothing is changed if the database is newer than m ([*SchemaError]) or
// has other migrations than m ([*ChecksumError]).
func (h *Handle) Migrate(ctx context.Context, m Migrations) error {
	steps, err := m.steps(h.dialect)
	if err != nil {
		return err
	}
	done := h.writer.migrates()
	defer done()
	return h.Atomically(h.Detach(ctx), func(ctx context.Context) error {
		q := h.Querier(ctx)
		if h.dialect == Postgres {
			// Before anything else: CREATE TABLE IF NOT EXISTS is no
			// protection against another one at the same time.
			if _, err := q.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(migrationLock)); err != nil {
				return err
			}
		}
		if _, err := q.Exec(ctx, createMigrations); err != nil {
			return err
		}
		have, err := h.applied(ctx, m.Namespace, steps)
		if err != nil {
			return err
		}
		for _, s := range steps[have:] {
			if err := h.apply(ctx, m.Namespace, s); err != nil {
				return fmt.Errorf("sqlstore: migration %s %04d_%s: %w", m.Namespace, s.version, s.name, err)
			}
		}
		return nil
	})
}

// applied returns how many of the steps the database has, after comparing them.
func (h *Handle) applied(ctx context.Context, namespace string, steps []step) (int, error) {
	rows, err := h.Querier(ctx).Query(ctx, h.dialect.Rebind(
		"SELECT version, name, checksum FROM troth_migration WHERE namespace = ? ORDER BY version"), namespace)
	if err != nil {
		return 0, err
	}
	defer func() { _ = rows.Close() }()
	var found []step
	for rows.Next() {
		var s step
		if err := rows.Scan(&s.version, &s.name, &s.checksum); err != nil {
			return 0, err
		}
		found = append(found, s)
	}
	if err := rows.Err(); err != nil {
		return 0, err
	}
	if n := len(found); n > 0 && found[n-1].version > len(steps) {
		return 0, &SchemaError{Namespace: namespace, Have: found[n-1].version, Want: len(steps)}
	}
	for i, s := range found {
		want := steps[min(i, len(steps)-1)]
		if s.version != want.version || s.name != want.name || s.checksum != want.checksum {
			return 0, &ChecksumError{Namespace: namespace, Version: want.version, Name: want.name}
		}
	}
	return len(found), nil
}

func (h *Handle) apply(ctx context.Context, namespace string, s step) error {
	q := h.Querier(ctx)
	for _, statement := range s.statements {
		if _, err := q.Exec(ctx, statement); err != nil {
			return err
		}
	}
	_, err := q.Exec(ctx, h.dialect.Rebind(
		"INSERT INTO troth_migration (namespace, version, name, checksum, applied_at) VALUES (?, ?, ?, ?, ?)"),
		namespace, s.version, s.name, s.checksum, time.Now().UnixMicro())
	return err
}
