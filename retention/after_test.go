package retention_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/deadline"
	"github.com/trothdev/troth/retention"
)

func TestBegin(t *testing.T) {
	h := history(t, content(t), changed(t, content(t), func(p *retention.Policy) {
		p.Version, p.Effective = 2, date(t, "2026-01-01")
	}))
	s, cohort, ok := h.Begin("content", day(t, "2025-12-31"))
	require.True(t, ok)
	require.Equal(t, uint32(1), cohort)
	require.Equal(t, retention.State{Stage: "active", Since: day(t, "2025-12-31")}, s)
	_, cohort, _ = h.Begin("content", day(t, "2026-01-01"))
	require.Equal(t, uint32(2), cohort)
	_, _, ok = h.Begin("other", day(t, "2026-01-01"))
	require.False(t, ok)
	_, _, ok = h.Begin("content", day(t, "2019-12-31"))
	require.False(t, ok, "before the first version")
}

func TestAfter(t *testing.T) {
	h := history(t, content(t))
	active := retention.State{Stage: "active", Since: day(t, "2026-01-01")}

	trashed, moved := h.After("content", 1, active, on(t, "trashed", "2026-02-01"))
	require.True(t, moved)
	require.Equal(t, retention.State{Stage: "trashed", Since: day(t, "2026-02-01")}, trashed)

	again, moved := h.After("content", 1, trashed, on(t, "trashed", "2026-02-10"))
	require.False(t, moved, "what is trashed is not trashed anew")
	require.Equal(t, trashed, again)

	back, moved := h.After("content", 1, trashed, on(t, "restored", "2026-02-10"))
	require.True(t, moved)
	require.Equal(t, retention.State{Stage: "active", Since: day(t, "2026-02-10")}, back)

	_, moved = h.After("content", 1, active, on(t, "invoice.issued", "2026-02-01"))
	require.False(t, moved)
	_, moved = h.After("content", 1, retention.State{Stage: retention.Purged}, on(t, "restored", "2026-02-01"))
	require.False(t, moved, "nothing comes back from there")
	_, moved = h.After("other", 1, active, on(t, "trashed", "2026-02-01"))
	require.False(t, moved)
	_, moved = h.After("content", 7, active, on(t, "trashed", "2026-02-01"))
	require.False(t, moved)
}

// Closing the account never puts off the end of what lay in the trash.
func TestAfter_KeepsTheEarlierEnd(t *testing.T) {
	h := history(t, content(t))
	at := func(n int) time.Time { return date(t, "2026-01-01").AddDays(n).Start(time.UTC).Add(12 * time.Hour) }
	end := func(n int) time.Time { return date(t, "2026-01-01").AddDays(n).End(time.UTC) }
	for closed, gone := range map[int]int{1: 26, 10: 35, 29: 54, 30: 55, 40: 55, 54: 55} {
		events := []retention.Occurrence{
			{Event: retention.Created, At: at(-10)}, {Event: "trashed", At: at(0)}, {Event: "account.closed", At: at(closed)},
		}
		s, cohort, ok := h.Replay("content", events, at(closed))
		require.True(t, ok)
		require.Equal(t, "closed", s.Stage)
		require.Equal(t, at(closed), s.Since, "the anchor says when it happened")
		f := &retention.Facts{Class: "content", State: s, Cohort: cohort, Events: events, Known: retention.KnownAll}
		require.Equal(t, end(gone), h.Evaluate(f, at(closed)).PurgeBy, closed)
		require.Equal(t, retention.Due, h.Evaluate(f, end(gone)).Verdict)
		require.NotEqual(t, retention.Due, h.Evaluate(f, end(gone).Add(-1)).Verdict)
	}
}

func TestReplay_InAnyOrder(t *testing.T) {
	r := newRandom(t)
	for range 200 {
		p := r.policy(t)
		h := history(t, p)
		loc, err := time.LoadLocation(p.Zone)
		require.NoError(t, err)
		f, at := r.facts(loc)
		want, _, ok := h.Replay("content", f.Events, at)
		require.True(t, ok)
		for range 3 {
			r.Shuffle(len(f.Events), func(i, j int) { f.Events[i], f.Events[j] = f.Events[j], f.Events[i] })
			got, _, _ := h.Replay("content", f.Events, at)
			require.Equal(t, want, got)
		}
	}
}

// Where a record stands by its events is where sweeps that come at any time leave
// it, and what is reported in the order of time gives the same as a replay.
func TestReplay_IsWhatSweepsDo(t *testing.T) {
	r := newRandom(t)
	moved := 0
	for range 300 {
		h := history(t, changed(t, content(t), func(p *retention.Policy) { p.Promises = nil }))
		at := day(t, "2026-01-01")
		events := []retention.Occurrence{{Event: retention.Created, At: at}}
		s, cohort, _ := h.Begin("content", at)
		for range 12 {
			at = at.Add(time.Duration(r.Int64N(20*24*3600*1e6)) * time.Microsecond)
			if r.IntN(2) == 0 { // a sweep comes by
				f := &retention.Facts{Class: "content", State: s, Cohort: cohort, Events: events, Known: retention.KnownAll}
				switch d := h.Evaluate(f, at); d.Verdict {
				case retention.Move:
					s.Stage, s.Since = d.Next, d.NextAt
					moved++
				case retention.Due:
					s = retention.State{Stage: retention.Purged, Since: d.DestroyAt, EndBy: s.EndBy}
				default:
				}
				continue
			}
			o := retention.Occurrence{Event: []string{"trashed", "restored", "account.closed"}[r.IntN(3)], At: at}
			s = h.Advance("content", cohort, s, at)
			s, _ = h.After("content", cohort, s, o)
			events = append(events, o)
		}
		want, _, _ := h.Replay("content", events, at)
		require.Equal(t, want.Stage, h.Advance("content", cohort, s, at).Stage)
		require.True(t, want.Since.Equal(h.Advance("content", cohort, s, at).Since))
	}
	require.NotZero(t, moved)
}

func TestHistory_RefusesWhatDoesNotFollow(t *testing.T) {
	first := content(t)
	next := func(change func(*retention.Policy)) *retention.Policy {
		return changed(t, first, func(p *retention.Policy) {
			p.Version, p.Effective = 2, date(t, "2026-01-01")
			change(p)
		})
	}
	_, err := retention.NewHistory(first, next(func(*retention.Policy) {}))
	require.NoError(t, err)
	for name, change := range map[string]func(*retention.Policy){
		"another policy":    func(p *retention.Policy) { p.Name = "other" },
		"the same version":  func(p *retention.Policy) { p.Version = 1 },
		"the same day":      func(p *retention.Policy) { p.Effective = first.Effective },
		"an earlier day":    func(p *retention.Policy) { p.Effective = date(t, "2019-01-01") },
		"not valid":         func(p *retention.Policy) { p.Sweep = deadline.Period{} },
		"a zone of nowhere": func(p *retention.Policy) { p.Zone = "Mars/Olympus" },
	} {
		_, err := retention.NewHistory(first, next(change))
		require.ErrorIs(t, err, retention.ErrPolicy, name)
	}
	_, err = retention.NewHistory()
	require.ErrorIs(t, err, retention.ErrPolicy)
}

// What is done to a policy after it went into a history changes nothing.
func TestHistory_KeepsNothingOfThePolicy(t *testing.T) {
	p := content(t)
	h := history(t, p)
	f := facts(t, "trashed", "2026-01-31", on(t, "trashed", "2026-01-31"), on(t, "restored", "2026-02-01"))
	d := h.Evaluate(f, day(t, "2026-02-10"))
	p.Promises[0].Unless[0] = "invoice.issued"
	p.Promises[0].Within = days(1)
	p.Classes[0].Stages[1].For = days(1)
	p.Classes[0].On[1].Event = "x"
	require.Equal(t, d, h.Evaluate(f, day(t, "2026-02-10")))
}

// Cohorts: what a new version shortens is shortened for all, what it lengthens for
// new records only, unless it says otherwise.
func TestHistory_Cohorts(t *testing.T) {
	const old, young = 1, 2
	end := func(apply retention.Apply, trash int, cohort uint32) time.Time {
		h := history(t, content(t), changed(t, content(t), func(p *retention.Policy) {
			p.Version, p.Effective, p.Apply = 2, date(t, "2026-01-01"), apply
			p.Classes[0].Stages[1].For = days(trash)
			p.Promises = nil
		}))
		f := facts(t, "trashed", "2026-01-31")
		f.Cohort = cohort
		d := h.Evaluate(f, day(t, "2026-02-01"))
		require.Equal(t, retention.Wait, d.Verdict)
		return d.PurgeBy
	}
	before, shorter, longer := endOf(t, "2026-03-27"), endOf(t, "2026-03-12"), endOf(t, "2026-04-06")
	for _, c := range []struct {
		apply  retention.Apply
		trash  int
		cohort uint32
		want   time.Time
	}{
		{"", 10, old, shorter},
		{"", 35, old, before},
		{"", 35, young, longer},
		{retention.EarlierOnly, 10, old, shorter},
		{retention.EarlierOnly, 35, old, before},
		{retention.ApplyNew, 10, old, before},
		{retention.ApplyNew, 10, young, shorter},
		{retention.ApplyAll, 10, old, shorter},
		{retention.ApplyAll, 35, old, longer},
	} {
		require.Equal(t, c.want, end(c.apply, c.trash, c.cohort), "%+v", c)
	}
}

// A legal minimum is the law's and binds every record, of whatever cohort.
func TestHistory_MinimaOfTheActiveVersionBindAll(t *testing.T) {
	h := history(t, content(t), changed(t, content(t), func(p *retention.Policy) {
		p.Version, p.Effective, p.Apply = 2, date(t, "2026-01-01"), retention.ApplyNew
		p.Obligations = []retention.Obligation{{Name: "o", Classes: []string{"content"}, From: retention.Created, For: days(1000), Cite: "c"}}
	}))
	d := h.Evaluate(facts(t, "inaccessible", "2025-12-01"), day(t, "2026-02-01"))
	require.Equal(t, retention.Blocked, d.Verdict)
	require.Equal(t, "o", d.Keep.Rule)
	require.Equal(t, uint32(1), d.Version, "the first version decides when")
}

// A version that has no such stage leaves the record to people.
func TestHistory_ALostStageIsUnknown(t *testing.T) {
	h := history(t, content(t), changed(t, content(t), func(p *retention.Policy) {
		p.Version, p.Effective = 2, date(t, "2026-01-01")
		l := &p.Classes[0].Lifecycle
		l.Stages, l.On = l.Stages[:1], nil
		l.Stages[0].Then = ""
	}))
	require.Equal(t, retention.Unknown, h.Evaluate(facts(t, "inaccessible", "2025-12-01"), day(t, "2026-06-01")).Verdict)
}

func TestHistory_Active(t *testing.T) {
	p := changed(t, content(t), func(p *retention.Policy) { p.Zone = "Europe/Berlin" })
	h := history(t, p)
	start := p.Effective.Start(time.FixedZone("", 3600))
	number, hash, ok := h.Active(start)
	require.True(t, ok)
	require.Equal(t, uint32(1), number)
	require.Equal(t, p.Hash(), hash)
	_, _, ok = h.Active(start.Add(-1))
	require.False(t, ok)
	require.Equal(t, "test", h.Name())
}
