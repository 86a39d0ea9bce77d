package audit

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"github.com/trothdev/troth"
)

// oneWriter is a store on which one transaction writes at a time, of whatever
// process. There the sequencer is in nobody's way, and an entry that is recorded
// outside of any transaction may go into the log past the inbox, in one commit
// with those that others record meanwhile.
type oneWriter interface {
	OneWriter() bool
}

// direct collects the entries that go into the log past the inbox.
type direct struct {
	mu        sync.Mutex
	next      *company
	gathering gathering
}

// company is entries that share a step.
type company struct {
	entries []*directEntry
	done    chan struct{}
}

// directEntry is one of them.
type directEntry struct {
	ctx   context.Context
	actor troth.Actor
	entry troth.Entry
	// env says all but who the people are, and raw encodes it if there are none.
	env Envelope
	raw []byte

	id  troth.EntryID
	err error // errDetour until it is known
}

// newDirect makes as much of the envelope as can be made beside others, and finds
// out whether it can be read back.
func (t *Trail) newDirect(ctx context.Context, actor troth.Actor, e troth.Entry) (*directEntry, error) {
	d := &directEntry{ctx: ctx, actor: actor, entry: e, env: t.envelope(e), err: errDetour}
	d.env.Actor.Kind, d.env.Actor.Home = actor.Kind, actor.Home()
	if actor.Kind == troth.Service {
		d.env.Actor.Service = actor.ID
	}
	// Who stands in for the people is as long as they are.
	full, people := d.env, d.people()
	for _, p := range people {
		full = full.naming(p, Pseudonym{1})
	}
	raw := full.encode()
	if len(people) == 0 {
		d.raw = raw
	}
	return d, readable(full, raw)
}

// naming is the envelope with a person's pseudonym in its place.
func (e Envelope) naming(p person, ps Pseudonym) Envelope {
	if p.role == asActor {
		e.Actor.Person = ps
	} else {
		e.Subject = ps
	}
	return e
}

// errDetour says that the entry has to go by the inbox, as all others do.
var errDetour = errors.New("audit: entry goes by the inbox")

// isDirect reports whether the entry may go past the inbox: outside of any
// transaction, where this process moves the log all the time. What has a payload
// may not, nor what makes a pseudonym: sealing is done for each actor apart.
func (t *Trail) isDirect(ctx context.Context, e troth.Entry) bool {
	if len(e.Parts) > 0 || t.tx.Scope(ctx) != nil || !t.seq.isRunning() {
		return false
	}
	store, ok := t.store.(oneWriter)
	return ok && store.OneWriter()
}

// recordDirect puts the entry into the log. It returns errDetour, and nothing is
// stored, where that cannot be.
func (t *Trail) recordDirect(ctx context.Context, actor troth.Actor, e troth.Entry) (troth.EntryID, error) {
	d, err := t.newDirect(ctx, actor, e)
	if err != nil {
		return troth.EntryID{}, err
	}
	c, first := t.seq.direct.join(d)
	if first {
		t.lead(ctx, c)
	}
	<-c.done
	return d.id, d.err
}

// join adds the entry to those that wait. The first has to lead them.
func (q *direct) join(d *directEntry) (c *company, first bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if first = q.next == nil; first {
		q.next = &company{done: make(chan struct{})}
	}
	q.next.entries = append(q.next.entries, d)
	q.gathering.came()
	return q.next, first
}

// leave closes the company: who comes now is the first of the next.
func (q *direct) leave() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.next = nil
}

// joinYields is how often the first lets others run, so that those whom the
// commit before has just woken come along.
const joinYields = 2

// lead moves the company into the log when the step before is done, and tells
// it, before the next one has its turn: so that they can come along.
func (t *Trail) lead(ctx context.Context, c *company) {
	if err := t.seq.lock(ctx); err != nil {
		t.seq.direct.leave()
		close(c.done)
		return
	}
	defer t.seq.unlock()
	defer close(c.done)
	for range joinYields {
		runtime.Gosched()
	}
	t.seq.direct.gather()
	t.seq.direct.leave()
	began := time.Now()
	if t.sequenceDirect(context.WithoutCancel(ctx), c.entries) {
		t.seq.direct.answered(len(c.entries), time.Since(began))
	}
}

// sequenceDirect moves entries into the log, behind those of the inbox; the
// caller holds the lock. Whatever the log or the store has against it, nothing
// is stored then and the inbox is left to find out: evidence must not hang on
// the log. Only where the commit failed each is told so. moved says that they are in
// the log, but for those with an outcome of their own.
func (t *Trail) sequenceDirect(ctx context.Context, entries []*directEntry) (moved bool) {
	if !t.seq.asked { // Run has not begun
		return false
	}
	called := false
	outcomes := make([]error, len(entries))
	more := func(ctx context.Context, s *step) (err error) {
		called = true
		seen, err := t.peopleOf(ctx, entries)
		if err != nil {
			return err
		}
		for i, d := range entries {
			if outcomes[i], err = t.addDirect(ctx, s, d, seen); err != nil {
				return err
			}
		}
		return nil
	}
	tried, err := t.tryNextStep(ctx, more)
	if !tried {
		called = false
		_, err = t.tryStep(ctx, more)
	}
	if _, unwritten := errors.AsType[*unwrittenError](err); unwritten || err == nil && !called {
		return false
	}
	if err != nil {
		for i := range outcomes {
			outcomes[i] = err
		}
	}
	for i, d := range entries {
		d.err = outcomes[i]
	}
	return err == nil
}

// tryNextStep makes a step behind the one that this process made last, without a
// look at how the log stands, or at the inbox if nothing is known to wait there: that
// the head moves from there and from nowhere else is what holds. tried is false, and
// nothing is stored, where it did not.
func (t *Trail) tryNextStep(ctx context.Context, more func(ctx context.Context, s *step) error) (tried bool, err error) {
	l := t.seq.ledger
	if l == nil || l.head.Size == 0 || t.seq.stored != l.head || t.seq.recorded.Load() || t.signs(l.head) != nil {
		return false, nil //nolint:nilerr // another step will say so
	}
	var s *step
	err = t.tx.Atomically(ctx, func(ctx context.Context) error {
		s = l.step(t.now())
		err := more(ctx, s)
		if err == nil && len(s.rows) > 0 {
			err = t.write(ctx, s)
		}
		if err != nil {
			return &unwrittenError{err}
		}
		return nil
	})
	switch {
	case errors.Is(err, errSuperseded) || errors.Is(err, ErrDuplicate):
		return false, nil
	case err != nil || len(s.rows) == 0:
		return true, err
	}
	l.take(s)
	t.seq.stored = l.head
	t.arrived(s.rows)
	return true, nil
}

// addDirect puts an entry at the end of the log. outcome is the entry's own; err
// ends the step for all.
func (t *Trail) addDirect(ctx context.Context, s *step, d *directEntry, seen map[person]found) (outcome, err error) {
	env, raw, outcome, err := t.enveloped(ctx, d, seen)
	if err != nil || outcome != nil {
		return outcome, err
	}
	s.add(env, raw)
	d.id = env.ID
	return nil, nil
}

// people are those whom the entry names.
func (d *directEntry) people() (people []person) {
	if d.actor.Kind != troth.Service {
		people = append(people, person{tenant: d.actor.Home(), role: asActor, id: d.actor.ID})
	}
	if d.entry.SubjectID != "" {
		people = append(people, person{tenant: d.entry.Tenant, role: asSubject, id: d.entry.SubjectID})
	}
	return people
}
