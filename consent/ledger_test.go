package consent_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/internal/seamtest"
	"github.com/trothdev/troth/storage/memory"
)

func TestLedger_AskGrantCheckWithdraw(t *testing.T) {
	w := newWorld(t)
	w.publish(consent.Terms{Purpose: letter})
	require.Equal(t, consent.ReasonUnknown, w.check(ada, letter).Reason)
	granted := w.say(ada, letter, consent.Granted)
	d := w.wants(ada, letter, consent.ReasonGranted)
	require.Equal(t, granted.ID, d.Event)
	require.Equal(t, uint32(1), d.Version)
	withdrawn := w.say(ada, letter, consent.Withdrawn)
	d = w.wants(ada, letter, consent.ReasonWithdrawn)
	require.Equal(t, withdrawn.ID, d.Event)
	require.True(t, withdrawn.GivenAt.After(granted.GivenAt), "the clock stands, and what is said later is later")
	require.Len(t, w.trail.Of("consent.event"), 2)
	require.NoError(t, w.ledger.VerifyPerson(w.ctx, ada))
}

func TestLedger_TheSameFormIsRecordedOnce(t *testing.T) {
	w := newWorld(t)
	w.publish(consent.Terms{Purpose: letter})
	f := w.form(ada, letter, consent.Granted)
	first := w.sayForm(f)
	w.clock.Move(time.Hour)
	require.Equal(t, first, w.sayForm(f))
	require.Len(t, w.trail.Of("consent.event"), 1)
	for name, change := range map[string]func(f *consent.Form){
		"another choice":  func(f *consent.Form) { f.Choices[0].Kind = consent.Withdrawn },
		"another person":  func(f *consent.Form) { f.Subject = subject("c-18") },
		"another method":  func(f *consent.Form) { f.Method = consent.BySignature },
		"another wording": func(f *consent.Form) { f.Choices[0].Wording = "Yes" },
		"another instant": func(f *consent.Form) { f.GivenAt = w.clock.Now().Add(-time.Minute) },
	} {
		other := f
		other.Choices = []consent.Choice{f.Choices[0]}
		change(&other)
		_, err := w.ledger.Record(w.ctx, other)
		require.ErrorIs(t, err, consent.ErrConflict, name)
	}
	w.wants(ada, letter, consent.ReasonGranted)
	require.NoError(t, w.ledger.VerifyPerson(w.ctx, ada))
}

func TestLedger_ManyPurposesOfOneForm(t *testing.T) {
	w := newWorld(t)
	w.publish(consent.Terms{Purpose: letter})
	w.publish(consent.Terms{Purpose: stats})
	f := w.form(ada, letter, consent.Granted)
	f.Choices = append(f.Choices, consent.Choice{Purpose: stats, Kind: consent.Refused})
	events, err := w.ledger.Record(w.ctx, f)
	require.NoError(t, err)
	require.Len(t, events, 2)
	require.Equal(t, events[0].GivenAt, events[1].GivenAt)
	w.wants(ada, letter, consent.ReasonGranted)
	w.wants(ada, stats, consent.ReasonRefused)
	// One that is refused undoes all.
	f = w.form(ada, letter, consent.Withdrawn)
	f.Choices = append(f.Choices, consent.Choice{Purpose: "nowhere", Kind: consent.Granted})
	_, err = w.ledger.Record(w.ctx, f)
	require.ErrorIs(t, err, consent.ErrVersion)
	w.wants(ada, letter, consent.ReasonGranted)
}

func TestLedger_NoEvidenceNoEvent(t *testing.T) {
	w := newWorld(t)
	w.publish(consent.Terms{Purpose: letter})
	w.trail.Fail(consent.ErrNeeds)
	_, err := w.ledger.Record(w.ctx, w.form(ada, letter, consent.Granted))
	require.ErrorIs(t, err, consent.ErrNeeds)
	w.trail.Fail(nil)
	w.wants(ada, letter, consent.ReasonUnknown)
	_, err = w.ledger.Record(t.Context(), w.form(ada, letter, consent.Granted))
	require.ErrorIs(t, err, troth.ErrNoActor)
	w.wants(ada, letter, consent.ReasonUnknown)
}

func TestNew_RefusesPartsThatDoNotShareATransactor(t *testing.T) {
	w := newWorld(t)
	_, err := consent.New(t.Context(), consent.Config{Store: w.store, Recorder: seamtest.NewRecorder(memory.Open()), Keys: w.keys})
	require.ErrorIs(t, err, troth.ErrNotShared)
	_, err = consent.New(t.Context(), consent.Config{Store: w.store, Recorder: w.trail, Keys: w.keys},
		consent.WithEnqueuer(seamtest.NewQueue(memory.Open())))
	require.ErrorIs(t, err, troth.ErrNotShared)
	_, err = consent.New(t.Context(), consent.Config{Store: w.store, Keys: w.keys})
	require.Error(t, err)
}
