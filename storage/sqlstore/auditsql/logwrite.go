package auditsql

import (
	"context"
	"database/sql"
	"math/bits"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/sqlstore"
)

// AppendLog implements audit.LogSystem.
func (s *Store) AppendLog(ctx context.Context, rows []audit.LogRow) error {
	return s.atomically(ctx, func(ctx context.Context) error {
		added, err := s.appendLog(ctx, rows)
		if err == nil && added != len(rows) {
			err = audit.ErrDuplicate
		}
		return err
	})
}

func (s *Store) appendLog(ctx context.Context, rows []audit.LogRow) (added int, err error) {
	n := len(rows)
	if !s.postgres() {
		return s.appendEach(ctx, rows)
	}
	args := []any{
		ints(n, func(i int) int64 { return int64(rows[i].Log) }),
		ints(n, func(i int) int64 { return signed(rows[i].Index) }),
		texts(n, func(i int) string { return string(rows[i].Tenant) }),
		fixed(n, func(i int) []byte { return rows[i].ID[:] }),
		ints(n, func(i int) int64 { return signed(rows[i].Number) }),
		fixed(n, func(i int) []byte { return rows[i].Hash[:] }),
		fixed(n, func(i int) []byte { return rows[i].RedactedBy[:] }),
		ints(n, func(i int) int64 { return rows[i].RecordedAt }),
		texts(n, func(i int) string { return rows[i].Act }),
		fixed(n, func(i int) []byte { return rows[i].Subject[:] }),
	}
	leaves := collect(n, func(i int) []byte { return rows[i].Leaf })
	return s.count(ctx, s.log.appendAll, append(args, leaves.args()...)...)
}

// appendEach appends rows on SQLite, as many of them with one statement as it has one
// for: what a statement costs by itself is a third of what it takes to insert a row.
func (s *Store) appendEach(ctx context.Context, rows []audit.LogRow) (added int, err error) {
	for len(rows) > 0 {
		n := power(len(rows), len(s.log.append))
		args := make([]any, 0, 11<<n)
		for i := range rows[:1<<n] {
			r := &rows[i]
			at, err := place(r.Log, r.Index)
			if err != nil {
				return added, err
			}
			args = append(args, at, r.Log, string(r.Tenant), r.ID[:], signed(r.Number), r.Hash[:], orNull(r.Leaf),
				orNull(idOrNil(r.RedactedBy)), r.RecordedAt, r.Act, orNull(idOrNil(r.Subject)))
		}
		more, err := s.count(ctx, s.log.append[n], args...)
		if err != nil {
			return added, err
		}
		added += more
		rows = rows[1<<n:]
	}
	return added, nil
}

// power is the greatest power of two that is no more than count, by its exponent,
// which is below limit.
func power(count, limit int) int { return min(bits.Len(uint(count)), limit) - 1 }

// Known implements audit.LogSystem.
func (s *Store) Known(ctx context.Context, ids []audit.TenantEntry) (known []audit.TenantEntry, err error) {
	if s.postgres() {
		return s.known(ctx, s.log.knownAll, nameArgs(ids))
	}
	for _, id := range ids {
		found, err := s.known(ctx, s.log.known, []any{string(id.Tenant), id.ID[:]})
		if err != nil {
			return nil, err
		}
		known = append(known, found...)
	}
	return known, nil
}

// nameArgs are the arguments for a list of entries on PostgreSQL.
func nameArgs(ids []audit.TenantEntry) []any {
	return []any{
		texts(len(ids), func(i int) string { return string(ids[i].Tenant) }),
		fixed(len(ids), func(i int) []byte { return ids[i].ID[:] }),
	}
}

func (s *Store) known(ctx context.Context, text string, args []any) (known []audit.TenantEntry, err error) {
	q := reading{table: entryTable, text: text, args: args, place: at("one of several by id")}
	var id sql.RawBytes
	err = s.read(ctx, q, func(rows *sqlstore.Rows) error {
		var tenant troth.Tenant
		if err := rows.Scan(&tenant, &id); err != nil {
			return err
		}
		known = append(known, audit.TenantEntry{Tenant: tenant})
		return copyFixed(known[len(known)-1].ID[:], id)
	})
	return known, err
}
