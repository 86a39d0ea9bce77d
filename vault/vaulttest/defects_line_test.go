package vaulttest

import (
	"context"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

var lineDefects = []defect{
	{"of the epochs of a dead key the backup's count", "of a key that dies by a backup the epochs of both rows count", breaks(func(s vault.Backend, b *broken) {
		b.tombstones = func(ctx context.Context, t troth.Tenant, subject string) ([]vault.KeyRow, error) {
			rows, err := s.Tombstones(ctx, t, subject)
			for i := range rows {
				rows[i].FirstEpoch = max(rows[i].FirstEpoch, 3)
			}
			return rows, err
		}
	})},
	{"a page of exports lacks its last", "pages of exports hold all, in order", breaks(func(s vault.Backend, b *broken) {
		b.exportsAfter = func(ctx context.Context, after vault.KeyName, limit int) ([]vault.ExportRow, error) {
			rows, err := s.ExportsAfter(ctx, after, limit)
			return rows[:max(0, len(rows)-1)], err
		}
	})},
	{"a line is cut", "a line comes back as it was, once for each entry of a tenant", breaks(func(s vault.Backend, b *broken) {
		b.line = func(ctx context.Context, t troth.Tenant, id troth.EntryID) (vault.LineRow, bool, error) {
			row, found, err := s.Line(ctx, t, id)
			row.Line = row.Line[:max(0, len(row.Line)-1)]
			return row, found, err
		}
	})},
	{"lines of all tenants are one's", "a line is its tenant's", breaks(func(s vault.Backend, b *broken) {
		b.insertLine = func(ctx context.Context, row vault.LineRow) (bool, error) {
			row.Tenant = "one"
			return s.InsertLine(ctx, row)
		}
		b.line = func(ctx context.Context, _ troth.Tenant, id troth.EntryID) (vault.LineRow, bool, error) {
			return s.Line(ctx, "one", id)
		}
	})},
	{
		"the newest comes first", "lines wait from their commit to their acknowledgement, the oldest first",
		waits(func(rows []vault.LineRow) []vault.LineRow {
			slices.Reverse(rows)
			return rows
		}),
	},
	{"who waits is remembered by instant", "a line that commits after a later one was acknowledged waits", func(h *Harness) {
		h.ManyWriters = true // and does not have them: the check would wait, which is caught too
		breaks(func(_ vault.Backend, b *broken) {
			b.waitingLines = func(context.Context, int) ([]vault.LineRow, error) { return nil, nil }
		})(h)
	}},
	{"only the first few are looked for", "lines are held by entry, whoever's they are, each once", breaks(func(s vault.Backend, b *broken) {
		b.heldLines = func(ctx context.Context, ids []troth.EntryID) ([]troth.EntryID, error) {
			return s.HeldLines(ctx, ids[:min(64, len(ids))])
		}
	})},
	{
		"an acknowledgement is replaced", "an acknowledgement keeps its first instant and touches no other line",
		breaks(func(s vault.Backend, b *broken) {
			acked := map[troth.EntryID]int64{}
			b.ackLines = func(ctx context.Context, ids []troth.EntryID, at int64) error {
				for _, id := range ids {
					acked[id] = at
				}
				return s.AckLines(ctx, ids, at)
			}
			b.line = func(ctx context.Context, t troth.Tenant, id troth.EntryID) (vault.LineRow, bool, error) {
				row, found, err := s.Line(ctx, t, id)
				row.AckedAt = acked[id]
				return row, found, err
			}
		}),
	},
	{"the journal is moved from anywhere", "the journal's state counts what waits and is moved from where it is", moves(anywhere)},
	{"nothing is reset", "a journal that is reset begins anew, and every line waits", breaks(func(_ vault.Backend, b *broken) {
		b.resetJournal = func(context.Context) error { return nil }
	})},
	{"everybody moves the journal", "of those who move the journal from one place, one does", moves(anywhere)},
	{"a name is buried once", "what is buried is found by name, once for each entry", breaks(func(s vault.Backend, b *broken) {
		b.buried = func(ctx context.Context, names [][32]byte) ([]vault.BuriedName, error) {
			found, err := s.Buried(ctx, names)
			return slices.CompactFunc(found, func(x, y vault.BuriedName) bool { return x.Name == y.Name }), err
		}
	})},
}

func waits(wrong func(rows []vault.LineRow) []vault.LineRow) func(h *Harness) {
	return breaks(func(s vault.Backend, b *broken) {
		b.waitingLines = func(ctx context.Context, limit int) ([]vault.LineRow, error) {
			rows, err := s.WaitingLines(ctx, limit)
			return wrong(rows), err
		}
	})
}

func moves(wrong func(ctx context.Context, s vault.Backend, from, to int64, digest [32]byte) (bool, error)) func(h *Harness) {
	return breaks(func(s vault.Backend, b *broken) {
		b.moveJournal = func(ctx context.Context, from, to int64, digest [32]byte) (bool, error) {
			return wrong(ctx, s, from, to, digest)
		}
	})
}

func anywhere(ctx context.Context, s vault.Backend, _, to int64, digest [32]byte) (bool, error) {
	err := s.Transactor().Atomically(ctx, func(ctx context.Context) error {
		state, err := s.JournalState(ctx)
		if err == nil {
			_, err = s.MoveJournal(ctx, state.Position, to, digest)
		}
		return err
	})
	return err == nil, err
}

var pageDefects = []defect{
	{"the first root is left out", "pages of roots hold all, in order", breaks(func(s vault.Backend, b *broken) {
		b.rootsAfter = func(ctx context.Context, after vault.RootAt, limit int) ([]vault.RootRow, error) {
			rows, err := s.RootsAfter(ctx, after, limit)
			if after == (vault.RootAt{}) && len(rows) > 0 {
				rows = rows[1:]
			}
			return rows, err
		}
	})},
	{"a page begins with the next person", "pages of keys hold all, in order", breaks(func(s vault.Backend, b *broken) {
		b.keysAfter = func(ctx context.Context, after vault.KeyAt, limit int) ([]vault.KeyRow, error) {
			if after.SubjectID != "" {
				after.Compartment = "zzzz"
			}
			return s.KeysAfter(ctx, after, limit)
		}
	})},
	{
		"dead keys count as living", "pages of people hold who has a row or a key, in order, with their state",
		breaks(func(s vault.Backend, b *broken) {
			b.peopleAfter = func(ctx context.Context, after vault.PersonName, limit int) ([]vault.PersonEntry, error) {
				rows, err := s.PeopleAfter(ctx, after, limit)
				for i := range rows {
					if rows[i].Living == 1 && rows[i].ClosedAt != 0 {
						rows[i].Living = 2
					}
				}
				return rows, err
			}
		}),
	},
	{"pages are of committed rows only", "a page inside a transaction is what the transaction sees", breaks(func(s vault.Backend, b *broken) {
		b.keysAfter = func(ctx context.Context, after vault.KeyAt, limit int) ([]vault.KeyRow, error) {
			return s.KeysAfter(s.Transactor().Detach(ctx), after, limit)
		}
	})},
	{"a snapshot is before everything", "a snapshot is of one instant, and holds what was committed before", breaks(func(_ vault.Backend, b *broken) {
		b.snapshot = func(context.Context, func(ctx context.Context) error) error { return nil }
	})},
	{"a living root comes back", "a root of a backup wins by being dead, retired or superseded", breaks(func(s vault.Backend, b *broken) {
		b.putRoot = func(ctx context.Context, row vault.RootRow) (bool, error) {
			put, err := s.PutRoot(ctx, row)
			return put || len(row.Sealed) > 0, err
		}
	})},
	{"a dead key lives again", "a key of a backup wins by being dead, or of a higher epoch", breaks(func(s vault.Backend, b *broken) {
		b.putKey = func(ctx context.Context, row vault.KeyRow) (bool, error) {
			put, err := s.PutKey(ctx, row)
			return put || row.ShreddedAt == 0, err
		}
	})},
	{"roots are put under every tenant", "what is put is its tenant's", breaks(func(s vault.Backend, b *broken) {
		b.putKey = func(ctx context.Context, row vault.KeyRow) (bool, error) {
			put, err := s.PutKey(ctx, row)
			if err == nil && len(row.Tenant) > 0 {
				row.Tenant = row.Tenant[:len(row.Tenant)-1] + "b"
				_, err = s.PutKey(ctx, row)
			}
			return put, err
		}
	})},
}
