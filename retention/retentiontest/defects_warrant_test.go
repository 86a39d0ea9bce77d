package retentiontest

import (
	"context"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
)

// brokenWarrants is a store of which single methods about warrants are wrong.
type brokenWarrants struct {
	retention.Backend
	insert  func(ctx context.Context, row retention.WarrantRow) error
	locked  func(row retention.WarrantRow) retention.WarrantRow
	put     func(ctx context.Context, row retention.WarrantRow) error
	delete  func(ctx context.Context, key retention.WarrantKey) error
	of      func(rows []retention.WarrantRow) []retention.WarrantRow
	about   func(q retention.WarrantQuery) retention.WarrantQuery
	due     func(at int64) int64
	waiting func(rows []retention.WarrantRow) []retention.WarrantRow
	add     func(row retention.TallyRow) retention.TallyRow
	tallies func(rows []retention.TallyRow) []retention.TallyRow
	told    func(rows []retention.LatenessRow) []retention.LatenessRow
}

func (b *brokenWarrants) InsertWarrant(ctx context.Context, row retention.WarrantRow) error {
	if b.insert != nil {
		return b.insert(ctx, row)
	}
	return b.Backend.InsertWarrant(ctx, row)
}

func (b *brokenWarrants) LockWarrant(ctx context.Context, key retention.WarrantKey, wait bool) (retention.WarrantRow, bool, error) {
	row, found, err := b.Backend.LockWarrant(ctx, key, wait)
	if b.locked != nil {
		row = b.locked(row)
	}
	return row, found, err
}

func (b *brokenWarrants) PutWarrant(ctx context.Context, row retention.WarrantRow) error {
	if b.put != nil {
		return b.put(ctx, row)
	}
	return b.Backend.PutWarrant(ctx, row)
}

func (b *brokenWarrants) DeleteWarrant(ctx context.Context, key retention.WarrantKey) error {
	if b.delete != nil {
		return b.delete(ctx, key)
	}
	return b.Backend.DeleteWarrant(ctx, key)
}

func (b *brokenWarrants) WarrantsOf(ctx context.Context, t troth.Tenant, handle string) ([]retention.WarrantRow, error) {
	rows, err := b.Backend.WarrantsOf(ctx, t, handle)
	if b.of != nil {
		rows = b.of(rows)
	}
	return rows, err
}

func (b *brokenWarrants) Warrants(ctx context.Context, q retention.WarrantQuery) ([]retention.WarrantRow, error) {
	if b.about != nil {
		q = b.about(q)
	}
	return b.Backend.Warrants(ctx, q)
}

func (b *brokenWarrants) DueWarrants(ctx context.Context, at int64, limit int) ([]retention.WarrantKey, error) {
	if b.due != nil {
		at = b.due(at)
	}
	return b.Backend.DueWarrants(ctx, at, limit)
}

func (b *brokenWarrants) WaitingWarrants(ctx context.Context, limit int) ([]retention.WarrantRow, error) {
	rows, err := b.Backend.WaitingWarrants(ctx, limit)
	if b.waiting != nil {
		rows = b.waiting(rows)
	}
	return rows, err
}

func (b *brokenWarrants) AddTally(ctx context.Context, row retention.TallyRow) error {
	if b.add != nil {
		row = b.add(row)
	}
	return b.Backend.AddTally(ctx, row)
}

func (b *brokenWarrants) Tallies(ctx context.Context, t troth.Tenant, since int64) ([]retention.TallyRow, error) {
	rows, err := b.Backend.Tallies(ctx, t, since)
	if b.tallies != nil {
		rows = b.tallies(rows)
	}
	return rows, err
}

func (b *brokenWarrants) Lateness(ctx context.Context, t troth.Tenant) ([]retention.LatenessRow, error) {
	rows, err := b.Backend.Lateness(ctx, t)
	if b.told != nil {
		rows = b.told(rows)
	}
	return rows, err
}

// wrongWarrants makes a defect of one change.
func wrongWarrants(change func(b *brokenWarrants)) func(s retention.Backend, b *broken) {
	return func(s retention.Backend, b *broken) {
		w := &brokenWarrants{Backend: s}
		change(w)
		b.Backend = w
	}
}

var warrantDefects = []defect{
	{"a warrant's evidence is lost", "a warrant comes back exactly, and its id is used once", wrongWarrants(func(b *brokenWarrants) {
		b.locked = func(row retention.WarrantRow) retention.WarrantRow { row.Entry = troth.EntryID{}; return row }
	})},
	{"putting a warrant that is not there succeeds", "a warrant that is put replaces all of it, if it is there", wrongWarrants(func(b *brokenWarrants) {
		b.put = func(ctx context.Context, row retention.WarrantRow) error {
			return quietly(b.Backend.PutWarrant(ctx, row))
		}
	})},
	{"deleting a warrant keeps it", "a warrant that is deleted is gone, and cannot be deleted again", wrongWarrants(func(b *brokenWarrants) {
		b.delete = func(context.Context, retention.WarrantKey) error { return nil }
	})},
	{"the first warrant comes first", "warrants are found by the handle of their record, the last first", wrongWarrants(func(b *brokenWarrants) {
		b.of = func(rows []retention.WarrantRow) []retention.WarrantRow { slices.Reverse(rows); return rows }
	})},
	{"everybody's are about everybody", "warrants about a person are those and what is about nobody known, until they are gone", wrongWarrants(func(b *brokenWarrants) {
		b.about = func(q retention.WarrantQuery) retention.WarrantQuery { q.SubjectID = ""; return q }
	})},
	{"a warrant that is due now is not found", "warrants that are due are found, the most urgent first", wrongWarrants(func(b *brokenWarrants) {
		b.due = func(at int64) int64 { return at - 1 }
	})},
	{"the youngest waits longest", "warrants that wait are found, the oldest first", wrongWarrants(func(b *brokenWarrants) {
		b.waiting = func(rows []retention.WarrantRow) []retention.WarrantRow { slices.Reverse(rows); return rows }
	})},
	{"what was deferred is not counted", "counts add up, and the last that was kept or broken is the one that is said last", wrongWarrants(func(b *brokenWarrants) {
		b.add = func(row retention.TallyRow) retention.TallyRow { row.Deferred = 0; return row }
	})},
	{"grounds are not told apart", "counts of other months, classes, grounds and rules stand apart, in order", wrongWarrants(func(b *brokenWarrants) {
		b.add = func(row retention.TallyRow) retention.TallyRow { row.Ground = ""; return row }
	})},
	{"what was told comes the other way round", "what was told is set, and comes back in order", wrongWarrants(func(b *brokenWarrants) {
		b.told = func(rows []retention.LatenessRow) []retention.LatenessRow { slices.Reverse(rows); return rows }
	})},
}
