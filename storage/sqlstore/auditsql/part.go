package auditsql

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/sqlstore"
)

// InsertParts implements audit.LogStore.
func (s *Store) InsertParts(ctx context.Context, tenant troth.Tenant, parts []audit.PartRow) error {
	return s.atomically(ctx, func(ctx context.Context) error {
		for _, p := range parts {
			if err := p.Validate(); err != nil {
				return err
			}
			inserted, err := s.exec(ctx, s.log.insertPart, string(tenant), p.Entry[:], p.Part, p.Name, p.Subject[:],
				string(p.Compartment), p.RecordedAt, p.Salt, p.Box, orNull(idOrNil(p.DroppedBy)))
			if err != nil {
				return err
			}
			if !inserted {
				return audit.ErrDuplicate
			}
		}
		return nil
	})
}

// Parts implements audit.LogStore.
func (s *Store) Parts(ctx context.Context, tenant troth.Tenant, id troth.EntryID) (parts []audit.PartRow, err error) {
	q := reading{table: partTable, text: s.log.parts, args: []any{string(tenant), id[:]}, place: func() string {
		return at("entry %s, %d parts after the first", id, len(parts))()
	}}
	err = s.read(ctx, q, func(rows *sqlstore.Rows) error {
		p := audit.PartRow{Entry: id}
		var subject, by []byte
		var gone bool
		err := rows.Scan(&p.Part, &p.Name, &subject, &p.Compartment, &p.RecordedAt, &p.Salt, &p.Box, &by, &gone)
		if err == nil {
			err = firstError(copyFixed(p.Subject[:], subject), copyOptional(p.DroppedBy[:], by))
		}
		if err == nil && !gone {
			err = p.Validate()
		}
		if err == nil {
			parts = append(parts, p)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return parts, nil
}

// DropParts implements audit.LogStore.
func (s *Store) DropParts(ctx context.Context, d audit.PartsDrop) (int, error) {
	if !d.Entry.IsZero() {
		return s.count(ctx, s.log.dropPartsOf, d.By[:], string(d.Tenant), d.Entry[:])
	}
	return s.count(ctx, s.log.dropPartsBefore, d.By[:], string(d.Tenant), d.Before, string(d.Tenant), d.Before, d.Limit)
}
