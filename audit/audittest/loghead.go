package audittest

import (
	"context"
	"slices"
	"sync"

	"github.com/trothdev/troth/audit"
)

// logHeadChecks are of the election and of where logs stand.
var logHeadChecks = []check{
	{"a transaction is elected and can be so again", func(r *rig) {
		for range 2 {
			r.atomically(func(ctx context.Context) {
				for range 2 {
					r.want(ok(r.store.Elect(ctx))(r), "nobody else is there, and it was not elected")
				}
			})
		}
	}},
	{"of transactions at once one is elected and the others do not wait for it", func(r *rig) {
		var wg sync.WaitGroup
		var mu sync.Mutex
		elected, most := 0, 0
		for range 4 {
			wg.Go(func() {
				err := r.store.Transactor().Atomically(r.Context(), func(ctx context.Context) error {
					yes, err := r.store.Elect(ctx)
					if err != nil || !yes {
						return err
					}
					mu.Lock()
					elected++
					most = max(most, elected)
					mu.Unlock()
					_, err = r.store.Heads(ctx)
					mu.Lock()
					elected--
					mu.Unlock()
					return err
				})
				if err != nil {
					r.Error(err)
				}
			})
		}
		wg.Wait()
		r.want(most == 1, "%d were elected at once", most)
	}},
	{"heads come back as they went in, in ascending order, all but the last closed", func(r *rig) {
		r.want(len(ok(r.store.Heads(r.Context()))(r)) == 0, "an empty store has a log")
		third := headOf(3)
		third.Pruned, third.PrunedBy, third.Size = 256, entryID(9), 1<<62-1
		for _, h := range []audit.Head{headOf(1), headOf(2), third} {
			r.want(ok(r.store.CreateHead(r.Context(), h))(r), "log %d was not created", h.Log)
		}
		heads := ok(r.store.Heads(r.Context()))(r)
		first, second := headOf(1), headOf(2)
		first.Closed, second.Closed = true, true
		r.want(slices.Equal(heads, []audit.Head{first, second, third}), "got %+v", heads)
	}},
	{"a log whose number is taken or leaves a gap is not created and closes none", func(r *rig) {
		for _, n := range []int{0, 2, -1} {
			r.want(!ok(r.store.CreateHead(r.Context(), headOf(n)))(r), "log %d was created as the first", n)
		}
		r.want(ok(r.store.CreateHead(r.Context(), headOf(1)))(r), "the first log was not created")
		other := headOf(1)
		other.Origin = "other"
		for _, h := range []audit.Head{headOf(1), other, headOf(3), headOf(0)} {
			r.want(!ok(r.store.CreateHead(r.Context(), h))(r), "log %d was created beside the first", h.Log)
		}
		heads := ok(r.store.Heads(r.Context()))(r)
		r.want(slices.Equal(heads, []audit.Head{headOf(1)}), "got %+v", heads)
	}},
	{"of one log created at once one is kept", func(r *rig) {
		results := make(chan bool, 8)
		var wg sync.WaitGroup
		for range cap(results) {
			wg.Go(func() {
				created, err := r.store.CreateHead(r.Context(), headOf(1))
				if err != nil {
					r.Error(err)
				}
				results <- created
			})
		}
		wg.Wait()
		close(results)
		created := 0
		for yes := range results {
			if yes {
				created++
			}
		}
		r.want(created == 1 && len(ok(r.store.Heads(r.Context()))(r)) == 1, "%d were told that they created it", created)
	}},
	{"a head moves from exactly where it stands and keeps the rest", func(r *rig) {
		ok(r.store.CreateHead(r.Context(), headOf(1)))(r)
		move := moveOf(107)
		move.Root, move.Signer, move.Tag = hashOf(7), "other+key", hashOf(8)
		for name, change := range map[string]func(m *audit.HeadMove){
			"of another size": func(m *audit.HeadMove) { m.FromSize++ },
			"of another root": func(m *audit.HeadMove) { m.FromRoot[31] ^= 1 },
			"of another log":  func(m *audit.HeadMove) { m.Log = 2 },
			"of another key":  func(m *audit.HeadMove) { m.FromSigner = "other+key" },
			"of no key":       func(m *audit.HeadMove) { m.FromSigner = "" },
		} {
			m := move
			change(&m)
			r.want(!ok(r.store.MoveHead(r.Context(), m))(r), "a head %s was moved", name)
		}
		r.want(slices.Equal(ok(r.store.Heads(r.Context()))(r), []audit.Head{headOf(1)}), "a head changed that was not moved")
		r.want(ok(r.store.MoveHead(r.Context(), move))(r), "the head was not moved")
		r.want(!ok(r.store.MoveHead(r.Context(), move))(r), "the head was moved twice from one place")
		want := headOf(1)
		want.Size, want.Root, want.Signer, want.Tag = 107, hashOf(7), "other+key", hashOf(8)
		heads := ok(r.store.Heads(r.Context()))(r)
		r.want(slices.Equal(heads, []audit.Head{want}), "got %+v", heads)
	}},
	{"the head of a closed log does not move", func(r *rig) {
		ok(r.store.CreateHead(r.Context(), headOf(1)))(r)
		ok(r.store.CreateHead(r.Context(), headOf(2)))(r)
		moved := ok(r.store.MoveHead(r.Context(), moveOf(101)))(r)
		r.want(!moved && ok(r.store.Heads(r.Context()))(r)[0].Size == 100, "a closed log was moved")
	}},
	{"of moves of one head at once one takes place", func(r *rig) {
		ok(r.store.CreateHead(r.Context(), headOf(1)))(r)
		results := make(chan bool, 8)
		var wg sync.WaitGroup
		for n := range uint64(cap(results)) {
			wg.Go(func() {
				moved, err := r.store.MoveHead(r.Context(), moveOf(200+n))
				if err != nil {
					r.Error(err)
				}
				results <- moved
			})
		}
		wg.Wait()
		close(results)
		moved := 0
		for yes := range results {
			if yes {
				moved++
			}
		}
		r.want(moved == 1, "%d callers were told that they moved it", moved)
	}},
}
