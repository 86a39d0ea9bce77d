package tasktest

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/trothdev/troth/internal/suite"
	"github.com/trothdev/troth/task"
)

// racers is how many do the same at the same time.
const racers = suite.Crowd

var raceChecks = []check{
	{Name: "of those who add one key at once, one does, and all get its id", Run: func(r *rig) {
		news := make([]task.NewTask, racers)
		for i := range news {
			news[i] = r.fresh()
			news[i].Key = "k"
		}
		var inserted atomic.Int64
		ids := make([]task.ID, racers)
		r.Race(func(i int) error {
			id, in, err := r.s.Insert(r.Context(), news[i])
			if in {
				inserted.Add(1)
			}
			ids[i] = id
			return err
		})
		same(r, 1, inserted.Load(), "insertions")
		row := r.one()
		for _, id := range ids {
			same(r, row.ID, id, "id")
		}
	}},
	{Name: "of those who claim one task by its name at once, one does", Run: func(r *rig) {
		n := r.add(r.Context(), r.fresh())
		var claims atomic.Int64
		r.Race(func(int) error {
			_, claimed, err := r.s.ClaimOne(r.Context(), n.Name, task.KindClaim{Kind: r.kind}, lease)
			if claimed {
				claims.Add(1)
			}
			return err
		})
		same(r, 1, claims.Load(), "claims")
		same(r, 1, r.is(n.Name, task.Running).Attempt, "attempts")
	}},
	{Name: "those who claim at once get different tasks, and all of them", Run: func(r *rig) {
		const tasks = 60
		for range tasks {
			r.add(r.Context(), r.fresh())
		}
		var mu sync.Mutex
		seen := map[task.ID]int{}
		claimAll := func(int) error {
			for {
				rows, err := r.s.Claim(r.Context(), task.Claim{Lease: lease, Limit: 100, Kinds: []task.KindClaim{{Kind: r.kind, Limit: 3}}})
				if err != nil || len(rows) == 0 {
					return err
				}
				mu.Lock()
				for _, row := range rows {
					seen[row.ID]++
				}
				mu.Unlock()
			}
		}
		r.Race(claimAll)
		r.OK(claimAll(0), "claim what was passed over")
		same(r, tasks, len(seen), "tasks claimed")
		for _, n := range seen {
			same(r, 1, n, "claims of one task")
		}
	}},
	{Name: "the last of several prerequisites frees, whoever ends them at once", Run: func(r *rig) {
		rows := make([]task.Row, racers)
		names := make([]task.Name, racers)
		for i := range rows {
			rows[i] = r.running()
			names[i] = rows[i].Name
		}
		n := r.after(names...)
		var freed atomic.Int64
		r.Race(func(i int) error {
			out, err := r.s.End(r.Context(), []task.Ending{{Held: held(rows[i]), To: task.Completed}})
			freed.Add(int64(len(out.Freed)))
			return err
		})
		same(r, 1, freed.Load(), "freed")
		r.is(n.Name, task.Waiting)
	}},
	{Name: "who joins a group and who ends its last task leave it counted right", Run: func(r *rig) {
		first := r.join()
		row := r.one()
		news := make([]task.NewTask, racers)
		for i := range news {
			news[i] = r.fresh()
		}
		r.Race(func(i int) error {
			if i == 0 {
				_, err := r.s.End(r.Context(), []task.Ending{{Held: held(row), To: task.Completed}})
				return err
			}
			return r.TX.Atomically(r.Context(), func(ctx context.Context) (err error) {
				if news[i].Group, err = r.s.JoinGroup(ctx, task.Joining{Tenant: r.A, Name: "g", Fresh: task.ID{byte(i)}, Tasks: 1}); err != nil {
					return err
				}
				_, _, err = r.s.Insert(ctx, news[i])
				return err
			})
		})
		r.spent(r.A, first.Group, false, true)
		for _, row := range r.claim(10) {
			r.end(r.Context(), row, task.Completed)
		}
		r.spent(r.A, first.Group, true, true)
	}},
	{Name: "limits hold for those who claim at once", Run: func(r *rig) {
		r.crowd(r.A, "x", 20)
		var claimed atomic.Int64
		k := task.KindClaim{Kind: r.kind, Limit: 3, Whole: task.Limit{AtOnce: 4}}
		r.Race(func(int) error {
			rows, err := r.s.Claim(r.Context(), task.Claim{Lease: lease, Limit: 100, Kinds: []task.KindClaim{k}})
			claimed.Add(int64(len(rows)))
			return err
		})
		for range racers { // those who were busy with each other try again
			claimed.Add(int64(len(r.claims(k))))
		}
		same(r, 4, claimed.Load(), "claimed")
	}},
	{Name: "who adds behind a task that ends at once is blocked or free, and never forgotten", Run: func(r *rig) {
		row := r.running()
		news := make([]task.NewTask, racers)
		for i := range news {
			news[i] = r.fresh()
			news[i].After = []task.ID{row.ID}
		}
		r.Race(func(i int) error {
			if i == racers/2 {
				_, err := r.s.End(r.Context(), []task.Ending{{Held: held(row), To: task.Completed}})
				return err
			}
			_, _, err := r.s.Insert(r.Context(), news[i])
			return err
		})
		same(r, racers-1, len(r.claim(100)), "claimed")
	}},
}
