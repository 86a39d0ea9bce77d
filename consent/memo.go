package consent

import "github.com/trothdev/troth"

// memo is a decision and for how long it is the same: a decision depends on the
// instant by comparisons with a few others, and between two of these nothing
// changes.
type memo struct {
	tenant    *tenantData // whose catalogue it was made with
	purpose   troth.Purpose
	from, end int64
	decision  Decision
}

// decide returns the decision: the one before, where it still is the
// decision.
func (k *known) decide(t *tenantData, q question) Decision {
	if m := k.last.Load(); m != nil && m.tenant == t && m.purpose == q.purpose && q.recipient == "" && m.from <= q.at && q.at < m.end {
		d := m.decision
		d.At = instant(q.at)
		return d
	}
	d := decide(t.catalogue, k.states, q)
	if q.recipient == "" {
		k.last.Store(&memo{t, q.purpose, q.at, t.catalogue.nextChange(k.states, q), d})
	}
	return d
}

// nextChange is the first instant after that of the question at which a decision
// about the purpose could be another one.
func (c Catalogue) nextChange(all states, q question) int64 {
	next := forever
	consider := func(at int64) {
		if at > q.at && at < next {
			next = at
		}
	}
	for _, p := range c.closure(q.purpose) {
		versions := c[p]
		for i := range versions {
			t := &versions[i]
			consider(t.EffectiveAt.UnixMicro())
			consider(after(t.EffectiveAt.UnixMicro(), t.Grace))
		}
		s := all.of(p)
		for _, l := range []*latest{&s.own, &s.linked} {
			for i := range l {
				m := &l[i]
				consider(m.until)
				for j := range versions {
					if m.comesOfAge != 0 {
						consider(after(m.comesOfAge, versions[j].AfterMajority))
					}
				}
			}
		}
	}
	return next
}
