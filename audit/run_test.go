package audit_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/faultstore"
)

// sizes are those of the checkpoints that the sink saw.
func (s *site) sizes() (sizes []uint64) {
	s.Helper()
	for _, cp := range s.opened() {
		sizes = append(sizes, cp.Size)
	}
	return sizes
}

func (s *site) opened() (opened []audit.Checkpoint) {
	s.Helper()
	keys, err := audit.Verifiers{}.With(s.signer.VerifierKey())
	require.NoError(s, err)
	for _, note := range s.sink.seen() {
		cp, _, err := audit.OpenCheckpoint(note, keys)
		require.NoError(s, err)
		opened = append(opened, cp)
	}
	return opened
}

// pass lets the time of a synctest bubble go by.
func pass(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // nobody waits for it in a bubble

func TestRun_SignsOnTheIntervalWhenIdleAndAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		trail := s.on(s.store, audit.WithSigner(s.signer), audit.WithClock(time.Now),
			audit.WithCheckpoints(10*time.Second, time.Hour))
		s.at = time.Now()
		stop := s.running(trail)
		wait := func(d time.Duration) {
			pass(d)
			synctest.Wait()
		}
		wait(time.Second)
		assert.Equal(t, []uint64{1}, s.sizes(), "an empty log is opened and signed")
		for range 30 {
			s.record(1)
			wait(time.Second)
			assert.Zero(t, s.backlog(), "moved within a second")
		}
		assert.Len(t, s.sizes(), 4, "every ten seconds while it grows")
		wait(10 * time.Second)
		signed := s.sizes()
		assert.Equal(t, uint64(31), signed[len(signed)-1])
		wait(59 * time.Minute)
		assert.Equal(t, signed, s.sizes(), "not while nothing happens")
		wait(2 * time.Minute)
		assert.Equal(t, append(signed, 31), s.sizes(), "once an hour all the same")
		s.record(3)
		stop()
		assert.Equal(t, append(signed, 31, 34), s.sizes(), "at the end, with what was left")
		s.check(s.honest)
	})
}

// TestRun_TwoInOneProcess: also two trails of one process do not get in each
// other's way.
func TestRun_TwoInOneProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		var stops []func()
		other := s.on(s.store, audit.WithSigner(s.signer))
		for _, trail := range []*audit.Trail{s.honest, s.honest, other} {
			stops = append(stops, s.running(trail))
		}
		assert.Len(t, s.awaitMany(other, 8, 5), 40)
		for _, stop := range stops[:2] {
			stop()
		}
		assert.Len(t, s.awaitMany(s.honest, 8, 5), 40)
		stops[2]()
		assert.Len(t, s.awaitMany(s.honest, 8, 5), 40, "when none runs any more")
		s.drain(s.honest)
		s.check(s.honest)
	})
}

// TestRun_GoesOnAfterFailuresThatPass, and ends with those that do not.
func TestRun_GoesOnAfterFailuresThatPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		begun(s)
		trail := s.faulty(audit.WithSigner(s.signer), audit.WithClock(time.Now))
		s.at = time.Now()
		for nth, method := range map[int]string{2: "TakeInbox", 3: "MoveHead", 1: "PutCheckpoint", 4: faultstore.Commit} {
			s.plan.Add(faultstore.Injection{Method: method, Nth: nth, Fault: faultstore.FailAfter})
		}
		stop := s.running(trail)
		for range 20 {
			s.record(1)
			pass(2 * time.Second)
		}
		stop()
		assert.Equal(t, 4, s.plan.Injected())
		s.check(s.honest)

		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		stranger := s.on(s.store, audit.WithSigner(newKeyOf(t, newOrigin)))
		require.ErrorIs(t, stranger.Run(ctx), audit.ErrSigner)
	})
}

// jumping is a clock that jumps.
type jumping struct {
	mu     sync.Mutex
	offset time.Duration
}

func (c *jumping) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

func (c *jumping) jump(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset = d
}

func TestRun_SignsWhateverTheClockDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.at = time.Now()
		clock := new(jumping)
		trail := s.on(s.store, audit.WithSigner(s.signer), audit.WithClock(clock.now))
		stop := s.running(trail)
		for _, offset := range []time.Duration{0, 1000 * time.Hour, -500 * time.Hour, 24 * time.Hour, 0, -time.Second} {
			clock.jump(offset)
			before := len(s.sizes())
			s.record(2)
			pass(25 * time.Second)
			synctest.Wait()
			sizes := s.sizes()
			require.Greater(t, len(sizes), before, "nothing was signed after a jump by %s", offset)
			assert.Equal(t, s.head().Size, sizes[len(sizes)-1])
		}
		stop()
		s.check(s.honest)
	})
}

// TestRun_ThinsOldCheckpoints keeps all of a day, of what is older the last of
// each hour, and every one that is left leads to the log.
func TestRun_ThinsOldCheckpoints(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.at = time.Now().Add(-40 * time.Hour)
		for range 40 * 3 {
			s.record(1)
			s.drain(s.honest)
			s.sign(s.honest)
			s.at = s.at.Add(20*time.Minute - time.Millisecond)
		}
		trail := s.on(s.store, audit.WithSigner(s.signer), audit.WithClock(time.Now),
			audit.WithCheckpoints(time.Second, time.Second))
		stop := s.running(trail)
		pass(5 * time.Second) // some are looked at each time
		stop()
		rows, err := s.store.Checkpoints(t.Context(), 1, 0, 10_000)
		require.NoError(t, err)
		newest := rows[len(rows)-1]
		assert.Equal(t, s.head().Size, newest.Size)
		day := newest.SignedAt - (24 * time.Hour).Microseconds()
		hours := make(map[int64]int)
		recent := 0
		for _, r := range rows {
			if r.SignedAt >= day {
				recent++
			} else {
				hours[r.SignedAt/time.Hour.Microseconds()]++
			}
		}
		assert.InDelta(t, 24*3, recent, 2)
		assert.InDelta(t, 16, len(hours), 1)
		assert.InDelta(t, len(hours), len(rows)-recent, 1, "the last of each hour")
		s.check(s.honest, s.sink.seen()[:50]...)
	})
}

// A clock that was wrong for a while leaves checkpoints of a far future. They are
// thinned like others, and keep nothing else from being thinned.
func TestRun_ThinsBehindCheckpointsOfTheFuture(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		signed := func(from time.Time, n int, step time.Duration) (sizes []uint64) {
			s.at = from
			for range n {
				s.record(1)
				s.drain(s.honest)
				s.sign(s.honest)
				sizes = append(sizes, s.head().Size)
				s.at = s.at.Add(step - time.Millisecond)
			}
			return sizes
		}
		begin := time.Now().Add(-40 * time.Hour).Truncate(time.Hour)
		before := signed(begin, 6, 10*time.Minute)
		ahead := signed(begin.AddDate(10, 0, 0), 250, 10*time.Second) // more than are looked at in one go
		after := signed(begin.Add(time.Hour), 6, 10*time.Minute)
		recent := signed(time.Now().Add(-time.Hour), 3, time.Minute)
		trail := s.on(s.store, audit.WithSigner(s.signer), audit.WithClock(time.Now), audit.WithCheckpoints(time.Second, time.Second))
		stop := s.running(trail)
		pass(5 * time.Second)
		stop()
		rows, err := s.store.Checkpoints(t.Context(), 1, 0, 10_000)
		require.NoError(t, err)
		left := make(map[uint64]bool)
		for _, r := range rows {
			left[r.Size] = true
		}
		count := func(sizes []uint64) (n int) {
			for _, size := range sizes {
				if left[size] {
					n++
				}
			}
			return n
		}
		assert.Equal(t, 1, count(before))
		assert.Equal(t, 1, count(ahead))
		assert.Equal(t, 1, count(after))
		assert.Equal(t, 3, count(recent), "of today")
		s.check(s.honest)
	})
}
