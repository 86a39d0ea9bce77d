package troth_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
)

// everything is an act with one field of each kind.
var everything = &troth.Act{
	Name: "test.everything", Version: 1,
	Fields: []troth.Field{
		{Name: "word", Kind: troth.WordFact},
		{Name: "words", Kind: troth.WordsFact},
		{Name: "count", Kind: troth.CountFact},
		{Name: "instant", Kind: troth.InstantFact},
		{Name: "digest", Kind: troth.DigestFact},
		{Name: "id", Kind: troth.IDFact},
		{Name: "maybe", Kind: troth.WordFact, Optional: true},
	},
}

func goodEntry() troth.Entry {
	return troth.Entry{
		Act: everything, Tenant: "acme", SubjectID: "p1", Purpose: "support", Outcome: troth.Refused,
		Facts: troth.Facts{
			"word":    troth.Word("default"),
			"words":   troth.Words("b", "a"),
			"count":   troth.Count(-1),
			"instant": troth.Instant(time.Unix(0, 0)),
			"digest":  troth.Digest([32]byte{1}),
			"id":      troth.ID("x"),
		},
	}
}

func TestAct_Validate(t *testing.T) {
	require.NoError(t, everything.Validate())
	require.NoError(t, (&troth.Act{Name: "a.b", Version: 1}).Validate())
	require.NoError(t, (&troth.Act{Name: "a.b.c", Version: 2}).Validate())
	field := troth.Field{Name: "f", Kind: troth.CountFact}
	for reason, acts := range map[string][]*troth.Act{
		"is missing": {nil},
		"is not named package.verb in lower case": {
			{Version: 1},
			{Name: "a", Version: 1},
			{Name: ".b", Version: 1},
			{Name: "a.", Version: 1},
			{Name: "A.b", Version: 1},
			{Name: "a.B", Version: 1},
			{Name: ".", Version: 1},
		},
		"has no version": {{Name: "a.b"}, {Name: "a.b", Version: -1}},
		"is unnamed or declared twice": {
			{Name: "a.b", Version: 1, Fields: []troth.Field{{Kind: troth.CountFact}}},
			{Name: "a.b", Version: 1, Fields: []troth.Field{field, field}},
		},
		"has no kind": {
			{Name: "a.b", Version: 1, Fields: []troth.Field{{Name: "f"}}},
			{Name: "a.b", Version: 1, Fields: []troth.Field{{Name: "f", Kind: troth.IDFact + 1}}},
		},
	} {
		for _, act := range acts {
			wrong, ok := errors.AsType[*troth.ActError](act.Validate())
			require.True(t, ok, "%s: %+v", reason, act)
			require.Equal(t, reason, wrong.Reason)
			require.Error(t, troth.Entry{Act: act, Tenant: "t"}.Validate())
		}
	}
	require.Error(t, (&troth.Act{Name: "a.b\n", Version: 1}).Validate())
}

func TestEntry_ValidateAcceptsWhatFits(t *testing.T) {
	e := goodEntry()
	require.NoError(t, e.Validate())
	e.Facts["maybe"] = troth.Word("given")
	require.NoError(t, e.Validate())
	e.SubjectID, e.Purpose = "", ""
	for _, outcome := range []troth.ActOutcome{"", troth.Done, troth.Refused, troth.Unknown} {
		e.Outcome = outcome
		require.NoError(t, e.Validate())
	}
	require.NoError(t, troth.Entry{Act: &troth.Act{Name: "a.b", Version: 1}, Tenant: troth.Platform}.Validate())
}

func TestEntry_ValidateRefusesWhatDoesNot(t *testing.T) {
	for reason, spoil := range map[string]func(e *troth.Entry){
		"tenant identifier is empty":                                   func(e *troth.Entry) { e.Tenant = "" },
		"subject identifier holds a control character":                 func(e *troth.Entry) { e.SubjectID = "a\n" },
		"purpose identifier is reserved":                               func(e *troth.Entry) { e.Purpose = "~x" },
		`act "test.everything" has an unknown outcome`:                 func(e *troth.Entry) { e.Outcome = "maybe" },
		`act "test.everything" does not declare a fact that was given`: func(e *troth.Entry) { e.Facts["other"] = troth.Count(1) },
		`act "test.everything": field "word" is missing`:               func(e *troth.Entry) { delete(e.Facts, "word") },
		`field "maybe" is not of the declared kind`:                    func(e *troth.Entry) { e.Facts["maybe"] = troth.Count(1) },
		`field "word" is not of the declared kind`:                     func(e *troth.Entry) { e.Facts["word"] = troth.Fact{} },
		"fact word identifier is empty":                                func(e *troth.Entry) { e.Facts["word"] = troth.Word("") },
		"fact words identifier is empty":                               func(e *troth.Entry) { e.Facts["words"] = troth.Words("a", "") },
		"fact id identifier holds a control character":                 func(e *troth.Entry) { e.Facts["id"] = troth.ID("\x00") },
		"fact maybe identifier is longer than 255 bytes":               func(e *troth.Entry) { e.Facts["maybe"] = troth.Word(fmt.Sprintf("%0256d", 1)) },
		`act "test.everything": field "count" is missing`:              func(e *troth.Entry) { e.Facts = troth.Facts{"word": troth.Word("w"), "words": troth.Words("w")} },
		`act "" is missing`:                                            func(e *troth.Entry) { e.Act = nil },
		`act "test.everything": field "digest" is not of the dec`:      func(e *troth.Entry) { e.Facts["digest"] = troth.ID("x") },
	} {
		e := goodEntry()
		spoil(&e)
		require.ErrorContains(t, e.Validate(), reason)
	}
}

func TestEntry_EveryKindIsTold(t *testing.T) {
	kinds := map[troth.FactKind]string{
		troth.WordFact: "word", troth.WordsFact: "words", troth.CountFact: "count",
		troth.InstantFact: "instant", troth.DigestFact: "digest", troth.IDFact: "id",
	}
	facts := goodEntry().Facts
	for kind, name := range kinds {
		require.Equal(t, name, kind.String())
		require.Equal(t, kind, facts[name].Kind())
		for other, fact := range facts {
			err := entryWithKind(kind, fact).Validate()
			if other == name {
				require.NoError(t, err)
				continue
			}
			require.ErrorContains(t, err, "is not of the declared kind")
		}
	}
	require.Empty(t, troth.FactKind(0).String())
}

func entryWithKind(kind troth.FactKind, f troth.Fact) troth.Entry {
	act := &troth.Act{Name: "p.v", Version: 1, Fields: []troth.Field{{Name: "f", Kind: kind}}}
	return troth.Entry{Act: act, Tenant: "t", Facts: troth.Facts{"f": f}}
}

func TestFact_KeepsItsValue(t *testing.T) {
	require.Equal(t, "w", troth.Word("w").Text())
	require.Equal(t, []string{"a", "b"}, troth.Words(troth.Compartment("b"), "a", "b").Words())
	require.Empty(t, troth.Words[string]().Words())
	require.Equal(t, int64(7), troth.Count(uint32(7)).Number())
	require.Equal(t, "\x01"+string(make([]byte, 31)), troth.Digest([32]byte{1}).Text())
	require.Equal(t, "x", troth.ID("x").Text())
	at := time.Date(2024, 2, 29, 12, 0, 0, 123_456_789, time.FixedZone("", 3600))
	require.Equal(t, at.UTC().Truncate(time.Microsecond), time.UnixMicro(troth.Instant(at).Number()).UTC())
	require.Zero(t, troth.Fact{}.Kind())
}

func TestWords_LeavesItsArgumentsAlone(t *testing.T) {
	given := []string{"b", "a"}
	troth.Words(given...)
	require.Equal(t, []string{"b", "a"}, given)
}
