package retentiontest

import (
	"context"
	"slices"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/retentionmem"
)

// defect is one way to break the contract, and a check that must see it.
type defect struct {
	name   string
	caught string
	wrong  func(s retention.Backend, b *broken)
}

// quietly says nothing of rows that are not there.
func quietly(err error) error { _ = err; return nil }

var defects = []defect{
	{"policies come newest first", "policies come back exactly, ordered, above a number", func(_ retention.Backend, b *broken) {
		b.policies = func(rows []retention.PolicyRow) []retention.PolicyRow { slices.Reverse(rows); return rows }
	}},
	{"anchors lose their microseconds", "a record comes back exactly, and is inserted once", func(_ retention.Backend, b *broken) {
		b.record = func(row retention.RecordRow, found bool) (retention.RecordRow, bool) {
			row.Since -= row.Since % 1000
			return row, found
		}
	}},
	{"putting what is not there succeeds", "a record that is put replaces all of it, if it is there", func(s retention.Backend, b *broken) {
		b.putRecord = func(ctx context.Context, row retention.RecordRow) error { return quietly(s.PutRecord(ctx, row)) }
	}},
	{"deleting keeps it", "a record that is deleted is gone, and cannot be deleted again", func(_ retention.Backend, b *broken) {
		b.deleteRecord = func(context.Context, retention.RecordKey) error { return nil }
	}},
	{"a lock outside of a transaction", "locks need a transaction", func(_ retention.Backend, b *broken) {
		b.lockTenant = func(context.Context, troth.Tenant, bool) error { return nil }
	}},
	{"proposers are lost", "a hold comes back exactly, and is inserted once", func(_ retention.Backend, b *broken) {
		b.hold = func(row retention.HoldRow) retention.HoldRow { row.Proposer = nil; return row }
	}},
	{"a release is not kept", "a hold that is put replaces all of it, if it is there", func(s retention.Backend, b *broken) {
		b.putHold = func(ctx context.Context, row retention.HoldRow) error {
			row.ReleasedAt = 0
			return s.PutHold(ctx, row)
		}
	}},
	{"the first active hold is lost", "active holds are those that are not released, ordered", func(_ retention.Backend, b *broken) {
		b.activeHolds = func(rows []retention.HoldRow) []retention.HoldRow { return rows[min(1, len(rows)):] }
	}},
	{"a cut takes one microsecond more", "a cut finds what its anchor made due, the oldest first", func(s retention.Backend, b *broken) {
		b.cut = func(ctx context.Context, c retention.Cut, after retention.Place, limit int) ([]retention.Place, error) {
			c.Anchor = c.Anchor.Add(time.Microsecond)
			return s.CutRecords(ctx, c, after, limit)
		}
	}},
	{"what is due now is not found", "what has an instant of its own is found by it, the most urgent first", func(s retention.Backend, b *broken) {
		b.due = func(ctx context.Context, at int64, after retention.Place, limit int) ([]retention.Place, error) {
			return s.DueRecords(ctx, at-1, after, limit)
		}
	}},
	{"the version itself counts as old", "what was decided by an older version is found, but for what its anchor finds", func(s retention.Backend, b *broken) {
		b.stale = func(ctx context.Context, below uint32, after retention.Place, limit int) ([]retention.Place, error) {
			return s.StaleRecords(ctx, below+1, after, limit)
		}
	}},
	{"failing records come the other way round", "failing records come by how often they failed", func(_ retention.Backend, b *broken) {
		b.failing = func(rows []retention.RecordRow) []retention.RecordRow { slices.Reverse(rows); return rows }
	}},
	{"the first anchor counts", "records are counted between anchors, the first of which does not count", func(_ retention.Backend, b *broken) {
		b.count = func(c retention.Count) retention.Count {
			if !c.From.IsZero() {
				c.From = c.From.Add(-time.Microsecond)
			}
			return c
		}
	}},
	{"a count forgets the cohort", "records are counted in any stage and cohort, or in one, up to a limit", func(_ retention.Backend, b *broken) {
		b.count = func(c retention.Count) retention.Count { c.Cohort = 0; return c }
	}},
	{"a plan is inserted twice", "a plan comes back exactly, and is inserted once", func(s retention.Backend, b *broken) {
		b.insertPlan = func(ctx context.Context, row retention.PlanRow) (bool, error) {
			inserted, err := s.InsertPlan(ctx, row)
			if err == nil && !inserted {
				err = s.PutPlan(ctx, row)
			}
			return true, err
		}
	}},
	{"what is spent is not kept", "a plan that is put replaces all of it, if it is there", func(s retention.Backend, b *broken) {
		b.putPlan = func(ctx context.Context, row retention.PlanRow) error { row.Spent = nil; return s.PutPlan(ctx, row) }
	}},
	{"the first open plan is lost", "open plans are those that have not ended, ordered", func(_ retention.Backend, b *broken) {
		b.openPlans = func(rows []retention.PlanRow) []retention.PlanRow { return rows[min(1, len(rows)):] }
	}},
	{"putting an allowance makes it", "an allowance begins with nothing spent", func(s retention.Backend, b *broken) {
		b.putAllow = func(ctx context.Context, row retention.AllowanceRow) error { return quietly(s.PutAllowance(ctx, row)) }
	}},
	{"what is closed opens", "an allowance that is put replaces all of it", func(s retention.Backend, b *broken) {
		b.putAllow = func(ctx context.Context, row retention.AllowanceRow) error {
			row.ClosedAt = 0
			return s.PutAllowance(ctx, row)
		}
	}},
	{"allowances come the other way round", "allowances come ordered", func(_ retention.Backend, b *broken) {
		b.allowances = func(rows []retention.AllowanceRow) []retention.AllowanceRow { slices.Reverse(rows); return rows }
	}},
	{"a plan is locked outside of a transaction", "plans and allowances are locked in transactions only", func(s retention.Backend, b *broken) {
		b.lockPlan = func(ctx context.Context, t troth.Tenant, hash [32]byte, wait bool) (row retention.PlanRow, found bool, err error) {
			err = s.Transactor().Atomically(ctx, func(ctx context.Context) error {
				row, found, err = s.LockPlan(ctx, t, hash, wait)
				return err
			})
			return row, found, err
		}
	}},
	{"a stop is lost", "a stop is inserted once, and active until it is lifted", func(_ retention.Backend, b *broken) {
		b.stops = func(rows []retention.StopRow) []retention.StopRow { return rows[min(1, len(rows)):] }
	}},
	{"a page begins with the end of the one before", "surveys find what sweeps find, page by page in an order without ties", func(s retention.Backend, b *broken) {
		b.survey = func(ctx context.Context, v retention.Survey, limit int) ([]retention.RecordRow, error) {
			if v.After != nil {
				after := *v.After
				after.ID = ""
				v.After = &after
			}
			return s.SurveyRecords(ctx, v, limit)
		}
	}},
	{"nothing is woken", "a release wakes what is held, and nothing else", func(_ retention.Backend, b *broken) {
		b.wake = func(context.Context, troth.Tenant, int64) (int, error) { return 2, nil }
	}},
	{"MACs are cut", "a control row comes back exactly, and is inserted once", func(_ retention.Backend, b *broken) {
		b.control = func(row retention.ControlRow) retention.ControlRow {
			row.MAC = row.MAC[:min(31, len(row.MAC))]
			return row
		}
	}},
	{"what is closed stays open", "a control row that is put replaces all of it, if it is there", func(s retention.Backend, b *broken) {
		b.putControl = func(ctx context.Context, row retention.ControlRow) error {
			row.Open = true
			return s.PutControl(ctx, row)
		}
	}},
	{"open control rows come the other way round", "open control rows are those of a kind that are open, ordered", func(_ retention.Backend, b *broken) {
		b.openControls = func(rows []retention.ControlRow) []retention.ControlRow { slices.Reverse(rows); return rows }
	}},
	{"the id itself is listed again", "control rows of a kind are listed behind an id, closed ones too", func(s retention.Backend, b *broken) {
		b.controls = func(ctx context.Context, after retention.ControlKey, limit int) ([]retention.ControlRow, error) {
			if after.ID != "" {
				after.ID = after.ID[:len(after.ID)-1]
			}
			return s.Controls(ctx, after, limit)
		}
	}},
	{"what is due now is not due", "due control rows come by their instant, the most urgent first", func(s retention.Backend, b *broken) {
		b.dueControls = func(ctx context.Context, kind string, at int64, limit int) ([]retention.ControlRow, error) {
			return s.DueControls(ctx, kind, at-1, limit)
		}
	}},
	{"a hold is told of again", "holds to review are told of once for each date", func(_ retention.Backend, b *broken) {
		b.toReview = func(rows []retention.HoldRow) []retention.HoldRow { return append(rows, rows[:min(1, len(rows))]...) }
	}},
	{"tenants see each other's records", "no read sees another tenant's rows", func(_ retention.Backend, b *broken) {
		b.record = func(row retention.RecordRow, _ bool) (retention.RecordRow, bool) {
			row.RecordKey = retention.RecordKey{}
			return row, otherThere(b.Backend)
		}
	}},
	{"waking wakes everybody", "no write touches another tenant's rows", func(s retention.Backend, b *broken) {
		b.wake = func(ctx context.Context, t troth.Tenant, at int64) (int, error) {
			n, err := s.WakeHeld(ctx, t, at)
			if err == nil {
				_, err = s.WakeHeld(ctx, t[:len(t)-1]+"b", at)
			}
			return n, err
		}
	}},
	{"waking does not wait for the commit", "a rollback leaves nothing behind", func(_ retention.Backend, b *broken) {
		woken := false
		b.wake = func(context.Context, troth.Tenant, int64) (int, error) { woken = true; return 1, nil }
		b.record = func(row retention.RecordRow, found bool) (retention.RecordRow, bool) {
			row.Held = row.Held && !woken
			return row, found
		}
	}},
	{"reads see what is not committed", "reads outside see committed rows only", func(_ retention.Backend, b *broken) {
		put := false
		b.putRecord = func(context.Context, retention.RecordRow) error { put = true; return nil }
		b.record = func(row retention.RecordRow, found bool) (retention.RecordRow, bool) {
			if put {
				row.Version++
			}
			return row, found
		}
	}},
	{"another store is empty", "rows are there when the store is opened again", func(_ retention.Backend, _ *broken) {}},
	{"records are written beside the host's transaction", "what is written in the host's transaction shares its fate", func(_ retention.Backend, b *broken) {
		kept := false
		b.record = func(row retention.RecordRow, found bool) (retention.RecordRow, bool) {
			kept = kept || found
			return row, kept
		}
	}},
	{"cancellation is not heeded", "a cancelled context does nothing", func(_ retention.Backend, b *broken) { b.ctx = context.WithoutCancel }},
}

// otherThere reports whether anybody has a record.
func otherThere(s retention.Backend) bool {
	keys, err := s.DueRecords(context.Background(), retention.Parked, retention.Place{}, 1)
	return err == nil && len(keys) > 0
}

func (d defect) inject(h *Harness) {
	b := whole(h.Backend)
	d.wrong(h.Backend, b)
	h.Backend = b
	h.Reopen = func() retention.Backend { return retentionmem.New(memory.Open()) }
}
