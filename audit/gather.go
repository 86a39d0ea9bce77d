package audit

import "time"

// gathering is whom the next step may wait for. Those whom a step has just answered
// often come back at once, while others wait already: without a moment's patience
// they are two crowds for ever that take turns, and each commit, with its sync of the
// disk, carries one of them.
type gathering struct {
	// due is how many of those whom the last step answered have not come back.
	due int
	// until is when nobody waits for them any more. It is set by the time that the
	// step took, so that waiting costs a part of what it saves.
	until time.Time
	// all is there while somebody waits, and closed when due falls to zero.
	all chan struct{}
	// vain is how many steps in a row waited in vain, and skip how many are to pass
	// before the next one waits: up to maxSkip, where those who are answered do not
	// come back so soon.
	vain, skip int
}

const (
	// patience is the part of a step's time that the next one may wait, and longestWait
	// the most of it, however slow the store was just then.
	patience    = 2
	longestWait = 20 * time.Millisecond
	// maxSkip is how many steps do not wait after long experience that it is in vain.
	maxSkip = 64
)

// answered is called when a step that took so long has answered n, before they know.
func (q *direct) answered(n int, took time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.gathering.due, q.gathering.until = n, time.Now().Add(min(took/patience, longestWait))
}

// gather waits, if that has proved worth its while, until those have joined whom the
// last step answered. One who writes alone is never waited for: he has come back
// when he leads.
func (q *direct) gather() {
	all, due, left := q.expect()
	if all == nil {
		return
	}
	late := time.NewTimer(left)
	defer late.Stop()
	select {
	case <-all:
	case <-late.C:
	}
	q.gathered(due)
}

// expect begins to wait, for so many and for so long. all is nil if there is nothing
// to wait for.
func (q *direct) expect() (all chan struct{}, due int, left time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	g := &q.gathering
	left = time.Until(g.until)
	if g.due == 0 || left <= 0 {
		return nil, 0, 0
	}
	if g.skip > 0 {
		g.skip--
		return nil, 0, 0
	}
	g.all = make(chan struct{})
	return g.all, g.due, left
}

// gathered ends the wait for so many. It was in vain unless half of them came.
func (q *direct) gathered(due int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	g := &q.gathering
	g.all = nil
	if 2*g.due <= due {
		g.vain = 0
		return
	}
	g.vain++
	g.skip = min(1<<min(g.vain, 10)-1, maxSkip)
}

// came takes into account that somebody joined. The caller holds q.mu.
func (g *gathering) came() {
	if g.due == 0 {
		return
	}
	if g.due--; g.due == 0 && g.all != nil {
		close(g.all)
	}
}
