package consent_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/deadline"
)

var modelSeed = flag.Uint64("model-seed", 0, "seed of the model test; 0 draws one")

// told is what the model keeps of an event: when it was said and learnt, and what.
type told struct {
	kind            consent.Kind
	version         uint32
	given, recorded time.Time
	until           time.Time
	device          bool
}

// model decides as a person with a list would, and knows nothing of tracks and
// states.
type model struct {
	events    []told
	linked    time.Time // zero until the device is linked
	published []time.Time
	change    []consent.Change
	grace     []deadline.Period
	effective []time.Time
}

// later reports whether b comes after a in the history.
func later(a, b told) bool {
	if !a.given.Equal(b.given) {
		return b.given.After(a.given)
	}
	if no(a.kind) != no(b.kind) {
		return no(b.kind)
	}
	return b.recorded.After(a.recorded)
}

func no(k consent.Kind) bool {
	return k == consent.Refused || k == consent.Withdrawn || k == consent.Objected || k == consent.Invalidated
}

func (m *model) decide(at, knownAt time.Time) bool {
	known := func(t time.Time) bool { return knownAt.IsZero() || !t.After(knownAt) }
	if at.Before(m.effective[0]) || !known(m.published[0]) {
		return false
	}
	var own, device []told
	for _, e := range m.events {
		switch {
		case e.given.After(at) || !known(e.recorded):
		case !e.device:
			own = append(own, e)
		case !m.linked.IsZero() && !m.linked.After(at) && known(m.linked) && !e.recorded.After(m.linked):
			device = append(device, e)
		}
	}
	last := func(from []told, kinds ...consent.Kind) (found told, has bool) {
		for _, e := range from {
			for _, k := range kinds {
				if e.kind == k && (!has || later(found, e)) {
					found, has = e, true
				}
			}
		}
		return found, has
	}
	both := func(kinds ...consent.Kind) (told, bool) {
		o, hasOwn := last(own, kinds...)
		d, hasDevice := last(device, kinds...)
		switch {
		case !hasOwn:
			return d, hasDevice
		case !hasDevice || no(o.kind) && !no(d.kind) || !later(o, d):
			return o, true
		}
		return d, true
	}
	objection, objected := both(consent.Objected, consent.ObjectionLifted)
	choice, chose := both(consent.Granted, consent.Renewed, consent.Refused, consent.Withdrawn, consent.Invalidated)
	if objected && objection.kind == consent.Objected && (!chose || later(choice, objection)) {
		return false
	}
	if !chose || no(choice.kind) || !choice.until.IsZero() && !at.Before(choice.until) {
		return false
	}
	for v := int(choice.version); v < len(m.published); v++ {
		if m.change[v] == consent.Material && known(m.published[v]) {
			end, err := m.grace[v].AddToInstant(m.effective[v], time.UTC)
			if err == nil && !at.Before(end) {
				return false
			}
		}
	}
	return true
}

func (m *model) publish(t consent.Terms) {
	m.published, m.change = append(m.published, t.PublishedAt), append(m.change, t.Change)
	m.grace, m.effective = append(m.grace, t.Grace), append(m.effective, t.EffectiveAt)
}

// TestModel_RandomEventsAgainstANaiveFold compares decisions at random instants, as
// known at random instants, with those of the model, by the ledger that has cached
// and by one that has not.
func TestModel_RandomEventsAgainstANaiveFold(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	seed := *modelSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	for round := range 60 {
		r := rand.New(rand.NewPCG(seed, uint64(round)))
		w := newWorld(t)
		m := &model{}
		first := w.publish(consent.Terms{Purpose: letter, Validity: deadline.Period{Days: 20}})
		m.publish(first)
		begin := w.clock.Now()
		device := subject("device-1")
		for range 30 {
			w.step(r, m, device)
		}
		end := w.clock.Now()
		require.NoError(t, w.ledger.VerifyPerson(w.ctx, ada))
		require.NoError(t, w.ledger.VerifyPerson(w.ctx, device))
		fresh := w.open()
		span := end.Sub(begin) + 48*time.Hour
		for range 60 {
			at := begin.Add(time.Duration(r.Int64N(int64(span)))).Truncate(time.Microsecond)
			known := begin.Add(time.Duration(r.Int64N(int64(span)))).Truncate(time.Microsecond)
			if r.IntN(3) == 0 && len(m.events) > 0 { // at the very instants too
				at = m.events[r.IntN(len(m.events))].given
			}
			if r.IntN(3) == 0 {
				known = time.Time{}
			}
			for _, l := range []*consent.Ledger{w.ledger, fresh} {
				d, err := l.CheckAsKnown(w.ctx, ada, letter, at, known)
				require.NoError(t, err)
				require.Equal(t, m.decide(at, known), d.Allowed, "round %d: %v", round, d)
			}
		}
		d := w.check(ada, letter)
		require.Equal(t, m.decide(d.At, time.Time{}), d.Allowed, "round %d, now: %v", round, d)
		for _, e := range m.events {
			require.False(t, e.given.After(d.At) && !e.device, "now is after everything that was said")
		}
	}
}

// step does one random thing, in the ledger and in the model.
func (w *world) step(r *rand.Rand, m *model, device troth.Subject) {
	w.Helper()
	w.clock.Move(time.Duration(r.Int64N(int64(72 * time.Hour))).Truncate(time.Microsecond))
	if r.IntN(6) == 0 {
		w.clock.Move(-time.Hour) // a machine whose clock is behind
	}
	switch n := r.IntN(20); {
	case n == 0 && m.linked.IsZero():
		before := len(w.trail.Of("consent.link"))
		require.NoError(w, w.ledger.Link(w.ctx, consent.LinkParams{Tenant: acme, Device: device.ID, Account: ada.ID}))
		entries := w.trail.Of("consent.link")
		require.Len(w, entries, before+1)
		m.linked = time.UnixMicro(entries[before].Facts["at"].Number()).UTC()
	case n == 1 && len(m.published) < 4:
		change := []consent.Change{consent.Editorial, consent.Material}[r.IntN(2)]
		next := consent.Terms{Purpose: letter, Change: change, Validity: deadline.Period{Days: 20}, EffectiveAt: w.clock.Now().Add(24 * time.Hour)}
		if change == consent.Material {
			next.Grace = deadline.Period{Days: r.IntN(5)}
		}
		if next.EffectiveAt.Before(m.effective[len(m.effective)-1]) {
			return
		}
		m.publish(w.publish(next))
	default:
		w.sayRandom(r, m, device)
	}
}

func (w *world) sayRandom(r *rand.Rand, m *model, device troth.Subject) {
	w.Helper()
	kinds := []consent.Kind{
		consent.Granted, consent.Granted, consent.Granted, consent.Refused, consent.Withdrawn, consent.Withdrawn,
		consent.Objected, consent.ObjectionLifted, consent.Invalidated, consent.NoticeServed,
	}
	who := ada
	if r.IntN(4) == 0 {
		who = device
	}
	f := w.form(who, letter, kinds[r.IntN(len(kinds))])
	f.ID = fmt.Sprint("r", w.forms, "-", r.IntN(1000))
	f.Choices[0].Version = uint32(1 + r.IntN(len(m.published)))
	if r.IntN(3) == 0 { // a paper form that lay for a while, some on the day of another one
		f.GivenAt = w.clock.Now().Add(-time.Duration(r.Int64N(int64(240 * time.Hour)))).Truncate(time.Microsecond)
		if len(m.events) > 0 && r.IntN(2) == 0 {
			if same := m.events[r.IntN(len(m.events))].given; same.Before(w.clock.Now()) {
				f.GivenAt = same
			}
		}
	}
	version := f.Choices[0].Version
	if k := f.Choices[0].Kind; !k.Denies() && !f.GivenAt.IsZero() && m.published[version-1].After(f.GivenAt) {
		_, err := w.ledger.Record(w.ctx, f)
		require.ErrorIs(w, err, consent.ErrVersion, "nobody has said yes to what was published later")
		return
	}
	e := w.sayForm(f)
	m.events = append(m.events, told{e.Kind, e.Version, e.GivenAt, e.RecordedAt, e.Until, who == device})
}
