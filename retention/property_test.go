package retention_test

import (
	"flag"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/deadline"
	"github.com/trothdev/troth/retention"
)

var seed = flag.Uint64("seed", uint64(time.Now().UnixNano()), "seed of the random tests")

// rounds is how many random records each property is tried on.
const rounds = 1000

// random makes policies and facts.
type random struct{ *rand.Rand }

func newRandom(t *testing.T) random {
	t.Helper()
	t.Logf("-seed %d", *seed)
	return random{rand.New(rand.NewPCG(*seed, 1))}
}

func (r random) period() deadline.Period {
	switch r.IntN(6) {
	case 0:
		return deadline.Period{Months: 1 + r.IntN(15)}
	case 1:
		return deadline.Period{Years: 1 + r.IntN(3)}
	case 2:
		return deadline.Period{Hours: 1 + r.IntN(100)}
	case 3:
		return deadline.Period{Months: 1 + r.IntN(3), Weeks: r.IntN(3), Days: r.IntN(40)}
	}
	return days(1 + r.IntN(120))
}

// instant is one of the years 2025 to 2027, often one at which a day begins.
func (r random) instant(loc *time.Location) time.Time {
	at := time.Date(2025, 1, 1+r.IntN(1000), 0, 0, 0, 0, loc)
	if r.IntN(3) > 0 {
		at = at.Add(time.Duration(r.Int64N(24*3600*1e6)) * time.Microsecond)
	}
	return at.UTC()
}

func (r random) policy(tb testing.TB) *retention.Policy {
	tb.Helper()
	zones := []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"}
	return changed(tb, content(tb), func(p *retention.Policy) {
		p.Zone = zones[r.IntN(len(zones))]
		stages := p.Classes[0].Stages
		for i := 1; i < len(stages); i++ {
			stages[i].For = r.period()
		}
		for i := range p.Promises {
			p.Promises[i].Within = r.period()
		}
		p.Promises = p.Promises[:r.IntN(3)]
		events := []string{retention.Created, "trashed", "invoice.issued"}
		for _, name := range []string{"l1", "l2"} {
			p.Labels = append(p.Labels, retention.Label{Name: name, From: retention.Created, For: r.period(), Why: "w"})
		}
		for _, name := range []string{"o1", "o2"}[:r.IntN(3)] {
			o := retention.Obligation{Name: name, Classes: []string{"content"}, From: events[r.IntN(3)], For: r.period(), Cite: "c"}
			if o.For.Hours == 0 {
				o.YearEnd = r.IntN(3) == 0
			}
			if r.IntN(2) == 0 {
				o.Labels = []string{"l1", "l3"}
			}
			p.Obligations = append(p.Obligations, o)
		}
	})
}

// facts are any that could be of a record of the policy, known in full.
func (r random) facts(loc *time.Location) (*retention.Facts, time.Time) {
	at := r.instant(loc)
	past := func() time.Time { return at.Add(-time.Duration(r.Int64N(400*24*3600*1e6)) * time.Microsecond) }
	f := &retention.Facts{
		Record: "r", Class: "content", Cohort: 1, Known: retention.KnownAll,
		State:  retention.State{Stage: []string{"active", "trashed", "inaccessible", "closed"}[r.IntN(4)], Since: past()},
		Events: []retention.Occurrence{{Event: retention.Created, At: past()}},
	}
	if r.IntN(5) == 0 {
		f.EndBy = r.instant(loc)
	}
	for range r.IntN(5) {
		f.Events = append(f.Events, retention.Occurrence{Event: []string{"trashed", "restored", "account.closed", "invoice.issued"}[r.IntN(4)], At: past()})
	}
	for _, l := range []string{"l1", "l2", "l3"} {
		if r.IntN(4) == 0 {
			f.Labels = append(f.Labels, l)
		}
	}
	if r.IntN(8) == 0 {
		f.Holds = append(f.Holds, retention.Held{Hold: "h"})
	}
	for range r.IntN(2) {
		f.Exceptions = append(f.Exceptions, retention.Exception{ID: "x", Until: r.instant(loc)})
	}
	if r.IntN(4) == 0 {
		f.Erasures = append(f.Erasures, retention.Erasure{Request: "e", At: r.instant(loc)})
		if r.IntN(2) == 0 {
			f.Erasures[0].By = f.Erasures[0].At.AddDate(0, 1, 0)
		}
	}
	return f, at
}

// each tries a property on random records.
func each(t *testing.T, property func(r random, p *retention.Policy, h *retention.History, f *retention.Facts, at time.Time)) {
	t.Helper()
	r := newRandom(t)
	for n := range rounds / 10 {
		p := r.policy(t)
		h := history(t, p)
		loc, err := time.LoadLocation(p.Zone)
		require.NoError(t, err)
		for range 10 {
			f, at := r.facts(loc)
			property(r, p, h, f, at)
			if t.Failed() {
				t.Fatalf("round %d: %s\n%+v", n, canonicalText(t, p), f)
			}
		}
	}
}

// orNone gives the oracle's never as Decision has it.
func orNone(t time.Time) time.Time {
	if t.Equal(never) {
		return time.Time{}
	}
	return t.UTC()
}

func TestEvaluate_AgreesWithTheOracle(t *testing.T) {
	verdicts := map[retention.Verdict]int{}
	each(t, func(_ random, p *retention.Policy, h *retention.History, f *retention.Facts, at time.Time) {
		loc, err := time.LoadLocation(p.Zone)
		require.NoError(t, err)
		o := oracle{policy: p, zone: loc, facts: f, at: at}
		d := h.Evaluate(f, at)
		verdicts[d.Verdict]++
		require.Equal(t, orNone(o.destroyAt()), d.DestroyAt, "%s", d)
		require.Equal(t, orNone(o.goneBy()), d.GoneBy, "%s", d)
		require.Equal(t, !o.destroyAt().After(at), d.Verdict == retention.Due, "%s", d)
		minimum, exception := o.keep()
		require.Equal(t, minimum.Equal(never), d.KeepOpen, "%s", d)
		if !d.KeepOpen {
			if exception.After(minimum) {
				minimum = exception
			}
			require.True(t, minimum.Equal(d.KeepUntil) || minimum.IsZero() && d.KeepUntil.IsZero(), "%s", d)
		}
	})
	for _, v := range []retention.Verdict{retention.Wait, retention.Move, retention.Blocked, retention.Due} {
		require.NotZero(t, verdicts[v], "no random record had the verdict %s", v)
	}
}

func TestEvaluate_NeverDestroysBeforeKeepUntil(t *testing.T) {
	each(t, func(r random, _ *retention.Policy, h *retention.History, f *retention.Facts, at time.Time) {
		d := h.Evaluate(f, at)
		if d.Verdict != retention.Due {
			return
		}
		require.False(t, d.KeepOpen)
		if len(f.Erasures) == 0 {
			require.False(t, d.KeepUntil.After(at))
		}
		// What keeps it more, and what is not known, stops it.
		more := *f
		more.Holds = []retention.Held{{Hold: "new"}}
		require.NotEqual(t, retention.Due, h.Evaluate(&more, at).Verdict)
		more = *f
		more.Known &^= 1 << r.IntN(5)
		require.NotEqual(t, retention.Due, h.Evaluate(&more, at).Verdict)
		more = *f
		more.Erasures = nil
		more.Exceptions = []retention.Exception{{ID: "new", Until: at.Add(time.Hour)}}
		require.NotEqual(t, retention.Due, h.Evaluate(&more, at).Verdict)
	})
}

func TestEvaluate_IsMonotoneInTheAnchor(t *testing.T) {
	each(t, func(r random, _ *retention.Policy, h *retention.History, f *retention.Facts, at time.Time) {
		d := h.Evaluate(f, at)
		later := *f
		later.Since = f.Since.Add(time.Duration(r.Int64N(int64(at.Sub(f.Since)) + 1)))
		e := h.Evaluate(&later, at)
		require.Equal(t, d.DestroyAt.IsZero(), e.DestroyAt.IsZero())
		require.False(t, e.DestroyAt.Before(d.DestroyAt), "%s\n%s", d, e)
		require.False(t, e.Verdict == retention.Due && d.Verdict != retention.Due)
	})
}

func TestEvaluate_DoesNotDependOnOrder(t *testing.T) {
	each(t, func(r random, _ *retention.Policy, h *retention.History, f *retention.Facts, at time.Time) {
		f.Holds = append(f.Holds, f.Holds...)
		for _, name := range []string{"y", "z"} { // equal but for their names
			f.Exceptions = append(f.Exceptions, retention.Exception{ID: name, Until: at.AddDate(0, 1, 0)})
			f.Erasures = append(f.Erasures, retention.Erasure{Request: name, At: at.AddDate(0, 0, 9), By: at.AddDate(0, 1, 0)})
		}
		d := h.Evaluate(f, at)
		for range 3 {
			r.Shuffle(len(f.Events), func(i, j int) { f.Events[i], f.Events[j] = f.Events[j], f.Events[i] })
			r.Shuffle(len(f.Labels), func(i, j int) { f.Labels[i], f.Labels[j] = f.Labels[j], f.Labels[i] })
			r.Shuffle(len(f.Exceptions), func(i, j int) {
				f.Exceptions[i], f.Exceptions[j] = f.Exceptions[j], f.Exceptions[i]
			})
			r.Shuffle(len(f.Erasures), func(i, j int) { f.Erasures[i], f.Erasures[j] = f.Erasures[j], f.Erasures[i] })
			require.Equal(t, d, h.Evaluate(f, at))
		}
	})
}

// Once due, always due: time alone makes nothing less due.
func TestEvaluate_TimeTakesNothingBack(t *testing.T) {
	each(t, func(r random, _ *retention.Policy, h *retention.History, f *retention.Facts, at time.Time) {
		d := h.Evaluate(f, at)
		e := h.Evaluate(f, at.Add(time.Duration(r.Int64N(1000))*24*time.Hour))
		if d.Verdict == retention.Due {
			require.Equal(t, retention.Due, e.Verdict)
		}
		require.Equal(t, d.DestroyAt, e.DestroyAt)
		require.Equal(t, d.KeepUntil, e.KeepUntil)
	})
}
