package rights

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Who writes a source is told what its report lacks, in the error and by the log.
func TestReport_SaysWhatIsMissing(t *testing.T) {
	kept := []Kept{{Basis: LegalClaims, Review: time.Unix(1, 0)}}
	for _, c := range []struct {
		word, text string
		r          Report
	}{
		{"word", "not in the list", Report{}},
		{"word", "not in the list", Report{Outcome: Done, Method: "hidden"}},
		{"word", "not in the list", Report{Outcome: Retained, Kept: []Kept{{Basis: "because", Review: time.Unix(1, 0)}}}},
		{"length", "too long", Report{Outcome: Done, Method: Deleted, Ref: strings.Repeat("x", maxLine+1)}},
		{"length", "too long", Report{Outcome: Retained, Kept: []Kept{{Basis: LegalClaims, Review: time.Unix(1, 0), Cite: strings.Repeat("x", maxLine+1)}}}},
		{"until", "neither Until nor Review", Report{Outcome: Retained, Kept: []Kept{{Basis: LegalClaims}}}},
		{"until", "neither Until nor Review", Report{Outcome: Retained, Kept: []Kept{{Basis: LegalClaims, Until: time.Unix(0, 0)}}}},
		{"instant", "no calendar", Report{Outcome: Pending, Until: time.Unix(1<<50, 0)}},
		{"instant", "no calendar", Report{Outcome: Retained, Kept: []Kept{{Basis: LegalClaims, Review: time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC)}}}},
		{"text", "not UTF-8", Report{Outcome: Done, Method: Deleted, Ref: "\xff"}},
		{"text", "not UTF-8", Report{Outcome: Retained, Kept: []Kept{{Basis: LegalClaims, Review: time.Unix(1, 0), Cite: "\xff"}}}},
		{"method", "without a Method", Report{Outcome: Done}},
		{"asked", "without what was Asked", Report{Outcome: NothingFound}},
		{"kept", "without anything Kept", Report{Outcome: Retained, Method: Deleted}},
		{"outcome", "do not go with", Report{Outcome: Done, Method: Deleted, Kept: kept}},
		{"outcome", "do not go with", Report{Outcome: NothingFound, Asked: []string{"email"}, Records: 3}},
		{"outcome", "do not go with", Report{Outcome: Pending, More: true}},
		{"outcome", "do not go with", Report{Outcome: Failed, Method: Deleted}},
	} {
		err := c.r.validate()
		require.ErrorIs(t, err, ErrReport, "%+v", c.r)
		require.ErrorContains(t, err, c.text, "%+v", c.r)
		require.Equal(t, "incomplete-report-"+c.word, wordOf(err), "%+v", c.r)
		require.True(t, isWord(wordOf(err)))
	}
}
