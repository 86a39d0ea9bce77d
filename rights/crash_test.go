package rights_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/rights"
)

var errCrash = errors.New("crash")

// frail is a store that fails at one of its writes, before or after it was made.
type frail struct {
	rights.Backend
	left  int
	after bool
}

func (f *frail) write(do func() error) error {
	f.left--
	if f.left != 0 {
		return do()
	}
	if f.after {
		return errors.Join(do(), errCrash)
	}
	return errCrash
}

func (f *frail) PutRequest(ctx context.Context, row rights.RequestRow) error {
	return f.write(func() error { return f.Backend.PutRequest(ctx, row) })
}

func (f *frail) InsertEvent(ctx context.Context, row rights.EventRow) (ok bool, err error) {
	return ok, f.write(func() (err error) { ok, err = f.Backend.InsertEvent(ctx, row); return err })
}

func (f *frail) InsertItem(ctx context.Context, row rights.ItemRow) (ok bool, err error) {
	return ok, f.write(func() (err error) { ok, err = f.Backend.InsertItem(ctx, row); return err })
}

func (f *frail) PutItem(ctx context.Context, row rights.ItemRow) error {
	return f.write(func() error { return f.Backend.PutItem(ctx, row) })
}

func (f *frail) DeleteItem(ctx context.Context, key rights.ItemKey) (ok bool, err error) {
	return ok, f.write(func() (err error) { ok, err = f.Backend.DeleteItem(ctx, key); return err })
}

// TestErase_CrashAtEveryStep: a process dies at every write, before and after it was made,
// and another one carries on: every source is dealt with, everything is counted once.
func TestErase_CrashAtEveryStep(t *testing.T) {
	for _, after := range []bool{false, true} {
		for n := 1; ; n++ {
			s := newShop()
			s.orders.held["4711"], s.orders.batch = 3, 2
			w := newWorld(t, s.options()...)
			s.tx = w.db
			r := w.approved(rights.Erase)
			broken := &frail{Backend: w.store, left: n, after: after}
			d, err := rights.New(w.ctx, rights.Config{Store: broken, Recorder: w.trail, Keys: keys{}},
				append([]rights.Option{
					rights.WithClock(w.clock.now), rights.WithSealer(w.sealer), rights.WithRegimes("gdpr"), rights.Unmanaged("test"),
				}, s.options()...)...)
			require.NoError(t, err)
			failed := d.Step(w.ctx, acme, r.ID)
			name := fmt.Sprintf("write %d, after it was made: %v", n, after)
			if broken.left > 0 {
				require.NoError(t, failed, name)
				require.Greater(t, n, 20, "the writes were not met")
				break
			}
			for range 10 {
				w.clock.move(2 * time.Hour)
				w.sweep()
			}
			require.Equal(t, rights.StateDelivering, w.get(r.ID).State, name)
			for source, records := range map[string]uint64{"account": 1, "orders": 3, "provider": 2, "index": 4, "mailbox": 0} {
				work := w.work(r.ID)[source]
				require.Equal(t, records, work.Records, "%s: %s", name, source)
				require.True(t, work.Outcome.Complete(), "%s: %s", name, source)
			}
			require.Len(t, w.trail.of(rights.SourceDone), 5, name)
			require.Len(t, w.trail.of(rights.Executed), 1, name)
			require.Empty(t, w.obligations(r.ID), name)
		}
	}
}

// TestErase_TwoProcesses: two carry the same request on at once.
func TestErase_TwoProcesses(t *testing.T) {
	s := newShop()
	w := newWorld(t, s.options()...)
	s.tx = w.db
	r := w.approved(rights.Erase)
	other := w.open(s.options()...)
	ends := make(chan error, 2)
	for _, d := range []*rights.Desk{w.desk, other} {
		go func() { ends <- d.Step(w.ctx, acme, r.ID) }()
	}
	for range 2 {
		<-ends // one may find it busy
	}
	w.clock.move(time.Hour)
	require.Equal(t, rights.StateDelivering, w.step(r.ID).State)
	require.EqualValues(t, 3, w.work(r.ID)["orders"].Records)
	require.Len(t, w.trail.of(rights.SourceDone), 5)
}
