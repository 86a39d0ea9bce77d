package auditsql

import (
	"context"
	"database/sql"

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

// Links finds many pseudonyms, on PostgreSQL in one statement and on SQLite in few.
func (s *Store) Links(ctx context.Context, names []audit.PseudonymName) ([]audit.PseudonymLink, error) {
	links := make([]audit.PseudonymLink, len(names))
	if s.postgres() {
		return links, s.readLinks(ctx, s.sql.links, []any{
			texts(len(names), func(i int) string { return string(names[i].Tenant) }),
			fixed(len(names), func(i int) []byte { return names[i].Lookup[:] }),
		}, links)
	}
	for from := 0; from < len(names); {
		n := power(len(names)-from, len(s.sql.linksOf))
		args := make([]any, 0, 2<<n)
		for i := range names[from:][:1<<n] {
			name := &names[from+i]
			args = append(args, string(name.Tenant), name.Lookup[:])
		}
		if err := s.readLinks(ctx, s.sql.linksOf[n], args, links[from:]); err != nil {
			return nil, err
		}
		from += 1 << n
	}
	return links, nil
}

// readLinks reads links, each of which comes with its place among them.
func (s *Store) readLinks(ctx context.Context, text string, args []any, links []audit.PseudonymLink) error {
	q := reading{table: pseudonymTable, text: text, place: at("one of several"), args: args}
	var n int
	var pseudonym, tag sql.RawBytes
	return s.read(ctx, q, func(rows *sqlstore.Rows) error {
		if err := rows.Scan(&n, &pseudonym, &tag); err != nil {
			return err
		}
		l := &links[n]
		l.Found = true
		if len(pseudonym) == len(l.Pseudonym) && len(tag) == len(l.Tag) {
			l.Pseudonym, l.Tag = audit.Pseudonym(pseudonym), [32]byte(tag)
		}
		return nil
	})
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
