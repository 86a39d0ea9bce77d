package consent_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/consentmem"
)

// crowd is more people than are read at once, in no order, some asked about twice.
// Every hundredth has granted, and of these every third withdrawn.
func crowd(w *world) (ids []string, granted map[string]bool) {
	granted = map[string]bool{}
	for i := range 21_000 {
		id := fmt.Sprintf("c-%05d", i)
		ids = append(ids, id)
		if i%100 != 0 {
			continue
		}
		ids = append(ids, id)
		w.say(subject(id), letter, consent.Granted)
		granted[id] = true
		if i%300 == 0 {
			w.say(subject(id), letter, consent.Withdrawn)
			granted[id] = false
		}
	}
	rand.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	return ids, granted
}

func TestCheckBatch_OfManyPagesInNoOrder(t *testing.T) {
	w := newWorld(t)
	w.publish(consent.Terms{Purpose: letter})
	ids, granted := crowd(w)
	decide := func(ctx context.Context) error {
		decided, err := w.ledger.CheckBatch(ctx, consent.Batch{Tenant: acme, Purpose: letter, SubjectIDs: ids})
		require.NoError(t, err)
		require.Len(t, decided, len(ids))
		for i, d := range decided {
			want := consent.ReasonUnknown
			if yes, said := granted[ids[i]]; said {
				want = consent.ReasonWithdrawn
				if yes {
					want = consent.ReasonGranted
				}
			}
			require.Equal(t, want, d.Reason, ids[i])
		}
		return nil
	}
	require.NoError(t, decide(w.ctx))
	require.NoError(t, w.db.Atomically(w.ctx, decide), "and in a transaction, which serves one goroutine")
}

// flaky is a store whose reads of many fail from one on, give what nobody asked
// for, or one person twice.
type flaky struct {
	consent.Backend
	reads  atomic.Int64
	active atomic.Int64
	failAt int64
	change func([]consent.StateRow) []consent.StateRow
}

var errFlaky = errors.New("no answer")

func (f *flaky) StatesOf(ctx context.Context, tenant troth.Tenant, p troth.Purpose, ids []string) ([]consent.StateRow, error) {
	f.active.Add(1)
	defer f.active.Add(-1)
	if n := f.reads.Add(1); f.failAt != 0 && n >= f.failAt {
		return nil, errFlaky
	}
	rows, err := f.Backend.StatesOf(ctx, tenant, p, ids)
	if f.change != nil && len(rows) > 0 { // none when another page has failed
		rows = f.change(rows)
	}
	return rows, err
}

func TestCheckBatch_APageThatFailsDecidesAboutNobody(t *testing.T) {
	db := memory.Open()
	f := &flaky{Backend: consentmem.New(db)}
	w := worldOn(t, f, db)
	w.publish(consent.Terms{Purpose: letter})
	ids, _ := crowd(w)
	batch := consent.Batch{Tenant: acme, Purpose: letter, SubjectIDs: ids}
	for _, failAt := range []int64{1, 2, 3} {
		f.reads.Store(0)
		f.failAt = failAt
		decided, err := w.ledger.CheckBatch(w.ctx, batch)
		require.ErrorIs(t, err, errFlaky)
		require.Empty(t, decided)
		require.Zero(t, f.active.Load(), "what it began has ended")
	}
	f.failAt = 0
	other := subject("somebody-else")
	w.say(other, letter, consent.Granted)
	theirs, err := f.States(w.ctx, acme, other.ID)
	require.NoError(t, err)
	for name, change := range map[string]func([]consent.StateRow) []consent.StateRow{
		"somebody else": func(rows []consent.StateRow) []consent.StateRow { return append(rows, theirs...) },
		"one twice":     func(rows []consent.StateRow) []consent.StateRow { return append(rows, rows[0]) },
		"another purpose": func(rows []consent.StateRow) []consent.StateRow {
			rows[0].Purpose = stats
			return rows
		},
		"another's record": func(rows []consent.StateRow) []consent.StateRow {
			rows[0].Record = theirs[0].Record
			return rows
		},
	} {
		f.change = change
		_, err := w.ledger.CheckBatch(w.ctx, batch)
		require.ErrorIs(t, err, consent.ErrRecord, name)
	}
	f.change = nil
	_, err = w.ledger.CheckBatch(w.ctx, batch)
	require.NoError(t, err)
	cancelled, cancel := context.WithDeadline(w.ctx, time.Now().Add(-time.Second))
	defer cancel()
	_, err = w.ledger.CheckBatch(cancelled, batch)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}
