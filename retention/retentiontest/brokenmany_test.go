package retentiontest

import (
	"context"
	"slices"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
)

// brokenMany are the methods of broken about events of many records, and leases.
type brokenMany struct {
	eventsOf  func(rows []retention.EventRow) []retention.EventRow
	putEvent  func(ctx context.Context, row retention.EventRow) error
	forget    func(ctx context.Context, t troth.Tenant, of retention.Many) (int, error)
	recordsOf func(ctx context.Context, after retention.RecordKey, of retention.Many, limit int) ([]retention.RecordRow, error)
	open      func(rows []retention.EventRow) []retention.EventRow
	horizon   func(n int64) int64
	claim     func(ctx context.Context, name, holder string, length time.Duration) (int64, bool, error)
	keep      func(ctx context.Context, name string, fence int64, length time.Duration) (bool, error)
	end       func(ctx context.Context, name string, fence int64) error
}

func wholeMany(s retention.Backend) brokenMany {
	same := func(rows []retention.EventRow) []retention.EventRow { return rows }
	return brokenMany{
		eventsOf: same, putEvent: s.PutEvent, forget: s.DeleteEvents, recordsOf: s.RecordsOf, open: same,
		horizon: func(n int64) int64 { return n }, claim: s.ClaimLease, keep: s.KeepLease, end: s.EndLease,
	}
}

func (b *broken) EventsOf(ctx context.Context, t troth.Tenant, of []retention.Many) ([]retention.EventRow, error) {
	rows, err := b.Backend.EventsOf(ctx, t, of)
	return b.many.eventsOf(rows), err
}

func (b *broken) PutEvent(ctx context.Context, row retention.EventRow) error {
	return b.many.putEvent(b.ctx(ctx), row)
}

func (b *broken) DeleteEvents(ctx context.Context, t troth.Tenant, of retention.Many) (int, error) {
	return b.many.forget(b.ctx(ctx), t, of)
}

func (b *broken) RecordsOf(ctx context.Context, after retention.RecordKey, of retention.Many, limit int) ([]retention.RecordRow, error) {
	return b.many.recordsOf(ctx, after, of, limit)
}

func (b *broken) OpenEvents(ctx context.Context, limit int) ([]retention.EventRow, error) {
	rows, err := b.Backend.OpenEvents(ctx, limit)
	return b.many.open(rows), err
}

func (b *broken) Horizon(ctx context.Context) (int64, error) {
	n, err := b.Backend.Horizon(ctx)
	return b.many.horizon(n), err
}

func (b *broken) ClaimLease(ctx context.Context, name, holder string, length time.Duration) (int64, bool, error) {
	return b.many.claim(ctx, name, holder, length)
}

func (b *broken) KeepLease(ctx context.Context, name string, fence int64, length time.Duration) (bool, error) {
	return b.many.keep(ctx, name, fence, length)
}

func (b *broken) EndLease(ctx context.Context, name string, fence int64) error {
	return b.many.end(ctx, name, fence)
}

var manyDefects = []defect{
	{"a search begins anew within its instant", "a search goes on behind a place, also among records of one instant", func(s retention.Backend, b *broken) {
		b.due = func(ctx context.Context, at int64, after retention.Place, limit int) ([]retention.Place, error) {
			after.RecordKey = retention.RecordKey{}
			return s.DueRecords(ctx, at, after, limit)
		}
	}},
	{"how far an event has come is lost", "an event comes back exactly, and is inserted once", func(_ retention.Backend, b *broken) {
		b.many.eventsOf = func(rows []retention.EventRow) []retention.EventRow {
			for i := range rows {
				rows[i].AfterID = ""
			}
			return rows
		}
	}},
	{"putting an event that is not there succeeds", "an event that is put replaces all of it, if it is there", func(s retention.Backend, b *broken) {
		b.many.putEvent = func(ctx context.Context, row retention.EventRow) error { return quietly(s.PutEvent(ctx, row)) }
	}},
	{"the last event comes first", "events of several are found by what they are about, in the order of their instants", func(_ retention.Backend, b *broken) {
		b.many.eventsOf = func(rows []retention.EventRow) []retention.EventRow { slices.Reverse(rows); return rows }
	}},
	{"the events of all scopes are deleted", "events are deleted by what they are about", func(s retention.Backend, b *broken) {
		b.many.forget = func(ctx context.Context, t troth.Tenant, of retention.Many) (n int, err error) {
			for _, scope := range []retention.Scope{retention.OfAccount, retention.OfSubject, retention.OfPurpose} {
				if n, err = s.DeleteEvents(ctx, t, retention.Many{Scope: scope, ID: of.ID}); err != nil {
					return n, err
				}
			}
			return n, err
		}
	}},
	{"a person without id has all records", "records are found by what they belong to, in order behind a key", func(s retention.Backend, b *broken) {
		b.many.recordsOf = func(ctx context.Context, after retention.RecordKey, of retention.Many, limit int) ([]retention.RecordRow, error) {
			if of.ID == "" {
				of.Scope = retention.OfAccount
			}
			return s.RecordsOf(ctx, after, of, limit)
		}
	}},
	{"the last reported comes first", "open events are those that are not done, the first reported first", func(_ retention.Backend, b *broken) {
		b.many.open = func(rows []retention.EventRow) []retention.EventRow { slices.Reverse(rows); return rows }
	}},
	{"a horizon of nothing", "what is written before a horizon is made is settled when its transaction has ended", func(_ retention.Backend, b *broken) {
		b.many.horizon = func(int64) int64 { return 0 }
	}},
	{"everybody has the lease", "one holder has a lease, by a fence that grows", func(s retention.Backend, b *broken) {
		b.many.claim = func(ctx context.Context, name, _ string, length time.Duration) (int64, bool, error) {
			return s.ClaimLease(ctx, name, "same", length)
		}
	}},
	{"a lease is kept when it has ended", "a lease that ended is somebody else's", func(_ retention.Backend, b *broken) {
		b.many.keep = func(context.Context, string, int64, time.Duration) (bool, error) { return true, nil }
	}},
	{"a lease cannot be given up", "a lease that is kept goes on, and one that is given up is free", func(_ retention.Backend, b *broken) {
		b.many.end = func(context.Context, string, int64) error { return nil }
	}},
	{"a claim does not wait for the commit", "a lease that is claimed or kept in a transaction shares its fate", func(s retention.Backend, b *broken) {
		b.many.claim = func(ctx context.Context, name, holder string, length time.Duration) (int64, bool, error) {
			return s.ClaimLease(s.Transactor().Detach(ctx), name+holder, "", length)
		}
	}},
}
