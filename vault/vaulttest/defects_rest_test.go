package vaulttest

import (
	"context"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/vaultmem"
	"github.com/trothdev/troth/vault"
)

var otherDefects = []defect{
	{"everything is settled", "what an open transaction shreds is not settled until it ends", breaks(settledAlways(true))},
	{"the host is settled", "what the host's open transaction shreds is not settled until it ends", breaks(settledAlways(true))},
	{"nothing is settled", "what nobody shreds is settled", breaks(settledAlways(false))},
	{"nothing is ever settled", "committed rows tell what became of what is settled", breaks(settledAlways(false))},
	{"there are always windows", "no window has lapsed where there is none", lapses(func(ws []vault.WindowRow) []vault.WindowRow {
		return append(ws, vault.WindowRow{})
	})},
	{"instants of windows are kept to the millisecond", "a window comes back bit for bit", breaks(milliseconds)},
	{"a window has lapsed at its end", "windows have lapsed whose end is before", breaks(func(s vault.Backend, b *broken) {
		b.lapsedWindows = func(ctx context.Context, at int64, limit int) ([]vault.WindowRow, error) {
			return s.LapsedWindows(ctx, at+1, limit)
		}
	})},
	{"the limit is not kept", "no more windows than were asked for, the oldest first", breaks(func(s vault.Backend, b *broken) {
		b.lapsedWindows = func(ctx context.Context, at int64, _ int) ([]vault.WindowRow, error) {
			return s.LapsedWindows(ctx, at, many)
		}
	})},
	{"every window is closed, it is said", "a window is closed once", breaks(closedAlways)},
	{"everybody closes a window", "of those who close one window, one does", breaks(closedAlways)},
	{"unknown windows are closed", "an unknown window is not closed", breaks(closedAlways)},
	{"windows are closed for everybody", "no window is closed in another tenant's name", breaks(closedAlways)},
	{"no store is managed", "a store is managed once a keeper has taken it over, for ever", breaks(func(_ vault.Backend, b *broken) {
		b.managed = func(context.Context) (bool, error) { return false, nil }
	})},
	{"a keeper is not rolled back", "a keeper who is rolled back has taken nothing over", breaks(func(_ vault.Backend, b *broken) {
		var set bool
		b.setManaged = func(context.Context) error { set = true; return nil }
		b.managed = func(context.Context) (bool, error) { return set, nil }
	})},
	{"inner work stays", "a savepoint that is rolled back leaves nothing behind", breaks(func(s vault.Backend, b *broken) {
		b.transactor = func() troth.Transactor { return flat{s.Transactor()} }
	})},
	{"reads are dirty", "reads outside see committed rows only", breaks(func(s vault.Backend, b *broken) {
		written := map[vault.KeyName]vault.KeyRow{}
		b.insertKey = func(ctx context.Context, row vault.KeyRow) (bool, error) {
			written[row.KeyName] = row
			return s.InsertKey(ctx, row)
		}
		b.keys = func(ctx context.Context, n vault.KeyName) ([]vault.KeyRow, error) {
			rows, err := s.Keys(ctx, n)
			if row, ok := written[n]; ok && len(rows) == 0 {
				rows = []vault.KeyRow{row}
			}
			return rows, err
		}
	})},
	{"there are no transactions", "a rollback leaves nothing behind", breaks(noTransactions)},
	{"nobody waits for who creates", "who closes waits for who creates, and shreds what was created", breaks(noTransactions)},
	{"nobody waits for who closes", "who creates waits for who closes, and is told", breaks(noTransactions)},
	{"who closes does not wait for who closes", "who closes waits for who closes, and is told", breaks(noTransactions)},
	{"who shreds a tenant does not wait", "who shreds a tenant waits for who holds a person of it", breaks(noTransactions)},
	{"who shreds a tenant misses its root", "who shreds a tenant waits for who makes its root", breaks(noTransactions)},
	{"nobody waits for who shreds a tenant", "who creates waits for who shreds the tenant, and is told", breaks(noTransactions)},
	{"the host's transaction is not joined", "everything joins the host's transaction and is undone with it", func(h *Harness) {
		h.Host = func(ctx context.Context) (context.Context, func() error, func() error, error) {
			nop := func() error { return nil }
			return ctx, nop, nop, nil
		}
	}},
	{"the host's commit is lost", "everything joins the host's transaction and commits with it", func(h *Harness) {
		sound := h.Host
		h.Host = func(ctx context.Context) (context.Context, func() error, func() error, error) {
			in, _, rollback, err := sound(ctx)
			return in, rollback, rollback, err
		}
	}},
	{"rows are forgotten at the end", "a store that is opened again finds everything", func(h *Harness) {
		h.Reopen = func() vault.Backend { return vaultmem.New(memory.Open()) }
	}},
	{"contexts are not looked at", "a cancelled context ends in its own error and without effect", breaks(func(s vault.Backend, b *broken) {
		b.insertKey = func(ctx context.Context, row vault.KeyRow) (bool, error) {
			return s.InsertKey(context.WithoutCancel(ctx), row)
		}
	})},
	{"every tenant is looked at", "among 10,000 idle tenants the few who are not are found at once", breaks(func(s vault.Backend, b *broken) {
		b.lapsedWindows = func(ctx context.Context, at int64, limit int) ([]vault.WindowRow, error) {
			<-time.After(idleBound * 10 / 9)
			return s.LapsedWindows(ctx, at, limit)
		}
	})},
	{"one who creates holds all others", "two may create keys of a person at the same time", impatient},
	{"one who holds a person holds all", "who holds one person holds nobody else", impatient},
}

// impatient is what one writer can do at most, where many are declared.
func impatient(h *Harness) {
	h.Backend = vaultmem.New(memory.Open(memory.WithWaitBound(time.Millisecond)))
}

func settledAlways(answer bool) func(vault.Backend, *broken) {
	return func(_ vault.Backend, b *broken) {
		b.settled = func(context.Context, vault.KeyName) (bool, error) { return answer, nil }
	}
}

func closedAlways(s vault.Backend, b *broken) {
	b.closeWindow = func(ctx context.Context, t troth.Tenant, id troth.EntryID, at int64) (bool, error) {
		_, err := s.CloseWindow(ctx, t, id, at)
		return true, err
	}
}

func lapses(wrong func([]vault.WindowRow) []vault.WindowRow) func(h *Harness) {
	return breaks(func(s vault.Backend, b *broken) {
		b.lapsedWindows = func(ctx context.Context, at int64, limit int) ([]vault.WindowRow, error) {
			ws, err := s.LapsedWindows(ctx, at, limit)
			return wrong(ws), err
		}
	})
}

// noTransactions lets every statement stand alone, and nobody wait.
func noTransactions(s vault.Backend, b *broken) {
	sound := s.Transactor()
	b.transactor = func() troth.Transactor { return anarchy{sound} }
	b.lockPerson = func(ctx context.Context, t troth.Tenant, id string, l vault.Lock) (state vault.PersonState, err error) {
		err = sound.Atomically(ctx, func(ctx context.Context) error {
			state, err = s.LockPerson(ctx, t, id, l)
			return err
		})
		return state, err
	}
}

type anarchy struct{ troth.Transactor }

func (a anarchy) Atomically(ctx context.Context, fn func(ctx context.Context) error) error {
	return fn(ctx)
}

// flat has no savepoints.
type flat struct{ troth.Transactor }

func (f flat) Atomically(ctx context.Context, fn func(ctx context.Context) error) error {
	if f.Scope(ctx) != nil {
		return fn(ctx)
	}
	return f.Transactor.Atomically(ctx, fn)
}
