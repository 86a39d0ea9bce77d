package audit_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// slow is a store with one writer on which a step takes a while, and that counts
// what each one carries.
type slow struct {
	*single
	takes   time.Duration
	mu      sync.Mutex
	carried []int
}

func (s *slow) AppendLog(ctx context.Context, rows []audit.LogRow) error {
	pass(s.takes)
	s.mu.Lock()
	s.carried = append(s.carried, len(rows))
	s.mu.Unlock()
	return s.single.AppendLog(ctx, rows)
}

// forget returns what the steps carried since it was called last.
func (s *slow) forget() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	carried := s.carried
	s.carried = nil
	return carried
}

// newSlow returns a trail in Run whose steps take so long, for tests within a bubble.
func newSlow(t *testing.T, takes time.Duration) (s *site, store *slow, record func(), stop func()) {
	t.Helper()
	s = newSite(t)
	s.at = time.Now()
	store = &slow{single: &single{Backend: s.store}, takes: takes}
	// Signed when it begins and when it ends, so that nothing comes in between.
	trail := s.on(store, audit.WithSigner(s.signer), audit.WithClock(time.Now), audit.WithCheckpoints(time.Hour, 2*time.Hour))
	stop = s.running(trail)
	ctx := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "importer"})
	var mu sync.Mutex
	record = func() {
		id, err := trail.Record(ctx, touch("acme", ""))
		if err != nil {
			t.Error(err)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		s.acknowledged = append(s.acknowledged, audit.TenantEntry{Tenant: "acme", ID: id})
	}
	pass(time.Second)
	record()
	synctest.Wait()
	store.forget()
	return s, store, record, stop
}

const (
	stepTakes = time.Millisecond
	thinks    = 100 * time.Microsecond
)

// Who was answered comes back a little later than those who wait already have their
// turn, and comes along all the same.
func TestRecord_TwoCrowdsBecomeOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store, record, stop := newSlow(t, stepTakes)
		var wg sync.WaitGroup
		for w := range 8 {
			wg.Go(func() {
				pass(time.Duration(w) * stepTakes / 4) // one after the other, two steps long
				for range 50 {
					record()
					pass(thinks)
				}
			})
		}
		wg.Wait()
		carried := store.forget()
		require.Greater(t, len(carried), 40)
		assert.LessOrEqual(t, len(carried), 50+8, "%v", carried)
		for _, n := range carried[5:45] {
			assert.Equal(t, 8, n, "%v", carried)
		}
		stop()
		s.check(s.honest)
	})
}

// One who writes alone waits for nobody: time passes for his steps and his thoughts
// only.
func TestRecord_NobodyIsWaitedForAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store, record, stop := newSlow(t, stepTakes)
		const each = 50
		began := time.Now()
		for range each {
			record()
			pass(thinks)
		}
		assert.Equal(t, each*(stepTakes+thinks), time.Since(began))
		assert.Len(t, store.forget(), each)

		// Nor behind a crowd that has left, but for the first moment.
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(record)
		}
		wg.Wait()
		pass(stepTakes)
		began = time.Now()
		record()
		assert.Equal(t, stepTakes, time.Since(began))
		stop()
		s.check(s.honest)
	})
}

// Those who come back too late are waited for ever more rarely, and again when they
// come back sooner.
func TestRecord_VainWaitsBecomeRare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store, record, stop := newSlow(t, stepTakes)
		write := func(writers, each int, thinks time.Duration) []int {
			var wg sync.WaitGroup
			for w := range writers {
				wg.Go(func() {
					if w%2 == 0 {
						pass(stepTakes / 2) // two crowds
					}
					for range each {
						record()
						pass(thinks)
					}
				})
			}
			wg.Wait()
			return store.forget()
		}
		began := time.Now()
		carried := write(8, 150, 7*stepTakes/10)
		require.Len(t, carried, 300)
		waited := time.Since(began) - time.Duration(len(carried))*stepTakes
		assert.Greater(t, waited, 2*stepTakes, "nobody waited: the test tests nothing")
		assert.Less(t, waited, 10*stepTakes)

		carried = write(8, 200, thinks)
		require.Greater(t, len(carried), 150)
		for _, n := range carried[70 : len(carried)-5] { // at most 64 do not wait
			assert.Equal(t, 8, n, "%v", carried)
		}
		stop()
		s.check(s.honest)
	})
}
