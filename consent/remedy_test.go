package consent_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/consent"
)

// TestRemedy_TheDecisionIsRecordedAnew does what docs/tampering.md says where an older state
// was put back: what the person said last is said once more, and decides.
func TestRemedy_TheDecisionIsRecordedAnew(t *testing.T) {
	w := newWorld(t)
	w.publish(consent.Terms{Purpose: letter})
	w.say(ada, letter, consent.Granted)
	old, err := w.store.States(w.ctx, acme, ada.ID)
	require.NoError(t, err)
	w.clock.Move(time.Minute)
	w.say(ada, letter, consent.Withdrawn)
	require.NoError(t, w.store.PutState(w.ctx, old[0]))
	require.ErrorIs(t, w.ledger.VerifyPerson(w.ctx, ada), consent.ErrRecord)
	w.wants(ada, letter, consent.ReasonGranted) // what this is about
	w.clock.Move(time.Minute)
	w.say(ada, letter, consent.Withdrawn)
	require.NoError(t, w.ledger.VerifyPerson(w.ctx, ada))
	w.wants(ada, letter, consent.ReasonWithdrawn)
}
