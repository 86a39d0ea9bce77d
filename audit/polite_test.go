package audit_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// following counts what a process reads of the log and adds to it.
type following struct {
	audit.Backend
	read, moved atomic.Int64
}

func (s *following) LogRange(ctx context.Context, log int, from uint64, limit int) ([]audit.LogRow, error) {
	rows, err := s.Backend.LogRange(ctx, log, from, limit)
	s.read.Add(int64(len(rows)))
	return rows, err
}

func (s *following) MoveHead(ctx context.Context, m audit.HeadMove) (bool, error) {
	s.moved.Add(1)
	return s.Backend.MoveHead(ctx, m)
}

// Of two processes that run the sequencer one moves the log, as long as it does:
// the other reads nothing of what that one did. When it stops the other goes on,
// within a second.
func TestRun_LeavesTheLogToWhoMovesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.at = time.Now()
		stores := [2]*following{{Backend: s.store}, {Backend: s.store}}
		var stops [2]func()
		for i, store := range stores {
			trail := s.on(store, audit.WithSigner(s.signer), audit.WithClock(time.Now), audit.WithCheckpoints(time.Second, time.Hour))
			stops[i] = s.running(trail)
			s.record(1)
			pass(20 * time.Millisecond)
		}
		busy := func(d time.Duration) (moved [2]int64) {
			before := [2]int64{stores[0].moved.Load(), stores[1].moved.Load()}
			for range d / (10 * time.Millisecond) {
				s.record(1)
				pass(10 * time.Millisecond)
			}
			return [2]int64{stores[0].moved.Load() - before[0], stores[1].moved.Load() - before[1]}
		}
		busy(time.Second)
		read := [2]int64{stores[0].read.Load(), stores[1].read.Load()}
		moved := busy(5 * time.Second)
		leader := 0
		if moved[1] > moved[0] {
			leader = 1
		}
		assert.Greater(t, moved[leader], int64(100)) // a step takes what has gathered, so how many there are varies
		assert.Zero(t, moved[1-leader], "the other one moved it too")
		assert.Equal(t, read[0]+read[1], stores[0].read.Load()+stores[1].read.Load(), "one followed the other")
		assert.GreaterOrEqual(t, len(s.sizes()), 5, "and it is signed")

		stops[leader]()
		s.record(3)
		pass(time.Second)
		assert.Zero(t, s.backlog())
		moved = busy(time.Second)
		assert.Zero(t, moved[leader])
		assert.Greater(t, moved[1-leader], int64(20))
		stops[1-leader]()
		s.check(s.honest)
	})
}

// A process that was idle while others added more than it is worth following.
func TestSequence_GoesOnFarBehindOthers(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	t.Parallel()
	s := newSite(t)
	s.record(300)
	store := &following{Backend: s.store}
	idle := s.on(store, audit.WithSigner(s.signer))
	s.drain(idle)
	fork := s.restored() // as it was now
	far := func(s *site) {
		t.Helper()
		importer := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "importer"})
		for range 21 {
			require.NoError(t, s.db.Atomically(importer, func(ctx context.Context) error {
				for range 1000 {
					if _, err := s.honest.Record(ctx, touch("acme", "")); err != nil {
						return err
					}
				}
				return nil
			}))
			s.drain(s.honest)
		}
		s.sign(s.honest)
	}
	far(s)
	s.record(3)
	store.read.Store(0)
	n, err := idle.Sequence(t.Context())
	require.NoError(t, err)
	require.Equal(t, 3, n)
	require.Less(t, store.read.Load(), int64(1000), "it read what others did")
	s.sign(idle)
	_, err = idle.Verify(t.Context(), audit.VerifyParams{})
	require.NoError(t, err)

	// What it knew must be in the log all the same, to the last entry.
	s2 := fork.restored()
	fork.record(5)
	fork.drain(fork.honest)
	swap := &swapped{Backend: fork.store, tx: fork.store.Transactor()}
	knows := fork.on(swap, audit.WithSigner(fork.signer))
	fork.record(1)
	fork.drain(knows)
	far(s2)
	swap.Backend = s2.store
	s2.record(1)
	_, err = knows.Sequence(t.Context())
	var back *audit.RolledBackError
	require.ErrorAs(t, err, &back)
}
