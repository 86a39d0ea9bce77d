package audit

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/auditsql"
)

func inboxRow(n byte) audit.InboxRow {
	return audit.InboxRow{
		Tenant: "acme", ID: troth.EntryID(bytes.Repeat([]byte{n + 1}, 16)), RecordedAt: int64(n), Envelope: []byte{n},
		Tag: [32]byte{n, 1},
	}
}

var entryTwo = troth.EntryID(bytes.Repeat([]byte{3}, 16))

// seeded returns a store with three rows of most kinds; the second of each is
// the one to change.
func (b backend) seeded(t *testing.T, db *sql.DB) *auditsql.Store {
	t.Helper()
	s := b.store(t, db)
	require.NoError(t, s.Transactor().Atomically(t.Context(), func(ctx context.Context) error {
		var rows []audit.LogRow
		for n := range byte(3) {
			id := troth.EntryID(bytes.Repeat([]byte{n + 2}, 16))
			rows = append(rows, audit.LogRow{
				Log: 1, Index: uint64(n), Tenant: "acme", ID: id, Number: uint64(n) + 1, Leaf: []byte{1, n}, Act: "a",
				Subject: audit.Pseudonym{1},
			})
			part := audit.PartRow{Entry: entryTwo, Part: int(n), Name: "diff", Salt: make([]byte, 32), Box: []byte{1}}
			checkpoint := audit.CheckpointRow{Log: 1, Size: uint64(n), Note: []byte{1}}
			_, headErr := s.CreateHead(ctx, audit.Head{Log: int(n) + 1})
			_, inboxErr := s.Append(ctx, inboxRow(n+1))
			require.NoError(t, errors.Join(headErr, inboxErr, s.PutCheckpoint(ctx, checkpoint),
				s.InsertParts(ctx, "acme", []audit.PartRow{part}),
				s.PutTiles(ctx, 1, []audit.Tile{{Level: 0, N: uint64(n), Hashes: make([]byte, 64)}}),
				s.PutTenantHeads(ctx, 1, []audit.TenantHead{{Tenant: troth.Tenant("t" + fmt.Sprint(n))}})))
		}
		return s.AppendLog(ctx, rows)
	}))
	return s
}

// reader is a call that must name the row that was changed.
type reader struct {
	name string
	call func(ctx context.Context, s *auditsql.Store) error
}

var (
	logReaders = []reader{
		{"LogRange", func(ctx context.Context, s *auditsql.Store) error { _, err := s.LogRange(ctx, 1, 0, 9); return err }},
		{"LogEntries", func(ctx context.Context, s *auditsql.Store) error {
			_, err := s.LogEntries(ctx, audit.LogPage{Tenant: "acme", Limit: 9})
			return err
		}},
	}
	hashReaders = append(logReaders, reader{"LeafHashes", func(ctx context.Context, s *auditsql.Store) error {
		_, err := s.LeafHashes(ctx, 1, 0, 9)
		return err
	}})
	headReaders = []reader{{"Heads", func(ctx context.Context, s *auditsql.Store) error { _, err := s.Heads(ctx); return err }}}
	tileReaders = []reader{
		{"Tile", func(ctx context.Context, s *auditsql.Store) error { _, _, err := s.Tile(ctx, 1, 0, 1); return err }},
		{"Tiles", func(ctx context.Context, s *auditsql.Store) error { _, err := s.Tiles(ctx, 1, 0, 0, 9); return err }},
	}
	tenantReaders = []reader{
		{"TenantHead", func(ctx context.Context, s *auditsql.Store) error {
			_, _, err := s.TenantHead(ctx, 1, "t1")
			return err
		}},
		{"TenantHeads", func(ctx context.Context, s *auditsql.Store) error { _, err := s.TenantHeads(ctx, 1, "", 9); return err }},
	}
	checkpointReaders = []reader{
		{"Checkpoint", func(ctx context.Context, s *auditsql.Store) error { _, _, err := s.Checkpoint(ctx, 1, 1); return err }},
		{"Checkpoints", func(ctx context.Context, s *auditsql.Store) error { _, err := s.Checkpoints(ctx, 1, 0, 9); return err }},
	}
	partReaders = []reader{{"Parts", func(ctx context.Context, s *auditsql.Store) error {
		_, err := s.Parts(ctx, "acme", entryTwo)
		return err
	}}}
	inboxReaders = []reader{
		{"Entries", func(ctx context.Context, s *auditsql.Store) error {
			_, err := s.Entries(ctx, audit.EntriesPage{Tenant: "acme", Limit: 9})
			return err
		}},
		{"TakeInbox", func(ctx context.Context, s *auditsql.Store) error { _, err := s.TakeInbox(ctx, 9); return err }},
	}
)

// TestRowsThatCannotBeRead changes one value at a time to one of a length that
// is never stored, on SQLite also of another type.
func TestRowsThatCannotBeRead(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	for _, c := range []struct {
		column, table, where string
		places               []string
		readers              []reader
	}{
		{"id", "troth_audit_entry", "idx = 1", []string{"log 1"}, logReaders},
		{"hash", "troth_audit_entry", "idx = 1", []string{"log 1", "1"}, hashReaders},
		{"subject", "troth_audit_entry", "idx = 1", []string{"log 1", "1"}, logReaders},
		{"redacted_by", "troth_audit_entry", "idx = 1", []string{"log 1", "1"}, logReaders},
		{"root", "troth_audit_head", "log = 2", []string{"log 2"}, headReaders},
		{"salt", "troth_audit_head", "log = 2", []string{"log 2"}, headReaders},
		{"pruned_by", "troth_audit_head", "log = 2", []string{"log 2"}, headReaders},
		{"hashes", "troth_audit_tile", "n = 1", []string{"level 0", "tile 1"}, tileReaders},
		{"hash", "troth_audit_tenant", "tenant = 't1'", []string{"log 1"}, tenantReaders},
		{"subject", "troth_audit_part", "part = 1", []string{entryTwo.String(), "1"}, partReaders},
		{"salt", "troth_audit_part", "part = 1", []string{entryTwo.String(), "1"}, partReaders},
		{"dropped_by", "troth_audit_part", "part = 1", []string{entryTwo.String(), "1"}, partReaders},
		{"id", "troth_audit_inbox", "recorded_at = 2", []string{"behind id"}, inboxReaders[:1]},
		{"id", "troth_audit_inbox", "recorded_at = 2", nil, inboxReaders[1:]},
	} {
		t.Run(c.table+"."+c.column, func(t *testing.T) {
			each(t, func(t *testing.T, b backend) {
				db := b.open(t)
				s := b.seeded(t, db)
				b.noChecks(t, db, c.table)
				change := "UPDATE " + c.table + " SET " + c.column + " = ? WHERE " + c.where
				values := []any{[]byte{7}, bytes.Repeat([]byte{7}, 31)}
				for _, v := range values {
					b.unchecked(t, db, change, v)
					for _, r := range c.readers {
						err := r.call(t.Context(), s)
						re, ok := errors.AsType[*audit.RowError](err)
						require.True(t, ok, "%s: %v", r.name, err)
						require.Equal(t, c.table, re.Table, r.name)
						for _, p := range c.places {
							require.Contains(t, re.Place, p, r.name)
						}
					}
				}
			})
		})
	}
}

// TestNumbersThatCannotBeRead stores numbers that no log reaches, and on SQLite
// text in their place.
func TestNumbersThatCannotBeRead(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	for _, c := range []struct {
		column, table, where string
		readers              []reader
	}{
		{"number", "troth_audit_entry", "idx = 1", logReaders[:1]},
		{"size", "troth_audit_head", "log = 2", headReaders},
		{"pruned", "troth_audit_head", "log = 2", headReaders},
		{"number", "troth_audit_tenant", "tenant = 't1'", tenantReaders},
		{"idx", "troth_audit_tenant", "tenant = 't1'", tenantReaders},
		{"signed_at", "troth_audit_checkpoint", "size = 1", checkpointReaders},
		{"recorded_at", "troth_audit_part", "part = 1", partReaders},
		{"recorded_at", "troth_audit_inbox", "recorded_at = 2", inboxReaders},
	} {
		t.Run(c.table+"."+c.column, func(t *testing.T) {
			each(t, func(t *testing.T, b backend) {
				signed := strings.HasSuffix(c.column, "_at")
				if signed && b.dialect == sqlstore.Postgres {
					return // every number is a time there
				}
				db := b.open(t)
				s := b.seeded(t, db)
				value := any(-1)
				if signed {
					value = "yesterday"
				}
				b.unchecked(t, db, "UPDATE "+c.table+" SET "+c.column+" = ? WHERE "+c.where, value)
				for _, r := range c.readers {
					re, ok := errors.AsType[*audit.RowError](r.call(t.Context(), s))
					require.True(t, ok, r.name)
					require.Equal(t, c.table, re.Table, r.name)
				}
			})
		})
	}
}

// TestLogRange_GivesTheRowsBeforeTheOneThatCannotBeRead, so that the first thing
// that does not fit can be named.
func TestLogRange_GivesTheRowsBeforeTheOneThatCannotBeRead(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		db := b.open(t)
		s := b.seeded(t, db)
		b.noChecks(t, db, "troth_audit_entry")
		b.unchecked(t, db, "UPDATE troth_audit_entry SET hash = ? WHERE idx = 2", []byte{7})
		rows, err := s.LogRange(t.Context(), 1, 0, 9)
		re, ok := errors.AsType[*audit.RowError](err)
		require.True(t, ok, "%v", err)
		require.Contains(t, re.Place, "index 2")
		require.Len(t, rows, 2)
		require.Equal(t, uint64(1), rows[1].Index)
	})
}

// TestHugeValuesAreNotLoaded puts a megabyte where a few bytes belong, as who
// writes to the database can.
func TestHugeValuesAreNotLoaded(t *testing.T) {
	huge := bytes.Repeat([]byte{7}, 1<<20)
	each(t, func(t *testing.T, b backend) {
		db := b.open(t)
		s := b.seeded(t, db)
		for _, change := range []string{
			"troth_audit_tile SET hashes = ? WHERE n = 1", "troth_audit_checkpoint SET note = ? WHERE size = 1",
			"troth_audit_part SET box = ? WHERE part = 1", "troth_audit_entry SET leaf = ? WHERE idx = 1",
			"troth_audit_inbox SET envelope = ? WHERE recorded_at = 2",
		} {
			b.unchecked(t, db, "UPDATE "+change, huge)
		}
		for _, r := range append(append(append([]reader{}, tileReaders...), checkpointReaders...), partReaders...) {
			_, ok := errors.AsType[*audit.RowError](r.call(t.Context(), s))
			require.True(t, ok, r.name)
		}
		rows, err := s.LogRange(t.Context(), 1, 0, 9)
		require.NoError(t, err)
		require.True(t, rows[1].Oversized)
		require.Nil(t, rows[1].Leaf)
		taken, err := s.TakeInbox(t.Context(), 9)
		require.NoError(t, err)
		require.Len(t, taken, 3)
		require.Nil(t, taken[1].Envelope)
		require.Equal(t, inboxRow(1), taken[0])
	})
}
