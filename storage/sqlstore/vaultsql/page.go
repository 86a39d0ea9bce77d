package vaultsql

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/statement"
	"github.com/trothdev/troth/vault"
)

// RootsAfter implements vault.JournalSystemStore.
func (s *Store) RootsAfter(ctx context.Context, after vault.RootAt, limit int) ([]vault.RootRow, error) {
	return statement.Query(ctx, s.db, scanRoot, s.j.rootsAfter, string(after.Tenant), string(after.Lineage), int64(after.Epoch), limit)
}

// PeopleAfter implements vault.JournalSystemStore.
func (s *Store) PeopleAfter(ctx context.Context, after vault.PersonName, limit int) ([]vault.PersonEntry, error) {
	tenant, subject := string(after.Tenant), after.SubjectID
	return statement.Query(ctx, s.db, scanPersonEntry, s.j.peopleAfter, tenant, subject, limit, tenant, subject, limit, limit)
}

func scanPersonEntry(rows *sqlstore.Rows) (p vault.PersonEntry, err error) {
	var evidence []byte
	err = rows.Scan(&p.Tenant, &p.SubjectID, &p.ClosedAt, &evidence, &p.Living)
	if err == nil && !fillOrNone(p.Evidence[:], evidence) {
		err = errRecord
	}
	return p, err
}

// KeysAfter implements vault.JournalSystemStore.
func (s *Store) KeysAfter(ctx context.Context, after vault.KeyAt, limit int) ([]vault.KeyRow, error) {
	return statement.Query(ctx, s.db, scanKey, s.j.keysAfter, string(after.Tenant), after.SubjectID, string(after.Compartment),
		int64(after.Generation), limit)
}

// ExportsAfter implements vault.JournalSystemStore.
func (s *Store) ExportsAfter(ctx context.Context, after vault.KeyName, limit int) ([]vault.ExportRow, error) {
	return statement.Query(ctx, s.db, scanExport, s.j.exportsAfter, string(after.Tenant), after.SubjectID, string(after.Compartment), limit)
}

func scanExport(rows *sqlstore.Rows) (e vault.ExportRow, err error) {
	err = rows.Scan(&e.Tenant, &e.SubjectID, &e.Compartment, &e.At)
	if err == nil && max(len(e.SubjectID), len(e.Compartment)) > troth.MaxIdentifier {
		err = errRecord
	}
	return e, err
}

// Snapshot implements vault.JournalSystemStore.
func (s *Store) Snapshot(ctx context.Context, fn func(ctx context.Context) error) error {
	return s.db.Snapshot(ctx, fn)
}
