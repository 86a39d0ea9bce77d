package vaultsql

import (
	"context"
	"errors"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/statement"
	"github.com/trothdev/troth/vault"
)

var (
	errLine  = errors.New("vaultsql: stored line of the journal has values out of range")
	errState = errors.New("vaultsql: stored state of the journal has values out of range")
)

// InsertLine implements vault.JournalStore.
func (s *Store) InsertLine(ctx context.Context, row vault.LineRow) (bool, error) {
	return s.db.Affects(ctx, s.j.insertLine, string(row.Tenant), row.Entry[:], row.Line, row.At, row.AckedAt)
}

// Line implements vault.JournalStore.
func (s *Store) Line(ctx context.Context, tenant troth.Tenant, entry troth.EntryID) (vault.LineRow, bool, error) {
	rows, err := statement.Query(ctx, s.db, scanLine, s.j.line, string(tenant), entry[:])
	if err != nil || len(rows) == 0 {
		return vault.LineRow{}, false, err
	}
	return rows[0], true, nil
}

func scanLine(rows *sqlstore.Rows) (l vault.LineRow, err error) {
	var entry []byte
	err = rows.Scan(&l.Tenant, &entry, &l.Line, &l.At, &l.AckedAt)
	if err != nil || !statement.Fill(l.Entry[:], entry) || len(l.Tenant) > troth.MaxIdentifier || len(l.Line) > vault.MaxJournalLine {
		return l, errLine
	}
	return l, nil
}

// WaitingLines implements vault.JournalSystemStore. It looks for what waits, and
// not for what is new, so the order of commits does not matter.
func (s *Store) WaitingLines(ctx context.Context, limit int) ([]vault.LineRow, error) {
	return statement.Query(ctx, s.db, scanLine, s.j.waiting, limit)
}

// entryArgs are the arguments of a statement that names some entries: the last
// stands where there are too few.
func entryArgs(before []any, entries []troth.EntryID) []any {
	args := before
	for i := range entriesAtOnce {
		args = append(args, entries[min(i, len(entries)-1)][:])
	}
	return args
}

// HeldLines implements vault.JournalSystemStore.
func (s *Store) HeldLines(ctx context.Context, entries []troth.EntryID) (held []troth.EntryID, err error) {
	seen := make(map[troth.EntryID]bool, len(entries))
	for some := range slices.Chunk(entries, entriesAtOnce) {
		found, err := statement.Query(ctx, s.db, scanEntry, s.j.held, entryArgs(nil, some)...)
		if err != nil {
			return nil, err
		}
		for _, id := range found {
			if !seen[id] {
				seen[id] = true
				held = append(held, id)
			}
		}
	}
	return held, nil
}

func scanEntry(rows *sqlstore.Rows) (id troth.EntryID, err error) {
	var entry []byte
	if err = rows.Scan(&entry); err != nil || !statement.Fill(id[:], entry) {
		return id, errLine
	}
	return id, nil
}

// AckLines implements vault.JournalSystemStore.
func (s *Store) AckLines(ctx context.Context, entries []troth.EntryID, at int64) error {
	return s.db.Atomically(ctx, func(ctx context.Context) error {
		for some := range slices.Chunk(entries, entriesAtOnce) {
			if _, err := s.db.Querier(ctx).Exec(ctx, s.j.ack, entryArgs([]any{at}, some)...); err != nil {
				return err
			}
		}
		return nil
	})
}

// JournalState implements vault.JournalSystemStore.
func (s *Store) JournalState(ctx context.Context) (state vault.JournalState, err error) {
	var none [32]byte
	var digest []byte
	_, err = sqlstore.QueryRow(ctx, s.db.Querier(ctx), s.j.state, []any{none[:]},
		&state.Position, &digest, &state.Waiting, &state.Oldest)
	if err == nil && (!statement.Fill(state.Digest[:], digest) || state.Position < 0) {
		err = errState
	}
	return state, err
}

// MoveJournal implements vault.JournalSystemStore.
func (s *Store) MoveJournal(ctx context.Context, from, to int64, digest [32]byte) (moved bool, err error) {
	if from == 0 {
		return s.db.Affects(ctx, s.j.begin, to, digest[:])
	}
	return s.db.Affects(ctx, s.j.move, to, digest[:], from)
}

// ResetJournal implements vault.JournalSystemStore.
func (s *Store) ResetJournal(ctx context.Context) error {
	return s.db.Atomically(ctx, func(ctx context.Context) error {
		q := s.db.Querier(ctx)
		if _, err := q.Exec(ctx, s.j.unfollow); err != nil {
			return err
		}
		_, err := q.Exec(ctx, s.j.unack)
		return err
	})
}

// Bury implements vault.JournalSystemStore. Who buries many at once takes them
// in one order, so that two who do so wait for each other and not in a circle.
func (s *Store) Bury(ctx context.Context, names []vault.BuriedName) error {
	ordered := slices.Clone(names)
	slices.SortStableFunc(ordered, func(a, b vault.BuriedName) int { return slices.Compare(a.Name[:], b.Name[:]) })
	return s.db.Atomically(ctx, func(ctx context.Context) error {
		for _, n := range ordered {
			if _, err := s.db.Querier(ctx).Exec(ctx, s.j.bury, n.Name[:], n.Entry[:], n.At); err != nil {
				return err
			}
		}
		return nil
	})
}

// Buried implements vault.JournalSystemStore.
func (s *Store) Buried(ctx context.Context, names [][32]byte) (found []vault.BuriedName, err error) {
	for some := range slices.Chunk(names, namesAtOnce) {
		args := make([]any, namesAtOnce)
		for i := range args {
			args[i] = some[min(i, len(some)-1)][:]
		}
		rows, err := statement.Query(ctx, s.db, scanBuried, s.j.buried, args...)
		if err != nil {
			return nil, err
		}
		found = append(found, rows...)
	}
	return found, nil
}

func scanBuried(rows *sqlstore.Rows) (b vault.BuriedName, err error) {
	var name, entry []byte
	if err = rows.Scan(&name, &entry, &b.At); err != nil || !statement.Fill(b.Name[:], name) || !statement.Fill(b.Entry[:], entry) {
		return b, errLine
	}
	return b, nil
}
