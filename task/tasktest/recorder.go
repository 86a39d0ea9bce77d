package tasktest

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/trothdev/troth"
)

// Recorder keeps evidence in memory and shows what of it was not undone. It is
// for tests.
type Recorder struct {
	tx troth.Transactor

	mu      sync.Mutex
	entries []recorded
}

type recorded struct {
	Recorded
	scope *troth.Scope
}

// Recorded is one entry and who acted.
type Recorded struct {
	troth.Entry
	Actor troth.Actor
}

var _ troth.Recorder = (*Recorder)(nil)

// NewRecorder returns a recorder that joins tx.
func NewRecorder(tx troth.Transactor) *Recorder { return &Recorder{tx: tx} }

// Record implements troth.Recorder.
func (r *Recorder) Record(ctx context.Context, e troth.Entry) (troth.EntryID, error) {
	actor, err := troth.ActorFrom(ctx)
	if err != nil {
		return troth.EntryID{}, err
	}
	if err := e.Validate(); err != nil {
		return troth.EntryID{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries = append(r.entries, recorded{Recorded{e, actor}, r.tx.Scope(ctx)})
	return troth.NewEntryID(time.Now()), nil
}

// Transactor implements troth.Recorder.
func (r *Recorder) Transactor() troth.Transactor { return r.tx }

// Entries returns the entries of an act whose transactions were not undone, those
// of all acts if it has no name.
func (r *Recorder) Entries(act string) []Recorded {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []Recorded
	for _, e := range r.entries {
		undone := e.scope != nil && e.scope.State() == troth.ScopeRolledBack
		if !undone && (act == "" || e.Act.Name == act) {
			out = append(out, e.Recorded)
		}
	}
	return slices.Clip(out)
}
