package deadline

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/internal/canon"
)

func text(s string) canon.Field { return canon.Field{Tag: canon.TagText, Text: s} }

func texts(list ...string) canon.Field {
	f := canon.Field{Tag: canon.TagList}
	for _, s := range list {
		f.List = append(f.List, text(s))
	}
	return f
}

func fields(list ...canon.Field) canon.Field { return canon.Field{Tag: canon.TagList, List: list} }

// The message of the example, written by hand from docs/formats/deadline.md.
func TestSet_MessageIsAsDocumented(t *testing.T) {
	s, err := ParseSet([]byte(exampleSet(t)))
	require.NoError(t, err)
	want := canon.Message{Domain: "troth.deadline.set/1", Fields: []canon.Field{
		text("example"),
		{Tag: canon.TagInt, Int: 3},
		text("An example"), text("2026-11-22"),
		fields(
			fields(
				text("example.access.respond"), text("answer"), text("access"), text("respond"), text("without-undue-delay"), text("P1M"),
				fields(texts("received", "", "P0D"), texts("fee-paid", "fee-asked", "P0D")),
				text("excluded"), text("next-working-day"), text("weekdays"),
				fields(text("P2M"), canon.Field{Tag: canon.TagInt, Int: 1}, text("direct")),
				fields(texts("identity-asked", "identity-confirmed", "difference")),
				texts("2020-01-01", "2030-12-31"),
				fields(texts("no-roll", "", "somebody doubts it"), texts("chained-extension", "2025-01-01", "it was read so")),
				text("Example Act, s. 1"), text("2026-11-22"), text("verified"), text(""),
			),
			fields(
				text("example.breach.authority"), text("notify"), text("breach"), text("notify-authority"), text("no-later-than"), text("PT72H"),
				fields(texts("aware", "", "P0D")), text("included"), text("none"), text(""),
				canon.Field{Tag: canon.TagNone}, fields(), texts("2020-01-01", ""), fields(),
				text("Example Act, s. 2"), text("2026-11-22"), text("unverified"), text("a remark"),
			),
		),
	}}.Append(nil)
	assert.Equal(t, want, s.canonical())
	_, err = canon.Parse(s.canonical())
	require.NoError(t, err)
	for _, shipped := range Shipped() {
		_, err = canon.Parse(shipped.canonical())
		require.NoError(t, err, shipped.Name())
	}
	page, err := os.ReadFile("../docs/formats/deadline.md")
	require.NoError(t, err)
	assert.Contains(t, string(page), fmt.Sprintf("a message of %d bytes and the hash\n%#q", len(want), s.Hash()))
}

func TestEnumerations_AreCopies(t *testing.T) {
	Duties()[0], Kinds()[0], EventTypes()[0] = "x", "x", "x"
	assert.Equal(t, DutyAccess, Duties()[0])
	assert.Equal(t, Acknowledge, Kinds()[0])
	assert.Equal(t, Received, EventTypes()[0])
}
