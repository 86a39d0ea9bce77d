package retention

import (
	"crypto/sha256"
	"slices"
	"time"

	"github.com/trothdev/troth/deadline"
)

// History is the versions of one policy, as they followed each other. It decides
// for every record by the versions that bind it: the one under which the record
// came, its cohort, and what later ones did to it; see [Apply]. It never changes.
type History struct {
	name     string
	versions []*version
}

// version is a policy, made ready to be applied.
type version struct {
	number  uint32
	hash    [sha256.Size]byte
	apply   Apply
	from    time.Time
	retry   deadline.Period
	zone    *time.Location
	classes map[string]*classRules
	types   map[string]string
	events  map[string]Scope
}

// NewHistory takes versions in rising order, each valid and effective after the
// one before, of one policy. It keeps nothing of them. The error is a *[PolicyError].
func NewHistory(policies ...*Policy) (*History, error) {
	if len(policies) == 0 {
		return nil, &PolicyError{Problem: "there is none"}
	}
	h := &History{name: policies[0].Name}
	for _, p := range policies {
		if err := p.Validate(); err != nil {
			return nil, err
		}
		v, err := compile(p)
		if err != nil {
			return nil, err
		}
		if p.Name != h.name {
			return nil, &PolicyError{Where: "policy", Problem: "is another policy's version"}
		}
		if n := len(h.versions); n > 0 {
			before := h.versions[n-1]
			if v.number <= before.number || !v.from.After(before.from) {
				return nil, &PolicyError{Where: "version", Problem: "want a higher number, and a later effective day, than the version before"}
			}
		}
		h.versions = append(h.versions, v)
	}
	return h, nil
}

// Name is the policy's.
func (h *History) Name() string { return h.name }

// Active returns the version that is in force at an instant, and the hash of its
// policy; ok is false before the first.
func (h *History) Active(at time.Time) (number uint32, hash [sha256.Size]byte, ok bool) {
	i := h.active(at)
	if i < 0 {
		return 0, hash, false
	}
	return h.versions[i].number, h.versions[i].hash, true
}

// active returns the place of the version in force, or -1.
func (h *History) active(at time.Time) int {
	for i, v := range slices.Backward(h.versions) {
		if !v.from.After(at) {
			return i
		}
	}
	return -1
}

// binding returns the places of the first and the last version that may bind a
// cohort at an instant; between them those that are for earlier ends only
// bind too. ok is false where there is no such cohort yet.
func (h *History) binding(cohort uint32, at time.Time) (first, last int, ok bool) {
	last = h.active(at)
	first = slices.IndexFunc(h.versions, func(v *version) bool { return v.number == cohort })
	if first < 0 || first > last {
		return 0, 0, false
	}
	for i := first + 1; i <= last; i++ {
		if h.versions[i].apply == ApplyAll {
			first = i
		}
	}
	return first, last, true
}

// binds reports whether version i binds a cohort whose first one is given.
func (h *History) binds(first, i int) bool {
	return i == first || h.versions[i].apply == EarlierOnly
}
