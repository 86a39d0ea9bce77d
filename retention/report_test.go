package retention_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/retention"
)

func (w *spread) report() retention.PromiseReport {
	w.Helper()
	r, err := w.k.Report(w.ctx, time.Time{})
	require.NoError(w, err)
	return r
}

// about is the line of a promise about content.
func about(t *testing.T, r retention.PromiseReport, promise string) retention.PromiseLine {
	t.Helper()
	for _, l := range r.Lines {
		if l.Promise == promise {
			return l
		}
	}
	require.Fail(t, promise)
	return retention.PromiseLine{}
}

func TestReport_SaysOfEveryPromiseWhatShowsIt(t *testing.T) {
	w := newSpread(t)
	r := w.report()
	require.Len(t, r.Lines, 2)
	require.Equal(t, retention.PromiseUntried, about(t, r, "trash").Status)
	require.Equal(t, "policy 1", about(t, r, "trash").Cite)
	require.Contains(t, about(t, r, "trash").Path, "slack")

	first := w.purged("1", "p")
	l := about(t, w.report(), "trash")
	require.Equal(t, retention.PromiseUnderway, l.Status, "its copies are not gone")
	require.Equal(t, 1, l.Waiting)
	require.NoError(t, w.works.run(t, w.k))
	require.NoError(t, w.confirm(first))
	w.after(31)
	w.tend()
	l = about(t, w.report(), "trash")
	require.Equal(t, retention.PromiseKept, l.Status)
	require.EqualValues(t, 1, l.Kept)
	require.Len(t, l.KeptEntry, 36)
	require.Nil(t, l.Oldest)

	// One waits for a copy, another fails.
	second := w.purged("2", "p")
	w.ads.fails = errors.New("down")
	require.Error(t, w.works.run(t, w.k))
	l = about(t, w.report(), "trash")
	require.Equal(t, retention.PromiseKept, l.Status, "there is time")
	require.Equal(t, 1, l.Waiting)
	require.Equal(t, second, l.Oldest.Handle)
	require.Equal(t, []string{"ads", "file-cabinet"}, l.Oldest.Copies)
	w.after(15)
	require.Equal(t, retention.PromiseAtRisk, about(t, w.report(), "trash").Status)
	w.after(15)
	l = about(t, w.report(), "trash")
	require.Equal(t, retention.PromiseIsBroken, l.Status, "whatever is done now")
	require.Zero(t, l.Broken)
	w.ads.fails = nil
	require.NoError(t, w.works.run(t, w.k))
	require.NoError(t, w.confirm(second))
	w.after(9)
	w.tend()
	r = w.report()
	l = about(t, r, "trash")
	require.Equal(t, retention.PromiseIsBroken, l.Status)
	require.EqualValues(t, 1, l.Broken)
	require.Equal(t, second, l.BrokenRecord)
	require.Len(t, l.BrokenEntry, 36)
	require.Equal(t, retention.PromiseUntried, about(t, r, "account").Status)

	text := r.String()
	for _, want := range []string{"broken   content: trash, gone", "gone: 1 in time, 0 deferred, 1 too late", "record " + second, l.BrokenEntry, "[policy 1]"} {
		require.Contains(t, text, want)
	}
	b, err := json.Marshal(r)
	require.NoError(t, err)
	var back retention.PromiseReport
	require.NoError(t, json.Unmarshal(b, &back))
	require.Equal(t, text, back.String())

	w.now = w.now.AddDate(1, 2, 0)
	l = about(t, w.report(), "trash")
	require.Equal(t, retention.PromiseUntried, l.Status, "counts go back twelve months")
	require.Zero(t, l.Broken)
}

func TestReport_AFailingHandlerPutsAPromiseAtRisk(t *testing.T) {
	w := newSpread(t)
	w.trashed("1", "p")
	w.after(58)
	w.files.on = func(_ context.Context, _ retention.Order) error { return errors.New("no") }
	require.Len(t, w.sweep().Failed, 1)
	l := about(t, w.report(), "trash")
	require.Equal(t, retention.PromiseAtRisk, l.Status)
	require.Equal(t, 1, l.Due)
	require.Equal(t, 1, l.Failing)
	require.Equal(t, retention.DelayFailing, l.Oldest.Why)
	require.Contains(t, w.report().String(), "of them 1 failing")
}

func TestReport_IsCheap(t *testing.T) {
	f := newFaulty(t)
	for _, id := range []string{"1", "2", "3", "4", "5"} {
		f.add(id, "p")
	}
	reads := func() int {
		before := len(f.plan.Calls())
		_, err := f.bad.Report(f.ctx, time.Time{})
		require.NoError(t, err)
		return len(f.plan.Calls()) - before
	}
	first := reads()
	for _, id := range []string{"6", "7", "8", "9"} {
		f.add(id, "p")
	}
	require.Equal(t, first, reads(), "what is stored and not due is not read")
}
