package vaulttest

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// brokenJournal is the part of a broken Backend that serves the erasure journal.
type brokenJournal struct {
	insertLine   func(ctx context.Context, row vault.LineRow) (bool, error)
	line         func(ctx context.Context, t troth.Tenant, id troth.EntryID) (vault.LineRow, bool, error)
	waitingLines func(ctx context.Context, limit int) ([]vault.LineRow, error)
	heldLines    func(ctx context.Context, ids []troth.EntryID) ([]troth.EntryID, error)
	ackLines     func(ctx context.Context, ids []troth.EntryID, at int64) error
	journalState func(ctx context.Context) (vault.JournalState, error)
	moveJournal  func(ctx context.Context, from, to int64, digest [32]byte) (bool, error)
	resetJournal func(ctx context.Context) error
	bury         func(ctx context.Context, names []vault.BuriedName) error
	buried       func(ctx context.Context, names [][32]byte) ([]vault.BuriedName, error)
	rootsAfter   func(ctx context.Context, after vault.RootAt, limit int) ([]vault.RootRow, error)
	peopleAfter  func(ctx context.Context, after vault.PersonName, limit int) ([]vault.PersonEntry, error)
	keysAfter    func(ctx context.Context, after vault.KeyAt, limit int) ([]vault.KeyRow, error)
	exportsAfter func(ctx context.Context, after vault.KeyName, limit int) ([]vault.ExportRow, error)
	snapshot     func(ctx context.Context, fn func(ctx context.Context) error) error
	putRoot      func(ctx context.Context, row vault.RootRow) (bool, error)
	putKey       func(ctx context.Context, row vault.KeyRow) (bool, error)
}

func wholeJournal(s vault.Backend) brokenJournal {
	return brokenJournal{
		insertLine: s.InsertLine, line: s.Line, waitingLines: s.WaitingLines, heldLines: s.HeldLines, ackLines: s.AckLines,
		journalState: s.JournalState, moveJournal: s.MoveJournal, resetJournal: s.ResetJournal,
		bury: s.Bury, buried: s.Buried, rootsAfter: s.RootsAfter, peopleAfter: s.PeopleAfter, keysAfter: s.KeysAfter, exportsAfter: s.ExportsAfter,
		snapshot: s.Snapshot, putRoot: s.PutRoot, putKey: s.PutKey,
	}
}

func (b *broken) InsertLine(ctx context.Context, row vault.LineRow) (bool, error) {
	return b.insertLine(ctx, row)
}

func (b *broken) Line(ctx context.Context, t troth.Tenant, id troth.EntryID) (vault.LineRow, bool, error) {
	return b.line(ctx, t, id)
}

func (b *broken) WaitingLines(ctx context.Context, limit int) ([]vault.LineRow, error) {
	return b.waitingLines(ctx, limit)
}

func (b *broken) HeldLines(ctx context.Context, ids []troth.EntryID) ([]troth.EntryID, error) {
	return b.heldLines(ctx, ids)
}

func (b *broken) AckLines(ctx context.Context, ids []troth.EntryID, at int64) error {
	return b.ackLines(ctx, ids, at)
}

func (b *broken) JournalState(ctx context.Context) (vault.JournalState, error) {
	return b.journalState(ctx)
}

func (b *broken) MoveJournal(ctx context.Context, from, to int64, digest [32]byte) (bool, error) {
	return b.moveJournal(ctx, from, to, digest)
}

func (b *broken) ResetJournal(ctx context.Context) error { return b.resetJournal(ctx) }

func (b *broken) Bury(ctx context.Context, names []vault.BuriedName) error { return b.bury(ctx, names) }

func (b *broken) Buried(ctx context.Context, names [][32]byte) ([]vault.BuriedName, error) {
	return b.buried(ctx, names)
}

func (b *broken) RootsAfter(ctx context.Context, after vault.RootAt, limit int) ([]vault.RootRow, error) {
	return b.rootsAfter(ctx, after, limit)
}

func (b *broken) PeopleAfter(ctx context.Context, after vault.PersonName, limit int) ([]vault.PersonEntry, error) {
	return b.peopleAfter(ctx, after, limit)
}

func (b *broken) KeysAfter(ctx context.Context, after vault.KeyAt, limit int) ([]vault.KeyRow, error) {
	return b.keysAfter(ctx, after, limit)
}

func (b *broken) Snapshot(ctx context.Context, fn func(ctx context.Context) error) error {
	return b.snapshot(ctx, fn)
}

func (b *broken) PutRoot(ctx context.Context, row vault.RootRow) (bool, error) {
	return b.putRoot(ctx, row)
}

func (b *broken) PutKey(ctx context.Context, row vault.KeyRow) (bool, error) {
	return b.putKey(ctx, row)
}

func (b *broken) ExportsAfter(ctx context.Context, after vault.KeyName, limit int) ([]vault.ExportRow, error) {
	return b.exportsAfter(ctx, after, limit)
}
