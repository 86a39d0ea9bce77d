package rights_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
)

type eraser func(ctx context.Context, q rights.Inquiry) (rights.Report, error)

func (e eraser) Erase(ctx context.Context, q rights.Inquiry) (rights.Report, error) { return e(ctx, q) }

// TestErase_WhoIsOvertakenTellsOfNoFailure: while a source elsewhere is asked, another
// process carries the request through. That is no failure of the source, which the log
// would tell.
func TestErase_WhoIsOvertakenTellsOfNoFailure(t *testing.T) {
	core, logs := observer.New(zap.WarnLevel)
	var w *world
	calls := 0
	crm := eraser(func(_ context.Context, q rights.Inquiry) (rights.Report, error) {
		if calls++; calls == 1 {
			require.NoError(t, w.desk.Step(w.ctx, acme, q.Request))
		}
		return rights.Report{Outcome: rights.Done, Method: rights.Deleted, Records: 1, Asked: []string{"subject"}}, nil
	})
	w = newWorld(t, rights.WithLogger(zap.New(core)), rights.WithCoolingOff(0),
		rights.WithSource(rights.Source{Name: "crm", Order: rights.Remote, Eraser: crm}))
	r := w.approved(rights.Erase)
	require.Equal(t, rights.StateDelivering, w.step(r.ID).State)
	require.Equal(t, 2, calls)
	require.Equal(t, map[string]rights.Outcome{"crm": rights.Done}, w.outcomes(r.ID))
	require.Empty(t, logs.All())
}

// before is a transactor that has something done before one of its transactions.
type before struct {
	troth.Transactor
	left int
	do   func()
}

func (b *before) Atomically(ctx context.Context, fn func(ctx context.Context) error) error {
	if b.Scope(ctx) == nil {
		if b.left--; b.left == 0 {
			b.do()
		}
	}
	return b.Transactor.Atomically(ctx, fn)
}

type storeOn struct {
	rights.Backend
	tx troth.Transactor
}

func (s storeOn) Transactor() troth.Transactor { return s.tx }

// TestErase_AnotherDidAPartMeanwhile: who knows how far the sources were when it committed
// last finds out that another process has done a part since, though nothing happened to the
// request but that.
func TestErase_AnotherDidAPartMeanwhile(t *testing.T) {
	w := newWorld(t)
	left, calls, fails := uint64(10), 0, 0
	opts := []rights.Option{
		rights.WithCoolingOff(0), rights.WithTurnTime(time.Hour), rights.WithRegimes("gdpr"), rights.Unmanaged("test"),
		rights.WithClock(w.clock.Now), rights.WithSealer(w.sealer), rights.WithNotifier(w.post),
		rights.WithSource(rights.Source{Name: "orders", Order: rights.Primary, Eraser: does(func(context.Context, rights.Inquiry) (rights.Report, error) {
			if calls++; calls == fails {
				return rights.Report{}, errors.New("not now")
			}
			n := min(left, 3)
			left -= n
			return rights.Report{Outcome: rights.Done, Method: rights.Deleted, Records: n, More: left > 0}, nil
		})}),
	}
	w.desk = w.open(opts...)
	r := w.approved(rights.Erase)
	// The first part is in the first transaction. Before the second one another process does
	// the second part, fails with the third, and notes that.
	tx := &before{Transactor: w.db, left: 2}
	tx.do = func() {
		fails = calls + 2
		require.NoError(t, w.desk.Step(w.ctx, acme, r.ID))
		require.EqualValues(t, 6, w.work(r.ID)["orders"].Records)
		require.Equal(t, 1, w.work(r.ID)["orders"].Tries)
	}
	mine, err := rights.New(w.ctx, rights.Config{Store: storeOn{w.store, tx}, Recorder: sharedTrail{w.trail, tx}, Keys: keys{}}, opts...)
	require.NoError(t, err)
	tx.left = 2
	require.NoError(t, mine.Step(w.ctx, acme, r.ID))
	require.Equal(t, rights.StateDelivering, w.get(r.ID).State)
	require.EqualValues(t, 10, w.work(r.ID)["orders"].Records)
}

// TestErase_SomethingHappenedAfterTheTrailTold: what the trail told of a request before
// another process moved it says nothing of how it is now, and is no sign of tampering.
func TestErase_SomethingHappenedAfterTheTrailTold(t *testing.T) {
	w := newWorld(t)
	s := newShop()
	s.tx = w.db
	opts := append(s.options(rights.WithEvidence(w.trail)), rights.WithClock(w.clock.Now), rights.WithSealer(w.sealer), rights.WithNotifier(w.post))
	w.desk = w.open(opts...)
	r := w.approved(rights.Erase)
	tx := &before{Transactor: w.db}
	tx.do = func() {
		_, err := w.desk.Assign(w.ctx, acme, r.ID, "privacy")
		require.NoError(t, err)
	}
	mine, err := rights.New(w.ctx, rights.Config{Store: storeOn{w.store, tx}, Recorder: sharedTrail{w.trail, tx}, Keys: keys{}}, opts...)
	require.NoError(t, err)
	tx.left = 1
	require.NoError(t, mine.Step(w.ctx, acme, r.ID))
	require.Equal(t, rights.StateDelivering, w.get(r.ID).State)
	require.Equal(t, "privacy", w.get(r.ID).Owner)
}
