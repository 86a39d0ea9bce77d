package proof

import (
	"slices"
	"testing"

	"github.com/trothdev/troth/internal/suite"
)

func TestFailures_AreWhatTheCheckSaidUntilItGaveUp(t *testing.T) {
	got := Failures(t, func(t suite.TB) {
		t.Errorf("one %d", 1)
		t.Fatalf("two")
		t.Errorf("never")
	})
	if !slices.Equal(got, []string{"one 1", "two"}) {
		t.Errorf("got %q", got)
	}
	if got := Failures(t, func(suite.TB) {}); len(got) > 0 {
		t.Errorf("got %q of a check that passes", got)
	}
}
