package consent_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
)

// TestActs_EachIsRecordedAndDocumented goes once through everything that the ledger
// does: every act that it declares is recorded, no other, and docs/acts.md names it.
func TestActs_EachIsRecordedAndDocumented(t *testing.T) {
	w := newWorld(t, consent.Unmanaged("test"), consent.WithProver(&prover{}),
		consent.WithProcessor("mailer", consent.ProcessorFunc(func(context.Context, consent.Withdrawal) error { return nil })))
	w.publish(consent.Terms{Purpose: letter})
	w.publish(consent.Terms{Purpose: stats, DoubleOptIn: true})
	_, err := w.ledger.PublishNotice(w.ctx, consent.Notice{Tenant: acme, ID: "sign-up", Texts: map[string]string{"en": "We write."}})
	require.NoError(t, err)
	w.say(subject("device"), letter, consent.Granted)
	require.NoError(t, w.ledger.Link(w.ctx, consent.LinkParams{Tenant: acme, Device: "device", Account: ada.ID}))
	e := w.say(ada, letter, consent.Withdrawn)
	w.drain()
	_, err = w.ledger.Receipt(w.ctx, ada, e.ID)
	require.NoError(t, err)
	_, err = w.ledger.Request(w.ctx, w.form(subject("c-18"), stats, consent.Requested))
	require.NoError(t, err)
	_, err = w.ledger.Erase(w.ctx, ada, "erasure-request")
	require.NoError(t, err)
	w.clock.Move(4 * 366 * 24 * time.Hour)
	require.NoError(t, w.ledger.Sweep(w.ctx))

	page, err := os.ReadFile("../docs/acts.md")
	require.NoError(t, err)
	declared := map[string]bool{}
	for _, act := range consent.Acts() {
		require.NoError(t, act.Validate())
		require.False(t, declared[act.Name], "%s is declared twice", act.Name)
		declared[act.Name] = true
		require.NotEmpty(t, w.trail.Of(act.Name), "nothing records %s", act.Name)
		require.Contains(t, string(page), "## "+act.Name+", version ")
	}
	for _, one := range w.trail.All() {
		require.True(t, declared[one.Act.Name], "%s is recorded and not declared", one.Act.Name)
		if one.Act.Name == "consent.unmanaged" {
			require.Equal(t, troth.Platform, one.Tenant)
		}
	}
}
