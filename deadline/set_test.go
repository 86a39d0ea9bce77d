package deadline

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// exampleSet is a set that has every field.
func exampleSet(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("testdata/set.json")
	require.NoError(t, err)
	return string(text)
}

func TestParseSet_ReadsEveryField(t *testing.T) {
	s, err := ParseSet([]byte(exampleSet(t)))
	require.NoError(t, err)
	assert.Equal(t, "example", s.Name())
	assert.Equal(t, 3, s.Version())
	assert.Equal(t, "An example", s.Title())
	assert.Equal(t, Date{2026, 11, 22}, s.AsOf())
	assert.Equal(t, []Rule{
		{
			ID: "example.access.respond", Title: "answer", Duty: DutyAccess, Kind: Respond, Sense: WithoutDelay,
			Period:   Period{Months: 1},
			Start:    []Start{{Event: Received}, {Event: FeePaid, Asked: FeeAsked}},
			FirstDay: FirstExcluded, Roll: RollWorking, Calendar: "weekdays",
			Extension: Extension{Period: Period{Months: 2}, Count: 1, Chain: Direct},
			Pauses:    []Pause{{From: IdentityAsked, To: IdentityConfirmed, Days: Between}},
			From:      Date{2020, 1, 1}, To: Date{2030, 12, 31},
			Doubts: []Doubt{
				{Reading: NoRoll, Why: "somebody doubts it"},
				{Reading: ChainedExtension, Before: Date{2025, 1, 1}, Why: "it was read so"},
			},
			Citation: "Example Act, s. 1", AsOf: Date{2026, 11, 22}, Confidence: Verified,
		},
		{
			ID: "example.breach.authority", Title: "notify", Duty: DutyBreach, Kind: NotifyAuthority, Sense: NoLaterThan,
			Period: Period{Hours: 72}, Start: []Start{{Event: Aware}}, FirstDay: FirstIncluded, Roll: RollNone,
			From: Date{2020, 1, 1}, Citation: "Example Act, s. 2", AsOf: Date{2026, 11, 22}, Confidence: Unverified,
			Note: "a remark",
		},
	}, s.Rules())
}

func TestParseSet_RulesOverrideTheirTemplate(t *testing.T) {
	for field, text := range map[string]string{
		"kind": `"kind": "acknowledge"`, "period": `"period": "P10D"`, "roll": `"roll": "none"`,
		"extension": `"extension": {"period": "P1M", "count": 2, "chain": "chained"}`,
		"in_force":  `"in_force": {"from": "2021-01-01"}`, "start": `"start": [{"event": "received"}]`,
		"first_day": `"first_day": "included"`, "sense": `"sense": "no-later-than"`, "calendar": `"calendar": "eu"`,
		"pauses": `"pauses": [{"from": "clarification-asked", "to": "clarification-answered", "days": "both-ends"}]`,
		"doubts": `"doubts": [{"reading": "no-pause", "why": "another"}]`,
	} {
		changed := strings.Replace(exampleSet(t), `"title": "answer",`, `"title": "answer", `+text+",", 1)
		switch field {
		case "kind":
			changed = strings.Replace(changed, "example.access.respond", "example.access.acknowledge", 1)
		case "roll", "extension":
			// The template's doubts would then change nothing.
			changed = strings.Replace(changed, `"title": "answer",`, `"title": "answer", "doubts": [{"reading": "no-pause", "why": "x"}],`, 1)
		}
		s, err := ParseSet([]byte(changed))
		require.NoError(t, err, field)
		before, err := ParseSet([]byte(exampleSet(t)))
		require.NoError(t, err)
		assert.NotEqual(t, before.Rules()[0], s.Rules()[0], field)
		assert.Equal(t, before.Rules()[1], s.Rules()[1], field)
		assert.NotEqual(t, before.Hash(), s.Hash(), field)
	}
}

func TestSet_HandsOutCopies(t *testing.T) {
	s, err := ParseSet([]byte(exampleSet(t)))
	require.NoError(t, err)
	want := s.Rules()
	r := s.Rules()
	r[0].Start[0].Event, r[0].Doubts[0].Why, r[0].Pauses[0].To, r[0].ID = Aware, "changed", Aware, "changed"
	one, ok := s.Rule("example.access.respond")
	require.True(t, ok)
	one.Start[0].Event = Aware
	assert.Equal(t, want, s.Rules())
	_, ok = s.Rule("example.access.appeal")
	assert.False(t, ok)
}

func TestSet_HashIsOfTheContent(t *testing.T) {
	s, err := ParseSet([]byte(exampleSet(t)))
	require.NoError(t, err)
	// Layout, the order of fields and that of rules are no content.
	i := strings.Index(exampleSet(t), `    {
      "id": "example.breach`)
	text := exampleSet(t)
	first := text[strings.Index(text, `    {
      "id": "example.access`):i]
	second := text[i:strings.LastIndex(text, "\n  ]")]
	swapped := strings.Replace(text, first+second, second+",\n"+strings.TrimSuffix(strings.TrimSpace(first), ","), 1)
	require.NotEqual(t, text, swapped)
	for _, same := range []string{strings.Join(strings.Fields(text), " "), swapped} {
		other, err := ParseSet([]byte(same))
		require.NoError(t, err)
		assert.Equal(t, s.Hash(), other.Hash())
	}
	assert.Len(t, s.Hash(), 64)
	require.NoError(t, s.Pinned(s.Hash()))
	require.ErrorIs(t, s.Pinned(strings.Repeat("0", 64)), ErrPin)
}

// Every text, number and day of the example is hashed: changing any changes
// the hash.
func TestSet_HashCoversEveryField(t *testing.T) {
	hashes := map[string]string{}
	text := exampleSet(t)
	for name, change := range map[string][2]string{
		"nothing": {"", ""}, "set": {`"example",`, `"other",`}, "version": {": 3", ": 4"}, "title of the set": {"An example", "Another"},
		"as_of of the set": {`"as_of": "2026-11-22",` + "\n  \"templates", `"as_of": "2026-11-21",` + "\n  \"templates"},
		"id":               {"example.access.", "other.access."}, "title": {`"title": "answer"`, `"title": "reply"`},
		"sense": {"without-undue-delay", "no-later-than"}, "period": {"P1M", "P5W"}, "event": {`{"event": "received"}, `, `{"event": "sent"}, `},
		"second event": {"fee-paid", "identity-confirmed"}, "asked": {`"asked": "fee-asked"`, `"asked": "identity-asked"`},
		"after": {`"asked": "fee-asked"`, `"asked": "fee-asked", "after": "P1D"`}, "first day": {`"first_day": "excluded"`, `"first_day": "included"`},
		"roll": {"next-working-day", "next-day-not-sunday-or-holiday"}, "calendar": {"weekdays", "eu"},
		"extension": {"P2M", "P3M"}, "count": {`"count": 1`, `"count": 2`},
		"pause from": {`"from": "identity-asked"`, `"from": "fee-asked"`}, "pause to": {`"to": "identity-confirmed"`, `"to": "fee-paid"`},
		"pause days": {"difference", "both-ends"}, "from": {`"in_force": {"from": "2020-01-01", `, `"in_force": {"from": "2020-01-02", `},
		"to": {"2030-12-31", "2030-12-30"}, "no to": {`, "to": "2030-12-31"`, ""}, "reading": {"no-roll", "no-pause"},
		"before": {"2025-01-01", "2025-01-02"}, "why": {"somebody", "nobody"}, "citation": {"s. 1", "s. 3"},
		"as_of":      {`"as_of": "2026-11-22",` + "\n      \"confidence\": \"ver", `"as_of": "2026-11-20",` + "\n      \"confidence\": \"ver"},
		"confidence": {`"verified"`, `"secondary"`}, "note": {"a remark", "no remark"}, "hours": {"PT72H", "PT48H"},
	} {
		changed := strings.Replace(text, change[0], change[1], 1)
		require.Equal(t, name == "nothing", changed == text, name)
		s, err := ParseSet([]byte(changed))
		require.NoError(t, err, name)
		other, twice := hashes[s.Hash()]
		require.False(t, twice, "%s and %s hash alike", name, other)
		hashes[s.Hash()] = name
	}
}

func TestParseSet_NamesTheSetAndTheRule(t *testing.T) {
	_, err := ParseSet([]byte(strings.Replace(exampleSet(t), "P1M", "P1X", 1)))
	set, ok := errors.AsType[*SetError](err)
	require.True(t, ok)
	assert.Equal(t, "example", set.Set)
	rule, ok := errors.AsType[*RuleError](err)
	require.True(t, ok)
	assert.Equal(t, RuleError{Rule: "example.access.respond", Field: "period", Problem: "want a period such as P1M, P45D, PT72H or P10B"}, *rule)
	require.ErrorIs(t, err, ErrInvalid)
	assert.Equal(t, `deadline: set "example": deadline: rule "example.access.respond": period: want a period such as P1M, P45D, PT72H or P10B`, err.Error())
	_, err = ParseSet(bytes.Repeat([]byte{' '}, maxSet+1))
	require.ErrorContains(t, err, "more than")
}
