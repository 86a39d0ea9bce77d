package retention_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
)

// life is what the test itself remembers of a record.
type life struct {
	subject string
	created time.Time
	facts   retention.Facts
}

// world is a keeper, a clock that anybody moves, and what the test remembers.
type world struct {
	*kept
	r      random
	policy *retention.Policy
	zone   *time.Location
	all    map[string]*life
	holds  map[string]string // by id, whom they are about; empty for everybody
	// exceptions are those that nobody ended.
	exceptions map[string]retention.ExceptionRecord
	erased     map[string][]retention.Erasure // by whom they are about
	count      int
	newest     time.Time
	gone       int
	// planned is how much previews foretold.
	planned int64
}

func newWorld(t *testing.T, r random) *world {
	l := &world{kept: newKept(t, nil), r: r, policy: r.policy(t), all: map[string]*life{}, holds: map[string]string{}, exceptions: map[string]retention.ExceptionRecord{}, erased: map[string][]retention.Erasure{}}
	text, err := json.Marshal(l.policy)
	require.NoError(t, err)
	// Not by Activate: random policies do not lint clean.
	_, err = l.store.InsertPolicy(l.ctx, retention.PolicyRow{
		Tenant: troth.Platform, Version: l.policy.Version, Hash: l.policy.Hash(), Text: text,
	})
	require.NoError(t, err)
	l.zone, err = time.LoadLocation(l.policy.Zone)
	require.NoError(t, err)
	l.now = r.instant(l.zone).Truncate(time.Microsecond)
	return l
}

func (l *world) id() string {
	l.count++
	return strconv.Itoa(l.count)
}

// any returns the name of something of a map.
func pick[V any](r random, from map[string]V) string {
	names := slices.Sorted(maps.Keys(from))
	if len(names) == 0 {
		return ""
	}
	return names[r.IntN(len(names))]
}

func (l *world) step() {
	switch l.r.IntN(12) {
	case 0, 1:
		l.create()
	case 2, 3, 4:
		id := pick(l.r, l.all)
		if id == "" || l.now.Before(l.newest) {
			return
		}
		event := []string{"trashed", "trashed", "restored", "invoice.issued"}[l.r.IntN(4)]
		l.happened(id, event)
		l.newest = l.now
		l.all[id].facts.Events = append(l.all[id].facts.Events, retention.Occurrence{Event: event, At: l.now})
	case 5:
		id, about := l.id(), []string{"", "p0", "p1"}[l.r.IntN(3)]
		if len(l.holds) < 2 {
			l.hold(retention.Hold{ID: id, SubjectID: about})
			l.holds[id] = about
		}
	case 6:
		if id := pick(l.r, l.holds); id != "" {
			l.release(id)
			delete(l.holds, id)
		}
	case 7:
		l.excepts()
	case 8:
		l.erases()
	default:
		by := time.Duration(l.r.Int64N(int64(60 * 24 * time.Hour))).Truncate(time.Microsecond)
		if l.r.IntN(6) == 0 {
			by = -by / 30
		}
		l.now = l.now.Add(by)
		l.check()
	}
}

// excepts has an exception granted about somebody, or ends one.
func (l *world) excepts() {
	if id := pick(l.r, l.exceptions); id != "" && l.r.IntN(2) == 0 {
		if l.exceptions[id].Until.After(l.now) {
			require.NoError(l, l.k.EndException(l.officer(), ours, id))
		}
		delete(l.exceptions, id)
		return
	}
	x := retention.ExceptionRecord{
		ID: l.id(), Extent: retention.Extent{SubjectID: []string{"", "p0", "p1"}[l.r.IntN(3)]},
		Until: l.now.Add(time.Duration(1 + l.r.Int64N(int64(200*24*time.Hour)))).Truncate(time.Microsecond).Add(time.Microsecond),
	}
	l.except(x)
	l.exceptions[x.ID] = x
}

// erases grants an erasure of everything about somebody.
func (l *world) erases() {
	if l.r.IntN(3) > 0 || l.now.Before(l.newest) {
		return // nothing is created at an instant before that of an erasure
	}
	l.newest = l.now
	who, request := "p"+strconv.Itoa(l.r.IntN(4)), l.id()
	l.grant(retention.ErasureGrant{Request: request, SubjectID: who})
	l.erased[who] = append(l.erased[who], retention.Erasure{Request: request, At: l.now})
	for _, n := range l.all {
		if n.subject == who && !n.created.After(l.now) {
			n.facts.Erasures = append(n.facts.Erasures, retention.Erasure{Request: request, At: l.now})
		}
	}
}

func (l *world) create() {
	id := l.id()
	n := &life{subject: "p" + strconv.Itoa(l.r.IntN(4)), created: l.now}
	for _, label := range []string{"l1", "l2", "l3"} {
		if l.r.IntN(5) == 0 {
			n.facts.Labels = append(n.facts.Labels, label)
		}
	}
	if l.now.Before(l.newest) {
		return
	}
	l.newest = l.now
	for _, e := range l.erased[n.subject] {
		if e.At.Equal(l.now) {
			n.facts.Erasures = append(n.facts.Erasures, e)
		}
	}
	n.facts.Events = []retention.Occurrence{{Event: retention.Created, At: l.now}}
	l.add(id, n.subject, n.facts.Labels...)
	l.all[id] = n
}

// check sweeps, and demands that exactly what is due by the oracle is gone.
func (l *world) check() {
	l.Helper()
	// One whose time is over ends for good, also if the clock goes back afterwards.
	maps.DeleteFunc(l.exceptions, func(_ string, x retention.ExceptionRecord) bool { return !x.Until.After(l.now) })
	due := map[string]bool{}
	for id, n := range l.all {
		row, found, err := l.store.Record(l.ctx, fileKey(id))
		require.NoError(l, err)
		require.True(l, found)
		f := n.facts
		f.State = retention.State{Stage: row.Stage, Since: time.UnixMicro(row.Since).UTC()}
		if row.EndBy != 0 {
			f.EndBy = time.UnixMicro(row.EndBy).UTC()
		}
		for hold, about := range l.holds {
			if about == "" || about == n.subject {
				f.Holds = append(f.Holds, retention.Held{Hold: hold})
			}
		}
		for x, e := range l.exceptions {
			if e.SubjectID == "" || e.SubjectID == n.subject {
				f.Exceptions = append(f.Exceptions, retention.Exception{ID: x, Until: e.Until})
			}
		}
		o := oracle{policy: l.policy, zone: l.zone, facts: &f, at: l.now}
		for _, e := range f.Events {
			if e.At.After(l.now) {
				f.Holds = append(f.Holds, retention.Held{Hold: "the clock"})
			}
		}
		due[id] = !l.now.Before(f.Since) && !l.now.Before(n.created) && !o.destroyAt().After(l.now)
	}
	plan, err := l.k.Preview(l.ctx)
	require.NoError(l, err)
	swept := l.sweep()
	require.Empty(l, swept.Failed)
	l.foretold(&plan, &swept)
	for id := range l.all {
		require.Equal(l, due[id], l.sees(id) == "", "%s at %s: %+v\n%s", id, l.now, l.all[id], canonicalText(l, l.policy))
		if due[id] {
			delete(l.all, id)
			l.gone++
		}
	}
}

// foretold demands that a sweep did what the plan said.
func (l *world) foretold(p *retention.Plan, s *retention.Swept) {
	l.Helper()
	n := map[retention.Action]int64{}
	for _, b := range p.Buckets {
		n[b.Action] += b.Records
		require.LessOrEqual(l, len(b.Samples), 3)
		require.NotEmpty(l, b.Samples)
	}
	require.EqualValues(l, n[retention.ActDestroy], s.Destroyed, "%s", p)
	require.EqualValues(l, n[retention.ActAnonymise], s.Anonymised, "%s", p)
	require.EqualValues(l, n[retention.ActKeep], s.Held, "%s", p)
	require.EqualValues(l, n[retention.ActAsk], s.Unknown, "%s", p)
	require.LessOrEqual(l, n[retention.ActMove], int64(s.Moved), "%s", p)
	l.planned += n[retention.ActDestroy] + n[retention.ActKeep] + n[retention.ActMove]
	after, err := l.k.Preview(l.ctx)
	require.NoError(l, err)
	require.Empty(l, after.Buckets, "nothing is left to do: %s", after)
}

// Whatever the clock does, nothing is destroyed before a naive reading of the policy
// says so, and a sweep leaves nothing of what is due.
func TestKeeper_NeverDestroysEarlyNorForgets(t *testing.T) {
	r := newRandom(t)
	gone := 0
	for range 30 {
		l := newWorld(t, r)
		for range 60 {
			l.step()
		}
		gone += l.gone
	}
	require.Greater(t, gone, 30)
}
