package rights_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/rights"
)

var update = flag.Bool("update", false, "write the pages that are made of the code")

// situation is all that guards ask about.
type situation struct {
	effect          rights.Effect
	proven, pending bool
	outcome         rights.Guard
}

func (s situation) holds(g rights.Guard) bool {
	switch g {
	case rights.IfProven:
		return s.proven
	case rights.IfPending:
		return s.pending
	case rights.IfSettled:
		return !s.pending
	case rights.IfAll, rights.IfSome, rights.IfNone:
		return s.outcome == g
	default:
		return string(s.effect) == string(g)
	}
}

func situations() (all []situation) {
	for _, e := range []rights.Effect{rights.Discloses, rights.Changes, rights.Destroys, rights.Answers} {
		for _, proven := range []bool{false, true} {
			for _, pending := range []bool{false, true} {
				for _, o := range []rights.Guard{rights.IfAll, rights.IfSome, rights.IfNone} {
					all = append(all, situation{e, proven, pending, o})
				}
			}
		}
	}
	return all
}

// want is the state machine told once more, by event and in other words: where each may
// happen and where it leads.
func want(from rights.State, k rights.Kind, s situation) (rights.State, bool) {
	early := from == rights.StateReceived || from == rights.StateVerifying || from == rights.StateClarifying
	asking := from == rights.StateVerifying || from == rights.StateClarifying
	begun := from == rights.StateExecuting || from == rights.StateDelivering
	switch k {
	case rights.IdentityAsked:
		if from == rights.StateClarifying {
			return from, true
		}
		return rights.StateVerifying, early
	case rights.Identified:
		if from == rights.StateClarifying {
			return from, true
		}
		return rights.StateReceived, early
	case rights.ClarificationAsked:
		return rights.StateClarifying, early && from != rights.StateClarifying
	case rights.Clarified:
		if s.pending {
			return rights.StateVerifying, from == rights.StateClarifying
		}
		return rights.StateReceived, from == rights.StateClarifying
	case rights.WasAccepted:
		return rights.StateAccepted, from == rights.StateReceived && s.proven
	case rights.CollectionBegan:
		return rights.StateCollecting, from == rights.StateReviewing || from == rights.StateAccepted && s.effect != rights.Answers
	case rights.Collected:
		return rights.StateReviewing, from == rights.StateCollecting
	case rights.Approved:
		if from == rights.StateAccepted {
			return rights.StateDelivering, s.effect == rights.Answers
		}
		to := map[rights.Effect]rights.State{
			rights.Discloses: rights.StateDelivering, rights.Changes: rights.StateExecuting, rights.Destroys: rights.StateCoolingOff,
		}[s.effect]
		return to, from == rights.StateReviewing && to != ""
	case rights.CooledOff:
		return rights.StateExecuting, from == rights.StateCoolingOff
	case rights.ExecutionBegan:
		return rights.StateExecuting, from == rights.StateAccepted && s.effect == rights.Changes
	case rights.Executed:
		return rights.StateDelivering, from == rights.StateExecuting
	case rights.Delivered:
		to := map[rights.Guard]rights.State{
			rights.IfAll: rights.StateFulfilled, rights.IfSome: rights.StatePartiallyFulfilled, rights.IfNone: rights.StateRefused,
		}[s.outcome]
		return to, from == rights.StateDelivering
	case rights.WasRefused:
		return rights.StateRefused, from.Open() && !begun
	case rights.WasWithdrawn:
		nothingDone := from == rights.StateDelivering && (s.effect == rights.Discloses || s.effect == rights.Answers)
		return rights.StateWithdrawn, from.Open() && (!begun || nothingDone)
	case rights.WasLapsed:
		return rights.StateLapsed, asking
	case rights.FoundDuplicate:
		return rights.StateDuplicate, early
	case rights.WasForwarded:
		return rights.StateForwarded, early
	case rights.SourceDone, rights.Assigned, rights.Alarmed, rights.Told, rights.ObligationOpened, rights.ObligationClosed,
		rights.ContentsDestroyed, rights.LiftingAnnounced, rights.RestrictionLifted:
		return from, true
	default:
		return from, from.Open()
	}
}

func TestStates_EveryStateAndEvent(t *testing.T) {
	tried := 0
	for _, from := range rights.States() {
		for _, k := range rights.Kinds() {
			for _, s := range situations() {
				wantTo, wantOK := want(from, k, s)
				to, ok := rights.Next(from, k, s.holds)
				require.Equal(t, wantOK, ok, "%s, %s, %+v", from, k, s)
				if ok {
					require.Equal(t, wantTo, to, "%s, %s, %+v", from, k, s)
				}
				tried++
			}
		}
	}
	t.Logf("%d tried", tried)
	require.Greater(t, tried, 16*30*48)
}

func TestStates_GuardsExcludeEachOther(t *testing.T) {
	for _, from := range rights.States() {
		for _, k := range rights.Kinds() {
			for _, s := range situations() {
				ways := 0
				for _, way := range rights.Transitions() {
					if way.From == from && way.Event == k && (way.Guard == rights.Always || s.holds(way.Guard)) {
						ways++
					}
				}
				require.LessOrEqual(t, ways, 1, "%s, %s, %+v", from, k, s)
			}
		}
	}
}

func TestStates_TheTableIsWhole(t *testing.T) {
	in, out := map[rights.State]bool{rights.StateReceived: true}, map[rights.State]bool{}
	for _, way := range rights.Transitions() {
		require.True(t, way.From.Open(), "%s is final, and something follows", way.From)
		require.NotEqual(t, way.To.Open(), way.To.Final(), way.To)
		in[way.To], out[way.From] = true, true
		require.False(t, slices.ContainsFunc(rights.Notes(), func(n rights.Note) bool { return n.Event == way.Event }), way.Event)
	}
	for _, s := range rights.States() {
		require.True(t, in[s], "nothing leads to %s", s)
		require.Equal(t, s.Open(), out[s], s)
	}
	require.False(t, rights.State("").Open() || rights.State("").Final() || rights.State("x").Open())
}

// Whatever destroys passes a time to cool off, and nothing is accepted unproven.
func TestStates_WhatIsIrreversibleWaits(t *testing.T) {
	for _, way := range rights.Transitions() {
		if way.To == rights.StateAccepted {
			require.Equal(t, rights.IfProven, way.Guard)
		}
		if way.To != rights.StateExecuting {
			continue
		}
		for _, s := range situations() {
			if s.effect == rights.Destroys && (way.Guard == rights.Always || s.holds(way.Guard)) {
				require.Equal(t, rights.StateCoolingOff, way.From)
			}
		}
	}
}

func TestRights_EachHasAnEffectAndALevel(t *testing.T) {
	for _, r := range rights.Rights() {
		require.True(t, r.Valid())
		require.NotEmpty(t, r.Effect())
		require.True(t, r.Needs(false).Valid())
		require.GreaterOrEqual(t, r.Needs(true), r.Needs(false), r)
	}
	for _, r := range []rights.Right{rights.OptOut, rights.LimitSensitive, rights.WithdrawConsent} {
		require.Equal(t, rights.LevelNone, r.Needs(true), r)
	}
	require.False(t, rights.Right("").Valid())
	require.Equal(t, rights.LevelHigh, rights.Right("x").Needs(false))
	require.Equal(t, "unknown", rights.Level(7).String())
	require.Equal(t, "reasonable", rights.LevelReasonable.String())
}

const diagramPage = "../docs/rights-states.md"

// diagram draws the table.
func diagram() string {
	var b strings.Builder
	b.WriteString("# States of a request\n\n" +
		"This page is made of the table in package `rights` (`go test ./rights -run Diagram -update`). What is not here does\n" +
		"not happen. Clocks, tasks and obligations that are left over are not states: a request of any state has them.\n\n" +
		"```mermaid\nstateDiagram-v2\n    [*] --> received: submitted\n")
	id := func(s rights.State) string { return strings.ReplaceAll(string(s), "-", "_") }
	for _, s := range rights.States() {
		if id(s) != string(s) {
			fmt.Fprintf(&b, "    state %q as %s\n", s, id(s))
		}
	}
	for _, way := range rights.Transitions() {
		label := string(way.Event)
		if way.Guard != rights.Always {
			label += " [" + string(way.Guard) + "]"
		}
		fmt.Fprintf(&b, "    %s --> %s: %s\n", id(way.From), id(way.To), label)
	}
	for _, s := range rights.States() {
		if s.Final() {
			fmt.Fprintf(&b, "    %s --> [*]\n", id(s))
		}
	}
	b.WriteString("```\n\nEvents that are noted and move nothing:\n\n| event | also of a closed request |\n| --- | --- |\n")
	for _, n := range rights.Notes() {
		closed := ""
		if n.Closed {
			closed = "yes"
		}
		fmt.Fprintf(&b, "| %s | %s |\n", n.Event, closed)
	}
	return b.String()
}

func TestDiagram_IsOfTheTable(t *testing.T) {
	if *update {
		require.NoError(t, os.WriteFile(diagramPage, []byte(diagram()), 0o644))
	}
	page, err := os.ReadFile(diagramPage)
	require.NoError(t, err)
	require.Equal(t, diagram(), string(page), "run with -update")
}
