package auditsql

import (
	"context"

	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/sqlstore"
)

// Pseudonym implements audit.Store.
func (s *Store) Pseudonym(ctx context.Context, name audit.PseudonymName) (row audit.PseudonymRow, found bool, err error) {
	var pseudonym, tag []byte
	row.PseudonymName = name
	found, err = sqlstore.QueryRow(ctx, s.handle.Querier(ctx), s.sql.pseudonym,
		[]any{string(name.Tenant), name.Lookup[:]}, &pseudonym, &tag, &row.Identity, &row.CreatedAt)
	if err != nil || !found {
		return audit.PseudonymRow{}, false, err
	}
	if len(pseudonym) != len(row.Pseudonym) || len(tag) != len(row.Tag) {
		return audit.PseudonymRow{}, false, audit.ErrPseudonym
	}
	row.Pseudonym, row.Tag = audit.Pseudonym(pseudonym), [32]byte(tag)
	if row.Pseudonym.IsZero() {
		return audit.PseudonymRow{}, false, audit.ErrPseudonym
	}
	return row, true, nil
}

// InsertPseudonym implements audit.Store.
func (s *Store) InsertPseudonym(ctx context.Context, row audit.PseudonymRow) (bool, error) {
	return s.exec(ctx, s.sql.insertPseudonym,
		string(row.Tenant), row.Lookup[:], row.Pseudonym[:], row.Tag[:], row.Identity, row.CreatedAt)
}

// DeletePseudonym implements audit.Store.
func (s *Store) DeletePseudonym(ctx context.Context, name audit.PseudonymName) (bool, error) {
	return s.exec(ctx, s.sql.deletePseudonym, string(name.Tenant), name.Lookup[:])
}

// Managed implements audit.SystemStore.
func (s *Store) Managed(ctx context.Context) (bool, error) {
	var one int
	return sqlstore.QueryRow(ctx, s.handle.Querier(ctx), s.sql.managed, nil, &one)
}

// SetManaged implements audit.SystemStore.
func (s *Store) SetManaged(ctx context.Context) error {
	_, err := s.exec(ctx, s.sql.setManaged)
	return err
}
