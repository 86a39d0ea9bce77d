package audit_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// Retention reaches the log in which it is told why something of an older log is
// gone.
func TestVerify_TheReasonWasPrunedFromALaterLog(t *testing.T) {
	for _, gone := range []string{"redacted", "pruned"} {
		t.Run(gone, func(t *testing.T) {
			s := newSite(t)
			s.record(600)
			s.drain(s.honest)
			s.sign(s.honest)
			next := newKeyOf(t, newOrigin)
			keys, err := audit.Verifiers{}.With(s.signer.VerifierKey())
			require.NoError(t, err)
			trail := s.on(s.store, audit.WithSigner(next), audit.WithVerifiers(keys), audit.Unmanaged("test"))
			require.NoError(t, trail.Continue(t.Context(), nil))
			as := troth.WithActor(t.Context(), kim)
			if gone == "redacted" {
				_, err = trail.Redact(as, leave, s.acknowledged[5].Tenant, s.acknowledged[5].ID)
			} else {
				_, err = trail.Prune(as, leave, audit.PruneTo{Log: 1, Before: 256})
			}
			require.NoError(t, err)
			s.record(600)
			s.drain(trail)
			s.sign(trail)
			_, err = trail.Verify(t.Context(), audit.VerifyParams{})
			require.NoError(t, err)
			_, err = trail.Prune(as, leave, audit.PruneTo{Log: 2, Before: 256})
			require.NoError(t, err)
			s.drain(trail)
			s.sign(trail)
			r, err := trail.Verify(t.Context(), audit.VerifyParams{})
			require.NoError(t, err)
			require.Equal(t, 1, r.Logs[0].Unexplained, "and says so")
			require.Zero(t, r.Logs[1].Unexplained)
			var b bytes.Buffer
			require.NoError(t, trail.Export(t.Context(), &b, s.acknowledged[5].Tenant, origin))
			_, err = audit.VerifyTenant(&b, keys, nil)
			require.NoError(t, err)
		})
	}
}

// The parts of an entry of the older log, dropped while the later one was open.
func TestParts_TheReasonWasPrunedFromALaterLog(t *testing.T) {
	w := newLog(t, audit.Unmanaged("test"))
	id := w.record(w.as(kim), letter("acme"))
	w.tick()
	other := w.record(w.as(kim), letter("acme"))
	w.fill(10, "acme")
	note := w.checkpoint()
	w.trail = w.another(audit.WithSigner(newSigner(t, origin+"/2")), audit.WithVerifiers(w.verifiers()), audit.Unmanaged("test"))
	require.NoError(t, w.trail.Continue(t.Context(), note))
	w.at = w.at.Add(time.Hour)
	_, err := w.trail.DropParts(w.as(kim), leave, audit.OldParts{Tenant: "acme", Before: w.at, Limit: 1})
	require.NoError(t, err)
	require.Equal(t, "dropped by / dropped by / dropped by", w.states("acme", id))
	teller := w.parts("acme", id)[0].By
	w.fill(600, "acme")
	w.checkpoint()
	_, err = w.trail.Prune(w.as(kim), leave, audit.PruneTo{Log: 2, Before: 512})
	require.NoError(t, err)
	w.fill(10, "acme")

	_, found, err := w.store.LogEntry(t.Context(), "acme", teller)
	require.NoError(t, err)
	require.False(t, found, "what told of it was pruned")
	require.Equal(t, "dropped / dropped / dropped", w.states("acme", id))
	_, err = w.open("acme", id, 0, "17")
	gone := w.gone(err)
	require.Zero(t, gone.By)
	require.False(t, gone.Erased)
	r, err := w.trail.Verify(t.Context(), audit.VerifyParams{})
	require.NoError(t, err)
	require.Equal(t, 3, r.Logs[0].Unexplained)

	// Who writes the database can pass one off as such; but only in the older log.
	_, err = w.store.DropParts(t.Context(), audit.PartsDrop{Tenant: "acme", By: troth.NewEntryID(w.at), Entry: other, Limit: 1})
	require.NoError(t, err)
	require.Equal(t, "dropped / dropped / dropped", w.states("acme", other), "the pruned entry could have told of it")
	latest := w.record(w.as(kim), letter("acme"))
	w.fill(1, "acme")
	_, err = w.store.DropParts(t.Context(), audit.PartsDrop{Tenant: "acme", By: troth.NewEntryID(w.at), Entry: latest, Limit: 1})
	require.NoError(t, err)
	require.Equal(t, "damaged / damaged / damaged", w.states("acme", latest), "of this log the pruned part told nothing")
}
