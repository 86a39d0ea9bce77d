package audit

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trothdev/troth"
)

// sequencer is the part of a trail that moves the log, in this process.
type sequencer struct {
	// turn has room for one: whoever puts something in may use what follows.
	turn   chan struct{}
	ledger *ledger
	// stored is the head as it was seen last, which others may have moved since.
	stored Head
	direct direct
	// shared collects entries for the inbox; sharing has room for those who lead
	// them there.
	shared  direct
	sharing chan struct{}
	// known is what the sinks held when they were asked.
	known []Checkpoint
	asked bool
	// polite leaves the log to another process that moves it, and yielded says
	// that it was.
	polite, yielded bool
	// recorded says that this process put something into the inbox since it took
	// from there last.
	recorded atomic.Bool

	mu sync.Mutex
	// waiting are those who wait for entries, see Await.
	waiting map[TenantEntry][]chan Position
	// fresh and older are where the entries stand that this process sequenced
	// last. Whoever records often comes to wait when it is done already.
	fresh, older map[TenantEntry]Position
	// running counts the Runs of this process.
	running int
	// stir wakes a Run that waits for something to do.
	stir chan struct{}
}

func newSequencer() *sequencer {
	return &sequencer{
		turn: make(chan struct{}, 1), sharing: make(chan struct{}, sharedTurns), stir: make(chan struct{}, 1),
		waiting: make(map[TenantEntry][]chan Position), fresh: make(map[TenantEntry]Position),
	}
}

// freshLimit bounds both halves of what is remembered.
const freshLimit = 4 * batchLimit

// remember keeps where an entry stands; the caller holds mu.
func (s *sequencer) remember(e TenantEntry, at Position) {
	if len(s.fresh) >= freshLimit {
		s.fresh, s.older = make(map[TenantEntry]Position), s.fresh
	}
	s.fresh[e] = at
}

// recall returns where an entry stands, if it is remembered; the caller holds mu.
func (s *sequencer) recall(e TenantEntry) (at Position, ok bool) {
	if at, ok = s.fresh[e]; !ok {
		at, ok = s.older[e]
	}
	return at, ok
}

func (s *sequencer) lock(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *sequencer) unlock() { <-s.turn }

// wake tells a Run that there may be something to do.
func (s *sequencer) wake() {
	select {
	case s.stir <- struct{}{}:
	default:
	}
}

func (s *sequencer) isRunning() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running > 0
}

func (s *sequencer) run(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running += n
}

// expect registers somebody who waits for the entry; cancel gives up.
func (s *sequencer) expect(e TenantEntry) (got chan Position, cancel func()) {
	got = make(chan Position, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, ok := s.recall(e); ok {
		got <- at
		return got, func() {}
	}
	s.waiting[e] = append(s.waiting[e], got)
	return got, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		left := s.waiting[e][:0]
		for _, c := range s.waiting[e] {
			if c != got {
				left = append(left, c)
			}
		}
		if len(left) == 0 {
			delete(s.waiting, e)
			return
		}
		s.waiting[e] = left
	}
}

// arrived tells those who wait for the rows, which are committed.
func (t *Trail) arrived(rows []LogRow) {
	s := t.seq
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range rows {
		e := TenantEntry{r.Tenant, r.ID}
		s.remember(e, r.position())
		for _, c := range s.waiting[e] {
			c <- r.position()
		}
		delete(s.waiting, e)
	}
}

func (r LogRow) position() Position { return Position{Log: r.Log, Index: r.Index, Number: r.Number} }

// awaitPoll is how often Await looks whether another process did the work.
const awaitPoll = 10 * time.Millisecond

// Await waits until the tenant's entry is in the log and returns where it
// stands. Where no [Trail.Run] of this process does the work, and the trail can,
// Await does it itself: many at once share the steps. An entry that was
// recorded in a transaction must be committed before, else Await waits for
// that too, until ctx ends. It must not be called inside a transaction.
func (t *Trail) Await(ctx context.Context, tenant troth.Tenant, id troth.EntryID) (Position, error) {
	if err := tenant.Validate(); err != nil {
		return Position{}, err
	}
	if t.tx.Scope(ctx) != nil {
		return Position{}, ErrInTransaction
	}
	got, cancel := t.seq.expect(TenantEntry{tenant, id})
	defer cancel()
	select {
	case at := <-got:
		return at, nil
	default:
	}
	for look := !t.isYoung(id); ; look = true {
		if look {
			row, found, err := t.store.LogEntry(ctx, tenant, id)
			if err != nil {
				return Position{}, fmt.Errorf("audit: await: %w", err)
			}
			if found {
				return row.position(), nil
			}
		}
		at, done, err := t.awaitStep(ctx, got, look)
		if err != nil || done {
			return at, err
		}
	}
}

// isYoung reports whether the entry was made lately, by the time in its id: it is
// likely to wait in the inbox, so that looking for it in the log is in vain.
func (t *Trail) isYoung(id troth.EntryID) bool {
	var milli [8]byte
	copy(milli[2:], id[:6])
	return t.now().UnixMilli()-int64(binary.BigEndian.Uint64(milli[:])) < time.Second.Milliseconds()
}

// awaitStep waits a little, or makes a step if nobody else does, after which it
// rests, if it is to, where there was nothing to do.
func (t *Trail) awaitStep(ctx context.Context, got chan Position, rest bool) (at Position, done bool, err error) {
	timer := time.NewTimer(awaitPoll)
	defer timer.Stop()
	turn := t.seq.turn
	if t.signer == nil || t.seq.isRunning() {
		t.seq.wake()
		turn = nil
	}
	select {
	case at := <-got:
		return at, true, nil
	case <-ctx.Done():
		return at, false, ctx.Err()
	case <-timer.C:
		return at, false, nil
	case turn <- struct{}{}:
	}
	defer t.seq.unlock()
	select {
	case at := <-got: // who had the turn before took it along
		return at, true, nil
	default:
	}
	t.seq.polite = false
	n, err := t.sequence(ctx)
	if err != nil && (ctx.Err() != nil || !passes(err)) {
		return at, false, err
	}
	select {
	case at := <-got:
		return at, true, nil
	default:
	}
	if n == 0 && rest {
		return at, false, pause(ctx, awaitPoll)
	}
	return at, false, nil
}
