package task_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/taskmem"
	"github.com/trothdev/troth/task"
	"github.com/trothdev/troth/task/tasktest"
)

var seed = flag.Uint64("seed", 0, "seed of the model test; zero is a new one")

// model does the same to a store in memory and to one in a database, and compares
// what they say.
type model struct {
	t       *testing.T
	rand    *rand.Rand
	stores  [2]task.Backend
	advance [2]func(time.Duration)
	made    uint64
	names   []task.Name
	held    []task.Held
	groups  []task.Name
}

func TestStore_AgreesWithMemory(t *testing.T) {
	t.Parallel()
	s := *seed
	if s == 0 {
		s = uint64(time.Now().UnixNano())
	}
	t.Logf("-seed=%d", s)
	each(t, func(t *testing.T, b backend) {
		h, clock := b.harness(t), tasktest.NewClock()
		m := &model{
			t: t, rand: rand.New(rand.NewPCG(s, 1)),
			stores:  [2]task.Backend{taskmem.New(memory.Open(), taskmem.WithClock(clock.Now)), h.Backend},
			advance: [2]func(time.Duration){clock.Advance, h.Advance},
		}
		for range 600 {
			m.step()
		}
		m.compareAll()
	})
}

// both does something to both stores and demands the same answer.
func both[T any](m *model, what string, do func(s task.Backend) (T, error)) T {
	m.t.Helper()
	want, wantErr := do(m.stores[0])
	got, gotErr := do(m.stores[1])
	a, b := fmt.Sprintf("%+v %v", want, wantErr), fmt.Sprintf("%+v %v", got, gotErr)
	if a != b {
		at := 0
		for at < min(len(a), len(b)) && a[at] == b[at] {
			at++
		}
		at = max(0, at-200)
		m.t.Fatalf("%s: want …%.400s, got …%.400s", what, a[at:], b[at:])
	}
	return want
}

func (m *model) pick(n int) bool { return m.rand.IntN(n) == 0 }

func (m *model) tenant() troth.Tenant { return troth.Tenant([]string{"a", "b"}[m.rand.IntN(2)]) }

func (m *model) id() (id task.ID) {
	m.made++
	binary.BigEndian.PutUint64(id[:], m.made)
	return id
}

// name is one of those that were made, or nobody's.
func (m *model) name() task.Name {
	if len(m.names) == 0 || m.pick(20) {
		return task.Name{Tenant: m.tenant(), ID: m.id()}
	}
	return m.names[m.rand.IntN(len(m.names))]
}

var kindsOfModel = []string{"k", "l"}

func (m *model) step() {
	ctx := m.t.Context()
	switch m.rand.IntN(17) {
	case 0, 1, 2, 3:
		m.insert(ctx)
	case 4, 5:
		m.claim(ctx)
	case 6, 7, 8:
		m.end(ctx)
	case 9:
		d := time.Duration(m.rand.IntN(40)) * time.Second
		if m.pick(6) {
			d = -10 * d
		}
		for _, advance := range m.advance {
			advance(d)
		}
		both(m, "wake", func(s task.Backend) (task.Woken, error) {
			w, err := s.Wake(ctx, 1000)
			slices.SortFunc(w.Lapsed, compareNames)
			return w, err
		})
	case 10:
		both(m, "tidy", func(s task.Backend) (int, error) { return s.Tidy(ctx) })
	case 11:
		held := slices.Clone(m.held)
		both(m, "extend", func(s task.Backend) ([]task.Name, error) {
			lost, err := s.Extend(ctx, held, 30*time.Second)
			return lost, err
		})
	case 12:
		m.person(ctx)
	case 13:
		m.alarm(ctx)
	case 14:
		m.dispose(ctx)
	case 15:
		m.remove(ctx)
	case 16:
		m.look(ctx)
	}
}

func (m *model) insert(ctx context.Context) {
	n := task.NewTask{
		Name: task.Name{Tenant: m.tenant(), ID: m.id()}, Kind: kindsOfModel[m.rand.IntN(2)],
		Line: []string{"", "x", "y"}[m.rand.IntN(3)], CreatedAt: int64(m.made),
	}
	n.Group = n.ID
	if m.pick(2) {
		n.Key = fmt.Sprint(m.rand.IntN(40))
	}
	if m.pick(3) {
		n.Payload = []byte("sealed")
	}
	now := both(m, "now", func(s task.Backend) (int64, error) { w, err := s.Wake(ctx, 0); return w.Now, err })
	if m.pick(4) {
		n.NotBefore = now + int64(m.rand.IntN(60_000_000))
	}
	if m.pick(4) {
		n.Deadline = now + 100_000_000
		n.Alarm = task.Alarm{Stage: 1, At: now + int64(m.rand.IntN(60_000_000))}
	}
	for range m.rand.IntN(3) {
		if m.pick(2) {
			before := m.name()
			n.Tenant = before.Tenant
			n.After = append(n.After, before.ID)
		}
	}
	inGroup, fresh := m.pick(4), m.id()
	type answer struct {
		group, id task.ID
		inserted  bool
	}
	got := both(m, "insert", func(s task.Backend) (a answer, err error) {
		err = s.Transactor().Atomically(ctx, func(ctx context.Context) error {
			a = answer{group: n.ID}
			n := n
			if inGroup {
				if a.group, err = s.JoinGroup(ctx, task.Joining{Tenant: n.Tenant, Name: "g", Fresh: fresh, Tasks: 1}); err != nil {
					return err
				}
				n.Group = a.group
			}
			if a.id, a.inserted, err = s.Insert(ctx, n); err == nil && !a.inserted && inGroup {
				return fmt.Errorf("known")
			}
			return err
		})
		return a, err
	})
	if got.inserted {
		m.names = append(m.names, n.Name)
		m.groups = append(m.groups, task.Name{Tenant: n.Tenant, ID: got.group})
	}
}

func (m *model) claim(ctx context.Context) {
	c := task.Claim{Lease: 30 * time.Second, Limit: 1 + m.rand.IntN(6)}
	for _, k := range kindsOfModel {
		kind := task.KindClaim{Kind: k, Limit: 1 + m.rand.IntN(5), Behind: task.Line{Tenant: m.tenant(), Name: "x"}}
		if m.pick(3) {
			kind.Whole = task.Limit{AtOnce: 3, Every: time.Second, Burst: 2}
			kind.PerLine = task.Limit{AtOnce: 2, Every: 2 * time.Second}
		}
		c.Kinds = append(c.Kinds, kind)
	}
	// Where rows lie each store knows for itself.
	places := map[task.Name]int64{}
	rows := both(m, "claim", func(s task.Backend) ([]task.Row, error) {
		rows, err := s.Claim(ctx, c)
		for i := range rows {
			places[rows[i].Name] = max(places[rows[i].Name], rows[i].Place)
			rows[i].Place = 0
		}
		return rows, err
	})
	n, kind := m.name(), c.Kinds[m.rand.IntN(2)]
	one := both(m, "claim one", func(s task.Backend) ([]task.Row, error) {
		row, claimed, err := s.ClaimOne(ctx, n, kind, c.Lease)
		if !claimed {
			return nil, err
		}
		return []task.Row{row}, err
	})
	for _, row := range append(rows, one...) {
		h := task.Held{Name: row.Name, Fence: row.Fence, Place: places[row.Name]}
		if m.pick(4) { // a wrong one is that of another task, or of none
			h.Place = m.rand.Int64N(20)
		}
		m.held = append(m.held, h)
	}
}

func (m *model) end(ctx context.Context) {
	var es []task.Ending
	for range min(1+m.rand.IntN(4), len(m.held)) {
		i := m.rand.IntN(len(m.held))
		e := task.Ending{
			Held: m.held[i], Reason: []string{"", "r"}[m.rand.IntN(2)], By: time.Duration(m.rand.IntN(50)) * time.Second,
			To:    []task.State{task.Completed, task.Completed, task.Completed, task.Failed, task.Cancelled, task.Delayed, task.Waiting, task.Manual}[m.rand.IntN(8)],
			Owner: "o", Due: int64(m.rand.IntN(3)),
		}
		if m.pick(3) {
			e.Instructions = []byte("sealed too")
		}
		if slices.ContainsFunc(es, func(other task.Ending) bool { return other.Name == e.Name }) {
			continue
		}
		es = append(es, e)
		if !m.pick(4) { // some are ended again
			m.held = slices.Delete(m.held, i, i+1)
		}
	}
	both(m, "end", func(s task.Backend) (task.Ended, error) {
		out, err := s.End(ctx, es)
		slices.SortFunc(out.Lost, compareNames)
		slices.SortFunc(out.Freed, func(a, b task.Freed) int { return compareNames(a.Name, b.Name) })
		return out, err
	})
}

func compareNames(a, b task.Name) int {
	return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), bytes.Compare(a.ID[:], b.ID[:]))
}

func (m *model) person(ctx context.Context) {
	n := m.name()
	from := []task.State{task.Manual}
	if m.pick(3) {
		from = task.States()
	}
	to := []task.State{task.Completed, task.Cancelled}[m.rand.IntN(2)]
	switch m.rand.IntN(3) {
	case 0:
		both(m, "assign", func(s task.Backend) (bool, error) { return s.Assign(ctx, task.Assignment{Name: n, Owner: "p", Due: 7}) })
	case 1:
		both(m, "resume", func(s task.Backend) (bool, error) { return s.Resume(ctx, n) })
	case 2:
		both(m, "finish", func(s task.Backend) (string, error) {
			freed, done, err := s.Finish(ctx, task.Finish{Name: n, From: from, To: to, Reason: "f", Owner: "q"})
			slices.SortFunc(freed, func(a, b task.Freed) int { return compareNames(a.Name, b.Name) })
			return fmt.Sprint(freed, done), err
		})
	}
}

func (m *model) alarm(ctx context.Context) {
	move := m.pick(2)
	both(m, "alarms", func(s task.Backend) (due []task.DueAlarm, err error) {
		err = s.Transactor().Atomically(ctx, func(ctx context.Context) error {
			if due, err = s.Alarms(ctx, 3); err != nil || !move || len(due) == 0 {
				return err
			}
			return s.SetAlarm(ctx, due[0].Name, task.Alarm{})
		})
		return due, err
	})
}

func (m *model) dispose(ctx context.Context) {
	due := both(m, "disposals", func(s task.Backend) ([]task.Disposal, error) { return s.Disposals(ctx, 4, time.Minute) })
	for _, d := range due {
		if m.pick(3) {
			p := task.Postponement{Tenant: d.Tenant, Group: d.Group, By: time.Second, Reason: "kept"}
			both(m, "postpone", func(s task.Backend) (int, error) { return 0, s.Postpone(ctx, p) })
			continue
		}
		m.spend(ctx, task.Name{Tenant: d.Tenant, ID: d.Group})
	}
	if len(m.groups) > 0 {
		m.spend(ctx, m.groups[m.rand.IntN(len(m.groups))])
	}
}

func (m *model) spend(ctx context.Context, g task.Name) {
	both(m, "spent", func(s task.Backend) (answer string, err error) {
		err = s.Transactor().Atomically(ctx, func(ctx context.Context) error {
			spent, sealed, err := s.Spent(ctx, g.Tenant, g.ID)
			answer = fmt.Sprint(spent, sealed)
			if err != nil || !spent {
				return err
			}
			return s.Empty(ctx, g.Tenant, g.ID)
		})
		return answer, err
	})
}

func (m *model) remove(ctx context.Context) {
	now := both(m, "now", func(s task.Backend) (int64, error) { w, err := s.Wake(ctx, 0); return w.Now, err })
	r := task.Removal{Tenant: m.tenant(), Before: now - int64(m.rand.IntN(60_000_000))}
	for range 5 {
		r.IDs = append(r.IDs, m.name().ID)
	}
	slices.SortFunc(r.IDs, func(a, b task.ID) int { return bytes.Compare(a[:], b[:]) })
	r.IDs = slices.Compact(r.IDs)
	both(m, "remove", func(s task.Backend) (int, error) { return s.Remove(ctx, r) })
}

func (m *model) look(ctx context.Context) {
	tenant := m.tenant()
	state := append(task.States(), "")[m.rand.IntN(9)]
	owner := []string{"", "", "o", "p"}[m.rand.IntN(4)]
	both(m, "tasks", func(s task.Backend) ([]task.Row, error) {
		return s.Tasks(ctx, task.Page{Tenant: tenant, Limit: 5, State: state, Owner: owner})
	})
	both(m, "counts", func(s task.Backend) ([]task.Count, error) {
		return s.Counts(ctx, task.CountSince{Tenant: tenant, Since: 1})
	})
	both(m, "finished", func(s task.Backend) ([]task.Row, error) {
		return s.Finished(ctx, task.FinishedPage{Before: 1 << 60, Limit: 7})
	})
	both(m, "undisposed", func(s task.Backend) ([]task.Disposal, error) {
		return s.Undisposed(ctx, task.DisposalPage{Tenant: tenant, Limit: 7})
	})
}

// compareAll compares every task.
func (m *model) compareAll() {
	states := map[task.State]int{}
	for _, n := range m.names {
		row := both(m, "task", func(s task.Backend) (task.Row, error) {
			row, _, err := s.Task(m.t.Context(), n)
			return row, err
		})
		states[row.State]++
	}
	m.t.Logf("%d tasks: %v", len(m.names), states)
}
