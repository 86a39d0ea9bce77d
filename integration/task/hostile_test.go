package task_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/tasksql"
	"github.com/trothdev/troth/task"
	"github.com/trothdev/troth/task/tasktest"
)

// run drives an engine until the returned function is called.
func run(t *testing.T, e *task.Engine) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := e.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("run: %v", err)
		}
	})
	once := sync.OnceFunc(func() { cancel(); running.Wait() })
	t.Cleanup(once)
	return once
}

// The server ends every connection again and again while tasks are claimed,
// carried out and ended in batches.
func TestEngine_ConnectionsAreLostInTheMiddleOfBatches(t *testing.T) {
	t.Parallel()
	const works, losses = 1000, 12
	s := newSite(t, backends[1])
	s.enqueue(t, works)
	e, err := newEngine(t.Context(), backends[1].store(t, s.h), task.WithLease(2*time.Second), task.WithPoll(50*time.Millisecond))
	require.NoError(t, err)
	require.NoError(t, registerEffects(e, s.h, "one"))
	admin := sqlOpen(t, s)
	stop := run(t, e)
	for range losses {
		var gone int
		require.NoError(t, admin.QueryRow(`SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid()`).Scan(&gone))
		<-time.After(60 * time.Millisecond)
	}
	require.Eventually(t, func() bool {
		var left int
		err := admin.QueryRow("SELECT COUNT(*) FROM troth_task_turn WHERE phase < 6").Scan(&left)
		return err == nil && left == 0
	}, 10*time.Minute, 100*time.Millisecond)
	stop()
	s.effectsOnce(t, works)
}

// The disk is full while tasks run: nothing is lost, nothing happens twice, and
// when there is room again everything goes on.
func TestEngine_AFullDatabase(t *testing.T) {
	t.Parallel()
	const works = 300
	b := backends[0]
	s := newSite(t, b)
	s.enqueue(t, works)
	// The limit belongs to a connection, so it is in the address of all of one
	// worker's.
	cramped := *s
	cramped.DSN = fmt.Sprintf("%s?_pragma=max_page_count(%d)", s.DSN, s.count(t, "PRAGMA page_count")+2)
	h := b.handle(t, sqlOpen(t, &cramped))
	e, err := newEngine(t.Context(), b.store(t, h), task.WithLease(time.Second), task.WithPoll(20*time.Millisecond))
	require.NoError(t, err)
	require.NoError(t, registerEffects(e, h, strings.Repeat("large ", 1000)))
	_, err = e.Enqueue(t.Context(), troth.Work{Tenant: tenant, Kind: "other", Payload: make([]byte, 100_000)})
	require.Error(t, err, "there is no room for more work")
	stop := run(t, e)
	<-time.After(1500 * time.Millisecond)
	stop()
	require.Greater(t, s.count(t, "SELECT COUNT(*) FROM troth_task_turn WHERE phase < 6"), works/4, "it got stuck")

	roomy, err := newEngine(t.Context(), b.store(t, s.h), task.WithLease(time.Second), task.WithPoll(20*time.Millisecond))
	require.NoError(t, err)
	require.NoError(t, registerEffects(roomy, s.h, "two"))
	stop = run(t, roomy)
	s.await(t, 0)
	stop()
	s.effectsOnce(t, works)
}

// Two workers on one database whose clock jumps forward beyond every lease, and
// back.
func TestEngine_TheDatabasesClockJumps(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b backend) {
		s := newSite(t, b)
		clock := newRowClock(t, s.h, tasktest.NewClock().Now())
		clock.goes(t)
		var slow atomic.Bool
		var lost, twice atomic.Int64
		slow.Store(true)
		release := make(chan struct{})
		for i := range 2 {
			h := b.handle(t, s.db)
			e, err := newEngine(t.Context(), b.store(t, h, withRowClock()), task.WithLease(3*time.Second), task.WithPoll(50*time.Millisecond))
			require.NoError(t, err)
			require.NoError(t, task.Register(e, task.Kind{Name: "k", Backoff: time.Millisecond}, func(ctx context.Context, j task.Job[struct{}]) error {
				if slow.Load() {
					select {
					case <-release:
					case <-ctx.Done():
					}
				}
				if errors.Is(context.Cause(ctx), task.ErrLeaseLost) {
					lost.Add(1)
				}
				if j.Attempt > 1 {
					twice.Add(1)
				}
				// Whoever lost the lease tries all the same.
				return h.Atomically(context.WithoutCancel(ctx), func(ctx context.Context) error {
					_, err := h.Querier(ctx).Exec(ctx, h.Dialect().Rebind("INSERT INTO effect (key, worker) VALUES (?, ?)"), j.Key, fmt.Sprint(i))
					if err != nil {
						return err
					}
					return j.Complete(ctx)
				})
			}))
			run(t, e)
		}
		const works = 20
		for i := range works {
			_, err := s.e.Enqueue(t.Context(), troth.Work{Tenant: tenant, Kind: "k", Key: strconv.Itoa(i)})
			require.NoError(t, err)
		}
		// On a machine that stands still for a lease somebody may be through already.
		begun := func() int { return s.count(t, "SELECT COUNT(*) FROM troth_task_turn WHERE phase IN (3, 6)") }
		// What was enqueued by another clock is due far in the future of this one.
		_, err := s.h.Querier(t.Context()).Exec(t.Context(), "UPDATE troth_task_turn SET phase = 1, sought = 1, wake_at = 0")
		require.NoError(t, err)
		require.Eventually(t, func() bool { return begun() == works }, 2*time.Minute, 20*time.Millisecond)
		clock.advance(time.Hour)
		require.Eventually(t, func() bool {
			return s.count(t, "SELECT COUNT(*) FROM troth_task_turn WHERE fence > 1") > 0
		}, 2*time.Minute, 20*time.Millisecond)
		clock.advance(-2 * time.Hour)
		slow.Store(false)
		close(release)
		s.await(t, 0)
		require.Equal(t, works, s.count(t, "SELECT COUNT(*) FROM effect"), "every effect is there once")
		require.Equal(t, works, s.count(t, "SELECT COUNT(DISTINCT key) FROM effect"))
		t.Logf("%d attempts lost their lease, %d works ran again", lost.Load(), twice.Load())
	})
}

// Two processes tell each alarm once, on real databases.
func TestEngine_AlarmsOnceInSeveralProcesses(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b backend) {
		s := newSite(t, b)
		clock := newRowClock(t, s.h, time.Now())
		const works = 25
		deadline := time.Now().Add(10 * time.Hour)
		for i := range works {
			_, err := s.e.Enqueue(t.Context(), troth.Work{Tenant: tenant, Kind: "nobody's", Key: strconv.Itoa(i), Deadline: deadline})
			require.NoError(t, err)
		}
		for i := range 3 {
			h := b.handle(t, s.db)
			e, err := newEngine(t.Context(), b.store(t, h, withRowClock()), task.WithPoll(20*time.Millisecond),
				task.WithAlarms(tableAlarms{h, fmt.Sprint(i)}))
			require.NoError(t, err)
			run(t, e)
		}
		for stage := 1; stage <= 3; stage++ {
			clock.advance(map[int]time.Duration{1: 5*time.Hour + time.Minute, 2: 3 * time.Hour, 3: 2 * time.Hour}[stage])
			require.Eventually(t, func() bool { return s.count(t, "SELECT COUNT(*) FROM effect") >= works*stage }, time.Minute, 20*time.Millisecond)
		}
		<-time.After(200 * time.Millisecond)
		require.Equal(t, 3*works, s.count(t, "SELECT COUNT(*) FROM effect"))
		require.Equal(t, 3*works, s.count(t, "SELECT COUNT(DISTINCT key) FROM effect"))
	})
}

// tableAlarms writes alarms into the table of effects.
type tableAlarms struct {
	h      *sqlstore.Handle
	worker string
}

func (a tableAlarms) Alarm(ctx context.Context, n task.Notice) error {
	_, err := a.h.Querier(ctx).Exec(ctx, a.h.Dialect().Rebind("INSERT INTO effect (key, worker) VALUES (?, ?)"),
		n.Ref.ID+" "+string(n.Stage), a.worker)
	return err
}

// A writer of the database cannot make a payload open for another task, kind or
// tenant.
func TestEngine_MovedPayloadsDoNotOpen(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b backend) {
		for name, change := range map[string]string{
			"another task's payload": "UPDATE troth_task SET payload = (SELECT payload FROM troth_task WHERE key = '2') WHERE key = '1'",
			"another kind":           "UPDATE troth_task SET kind = 'other' WHERE key = '1'",
			"another group":          "UPDATE troth_task SET grp = (SELECT grp FROM troth_task WHERE key = '2') WHERE key = '1'",
			"a changed byte":         "UPDATE troth_task SET payload = " + flipped(b.dialect) + " WHERE key = '1'",
		} {
			t.Run(name, func(t *testing.T) {
				s := newSite(t, b)
				var ran []string
				for _, kind := range []string{"k", "other"} {
					require.NoError(t, task.Register(s.e, task.Kind{Name: kind}, func(_ context.Context, j task.Job[effect]) error {
						ran = append(ran, j.Kind+" "+j.Value.Key)
						return nil
					}))
				}
				var refs []troth.WorkRef
				for _, key := range []string{"1", "2"} {
					w, err := task.NewWork(tenant, "k", effect{Key: key})
					require.NoError(t, err)
					w.Key = key
					id, err := s.e.Enqueue(t.Context(), w)
					require.NoError(t, err)
					refs = append(refs, troth.WorkRef{Tenant: tenant, ID: id})
				}
				_, err := s.h.Querier(t.Context()).Exec(t.Context(), change)
				require.NoError(t, err)
				if name == "another kind" {
					_, err = s.h.Querier(t.Context()).Exec(t.Context(), "UPDATE troth_task_turn SET kind = 'other' WHERE (tenant, id) IN (SELECT tenant, id FROM troth_task WHERE key = '1')")
					require.NoError(t, err)
				}
				err = s.e.RunOne(t.Context(), refs[0])
				_, notNow := errors.AsType[*task.NotNowError](err)
				require.True(t, notNow, "%v", err)
				got, err := s.e.Task(t.Context(), refs[0])
				require.NoError(t, err)
				require.Equal(t, task.ReasonPayload, got.Reason)
				require.NoError(t, s.e.RunOne(t.Context(), refs[1]))
				require.Equal(t, []string{"k 2"}, ran)
			})
		}
	})
}

// A row whose kind was changed behind the engine's back harms nobody else.
func TestEngine_AClaimedTaskOfAnotherKind(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		s := newSite(t, b)
		done := make(chan struct{})
		require.NoError(t, task.Register(s.e, task.Kind{Name: "k"}, func(context.Context, task.Job[struct{}]) error {
			close(done)
			return nil
		}))
		for _, key := range []string{"odd", "good"} {
			_, err := s.e.Enqueue(t.Context(), troth.Work{Tenant: tenant, Kind: "k", Key: key})
			require.NoError(t, err)
		}
		_, err := s.h.Querier(t.Context()).Exec(t.Context(), "UPDATE troth_task SET kind = 'nobody' WHERE key = 'odd'")
		require.NoError(t, err)
		defer run(t, s.e)()
		select {
		case <-done:
		case <-time.After(time.Minute):
			t.Fatal("the good one did not run")
		}
	})
}

// flipped is the payload with another last byte.
func flipped(d sqlstore.Dialect) string {
	if d == sqlstore.Postgres {
		return "set_byte(payload, length(payload) - 1, 255 - get_byte(payload, length(payload) - 1))"
	}
	return "CAST(substr(payload, 1, length(payload) - 1) || x'00' || x'01' AS BLOB)"
}

func TestNew_ProgramsMayStartTogether(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		db := b.open(t)
		var wg sync.WaitGroup
		for range 4 {
			h := b.handle(t, db)
			wg.Go(func() {
				if _, err := tasksql.New(t.Context(), h); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
}
