package rights_test

import (
	"errors"
	"flag"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/deadline"
	"github.com/trothdev/troth/rights"
)

var seed = flag.Uint64("seed", uint64(time.Now().UnixNano()), "seed of the random events")

// model is what a request must be like by all that happened to it, kept beside the desk.
type model struct {
	state   rights.State
	pending bool
	left    int
	done    int
	proof   bool
	// clock is what deadlines run by, told once more.
	clock []deadline.Event
	open  map[deadline.EventType]bool
}

var pairs = map[rights.Kind][2]deadline.EventType{
	rights.IdentityAsked:      {deadline.IdentityAsked, deadline.IdentityConfirmed},
	rights.ClarificationAsked: {deadline.ClarificationAsked, deadline.ClarificationAnswered},
	rights.FeeAsked:           {deadline.FeeAsked, deadline.FeePaid},
}

var answered = map[rights.Kind][2]deadline.EventType{
	rights.Identified: pairs[rights.IdentityAsked], rights.Clarified: pairs[rights.ClarificationAsked], rights.FeePaid: pairs[rights.FeeAsked],
}

func (m *model) happened(k rights.Kind, at time.Time) {
	if p, ok := pairs[k]; ok && !m.open[p[0]] {
		m.open[p[0]] = true
		m.clock = append(m.clock, deadline.At(p[0], at, time.UTC))
	}
	if p, ok := answered[k]; ok && m.open[p[0]] {
		m.open[p[0]] = false
		m.clock = append(m.clock, deadline.At(p[1], at, time.UTC))
	}
}

// TestModel_RandomEvents fires events in random order at requests of random rights: the
// state is that of the table, nothing illegal is ever reached, what is refused changes
// nothing, and clocks are what the events make of them.
func TestModel_RandomEvents(t *testing.T) {
	t.Logf("-seed %d", *seed)
	r := rand.New(rand.NewPCG(*seed, 1))
	all := rights.Rights()
	kinds := rights.Kinds()
	finals := map[rights.State]int{}
	requests := 60
	if os.Getenv("TROTH_LONG") != "" {
		requests = 2000
	}
	for range requests {
		w := newWorld(t, rights.WithRegimes("gdpr", "uk"))
		right := all[r.IntN(len(all))]
		req := w.submit(right)
		m := &model{state: rights.StateReceived, proof: right.Needs(false) == rights.LevelNone, open: map[deadline.EventType]bool{}}
		m.clock = append(m.clock, deadline.At(deadline.Received, req.ReceivedAt, time.UTC))
		for range 30 {
			// The clock moves: of two events at one instant nobody can say which came first.
			w.clock.Move(time.Duration(1+r.IntN(36*60)) * time.Minute)
			k := kinds[r.IntN(len(kinds))]
			if to, ok := want(m.state, k, situation{outcome: rights.IfAll}); ok && to.Final() && r.IntN(6) > 0 {
				continue // most go on for a while
			}
			step(w, r, m, req, k)
			got := w.get(req.ID)
			require.Equal(t, m.state, got.State, "after %s", k)
			require.Equal(t, m.state.Final(), !got.ClosedAt.IsZero())
			require.Equal(t, m.state.Final(), got.DueAt.IsZero())
			checkClocks(w, m, got)
		}
		finals[m.state]++
		story(w, req)
	}
	require.GreaterOrEqual(t, len(finals), 4, "%v", finals)
}

// step has one event happen to the request and to the model.
func step(w *world, r *rand.Rand, m *model, req rights.Request, k rights.Kind) {
	w.Helper()
	s := situation{effect: req.Right.Effect(), proven: m.proof, pending: m.pending, outcome: rights.IfAll}
	switch {
	case m.left > 0 && m.done > 0:
		s.outcome = rights.IfSome
	case m.left > 0:
		s.outcome = rights.IfNone
	}
	at := w.clock.Now()
	var err error
	switch k {
	case rights.IdentityAsked:
		_, err = w.desk.AskIdentity(w.ctx, acme, req.ID, time.Time{})
	case rights.Identified:
		_, err = w.desk.Attest(w.ctx, rights.Attestation{Tenant: acme, Request: req.ID, SubjectID: ada.ID, Method: rights.ByReauthentication})
	case rights.SourceDone:
		done, left := r.IntN(3), r.IntN(3)
		if err = w.desk.Count(w.ctx, acme, req.ID, uint32(done), uint32(left)); err == nil {
			m.done, m.left = done, left
		}
	case rights.Submitted, rights.Extended, rights.Executed:
		if k != rights.Executed {
			return // these have rules of their own
		}
		_, err = w.desk.Fire(w.ctx, acme, req.ID, k)
	default:
		_, err = w.desk.Fire(w.ctx, acme, req.ID, k)
	}
	to, ok := want(m.state, k, s)
	if k == rights.Identified && !ok && m.state.Open() {
		require.NoError(w, err, "%s in %s: shown again, it moves nothing", k, m.state)
		m.proof = true
		return
	}
	if !ok {
		_, state := errors.AsType[*rights.StateError](err)
		require.True(w, state || errors.Is(err, rights.ErrUnproven), "%s in %s: %v", k, m.state, err)
		return
	}
	require.NoError(w, err, "%s in %s", k, m.state)
	m.happened(k, at)
	m.state = to
	switch k {
	case rights.IdentityAsked:
		m.pending = true
	case rights.Identified:
		m.pending, m.proof = false, true
	default: // nothing that guards ask about
	}
}

// checkClocks compares the desk's clocks with those of the model's events.
func checkClocks(w *world, m *model, got rights.Request) {
	w.Helper()
	docket, err := w.desk.Deadlines(w.ctx, acme, got.ID)
	require.NoError(w, err)
	for _, l := range docket.Limits {
		if l.Rule().Kind != deadline.Respond && l.Rule().Kind != deadline.RefusalNotice {
			continue
		}
		due, err := deadline.Due(l.Rule(), m.clock, nil)
		require.NoError(w, err)
		require.Equal(w, due.Safe, l.Safe, l.Rule().ID)
		require.Equal(w, due.Legal, l.Legal, l.Rule().ID)
	}
	var leads time.Time
	for _, l := range docket.Limits {
		end := l.SafeAt
		if end.IsZero() {
			end = l.Safe.End(time.UTC)
		}
		switch l.Rule().Kind {
		case deadline.Respond, deadline.HonourOptOut, deadline.TakeEffect, deadline.Appeal:
		case deadline.Acknowledge:
			if !got.AcknowledgedAt.IsZero() {
				continue
			}
		default: // a notice of what may never be
			continue
		}
		if leads.IsZero() || end.Before(leads) {
			leads = end
		}
	}
	if !m.state.Final() && !leads.IsZero() {
		require.Equal(w, leads.UnixMicro(), got.DueAt.UnixMicro(), "it is worked to what ends first")
	}
}

// story demands that the events of a request tell how it came to its state, each with
// its entry on the trail.
func story(w *world, req rights.Request) {
	w.Helper()
	events, err := w.desk.Events(w.ctx, acme, req.ID)
	require.NoError(w, err)
	state := rights.StateReceived
	for i, e := range events {
		require.Equal(w, i+1, e.Seq)
		require.Equal(w, state, e.From)
		require.False(w, e.Evidence.IsZero())
		require.True(w, i == 0 || e.RecordedAt.After(events[i-1].RecordedAt))
		state = e.To
	}
	require.Equal(w, state, w.get(req.ID).State)
	on := 0
	for _, e := range w.trail.All() {
		on += count(e.Act.Name == "rights.event" && e.Facts["request"].Text() == req.ID)
	}
	require.Len(w, events, on)
}
