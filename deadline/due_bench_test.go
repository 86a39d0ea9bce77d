package deadline

import (
	"testing"

	"github.com/stretchr/testify/require"
)

var sinkDeadline Deadline

func dueCases(t testing.TB) map[string]struct {
	rule   Rule
	events []Event
} {
	t.Helper()
	return map[string]struct {
		rule   Rule
		events []Event
	}{
		"month": {rule(t, "gdpr.access.respond"), []Event{On(Received, Date{2026, 3, 5})}},
		"paused and extended": {rule(t, "uk.access.respond"), []Event{
			On(Received, Date{2026, 3, 2}), On(ClarificationAsked, Date{2026, 3, 5}),
			On(ClarificationAnswered, Date{2026, 3, 9}), On(ExtensionNoticed, Date{2026, 4, 6}),
		}},
		"business days": {rule(t, "ccpa.optout.honour"), []Event{On(Received, Date{2026, 6, 29})}},
		"hours":         {rule(t, "gdpr.breach.authority"), []Event{On(Aware, Date{2026, 4, 3})}},
	}
}

// One allocation for the rule and one for the events, which a deadline keeps to
// be able to explain itself.
func TestDue_AllocatesAtMostTwice(t *testing.T) {
	for name, c := range dueCases(t) {
		_, err := Due(c.rule, c.events, nil)
		require.NoError(t, err)
		n := testing.AllocsPerRun(100, func() {
			sinkDeadline, _ = Due(c.rule, c.events, nil)
		})
		require.LessOrEqual(t, n, 2.0, name)
	}
}

func BenchmarkDue(b *testing.B) {
	for name, c := range dueCases(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				d, err := Due(c.rule, c.events, nil)
				if err != nil {
					b.Fatal(err)
				}
				sinkDeadline = d
			}
		})
	}
}

func BenchmarkDeadline_Explain(b *testing.B) {
	c := dueCases(b)["paused and extended"]
	d, err := Due(c.rule, c.events, nil)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if d.Explain() == "" {
			b.Fatal("no explanation")
		}
	}
}

func BenchmarkParseSet(b *testing.B) {
	text, err := data.ReadFile("data/us-states.json")
	require.NoError(b, err)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseSet(text); err != nil {
			b.Fatal(err)
		}
	}
}
