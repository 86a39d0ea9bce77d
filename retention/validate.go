package retention

import (
	"slices"
	"time"

	"github.com/trothdev/troth/deadline"
)

// maxItems bounds every list, and maxStages the stages of a life.
const (
	maxItems  = 1000
	maxStages = 32
)

// Validate returns a *[PolicyError] for the first thing that makes the policy
// useless: a word of no enumeration, an id that names nothing or stands twice, a
// period of which nobody could say when it ends. Whether the policy is wise is for
// [Policy.Lint].
func (p *Policy) Validate() error {
	v := validator{policy: p}
	for _, check := range []func(){
		v.head, v.events, v.copies, v.classes, v.labels, v.obligations, v.promises,
	} {
		if check(); v.err != nil {
			return v.err
		}
	}
	return nil
}

// validator keeps the first problem.
type validator struct {
	policy *Policy
	err    error
}

// want notes a problem unless ok, and reports whether there is none so far.
func (v *validator) want(ok bool, where, problem string) bool {
	if !ok && v.err == nil {
		v.err = &PolicyError{Where: where, Problem: problem}
	}
	return v.err == nil
}

func (v *validator) head() {
	p := v.policy
	v.want(p.Format == Format, "format", "want "+Format)
	v.want(isID(p.Name), "policy", "is not an id")
	v.want(p.Version >= 1, "version", "counts from 1")
	v.want(isLine(p.Title), "title", "want one line of text")
	v.want(p.Effective.Valid(), "effective", "want a day, such as 2026-01-31")
	v.want(listed(p.Apply, applies), "apply", oneOf(applies))
	_, err := zone(p.Zone)
	v.want(err == nil, "zone", "want a time zone such as Europe/Berlin or UTC")
	v.want(isSpan(p.Sweep), "sweep", "want a period, such as P30D")
	v.want(p.Retry.IsZero() || isSpan(p.Retry), "retry", "want a period, such as P30D")
	v.want(len(p.Classes) > 0, "classes", "there are none")
	v.want(len(p.Copies) > 0, "copies", "there are none")
	for name, n := range map[string]int{
		"events": len(p.Events), "copies": len(p.Copies), "classes": len(p.Classes), "labels": len(p.Labels),
		"promises": len(p.Promises), "obligations": len(p.Obligations),
	} {
		v.want(n <= maxItems, name, "are too many")
	}
}

// zone loads a time zone by its name. The machine's own has none.
func zone(name string) (*time.Location, error) {
	if name == "" || name == "Local" || len(name) > maxID {
		return nil, &PolicyError{Where: "zone", Problem: "no such time zone"}
	}
	return time.LoadLocation(name)
}

func (v *validator) events() {
	for i, e := range v.policy.Events {
		at := under("events", e.Name)
		v.want(isID(e.Name) && e.Name != Created && e.Name != Purged, at, "is not an id, or is reserved")
		v.want(listed(e.Scope, scopes), at+".scope", oneOf(scopes))
		v.want(!slices.ContainsFunc(v.policy.Events[:i], func(o Event) bool { return o.Name == e.Name }), at, "stands twice")
	}
}

// event wants an event that is declared, or the one that every record has.
func (v *validator) event(name, where string) {
	v.want(name == Created || slices.ContainsFunc(v.policy.Events, func(e Event) bool { return e.Name == name }),
		where, "no such event")
}

// ids wants a list of ids, each once, that are all among those known.
func (v *validator) ids(list []string, where string, known func(string) bool) {
	v.want(len(list) <= maxItems, where, "are too many")
	for i, id := range list {
		v.want(known(id), where, "names what is not there")
		v.want(!slices.Contains(list[:i], id), where, "stands twice")
	}
}

func (v *validator) isEvent(name string) bool {
	return slices.ContainsFunc(v.policy.Events, func(e Event) bool { return e.Name == name })
}

func (v *validator) isCopy(name string) bool { return v.policy.copyNamed(name) != nil }

func (v *validator) isClass(name string) bool {
	return slices.ContainsFunc(v.policy.Classes, func(c Class) bool { return c.Name == name })
}

// optional wants a period that is absent or one that policies have.
func (v *validator) optional(p deadline.Period, where string) {
	v.want(p.IsZero() || isSpan(p), where, "want days or more, or hours alone, and not more than 150 years")
}

// under names a place. What is no id is not quoted.
func under(list, id string) string {
	if !isID(id) {
		id = "?"
	}
	return list + "." + id
}
