package tasktest

import (
	"context"
	"slices"
	"time"

	"github.com/trothdev/troth/internal/suite"
	"github.com/trothdev/troth/task"
)

var insertChecks = []check{
	{Name: "a task comes back bit for bit", Run: func(r *rig) {
		n := r.adds(func(n *task.NewTask) {
			n.Key, n.Line, n.Payload, n.Group = "\u65e5\u672c", "line one", suite.EveryByte(), task.ID{1, 2, 3}
			n.Deadline = instant + 99
		})
		row := r.row(r.Context(), n.Name)
		r.equal(row, task.Row{
			Name: n.Name, Kind: n.Kind, Key: n.Key, Line: n.Line, Group: n.Group, State: task.Waiting,
			Payload: n.Payload, CreatedAt: n.CreatedAt, Deadline: n.Deadline, WakeAt: instant,
		})
	}},
	{Name: "a task that nobody added is not found", Run: func(r *rig) {
		_, found, err := r.s.Task(r.Context(), task.Name{Tenant: r.A, ID: r.id()})
		r.Wants(false, found, err, "task")
		_, found, err = r.s.Find(r.Context(), r.A, r.kind, "k")
		r.Wants(false, found, err, "find")
	}},
	{Name: "what is given and returned belongs to the caller", Run: func(r *rig) {
		n := r.adds(func(n *task.NewTask) { n.Payload = []byte("abc") })
		n.Payload[0] = 'X'
		row := r.row(r.Context(), n.Name)
		same(r, "abc", string(row.Payload), "payload")
		row.Payload[0] = 'X'
		same(r, "abc", string(r.row(r.Context(), n.Name).Payload), "payload")
	}},
	{Name: "the same kind and key is the same task", Run: func(r *rig) {
		n := r.adds(func(n *task.NewTask) { n.Key, n.Payload = "k", []byte("first") })
		again := r.fresh()
		again.Key, again.Payload = "k", []byte("second")
		id, inserted, err := r.s.Insert(r.Context(), again)
		r.Wants(false, inserted, err, "insert again")
		same(r, n.ID, id, "id of the other")
		_, found, err := r.s.Task(r.Context(), again.Name)
		r.Wants(false, found, err, "the second")
		same(r, "first", string(r.row(r.Context(), n.Name).Payload), "payload")
		id, found, err = r.s.Find(r.Context(), r.A, r.kind, "k")
		r.Wants(true, found, err, "find")
		same(r, n.ID, id, "id found")
	}},
	{Name: "a task that ended is remembered by its key", Run: func(r *rig) {
		n := r.adds(func(n *task.NewTask) { n.Key = "k" })
		r.end(r.Context(), r.one(), task.Completed)
		again := r.fresh()
		again.Key = "k"
		id, inserted, err := r.s.Insert(r.Context(), again)
		r.Wants(false, inserted, err, "insert again")
		same(r, n.ID, id, "id of the other")
		if rows := r.claim(10); len(rows) != 0 {
			r.Fatalf("claimed %v", rows)
		}
	}},
	{Name: "tasks that are added together are as if one was added after the other", Run: func(r *rig) {
		known := r.adds(func(n *task.NewTask) { n.Key = "known" })
		ns := make([]task.NewTask, 6)
		for i := range ns {
			ns[i] = r.fresh()
			ns[i].Line = "\"odd\" \\ line"
		}
		ns[0].Key, ns[0].Deadline, ns[0].Alarm = "z", instant+99, task.Alarm{Stage: 1, At: instant + 7}
		ns[1].Key = "known"
		ns[2].Key = "z"
		ns[3].NotBefore = instant + 5
		ns[4].Tenant, ns[4].Key = r.B, "known"
		got, err := r.s.InsertAll(r.Context(), ns)
		r.OK(err, "insert all")
		want := []task.Inserted{
			{ID: ns[0].ID, New: true},
			{ID: known.ID},
			{ID: ns[0].ID},
			{ID: ns[3].ID, New: true},
			{ID: ns[4].ID, New: true},
			{ID: ns[5].ID, New: true},
		}
		if !slices.Equal(got, want) {
			r.Fatalf("insert all: got %v, want %v", got, want)
		}
		r.equal(r.row(r.Context(), ns[0].Name), task.Row{
			Name: ns[0].Name, Kind: ns[0].Kind, Key: "z", Line: ns[0].Line, Group: ns[0].ID, State: task.Waiting,
			CreatedAt: ns[0].CreatedAt, Deadline: instant + 99, WakeAt: instant,
		})
		same(r, instant+5, r.is(ns[3].Name, task.Delayed).WakeAt, "due")
		r.is(ns[4].Name, task.Waiting)
		_, found, err := r.s.Task(r.Context(), ns[1].Name)
		r.Wants(false, found, err, "what was known")
		r.Advance(7 * time.Microsecond)
		r.Atomically(r.Context(), func(ctx context.Context) {
			due, err := r.s.Alarms(ctx, 10)
			r.OK(err, "alarms")
			if len(due) != 1 || due[0].Name != ns[0].Name || due[0].Stage != 1 {
				r.Fatalf("alarms: got %v", due)
			}
		})
		none, err := r.s.InsertAll(r.Context(), nil)
		r.OK(err, "insert none")
		same(r, 0, len(none), "added")
	}},
	{Name: "of tasks that are added together all are undone, or none", Run: func(r *rig) {
		ns := []task.NewTask{r.fresh(), r.fresh()}
		ns[0].Key, ns[1].Key = "k", "l"
		r.Refused(r.Context(), func(ctx context.Context) {
			_, err := r.s.InsertAll(ctx, ns)
			r.OK(err, "insert all")
		})
		for _, n := range ns {
			_, found, err := r.s.Task(r.Context(), n.Name)
			r.Wants(false, found, err, "task")
			_, found, err = r.s.Find(r.Context(), n.Tenant, n.Kind, n.Key)
			r.Wants(false, found, err, "find")
		}
		ctx, cancel := context.WithCancel(r.Context())
		cancel()
		if _, err := r.s.InsertAll(ctx, ns); err == nil {
			r.Fatalf("a cancelled context inserts")
		}
	}},
	{Name: "another kind or key is another task, and without a key each is", Run: func(r *rig) {
		r.adds(func(n *task.NewTask) { n.Key = "k" })
		r.adds(func(n *task.NewTask) { n.Key = "l" })
		r.adds(func(n *task.NewTask) { n.Key = "k"; n.Kind += "-other" })
		r.adds(func(*task.NewTask) {})
		r.adds(func(*task.NewTask) {})
		same(r, 4, len(r.claim(10)), "tasks of the kind")
	}},
	{Name: "a task is delayed until it may run", Run: func(r *rig) {
		n := r.adds(func(n *task.NewTask) { n.NotBefore = instant + 1 })
		same(r, instant+1, r.is(n.Name, task.Delayed).WakeAt, "due")
		past := r.adds(func(n *task.NewTask) { n.NotBefore = instant })
		r.is(past.Name, task.Waiting)
		same(r, 0, r.wake(10).Due, "due too early")
		r.Advance(time.Microsecond)
		same(r, 1, r.wake(10).Due, "due")
		r.names(r.claim(10), past, n)
	}},
	{Name: "tasks are listed in order, page by page, without what is sealed", Run: func(r *rig) {
		var all []task.NewTask
		for range 5 {
			all = append(all, r.adds(func(n *task.NewTask) { n.Payload = []byte("x") }))
		}
		var seen []task.Row
		for after := (task.ID{}); ; {
			rows, err := r.s.Tasks(r.Context(), task.Page{Tenant: r.A, After: after, Limit: 2})
			r.OK(err, "tasks")
			if len(rows) == 0 {
				break
			}
			if len(rows) > 2 {
				r.Fatalf("%d rows on a page of 2", len(rows))
			}
			seen = append(seen, rows...)
			after = rows[len(rows)-1].ID
		}
		r.names(seen, all...)
		if slices.ContainsFunc(seen, func(row task.Row) bool { return row.Payload != nil || row.Instructions != nil }) {
			r.Fatalf("a list holds payloads")
		}
	}},
	{Name: "tasks are listed by state and owner", Run: func(r *rig) {
		one := r.running()
		r.ends(r.Context(), task.Ending{Held: held(one), To: task.Manual, Owner: "legal"})
		two := r.running()
		r.ends(r.Context(), task.Ending{Held: held(two), To: task.Manual, Owner: "support"})
		r.add(r.Context(), r.fresh())
		list := func(state task.State, owner string, want ...task.ID) {
			r.Helper()
			rows, err := r.s.Tasks(r.Context(), task.Page{Tenant: r.A, Limit: 10, State: state, Owner: owner})
			r.OK(err, "tasks")
			var got []task.ID
			for _, row := range rows {
				got = append(got, row.ID)
			}
			if !slices.Equal(got, want) {
				r.Fatalf("tasks %q of %q: got %v, want %v", state, owner, got, want)
			}
		}
		list(task.Manual, "", one.ID, two.ID)
		list(task.Manual, "legal", one.ID)
		list("", "support", two.ID)
		list(task.Completed, "")
		list(task.Waiting, "legal")
	}},
	{Name: "tasks are counted by kind and state", Run: func(r *rig) {
		r.adds(func(n *task.NewTask) { n.NotBefore = instant + 10 })
		early := r.running()
		r.end(r.Context(), early, task.Completed)
		r.Advance(time.Second)
		r.end(r.Context(), r.running(), task.Completed)
		r.end(r.Context(), r.running(), task.Failed)
		r.running()
		first := r.add(r.Context(), r.fresh())
		r.Advance(time.Second)
		r.add(r.Context(), r.fresh())
		got, err := r.s.Counts(r.Context(), task.CountSince{Tenant: r.A, Since: instant + 1})
		r.OK(err, "counts")
		want := []task.Count{
			{Kind: r.kind, State: task.Completed, N: 2, Recent: 1},
			{Kind: r.kind, State: task.Delayed, N: 1},
			{Kind: r.kind, State: task.Failed, N: 1, Recent: 1},
			{Kind: r.kind, State: task.Running, N: 1},
			{Kind: r.kind, State: task.Waiting, N: 2, Oldest: r.row(r.Context(), first.Name).WakeAt},
		}
		if !slices.Equal(got, want) {
			r.Fatalf("counts: got %+v, want %+v", got, want)
		}
	}},
	{Name: "a cancelled context has no effect", Run: func(r *rig) {
		ctx, cancel := context.WithCancel(r.Context())
		cancel()
		n := r.fresh()
		if _, _, err := r.s.Insert(ctx, n); err == nil {
			r.Fatalf("inserted under a cancelled context")
		}
		_, found, err := r.s.Task(r.Context(), n.Name)
		r.Wants(false, found, err, "task")
	}},
}
