package vaulttest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/vaultmem"
	"github.com/trothdev/troth/vault"
)

// defect is one way to break the contract, and a check that must see it.
type defect struct {
	name   string
	caught string
	inject func(h *Harness)
}

// breaks replaces methods of the store.
func breaks(wrong func(sound vault.Backend, b *broken)) func(h *Harness) {
	return func(h *Harness) {
		b := whole(h.Backend)
		wrong(h.Backend, b)
		h.Backend = b
		h.Reopen = func() vault.Backend { return b }
	}
}

func fence(f flaw) func(h *Harness) { return func(h *Harness) { h.Backend = loose(h.Backend, f) } }

var errBroken = errors.New("broken on purpose")

var defects = slices.Concat(rootDefects, personDefects, keyDefects, shredDefects, fenceDefects, otherDefects)

var rootDefects = []defect{
	{"there is always a root", "a tenant without a root has none", breaks(func(s vault.Backend, b *broken) {
		b.root = func(ctx context.Context, t troth.Tenant, l vault.Lineage) (vault.RootRow, bool, error) {
			row, _, err := s.Root(ctx, t, l)
			return row, true, err
		}
	})},
	{"instants are kept to the millisecond", "a root comes back bit for bit", breaks(milliseconds)},
	{"the root is the first one", "the root is the one of the highest epoch", breaks(func(s vault.Backend, b *broken) {
		b.root = func(ctx context.Context, t troth.Tenant, l vault.Lineage) (vault.RootRow, bool, error) {
			return s.RootAt(ctx, t, l, 0)
		}
	})},
	{"every root is inserted, it is said", "a lineage has one root of an epoch", breaks(func(s vault.Backend, b *broken) {
		b.insertRoot = func(ctx context.Context, row vault.RootRow) (bool, error) {
			_, err := s.InsertRoot(ctx, row)
			return true, err
		}
	})},
	{"not all dead roots are returned", "shredding roots empties all that live and returns them",
		breaks(func(s vault.Backend, b *broken) {
			b.shredRoots = func(ctx context.Context, t troth.Tenant, at int64) ([]vault.RootRow, error) {
				died, err := s.ShredRoots(ctx, t, at)
				return died[:min(1, len(died))], err
			}
		})},
	{"roots die again and again", "roots die once", breaks(func(s vault.Backend, b *broken) {
		var first []vault.RootRow
		b.shredRoots = func(ctx context.Context, t troth.Tenant, at int64) ([]vault.RootRow, error) {
			died, err := s.ShredRoots(ctx, t, at)
			if first == nil {
				first = died
			}
			return first, err
		}
	})},
	{"a tenant's death is not its people's", "everybody under a shredded tenant is", breaks(func(s vault.Backend, b *broken) {
		b.person = func(ctx context.Context, t troth.Tenant, id string) (vault.PersonState, error) {
			state, err := s.Person(ctx, t, id)
			state.TenantShredded = false
			return state, err
		}
	})},
	{"tenants share their rows", "no insert meets another tenant's rows", breaks(oneTenant)},
}

// milliseconds loses what is below.
func milliseconds(s vault.Backend, b *broken) {
	b.insertRoot = func(ctx context.Context, row vault.RootRow) (bool, error) {
		row.CreatedAt -= row.CreatedAt % 1000
		return s.InsertRoot(ctx, row)
	}
	b.insertKey = func(ctx context.Context, row vault.KeyRow) (bool, error) {
		row.CreatedAt -= row.CreatedAt % 1000
		return s.InsertKey(ctx, row)
	}
	b.insertWindow = func(ctx context.Context, w vault.WindowRow) error {
		w.OpenedAt -= w.OpenedAt % 1000
		return s.InsertWindow(ctx, w)
	}
	b.raiseFence = func(ctx context.Context, e vault.FenceEvent) error {
		e.At -= e.At % 1000
		return s.RaiseFence(ctx, e)
	}
}

// oneTenant forgets the tenant where keys, persons and windows are concerned.
func oneTenant(s vault.Backend, b *broken) {
	const all = "everybody"
	b.insertKey = func(ctx context.Context, row vault.KeyRow) (bool, error) {
		row.Tenant = all
		return s.InsertKey(ctx, row)
	}
	b.keys = func(ctx context.Context, n vault.KeyName) ([]vault.KeyRow, error) {
		asked := n.Tenant
		n.Tenant = all
		rows, err := s.Keys(ctx, n)
		for i := range rows {
			rows[i].Tenant = asked
		}
		return rows, err
	}
	b.person = func(ctx context.Context, _ troth.Tenant, id string) (vault.PersonState, error) {
		return s.Person(ctx, all, id)
	}
	b.shredRoots = func(ctx context.Context, _ troth.Tenant, at int64) ([]vault.RootRow, error) {
		return s.ShredRoots(ctx, all, at)
	}
}

var personDefects = []defect{
	{"everybody is closed", "a person who was never seen is in the zero state", breaks(func(_ vault.Backend, b *broken) {
		b.person = func(context.Context, troth.Tenant, string) (vault.PersonState, error) {
			return vault.PersonState{ClosedAt: 1}, nil
		}
	})},
	{"a lock asks for no transaction", "locking a person needs a transaction", breaks(func(s vault.Backend, b *broken) {
		b.lockPerson = func(ctx context.Context, t troth.Tenant, id string, l vault.Lock) (state vault.PersonState, err error) {
			err = s.Transactor().Atomically(ctx, func(ctx context.Context) error {
				state, err = s.LockPerson(ctx, t, id, l)
				return err
			})
			return state, err
		}
	})},
	{"a lock closes", "a person who is locked is still in the zero state", breaks(func(s vault.Backend, b *broken) {
		b.lockPerson = func(ctx context.Context, t troth.Tenant, id string, l vault.Lock) (vault.PersonState, error) {
			state, err := s.LockPerson(ctx, t, id, l)
			return state, errors.Join(err, s.ClosePerson(ctx, t, id, instant))
		}
	})},
	{"closing moves the instant", "a closed person is closed since the earliest call", breaks(func(s vault.Backend, b *broken) {
		var last int64
		b.closePerson = func(ctx context.Context, t troth.Tenant, id string, at int64) error {
			last = at
			return s.ClosePerson(ctx, t, id, at)
		}
		b.person = func(ctx context.Context, t troth.Tenant, id string) (vault.PersonState, error) {
			state, err := s.Person(ctx, t, id)
			if state.ClosedAt != 0 {
				state.ClosedAt = last
			}
			return state, err
		}
	})},
	{"a lock tells nothing", "the lock returns since when a person is closed", breaks(silentLock)},
	{"a lock tells nothing to who creates", "no key of a closed person lives, whoever raced", breaks(silentLock)},
	{"letter case does not count", "closing one person closes nobody else", breaks(foldCase)},
	{"letter case does not count for keys", "names that look alike are different", breaks(foldCase)},
}

func silentLock(s vault.Backend, b *broken) {
	b.lockPerson = func(ctx context.Context, t troth.Tenant, id string, l vault.Lock) (vault.PersonState, error) {
		_, err := s.LockPerson(ctx, t, id, l)
		return vault.PersonState{}, err
	}
}

func foldCase(s vault.Backend, b *broken) {
	b.lockPerson = func(ctx context.Context, t troth.Tenant, id string, l vault.Lock) (vault.PersonState, error) {
		return s.LockPerson(ctx, t, strings.ToLower(id), l)
	}
	b.closePerson = func(ctx context.Context, t troth.Tenant, id string, at int64) error {
		return s.ClosePerson(ctx, t, strings.ToLower(id), at)
	}
	b.person = func(ctx context.Context, t troth.Tenant, id string) (vault.PersonState, error) {
		return s.Person(ctx, t, strings.ToLower(id))
	}
	b.insertKey = func(ctx context.Context, row vault.KeyRow) (bool, error) {
		row.SubjectID = strings.ToLower(row.SubjectID)
		return s.InsertKey(ctx, row)
	}
}

var keyDefects = []defect{
	{"there is always a key", "a name without keys has none", breaks(func(s vault.Backend, b *broken) {
		b.keys = func(ctx context.Context, n vault.KeyName) ([]vault.KeyRow, error) {
			rows, err := s.Keys(ctx, n)
			if len(rows) == 0 {
				rows = []vault.KeyRow{{KeyName: n}}
			}
			return rows, err
		}
	})},
	{"keys are kept as text", "a key comes back bit for bit", breaks(func(s vault.Backend, b *broken) {
		b.insertKey = func(ctx context.Context, row vault.KeyRow) (bool, error) {
			row.Sealed = []byte(strings.ToValidUTF8(string(row.Sealed), "?"))
			return s.InsertKey(ctx, row)
		}
	})},
	{"keys come oldest first", "keys come newest first, tombstones included", breaks(func(s vault.Backend, b *broken) {
		b.keys = func(ctx context.Context, n vault.KeyName) ([]vault.KeyRow, error) {
			rows, err := s.Keys(ctx, n)
			slices.Reverse(rows)
			return rows, err
		}
	})},
	{"inserting overwrites", "a name has one key of a generation", breaks(overwrites)},
	{"inserting overwrites tombstones", "nobody inserts a key over a tombstone", breaks(overwrites)},
	{"inserting overwrites tombstones of names", "nobody inserts a key where a name was shredded before it had one", breaks(overwrites)},
	{"key ids may be shared", "a person has one key of an id", breaks(func(s vault.Backend, b *broken) {
		b.insertKey = func(ctx context.Context, row vault.KeyRow) (bool, error) {
			inserted, err := s.InsertKey(ctx, row)
			if err == nil && !inserted {
				row.KeyID = 0
				return s.InsertKey(ctx, row)
			}
			return inserted, err
		}
	})},
	{"a conflict is an error", "a refused insert leaves the transaction whole", breaks(func(s vault.Backend, b *broken) {
		b.insertKey = func(ctx context.Context, row vault.KeyRow) (bool, error) {
			inserted, err := s.InsertKey(ctx, row)
			if err == nil && !inserted {
				err = errBroken
			}
			return inserted, err
		}
	})},
	{"slices are shared", "slices belong to the caller", breaks(func(s vault.Backend, b *broken) {
		var mu sync.Mutex
		kept := map[vault.KeyName][]vault.KeyRow{}
		b.keys = func(ctx context.Context, n vault.KeyName) ([]vault.KeyRow, error) {
			mu.Lock()
			defer mu.Unlock()
			if rows, ok := kept[n]; ok {
				return rows, nil
			}
			rows, err := s.Keys(ctx, n)
			kept[n] = rows
			return rows, err
		}
	})},
}

// overwrites inserts whatever is there.
func overwrites(s vault.Backend, b *broken) {
	var mu sync.Mutex
	over := map[vault.KeyName]vault.KeyRow{}
	b.insertKey = func(ctx context.Context, row vault.KeyRow) (bool, error) {
		inserted, err := s.InsertKey(ctx, row)
		if err == nil && !inserted {
			mu.Lock()
			defer mu.Unlock()
			over[row.KeyName] = row
		}
		return err == nil, err
	}
	b.keys = func(ctx context.Context, n vault.KeyName) ([]vault.KeyRow, error) {
		mu.Lock()
		defer mu.Unlock()
		if row, ok := over[n]; ok {
			return []vault.KeyRow{row}, nil
		}
		return s.Keys(ctx, n)
	}
}

var shredDefects = []defect{
	{"shredding forgets the tenant", "shredding all keys of a person shreds nothing of another tenant's", breaks(everyTenant)},
	{"shredding by name forgets the tenant", "shredding keys by name shreds nothing of another tenant's", breaks(everyTenant)},
	{"nobody is spared", "shredding a person kills all keys but those that are spared", shredsAs(func(p *vault.ShredKeys) {
		p.Except = nil
	})},
	{"names do not count", "shredding by name kills no other compartment", shredsAs(func(p *vault.ShredKeys) {
		p.Compartments = nil
	})},
	{"no tombstone without a key", "a compartment that is named and has no row gets a tombstone", breaks(noTombstones)},
	{"no tombstones without keys", "a person may have many tombstones that never were keys", breaks(noTombstones)},
	{"who creates after is not stopped", "no key lives in a compartment that was shredded by name, whoever raced", breaks(overwrites)},
	{"keys die again and again", "keys die once", breaks(func(s vault.Backend, b *broken) {
		var first []vault.KeyRow
		b.shredKeys = func(ctx context.Context, p vault.ShredKeys) ([]vault.KeyRow, error) {
			died, err := s.ShredKeys(ctx, p)
			if first == nil {
				first = died
			}
			return first, err
		}
	})},
	{"a person is shredded once", "a second shredding kills what the first one spared", breaks(func(s vault.Backend, b *broken) {
		shredded := false
		b.shredKeys = func(ctx context.Context, p vault.ShredKeys) ([]vault.KeyRow, error) {
			if shredded {
				return nil, nil
			}
			shredded = true
			return s.ShredKeys(ctx, p)
		}
	})},
	{"something dies always", "a person without keys has none to shred", breaks(func(s vault.Backend, b *broken) {
		b.shredKeys = func(ctx context.Context, p vault.ShredKeys) ([]vault.KeyRow, error) {
			died, err := s.ShredKeys(ctx, p)
			if len(died) == 0 {
				died = []vault.KeyRow{{}}
			}
			return died, err
		}
	})},
	{"the own transaction's keys are spared", "a key made in the same transaction dies with the others",
		breaks(func(s vault.Backend, b *broken) {
			var made []troth.Compartment
			b.insertKey = func(ctx context.Context, row vault.KeyRow) (bool, error) {
				if s.Transactor().Scope(ctx) != nil {
					made = append(made, row.Compartment)
				}
				return s.InsertKey(ctx, row)
			}
			b.shredKeys = func(ctx context.Context, p vault.ShredKeys) ([]vault.KeyRow, error) {
				p.Except = append(p.Except, made...)
				return s.ShredKeys(ctx, p)
			}
		})},
}

func shredsAs(wrong func(p *vault.ShredKeys)) func(h *Harness) {
	return breaks(func(s vault.Backend, b *broken) {
		b.shredKeys = func(ctx context.Context, p vault.ShredKeys) ([]vault.KeyRow, error) {
			wrong(&p)
			return s.ShredKeys(ctx, p)
		}
	})
}

// everyTenant shreds the person of that id under all tenants.
func everyTenant(s vault.Backend, b *broken) {
	var tenants []troth.Tenant
	b.insertKey = func(ctx context.Context, row vault.KeyRow) (bool, error) {
		tenants = append(tenants, row.Tenant)
		return s.InsertKey(ctx, row)
	}
	b.shredKeys = func(ctx context.Context, p vault.ShredKeys) ([]vault.KeyRow, error) {
		died, err := s.ShredKeys(ctx, p)
		for _, t := range tenants {
			p.Tenant = t
			_, also := s.ShredKeys(ctx, p)
			err = errors.Join(err, also)
		}
		return died, err
	}
}

func noTombstones(s vault.Backend, b *broken) {
	b.shredKeys = func(ctx context.Context, p vault.ShredKeys) ([]vault.KeyRow, error) {
		var there []troth.Compartment
		for _, c := range p.Compartments {
			if rows, err := s.Keys(ctx, name(p.Tenant, p.SubjectID, c)); err != nil || len(rows) > 0 {
				there = append(there, c)
			}
		}
		if len(p.Compartments) > 0 && len(there) == 0 {
			return nil, nil
		}
		p.Compartments = there
		return s.ShredKeys(ctx, p)
	}
}

var fenceDefects = []defect{
	{"the head begins at 1", "nothing has happened before the first event", follows(func(f *vault.Followed, _ int64) {
		f.Head = max(f.Head, 1)
	})},
	{"compartments are forgotten", "events come back with their names and instants", follows(func(f *vault.Followed, _ int64) {
		for i := range f.Events {
			f.Events[i].Compartment = ""
		}
	})},
	{"what is undone takes a position", "positions count committed events from 1 without gaps", fence(numbersOnRaising)},
	{"events are numbered as they are raised", "an event that commits after a later one was followed is seen", fence(numbersOnRaising)},
	{"what is not committed is shown", "an event is seen when it is committed and not before", fence(showsUncommitted)},
	{"an event is told once", "who follows inside a transaction takes no event from others", fence(tellsOnce)},
	{"of many followers one is told", "every follower sees every event of a crowd", fence(tellsOnce)},
	{"events without a position are left out", "who has followed sees what came after, and nothing twice", fence(hidesUnnumbered)},
	{"a negative position is the first", "a negative position asks for nothing but the head", breaks(func(s vault.Backend, b *broken) {
		b.follow = func(ctx context.Context, after int64) (vault.Followed, error) { return s.Follow(ctx, max(0, after)) }
	})},
	{"only committed events are told", "a transaction sees its own events", breaks(func(s vault.Backend, b *broken) {
		b.follow = func(ctx context.Context, after int64) (vault.Followed, error) {
			return s.Follow(s.Transactor().Detach(ctx), after)
		}
	})},
	{"all but the newest go", "what is not older stays", breaks(func(s vault.Backend, b *broken) {
		b.pruneFence = func(ctx context.Context, _ int64) error { return s.PruneFence(ctx, 1<<62) }
	})},
	{"nothing goes", "what is older goes, and who has not seen it is told of a gap", breaks(func(_ vault.Backend, b *broken) {
		b.pruneFence = func(context.Context, int64) error { return nil }
	})},
	{"there is never a gap", "the newest stays, however old", follows(func(f *vault.Followed, _ int64) { f.Gap = false })},
	{"a gap is only before the first", "a gap inside of what was kept is a gap", follows(func(f *vault.Followed, after int64) {
		f.Gap = len(f.Events) > 0 && f.Events[0].Position > after+1
	})},
	{"what is gone is not told", "an event that was old when it came is told as itself or as a gap",
		follows(func(f *vault.Followed, _ int64) { f.Gap = false })},
	{"positions begin again", "positions go on after a pruning", breaks(func(s vault.Backend, b *broken) {
		var pruned bool
		b.pruneFence = func(ctx context.Context, at int64) error {
			pruned = true
			return s.PruneFence(ctx, at)
		}
		b.follow = func(ctx context.Context, after int64) (vault.Followed, error) {
			if pruned && after > 0 {
				return vault.Followed{Head: 1}, nil
			}
			return s.Follow(ctx, after)
		}
	})},
	{"an empty fence cannot be pruned", "pruning an empty fence does nothing", breaks(func(s vault.Backend, b *broken) {
		b.pruneFence = func(ctx context.Context, at int64) error {
			if f, err := s.Follow(ctx, 0); err != nil || len(f.Events) == 0 {
				return errBroken
			}
			return s.PruneFence(ctx, at)
		}
	})},
}

func follows(wrong func(f *vault.Followed, after int64)) func(h *Harness) {
	return breaks(func(s vault.Backend, b *broken) {
		b.follow = func(ctx context.Context, after int64) (vault.Followed, error) {
			f, err := s.Follow(ctx, after)
			wrong(&f, after)
			return f, err
		}
	})
}

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
			time.Sleep(idleBound / 90)
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
