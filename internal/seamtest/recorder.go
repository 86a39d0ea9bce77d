package seamtest

import (
	"context"
	"sync"
	"time"

	"github.com/trothdev/troth"
)

// Recorder keeps the entries whose transactions were not rolled back.
type Recorder struct {
	tx troth.Transactor

	mu   sync.Mutex
	kept []Recorded
	fail error
}

var _ troth.Recorder = (*Recorder)(nil)

// Recorded is an entry, and its id.
type Recorded struct {
	troth.Entry
	ID    troth.EntryID
	scope *troth.Scope
}

// NewRecorder records in the transactions of tx.
func NewRecorder(tx troth.Transactor) *Recorder { return &Recorder{tx: tx} }

// Transactor implements troth.Recorder.
func (r *Recorder) Transactor() troth.Transactor { return r.tx }

// Record implements troth.Recorder.
func (r *Recorder) Record(ctx context.Context, e troth.Entry) (troth.EntryID, error) {
	if _, err := troth.ActorFrom(ctx); err != nil {
		return troth.EntryID{}, err
	}
	if err := e.Validate(); err != nil {
		return troth.EntryID{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail != nil {
		return troth.EntryID{}, r.fail
	}
	id := troth.NewEntryID(time.Now())
	r.kept = append(r.kept, Recorded{e, id, r.tx.Scope(ctx)})
	return id, nil
}

// Fail has it refuse everything with err from now on; nil has it record again.
func (r *Recorder) Fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail = err
}

// All are the entries, in their order.
func (r *Recorder) All() []Recorded { return r.Of("") }

// Of are the entries of an act; of every act if it is empty.
func (r *Recorder) Of(act string) (of []Recorded) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range r.kept {
		if (act == "" || k.Act.Name == act) && !undone(k.scope) {
			of = append(of, k)
		}
	}
	return of
}

// undone reports whether what happened in a scope did not.
func undone(s *troth.Scope) bool { return s != nil && s.State() == troth.ScopeRolledBack }
