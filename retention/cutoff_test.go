package retention_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/deadline"
	"github.com/trothdev/troth/retention"
)

func TestCutoff(t *testing.T) {
	h := history(t, content(t))
	at := endOf(t, "2026-02-25")
	cutoff, ok := h.Cutoff("content", "trashed", 1, at)
	require.True(t, ok)
	require.Equal(t, endOf(t, "2026-01-31"), cutoff)
	cutoff, _ = h.Cutoff("content", "trashed", 1, at.Add(-time.Microsecond))
	require.Equal(t, endOf(t, "2026-01-30"), cutoff)
	for _, stage := range []string{"active", retention.Purged, "other"} {
		_, ok = h.Cutoff("content", stage, 1, at)
		require.False(t, ok, stage)
	}
	_, ok = h.Cutoff("other", "trashed", 1, at)
	require.False(t, ok)
	_, ok = h.Cutoff("content", "trashed", 9, at)
	require.False(t, ok)
}

// A record is found by the cutoff if and only if its stage is over, to the
// microsecond.
func TestCutoff_IsTheInverseOfTheStage(t *testing.T) {
	each(t, func(_ random, _ *retention.Policy, h *retention.History, f *retention.Facts, at time.Time) {
		at = at.Truncate(time.Microsecond)
		cutoff, ok := h.Cutoff("content", f.Stage, 1, at)
		require.Equal(t, f.Stage != "active", ok)
		if !ok {
			return
		}
		bare := &retention.Facts{Class: "content", State: retention.State{Stage: f.Stage}, Cohort: 1, Known: retention.KnownAll}
		for _, shift := range []time.Duration{-30 * 24 * time.Hour, -time.Microsecond, 0, time.Microsecond, time.Hour} {
			if bare.Since = cutoff.Add(shift); bare.Since.After(at) {
				continue
			}
			d := h.Evaluate(bare, at)
			if f.Stage == "trashed" {
				require.Equal(t, shift <= 0, d.Verdict == retention.Move || d.Verdict == retention.Due, "%s %s", shift, d)
			}
			due := h.Advance("content", 1, bare.State, at).Stage != f.Stage
			require.Equal(t, shift <= 0, due, "%s of %s", shift, d)
		}
	})
}

func TestDecision_DueAt(t *testing.T) {
	h := history(t, content(t))
	f := facts(t, "trashed", "2026-01-31")
	require.Equal(t, endOf(t, "2026-02-25"), h.Evaluate(f, day(t, "2026-02-01")).DueAt())
	f.Erasures = []retention.Erasure{{Request: "r", At: day(t, "2026-02-10")}}
	require.Equal(t, day(t, "2026-02-10"), h.Evaluate(f, day(t, "2026-02-01")).DueAt(), "before the stage is over")
	f = facts(t, "inaccessible", "2026-01-31")
	require.Equal(t, endOf(t, "2026-03-02"), h.Evaluate(f, day(t, "2026-02-01")).DueAt())
	f.Holds = []retention.Held{{Hold: "h"}}
	require.Zero(t, h.Evaluate(f, day(t, "2026-02-01")).DueAt())
	require.Zero(t, h.Evaluate(facts(t, "active", "2026-01-31"), day(t, "2026-02-01")).DueAt())
	f.Stage = retention.Purged
	require.Zero(t, h.Evaluate(f, day(t, "2026-02-01")).DueAt())
}

func TestCopies(t *testing.T) {
	p := changed(t, content(t), func(p *retention.Policy) {
		p.Copies = append(p.Copies,
			retention.Copy{Name: "index-backup", Kind: retention.Backup, Of: "search", Rotation: deadline.Period{Months: 1}},
			retention.Copy{Name: "elsewhere", Kind: retention.Provider, Lag: days(9)})
		p.Classes[0].Stages[2].Copies = []string{"primary", "backups"}
	})
	h := history(t, p)
	ordered := day(t, "2026-01-30")
	require.Equal(t, []retention.CopyEnd{
		{Copy: "primary", Kind: retention.Primary, By: ordered},
		{Copy: "search", Kind: retention.SearchIndex, By: endOf(t, "2026-01-31")},
		{Copy: "backups", Kind: retention.Backup, By: endOf(t, "2026-03-01")},
		{Copy: "index-backup", Kind: retention.Backup, By: endOf(t, "2026-02-28")},
	}, h.Copies("content", 1, ordered), "derived copies inherit; what is not the class's is not named")
	require.Nil(t, h.Copies("other", 1, ordered))
	without := history(t, changed(t, p, func(p *retention.Policy) {
		p.Classes = append(p.Classes, retention.Class{Name: "log", Title: "Log", Records: []string{"line"}, Copies: []string{"primary"}, Lifecycle: p.Classes[0].Lifecycle})
		p.Classes[1].Stages = []retention.Stage{{Name: "kept", Visible: retention.VisibleStaff, For: days(9)}}
		p.Classes[1].On, p.Copies[1].Classes = nil, []string{"content"}
	}))
	require.Len(t, without.Copies("content", 1, ordered), 4)
	require.Len(t, without.Copies("log", 1, ordered), 2, "an index of another class, and its backup")
	require.Nil(t, h.Copies("content", 2, ordered))

	require.Equal(t, []string{"search"}, h.Sheds("content", 1, "inaccessible"), "what rotates is told nothing")
	require.Empty(t, h.Sheds("content", 1, "trashed"))
	require.Empty(t, h.Sheds("content", 1, retention.Purged))
	require.Nil(t, h.Sheds("content", 2, "inaccessible"))
	require.True(t, retention.WALArchive.Rotates() && retention.Logs.Rotates() && !retention.Paper.Rotates() && retention.Paper.Manual())
}

func TestTimeline(t *testing.T) {
	h := history(t, content(t))
	moments, err := h.Timeline("content", []retention.Occurrence{on(t, "trashed", "2026-01-31"), on(t, retention.Created, "2026-01-01")})
	require.NoError(t, err)
	want := []struct {
		at   time.Time
		what string
	}{
		{day(t, "2026-01-01"), "event created"},
		{day(t, "2026-01-01"), "stage active, visible to all"},
		{day(t, "2026-01-31"), "event trashed"},
		{day(t, "2026-01-31"), "stage trashed, visible to owner"},
		{endOf(t, "2026-02-25"), "stage inaccessible, visible to none"},
		{endOf(t, "2026-03-27"), "destroy, by class content (inaccessible 2026-02-26T00:00:00Z)"},
		{endOf(t, "2026-03-28"), "gone from search, if it was told when due"},
		{endOf(t, "2026-04-26"), "gone from backups, if it was told when due"},
		{endOf(t, "2026-05-01"), "promised to be gone by promise trash (trashed 2026-01-31T12:00:00Z) [policy 1]"},
	}
	require.Len(t, moments, len(want))
	for i, w := range want {
		require.Equal(t, retention.Moment{At: w.at, What: w.what}, moments[i])
	}
	_, err = h.Timeline("other", []retention.Occurrence{on(t, retention.Created, "2026-01-01")})
	require.ErrorIs(t, err, retention.ErrPolicy)
	_, err = h.Timeline("content", nil)
	require.ErrorIs(t, err, retention.ErrPolicy)
	_, err = h.Timeline("content", []retention.Occurrence{on(t, "trashed", "2026-01-01")})
	require.ErrorIs(t, err, retention.ErrPolicy)
}
