package vault_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
)

// errRecorder is what a recorder that was told to fail answers.
var errRecorder = errors.New("no evidence today")

// recorder keeps entries in a table of the same database, so that they share
// the fate of the transactions that wrote them.
type recorder struct {
	tx      troth.Transactor
	entries *memory.Table[int64, recorded]
	next    atomic.Int64

	mu   sync.Mutex
	fail func(troth.Entry) error
}

type recorded struct {
	troth.Entry
	Actor troth.Actor
	ID    troth.EntryID
}

func newRecorder(db *memory.DB) *recorder {
	return &recorder{tx: db, entries: memory.NewTable[int64, recorded](db, cmp.Compare[int64])}
}

func (r *recorder) Transactor() troth.Transactor { return r.tx }

func (r *recorder) Record(ctx context.Context, e troth.Entry) (troth.EntryID, error) {
	actor, err := troth.ActorFrom(ctx)
	if err != nil {
		return troth.EntryID{}, err
	}
	if err := e.Validate(); err != nil {
		return troth.EntryID{}, err
	}
	r.mu.Lock()
	fail := r.fail
	r.mu.Unlock()
	if fail != nil {
		if err := fail(e); err != nil {
			return troth.EntryID{}, err
		}
	}
	id := troth.NewEntryID(time.Now())
	return id, r.entries.Put(ctx, r.next.Add(1), recorded{Entry: e, Actor: actor, ID: id})
}

// failOn makes entries of the named acts fail, of all acts if none is named; it
// returns what ends that.
func (r *recorder) failOn(acts ...string) (stop func()) {
	r.setFail(func(e troth.Entry) error {
		if len(acts) == 0 || slices.Contains(acts, e.Act.Name) {
			return errRecorder
		}
		return nil
	})
	return func() { r.setFail(nil) }
}

func (r *recorder) setFail(fail func(troth.Entry) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail = fail
}

// committed returns the durable entries of the named acts in order, of all if
// none is named.
func (r *recorder) committed(t testing.TB, acts ...string) []recorded {
	t.Helper()
	rows, err := r.entries.Scan(context.WithoutCancel(t.Context()), nil, 0, func(_ int64, e recorded) bool {
		return len(acts) == 0 || slices.Contains(acts, e.Act.Name)
	})
	require.NoError(t, err)
	out := make([]recorded, len(rows))
	for i, row := range rows {
		out[i] = row.Value
	}
	return out
}
