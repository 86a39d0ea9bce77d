package proof

import (
	"slices"
	"testing"

	"github.com/trothdev/troth/internal/suite"
)

func TestFailures_AreWhatTheCheckSaidUntilItGaveUp(t *testing.T) {
	got := Failures(t, func(t suite.TB) {
		for i, fail := range []func(format string, args ...any){t.Errorf, t.Fatalf, t.Errorf} {
			fail("no. %d", i)
		}
	})
	if !slices.Equal(got, []string{"no. 0", "no. 1"}) {
		t.Errorf("got %q", got)
	}
	if got := Failures(t, func(suite.TB) {}); len(got) > 0 {
		t.Errorf("got %q of a check that passes", got)
	}
}
