package sqlstore

import (
	"fmt"
	"time"

	"github.com/trothdev/troth"
)

// await waits for the outcome of the batch. It is not up to this caller when
// that is known: the one that has the turn may wait, in its closure, for
// something that this caller gives back only when its call returns. So that
// this ends, a closure that leaves the batch idle for longer than the wait bound
// while others wait for the outcome loses it, for all of them.
func (m *member) await() {
	select {
	case <-m.batch.done: // by this caller itself, most often
		return
	default:
	}
	check := time.NewTicker(m.w.h.wait)
	defer check.Stop()
	for {
		select {
		case <-m.batch.done:
			return
		case <-check.C:
			m.w.overrule(m.batch)
		}
	}
}

// overrule rolls a batch back whose transaction nobody uses, in place of the
// caller that has the turn. That caller cannot use the session while this goes
// on, and finds it dead afterwards; the turn stays with it until its closure
// ends.
func (w *writer) overrule(b *batch) {
	s := b.current.Load()
	s.mu.Lock()
	if rows := s.rows; rows != nil {
		s.mu.Unlock()
		if rows.idle() >= w.h.wait {
			rows.abandon() // and the session, if that does not move its reader
		}
		return
	}
	idle := time.Since(s.used)
	if s.root.done || s.busy || s.dead != nil || idle < w.h.wait {
		s.mu.Unlock()
		return
	}
	cause := fmt.Errorf("sqlstore: closure left the batch idle for %s: %w", idle.Round(time.Millisecond), troth.ErrBusy)
	s.dead = lost(cause)
	s.busy = true
	s.mu.Unlock()
	w.abandon(cause)
	s.leave()
}
