package audittest

import (
	"context"
	"sync"
	"time"

	"github.com/trothdev/troth"
)

// Recorder is a troth.Recorder that checks entries as a trail does and keeps
// them in memory, in clear, for tests to look at.
type Recorder struct {
	tx troth.Transactor

	mu   sync.Mutex
	kept []kept
	fail error
}

// Recorded is one entry that was recorded.
type Recorded struct {
	troth.Entry
	ID    troth.EntryID
	Actor troth.Actor
}

type kept struct {
	Recorded
	scope *troth.Scope
}

var _ troth.Recorder = (*Recorder)(nil)

// NewRecorder returns a recorder whose entries live and die with the
// transactions of t.
func NewRecorder(t troth.Transactor) *Recorder { return &Recorder{tx: t} }

// Transactor is the one that NewRecorder was given.
func (r *Recorder) Transactor() troth.Transactor { return r.tx }

// FailWith makes Record return err from now on, and work again if err is nil:
// an act whose evidence cannot be stored must fail.
func (r *Recorder) FailWith(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail = err
}

// Record implements troth.Recorder.
func (r *Recorder) Record(ctx context.Context, e troth.Entry) (troth.EntryID, error) {
	if err := ctx.Err(); err != nil {
		return troth.EntryID{}, err
	}
	actor, err := troth.ActorFrom(ctx)
	if err != nil {
		return troth.EntryID{}, err
	}
	if err := e.Validate(); err != nil {
		return troth.EntryID{}, err
	}
	if e.Outcome == "" {
		e.Outcome = troth.Done
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail != nil {
		return troth.EntryID{}, r.fail
	}
	id := troth.NewEntryID(time.Now())
	r.kept = append(r.kept, kept{Recorded{Entry: e, ID: id, Actor: actor}, r.tx.Scope(ctx)})
	return id, nil
}

// Entries returns what was recorded so far, oldest first, without what was
// rolled back. Entries of transactions that are still open, or that the host
// began and may have ended in either way, are among them.
func (r *Recorder) Entries() []Recorded {
	r.mu.Lock()
	defer r.mu.Unlock()
	var entries []Recorded
	for _, k := range r.kept {
		if k.scope == nil || k.scope.State() != troth.ScopeRolledBack {
			entries = append(entries, k.Recorded)
		}
	}
	return entries
}

// Of returns those of Entries that tell of the named act.
func (r *Recorder) Of(act string) []Recorded {
	var entries []Recorded
	for _, e := range r.Entries() {
		if e.Act.Name == act {
			entries = append(entries, e)
		}
	}
	return entries
}
