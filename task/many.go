package task

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/trothdev/troth"
)

// manyAtOnce is how many works are added by one call of the store.
const manyAtOnce = 1000

// EnqueueMany makes works durable in one transaction, that of ctx or one of its
// own, all of them or none, and returns their ids in the same order. It does what
// [Engine.Enqueue] does for one after the other. Works without payload, group and
// prerequisites are added a thousand at a time: where their keys say what they are
// about, it can be looked up when they run. Thousands of works of one group belong
// into one call, since each call writes the group anew. Works that wait for others of
// the same call are for [Engine.EnqueueAll].
func (e *Engine) EnqueueMany(ctx context.Context, works []troth.Work) (ids []string, err error) {
	m := &many{e: e, works: works, tasks: make([]NewTask, len(works)), ids: make([]string, len(works))}
	for i, w := range works {
		if m.tasks[i], err = e.prepare(w); err != nil {
			return nil, err
		}
	}
	err = e.tx.Atomically(ctx, func(ctx context.Context) error {
		err := e.tx.Atomically(ctx, m.together)
		if errors.Is(err, errKnown) {
			return m.oneByOne(ctx)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if e.tx.Scope(ctx) == nil {
		e.Nudge()
	}
	return m.ids, nil
}

// many are works that are enqueued together.
type many struct {
	e     *Engine
	works []troth.Work
	tasks []NewTask
	ids   []string
}

// oneByOne enqueues them where some turn out to be equal to others, or to what
// somebody else enqueues at the same time.
func (m *many) oneByOne(ctx context.Context) error {
	for i, w := range m.works {
		id, err := m.e.enqueue(ctx, w, m.tasks[i])
		if err != nil {
			return err
		}
		m.ids[i] = id.String()
	}
	return nil
}

func (m *many) together(ctx context.Context) error {
	var plain, rich []int
	for i, w := range m.works {
		if plainWork(w) && len(w.After) == 0 {
			plain = append(plain, i)
		} else {
			rich = append(rich, i)
		}
	}
	for some := range slices.Chunk(plain, manyAtOnce) {
		if err := m.insertPlain(ctx, some); err != nil {
			return err
		}
	}
	return m.insertRich(ctx, rich)
}

// insertPlain adds those at the given places with one call.
func (m *many) insertPlain(ctx context.Context, places []int) error {
	ns := make([]NewTask, len(places))
	for i, at := range places {
		ns[i] = m.tasks[at]
	}
	got, err := m.e.store.InsertAll(ctx, ns)
	if err != nil {
		return wrap("insert", err)
	}
	for i, at := range places {
		m.ids[at] = got[i].ID.String()
		if !got[i].New {
			continue
		}
		if err := m.e.dispatchNew(ctx, ns[i]); err != nil {
			return err
		}
	}
	return nil
}

// insertRich adds those at the given places, each group being joined once. It
// returns errKnown if one that was new is not so any more.
func (m *many) insertRich(ctx context.Context, places []int) error {
	var fresh []int
	for _, at := range places {
		id, err := m.e.known(ctx, m.tasks[at])
		if err != nil {
			return err
		}
		if id == (ID{}) {
			fresh = append(fresh, at)
		} else {
			m.ids[at] = id.String()
		}
	}
	groups, err := m.join(ctx, fresh)
	if err != nil {
		return err
	}
	for _, at := range fresh {
		w, n := m.works[at], m.tasks[at]
		if w.Group != "" {
			n.Group = groups[groupName{w.Tenant, w.Group}]
		}
		if err := m.e.sealPayload(ctx, w, &n); err != nil {
			return err
		}
		id, inserted, err := m.e.store.Insert(ctx, n)
		switch {
		case err != nil:
			return wrap("insert", err)
		case !inserted:
			return errKnown
		}
		m.ids[at] = id.String()
		if err := m.e.dispatchNew(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

type groupName struct {
	tenant troth.Tenant
	name   string
}

// join joins the groups of those at the given places, in an order that is the same
// for all who do, so that they do not wait for each other.
func (m *many) join(ctx context.Context, places []int) (map[groupName]ID, error) {
	sizes := map[groupName]int{}
	for _, at := range places {
		if w := m.works[at]; w.Group != "" {
			sizes[groupName{w.Tenant, w.Group}]++
		}
	}
	names := make([]groupName, 0, len(sizes))
	for g := range sizes {
		names = append(names, g)
	}
	slices.SortFunc(names, func(a, b groupName) int {
		return cmp.Or(cmp.Compare(a.tenant, b.tenant), cmp.Compare(a.name, b.name))
	})
	ids := make(map[groupName]ID, len(names))
	for _, g := range names {
		j := Joining{Tenant: g.tenant, Name: g.name, Fresh: troth.NewEntryID(m.e.opt.now()), Tasks: sizes[g]}
		id, err := m.e.store.JoinGroup(ctx, j)
		if err != nil {
			return nil, wrap("join group", err)
		}
		ids[g] = id
	}
	return ids, nil
}
