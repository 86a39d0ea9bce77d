package retention_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
)

// trashed makes n files that are due.
func (w *kept) trashed(n int) {
	w.Helper()
	for i := range n {
		w.add(fmt.Sprint(i), "p")
		w.happened(fmt.Sprint(i), "trashed")
	}
	w.after(60)
}

// spoilt is a store of which some calls fail.
type spoilt struct {
	retention.Backend
	tenant error
	later  bool // the first time it can be locked
	keeps  func() bool
	lease  func() error
	locks  int
}

func (s *spoilt) LockTenant(ctx context.Context, t troth.Tenant, alone bool) error {
	if t == "bad" {
		s.locks++
		if s.tenant != nil && (!s.later || s.locks > 1) {
			return s.tenant
		}
	}
	return s.Backend.LockTenant(ctx, t, alone)
}

func (s *spoilt) KeepLease(ctx context.Context, name string, fence int64, length time.Duration) (bool, error) {
	if s.keeps != nil && !s.keeps() {
		return false, nil
	}
	if s.lease != nil {
		if err := s.lease(); err != nil {
			return false, err
		}
	}
	return s.Backend.KeepLease(ctx, name, fence, length)
}

func (w *kept) spoilt(s *spoilt, opts ...retention.Option) *retention.Keeper {
	w.Helper()
	s.Backend = w.store
	opts = append([]retention.Option{
		retention.WithClock(func() time.Time { return w.now }), retention.WithRecords("file", retention.Registration{Handler: w.files}), retention.UnsafeWithoutApproval(),
	}, opts...)
	k, err := retention.New(w.ctx, retention.Config{Store: s, Recorder: w.notes}, opts...)
	require.NoError(w, err)
	w.files.keeper = k
	return k
}

func TestSweep_AHandlerThatHangsStopsNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newKept(t, content(t))
		w.trashed(20)
		w.files.on = func(ctx context.Context, o retention.Order) error {
			if o.ID == "7" {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}
		s := w.sweep()
		require.Equal(t, 19, s.Destroyed)
		require.Len(t, s.Failed, 1)
		require.Equal(t, "7", s.Failed[0].ID)
		require.Zero(t, w.sweep(), "not at once")
		w.files.on = nil
		w.now = w.now.Add(time.Hour)
		require.Equal(t, 1, w.sweep().Destroyed)
	})
}

func TestSweep_ManyThatFailKeepNobodyElseWaiting(t *testing.T) {
	w := newKept(t, content(t))
	w.trashed(60)
	w.files.on = func(_ context.Context, o retention.Order) error {
		if len(o.ID) == 2 && o.ID != "59" {
			return errors.New("it does not answer")
		}
		return nil
	}
	k := w.keeper(retention.WithBatch(2))
	w.files.keeper = k
	s, err := k.Sweep(w.ctx)
	require.NoError(t, err)
	require.Equal(t, 11, s.Destroyed)
	require.Len(t, s.Failed, 49)
}

func TestSweep_ATenantThatCannotBeLockedStopsNobodyElse(t *testing.T) {
	w := newKept(t, content(t))
	for i := range 30 { // the first that are due are those of the bad tenant
		key := retention.RecordKey{Tenant: "bad", Type: "file", ID: fmt.Sprint(i)}
		require.NoError(t, w.k.Created(w.ctx, retention.NewRecord{RecordKey: key}))
		require.NoError(t, w.k.Happened(w.ctx, key, retention.Occurrence{Event: "trashed"}))
	}
	w.after(1)
	w.trashed(3)
	bad := &spoilt{tenant: troth.ErrBusy}
	k := w.spoilt(bad, retention.WithBatch(1))
	s, err := k.Sweep(w.ctx)
	require.ErrorIs(t, err, troth.ErrBusy)
	require.Equal(t, 3, s.Destroyed)
	require.Empty(t, s.Failed, "it is not the records' fault")
	require.Equal(t, 1, bad.locks)
	bad.tenant = nil
	s, err = k.Sweep(w.ctx)
	require.NoError(t, err)
	require.Equal(t, 30, s.Destroyed)
}

// A tenant that cannot be locked any more when records are tried one by one is passed
// over as any other: it is not the records' fault.
func TestSweep_ATenantThatCannotBeLockedAgainIsPassedOver(t *testing.T) {
	w := newKept(t, content(t))
	for i := range 3 {
		key := retention.RecordKey{Tenant: "bad", Type: "file", ID: fmt.Sprint(i)}
		require.NoError(t, w.k.Created(w.ctx, retention.NewRecord{RecordKey: key}))
		require.NoError(t, w.k.Happened(w.ctx, key, retention.Occurrence{Event: "trashed"}))
	}
	w.after(60)
	bad := &spoilt{later: true, tenant: troth.ErrBusy}
	k := w.spoilt(bad)
	broken := true
	bad.lease = func() error {
		if broken && bad.locks == 1 {
			return errors.New("the disk is full")
		}
		return nil
	}
	s, err := k.Sweep(w.ctx)
	require.ErrorIs(t, err, troth.ErrBusy)
	require.Empty(t, s.Failed)
	require.Equal(t, 3, s.Passed)
	require.Equal(t, 2, bad.locks)
	bad.tenant, broken = nil, false
	s, err = k.Sweep(w.ctx)
	require.NoError(t, err)
	require.Equal(t, 3, s.Destroyed)
}

func TestSweep_WhoLostTheLeaseCommitsNothing(t *testing.T) {
	w := newKept(t, withMany(t))
	w.trashed(5)
	w.belongs("a", retention.NewRecord{AccountID: "a"})
	w.toAll("a", "account.closed", time.Time{})
	kept := 0
	bad := &spoilt{keeps: func() bool { kept++; return kept > 3 }}
	k := w.spoilt(bad, retention.WithBatch(1))
	before := w.notes.of(t, "retention.purge")
	for kept < 3 {
		s, err := k.Sweep(w.ctx)
		require.NoError(t, err)
		require.Equal(t, s.Destroyed, len(w.notes.of(t, "retention.purge"))-len(before))
		before = w.notes.of(t, "retention.purge")
		gone := 0
		for i := range 5 {
			gone += count(w.sees(fmt.Sprint(i)) == "")
		}
		require.Equal(t, len(before), gone, "what was done under a lost lease is undone")
	}
	_, err := k.Sweep(w.ctx)
	require.NoError(t, err)
	for i := range 5 {
		require.Empty(t, w.sees(fmt.Sprint(i)))
	}
	require.Len(t, w.notes.of(t, "retention.purge"), 5)
	require.Equal(t, "closed", w.stage("a"))
}

func TestSweep_LeavesOutWhatOthersHave(t *testing.T) {
	w := newKept(t, withMany(t))
	w.trashed(5)
	w.belongs("a", retention.NewRecord{AccountID: "a"})
	w.toAll("a", "account.closed", time.Time{})
	fences := map[string]int64{}
	for lane := range 8 {
		name := fmt.Sprintf("sweep/%d", lane)
		fence, claimed, err := w.store.ClaimLease(w.ctx, name, "another process", time.Hour)
		require.NoError(t, err)
		require.True(t, claimed)
		fences[name] = fence
	}
	s := w.sweep()
	require.Equal(t, 1, s.Open)
	require.Equal(t, 5, s.Passed)
	require.Zero(t, s.Destroyed)
	for name, fence := range fences {
		require.NoError(t, w.store.EndLease(w.ctx, name, fence))
	}
	s = w.sweep()
	require.Equal(t, 5, s.Destroyed)
	require.Zero(t, s.Passed)
	require.Equal(t, 1, s.Reached)
	for name := range fences { // it gave up what it had
		_, claimed, err := w.store.ClaimLease(w.ctx, name, "another process", time.Hour)
		require.NoError(t, err)
		require.True(t, claimed)
	}
}

// Two sweeps of one keeper at once share the lanes as processes do.
func TestSweep_TwiceAtOnce(t *testing.T) {
	w := newKept(t, content(t))
	w.trashed(50)
	k := w.keeper(retention.WithBatch(3))
	w.files.keeper = k
	results := make(chan int, 2)
	for range 2 {
		go func() {
			s, err := k.Sweep(w.ctx)
			if err != nil || len(s.Failed) > 0 {
				t.Errorf("sweep: %v %v", err, s.Failed)
			}
			results <- s.Destroyed
		}()
	}
	total := <-results + <-results
	s, err := k.Sweep(w.ctx)
	require.NoError(t, err)
	require.Equal(t, 50, total+s.Destroyed)
	require.Len(t, w.notes.of(t, "retention.purge"), 50)
}
