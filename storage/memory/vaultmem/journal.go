package vaultmem

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/vault"
)

// journal holds what the erasure journal needs.
type journal struct {
	lines  *memory.Table[line, vault.LineRow]
	state  *memory.Table[string, journalState]
	buried *memory.Table[buried, vault.BuriedName]
}

type line struct {
	tenant troth.Tenant
	entry  troth.EntryID
}

type buried struct {
	name  [32]byte
	entry troth.EntryID
}

type journalState struct {
	position int64
	digest   [32]byte
}

func newJournal(db *memory.DB) journal {
	return journal{
		lines: memory.NewTable[line, vault.LineRow](db, func(a, b line) int {
			return cmp.Or(cmp.Compare(a.tenant, b.tenant), bytes.Compare(a.entry[:], b.entry[:]))
		}),
		state: memory.NewTable[string, journalState](db, cmp.Compare[string]),
		buried: memory.NewTable[buried, vault.BuriedName](db, func(a, b buried) int {
			return cmp.Or(bytes.Compare(a.name[:], b.name[:]), bytes.Compare(a.entry[:], b.entry[:]))
		}),
	}
}

// InsertLine implements vault.JournalStore.
func (s *Store) InsertLine(ctx context.Context, row vault.LineRow) (bool, error) {
	row.Line = slices.Clone(row.Line)
	return s.journal.lines.Insert(ctx, line{row.Tenant, row.Entry}, row)
}

// Line implements vault.JournalStore.
func (s *Store) Line(ctx context.Context, tenant troth.Tenant, entry troth.EntryID) (vault.LineRow, bool, error) {
	row, found, err := s.journal.lines.Get(ctx, line{tenant, entry})
	row.Line = slices.Clone(row.Line)
	return row, found, err
}

func (s *Store) scanLines(ctx context.Context, keep func(vault.LineRow) bool) ([]vault.LineRow, error) {
	rows, err := s.journal.lines.Scan(ctx, nil, 0, func(_ line, row vault.LineRow) bool { return keep(row) })
	out := make([]vault.LineRow, len(rows))
	for i, r := range rows {
		out[i] = r.Value
		out[i].Line = slices.Clone(r.Value.Line)
	}
	return out, err
}

func waits(row vault.LineRow) bool { return row.AckedAt == 0 }

// WaitingLines implements vault.JournalSystemStore.
func (s *Store) WaitingLines(ctx context.Context, limit int) ([]vault.LineRow, error) {
	rows, err := s.scanLines(ctx, waits)
	slices.SortFunc(rows, func(a, b vault.LineRow) int {
		return cmp.Or(cmp.Compare(a.At, b.At), bytes.Compare(a.Entry[:], b.Entry[:]))
	})
	return rows[:min(limit, len(rows))], err
}

// HeldLines implements vault.JournalSystemStore.
func (s *Store) HeldLines(ctx context.Context, entries []troth.EntryID) ([]troth.EntryID, error) {
	wanted := make(map[troth.EntryID]bool, len(entries))
	for _, id := range entries {
		wanted[id] = true
	}
	var held []troth.EntryID
	_, err := s.scanLines(ctx, func(row vault.LineRow) bool {
		if wanted[row.Entry] {
			held = append(held, row.Entry)
			delete(wanted, row.Entry)
		}
		return false
	})
	return held, err
}

// AckLines implements vault.JournalSystemStore.
func (s *Store) AckLines(ctx context.Context, entries []troth.EntryID, at int64) error {
	return s.eachLine(ctx, func(row vault.LineRow) bool {
		return waits(row) && slices.Contains(entries, row.Entry)
	}, at)
}

// eachLine sets AckedAt of the lines that keep accepts.
func (s *Store) eachLine(ctx context.Context, keep func(vault.LineRow) bool, at int64) error {
	return s.db.Atomically(ctx, func(ctx context.Context) error {
		rows, err := s.scanLines(ctx, keep)
		for _, row := range rows {
			row.AckedAt = at
			if err := s.journal.lines.Put(ctx, line{row.Tenant, row.Entry}, row); err != nil {
				return err
			}
		}
		return err
	})
}

// headName is the one row of the journal's state.
const headName = "head"

// JournalState implements vault.JournalSystemStore.
func (s *Store) JournalState(ctx context.Context) (state vault.JournalState, err error) {
	head, _, err := s.journal.state.Get(ctx, headName)
	if err != nil {
		return state, err
	}
	state.Position, state.Digest = head.position, head.digest
	rows, err := s.scanLines(ctx, waits)
	for _, row := range rows {
		if state.Waiting == 0 || row.At < state.Oldest {
			state.Oldest = row.At
		}
		state.Waiting++
	}
	return state, err
}

// MoveJournal implements vault.JournalSystemStore.
func (s *Store) MoveJournal(ctx context.Context, from, to int64, digest [32]byte) (moved bool, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		head, _, err := s.journal.state.Get(ctx, headName)
		moved = err == nil && head.position == from
		if !moved {
			return err
		}
		return s.journal.state.Put(ctx, headName, journalState{to, digest})
	})
	return moved && err == nil, err
}

// ResetJournal implements vault.JournalSystemStore.
func (s *Store) ResetJournal(ctx context.Context) error {
	return s.db.Atomically(ctx, func(ctx context.Context) error {
		if _, err := s.journal.state.Delete(ctx, headName); err != nil {
			return err
		}
		return s.eachLine(ctx, func(row vault.LineRow) bool { return !waits(row) }, 0)
	})
}

// Bury implements vault.JournalSystemStore.
func (s *Store) Bury(ctx context.Context, names []vault.BuriedName) error {
	return s.db.Atomically(ctx, func(ctx context.Context) error {
		for _, n := range names {
			if _, err := s.journal.buried.Insert(ctx, buried{n.Name, n.Entry}, n); err != nil {
				return err
			}
		}
		return nil
	})
}

// Buried implements vault.JournalSystemStore.
func (s *Store) Buried(ctx context.Context, names [][32]byte) ([]vault.BuriedName, error) {
	var found []vault.BuriedName
	for _, n := range names {
		rows, err := s.journal.buried.Scan(ctx, &buried{name: n}, 0, func(b buried, _ vault.BuriedName) bool { return b.name == n })
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			found = append(found, r.Value)
		}
	}
	return found, nil
}
