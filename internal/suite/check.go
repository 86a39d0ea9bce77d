package suite

import (
	"reflect"
	"testing"
)

// Check is one sentence and what shows it, on a rig of the suite's own.
type Check[R any] struct {
	Name  string
	Run   func(r R)
	Needs Need
}

// Need is what a check asks of the harness beyond the store: the name of a field
// of it that must be set. Empty asks for nothing.
type Need string

// What harnesses have, if they do.
const (
	Host        Need = "Host"
	Reopen      Need = "Reopen"
	ManyWriters Need = "ManyWriters"
)

// Lacks says whether the harness does not have what is needed. It panics if
// harnesses of that type have no such field.
func Lacks[H any](h H, n Need) bool {
	if n == "" {
		return false
	}
	f := reflect.ValueOf(h).FieldByName(string(n))
	if !f.IsValid() {
		panic("suite: a harness has no field " + string(n))
	}
	return f.IsZero()
}

// Run runs the checks as sub-tests beside each other. open is called for each, and
// once more for what the harness has; what it lacks is logged with the checks
// that are left out for it.
func Run[H, R any](t *testing.T, checks []Check[R], open func(t *testing.T) H, rig func(t TB, h H) R) {
	t.Helper()
	h := open(t)
	for _, c := range checks {
		if Lacks(h, c.Needs) {
			t.Logf("left out, the harness declares no %s: %s", c.Needs, c.Name)
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			c.Run(rig(t, open(t)))
		})
	}
}
