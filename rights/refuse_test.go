package rights_test

import (
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
)

func refusal(w *world, id string, reason rights.Reason) rights.Refusal {
	return rights.Refusal{
		Tenant: acme, Request: id, Reason: reason, Citation: "Some Act, s. 1", Scope: []string{"invoices"},
		Evidence: sha256.Sum256([]byte("memo")), Review: w.clock.Now().AddDate(1, 0, 0),
	}
}

func TestRefuse_EveryReasonInEveryLanguage(t *testing.T) {
	seen := map[string]bool{}
	for _, language := range []string{"en", "de", "fr", "es"} {
		for _, reason := range rights.Reasons() {
			w := newWorld(t, rights.WithRegimes("gdpr", "us-va"))
			r := w.submit(rights.Erase, func(s *rights.Submission) {
				s.Language = language
				if reason == rights.AgentNotAuthorised {
					s.Mandate = &rights.Mandate{Agent: "x"}
				}
			})
			done, err := w.desk.Refuse(w.ctx, refusal(w, r.ID, reason))
			require.NoError(t, err, reason)
			require.Equal(t, rights.StateRefused, done.State)
			require.True(t, done.Sent)
			w.sweep()
			sent := w.post.of(rights.MessageRefused)
			require.Len(t, sent, 1)
			body, err := sent[0].Body.Reveal("test")
			require.NoError(t, err)
			require.Equal(t, done.Body, body)
			for _, part := range []string{"Some Act, s. 1", "invoices", "2026-05-04", "2027-03-05"} {
				require.Contains(t, body, part, "%s %s", language, reason)
			}
			require.NotContains(t, body, "{")
			require.False(t, seen[body], "two reasons read alike: %s %s", language, reason)
			seen[body] = true
			all, err := w.desk.Refusals(w.ctx, acme, r.ID)
			require.NoError(t, err)
			require.Equal(t, []rights.Refusal{done.Refusal}, all)
			obligations, err := w.desk.Obligations(w.ctx, acme, r.ID)
			require.NoError(t, err)
			require.Len(t, obligations, 1)
			_, err = w.desk.Reviewed(w.ctx, acme, r.ID, done.ID, "stands")
			require.NoError(t, err)
			entries := w.trail.events(rights.WasRefused)
			require.Len(t, entries, 1)
			require.Equal(t, troth.Refused, entries[0].Outcome)
		}
		for _, reason := range rights.ExtensionReasons() {
			text := rights.ExtensionTextOf(language, reason)
			require.NotContains(t, text.Body, "{")
			require.False(t, seen[text.Body])
			seen[text.Body] = true
		}
	}
}

func TestRefuse_IsComplete(t *testing.T) {
	w := newWorld(t)
	r := w.submit(rights.Erase)
	for name, spoil := range map[string]func(f *rights.Refusal){
		"no reason":              func(f *rights.Refusal) { f.Reason = "" },
		"a made-up reason":       func(f *rights.Refusal) { f.Reason = "inconvenient" },
		"no evidence":            func(f *rights.Refusal) { f.Reason, f.Evidence = rights.AbusiveIntent, [32]byte{} },
		"a whole account":        func(f *rights.Refusal) { f.Scope = nil },
		"for ever":               func(f *rights.Refusal) { f.Review = time.Time{} },
		"reviewed in the past":   func(f *rights.Refusal) { f.Review = w.clock.Now() },
		"no law":                 func(f *rights.Refusal) { f.Reason, f.Citation = rights.ContractRunning, "" },
		"no agent":               func(f *rights.Refusal) { f.Reason = rights.AgentNotAuthorised },
		"an address for a scope": func(f *rights.Refusal) { f.Scope = []string{"a\nb"} },
	} {
		f := refusal(w, r.ID, rights.LegalClaims)
		spoil(&f)
		_, err := w.desk.Refuse(w.ctx, f)
		require.Error(t, err, name)
	}
	f := refusal(w, r.ID, rights.NotVerified)
	w.prove(r.ID)
	_, err := w.desk.Refuse(w.ctx, f)
	require.ErrorIs(t, err, rights.ErrRefusal, "they have shown who they are")
	f = refusal(w, r.ID, rights.LegalClaims)
	f.Citation = ""
	done, err := w.desk.Refuse(w.ctx, f)
	require.NoError(t, err)
	require.Equal(t, "Regulation (EU) 2016/679, Art. 17(3)(e)", done.Citation)
	require.True(t, done.AppealBy.IsZero(), "the GDPR knows no appeal to the controller")
	_, err = w.desk.Refuse(w.ctx, f)
	_, closed := errors.AsType[*rights.StateError](err)
	require.True(t, closed)
}

func TestRefusePart_TheRestGoesOn(t *testing.T) {
	w := newWorld(t, rights.WithRemedy("gdpr", rights.Remedy{Authority: "The Authority, Example Street 1", Court: "The Court"}))
	r := w.accepted(rights.Erase)
	w.fire(r.ID, rights.CollectionBegan, rights.Collected)
	f := refusal(w, r.ID, rights.LegalObligation)
	whole := f
	whole.Scope = nil
	_, err := w.desk.RefusePart(w.ctx, whole)
	require.ErrorIs(t, err, rights.ErrRefusal)
	done, err := w.desk.RefusePart(w.ctx, f)
	require.NoError(t, err)
	require.Contains(t, done.Body, "We are doing the rest")
	require.Contains(t, done.Body, "The Authority, Example Street 1")
	require.Contains(t, done.Body, "The Court")
	w.fire(r.ID, rights.Approved, rights.CooledOff, rights.Executed)
	require.NoError(t, w.desk.Count(w.ctx, acme, r.ID, 4, 1))
	require.Equal(t, rights.StatePartiallyFulfilled, w.fire(r.ID, rights.Delivered).State)
}
