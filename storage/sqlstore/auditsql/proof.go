package auditsql

import (
	"context"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/sqlstore"
)

// ProofRows finds in one statement what a proof of an entry is made of. found is
// false where there is no such entry, or no checkpoint yet. Neighbours is nil where
// the tile is not complete.
func (s *Store) ProofRows(ctx context.Context, tenant troth.Tenant, id troth.EntryID) (p audit.ProofRows, found bool, err error) {
	r := newLogReader(1)
	var size int64
	dest := slices.Concat(r.dest, []any{&size, &p.Checkpoint.SignedAt, &p.Checkpoint.Note, &p.Neighbours})
	q := reading{table: entryTable, text: s.log.proofRows, args: []any{string(tenant), id[:]}, place: at("id %s, or what proves it", id)}
	err = s.read(ctx, q, func(rows *sqlstore.Rows) error {
		r.dest = dest
		if err := r.scan(rows); err != nil {
			return err
		}
		p.Entry, found = r.rows[0], true
		p.Checkpoint.Log = p.Entry.Log
		if len(p.Neighbours) != maxTile {
			p.Neighbours = nil // whoever reads that tile alone will say what is wrong
		}
		if len(p.Checkpoint.Note) == 0 {
			return errSize
		}
		return unsigned(&p.Checkpoint.Size, size)
	})
	if err != nil || !found {
		return audit.ProofRows{}, false, err
	}
	return p, true, nil
}
