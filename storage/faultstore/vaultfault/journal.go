package vaultfault

import (
	"context"
	"iter"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/faultstore"
	"github.com/trothdev/troth/vault"
)

// lineFound is what Line returns beside the error.
type lineFound struct {
	row   vault.LineRow
	found bool
}

func (s *store) InsertLine(ctx context.Context, row vault.LineRow) (bool, error) {
	return faultstore.Do(ctx, s.p, "InsertLine", func() (bool, error) { return s.s.InsertLine(ctx, row) })
}

func (s *store) Line(ctx context.Context, t troth.Tenant, id troth.EntryID) (vault.LineRow, bool, error) {
	r, err := faultstore.Do(ctx, s.p, "Line", func() (r lineFound, err error) {
		r.row, r.found, err = s.s.Line(ctx, t, id)
		return r, err
	})
	return r.row, r.found, err
}

func (s *store) PutRoot(ctx context.Context, row vault.RootRow) (bool, error) {
	return faultstore.Do(ctx, s.p, "PutRoot", func() (bool, error) { return s.s.PutRoot(ctx, row) })
}

func (s *store) PutKey(ctx context.Context, row vault.KeyRow) (bool, error) {
	return faultstore.Do(ctx, s.p, "PutKey", func() (bool, error) { return s.s.PutKey(ctx, row) })
}

func (s *store) WaitingLines(ctx context.Context, limit int) ([]vault.LineRow, error) {
	return faultstore.Do(ctx, s.p, "WaitingLines", func() ([]vault.LineRow, error) { return s.s.WaitingLines(ctx, limit) })
}

func (s *store) HeldLines(ctx context.Context, ids []troth.EntryID) ([]troth.EntryID, error) {
	return faultstore.Do(ctx, s.p, "HeldLines", func() ([]troth.EntryID, error) { return s.s.HeldLines(ctx, ids) })
}

func (s *store) AckLines(ctx context.Context, ids []troth.EntryID, at int64) error {
	return faultstore.Run(ctx, s.p, "AckLines", func() error { return s.s.AckLines(ctx, ids, at) })
}

func (s *store) JournalState(ctx context.Context) (vault.JournalState, error) {
	return faultstore.Do(ctx, s.p, "JournalState", func() (vault.JournalState, error) { return s.s.JournalState(ctx) })
}

func (s *store) MoveJournal(ctx context.Context, from, to int64, digest [32]byte) (bool, error) {
	return faultstore.Do(ctx, s.p, "MoveJournal", func() (bool, error) { return s.s.MoveJournal(ctx, from, to, digest) })
}

func (s *store) ResetJournal(ctx context.Context) error {
	return faultstore.Run(ctx, s.p, "ResetJournal", func() error { return s.s.ResetJournal(ctx) })
}

func (s *store) Bury(ctx context.Context, names []vault.BuriedName) error {
	return faultstore.Run(ctx, s.p, "Bury", func() error { return s.s.Bury(ctx, names) })
}

func (s *store) Buried(ctx context.Context, names [][32]byte) ([]vault.BuriedName, error) {
	return faultstore.Do(ctx, s.p, "Buried", func() ([]vault.BuriedName, error) { return s.s.Buried(ctx, names) })
}

func (s *store) RootsAfter(ctx context.Context, after vault.RootAt, limit int) ([]vault.RootRow, error) {
	return faultstore.Do(ctx, s.p, "RootsAfter", func() ([]vault.RootRow, error) { return s.s.RootsAfter(ctx, after, limit) })
}

func (s *store) PeopleAfter(ctx context.Context, after vault.PersonName, limit int) ([]vault.PersonEntry, error) {
	return faultstore.Do(ctx, s.p, "PeopleAfter", func() ([]vault.PersonEntry, error) { return s.s.PeopleAfter(ctx, after, limit) })
}

func (s *store) KeysAfter(ctx context.Context, after vault.KeyAt, limit int) ([]vault.KeyRow, error) {
	return faultstore.Do(ctx, s.p, "KeysAfter", func() ([]vault.KeyRow, error) { return s.s.KeysAfter(ctx, after, limit) })
}

func (s *store) ExportsAfter(ctx context.Context, after vault.KeyName, limit int) ([]vault.ExportRow, error) {
	return faultstore.Do(ctx, s.p, "ExportsAfter", func() ([]vault.ExportRow, error) { return s.s.ExportsAfter(ctx, after, limit) })
}

func (s *store) Snapshot(ctx context.Context, fn func(ctx context.Context) error) error {
	return faultstore.Run(ctx, s.p, "Snapshot", func() error { return s.s.Snapshot(ctx, fn) })
}

// Journal returns j under the plan, which knows its calls as "Append" and
// "Lines".
func Journal(j vault.Journal, p *faultstore.Plan) vault.Journal { return &journal{j, p} }

type journal struct {
	j vault.Journal
	p *faultstore.Plan
}

func (j *journal) Append(ctx context.Context, lines [][]byte) error {
	return faultstore.Run(ctx, j.p, "Append", func() error { return j.j.Append(ctx, lines) })
}

func (j *journal) Lines(ctx context.Context, from int64) iter.Seq2[vault.JournalLine, error] {
	return faultstore.Seq(ctx, j.p, "Lines", j.j.Lines(ctx, from))
}
