package consent_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
)

// optIn is a world with a purpose that needs double opt-in.
func optIn(t *testing.T, opts ...consent.Option) *world {
	t.Helper()
	w := newWorld(t, append([]consent.Option{consent.Unmanaged("test")}, opts...)...)
	w.publish(consent.Terms{Purpose: letter, DoubleOptIn: true, DirectMarketing: true})
	return w
}

func (w *world) request(f consent.Form) string {
	w.Helper()
	token, err := w.ledger.Request(w.ctx, f)
	require.NoError(w, err)
	return reveal(w.T, token)
}

func reveal(t *testing.T, token consent.Token) string {
	t.Helper()
	s, err := token.Reveal("test")
	require.NoError(t, err)
	require.NotContains(t, token.String(), s)
	return s
}

func (w *world) confirm(token string) error {
	_, err := w.ledger.Confirm(w.ctx, consent.Confirmation{Tenant: acme, Token: token})
	return err
}

func TestRequest_CountsOnceConfirmed(t *testing.T) {
	w := optIn(t)
	_, err := w.ledger.Record(w.ctx, w.form(ada, letter, consent.Granted))
	require.ErrorIs(t, err, consent.ErrUnconfirmed)
	_, err = w.ledger.Record(w.ctx, w.form(ada, letter, consent.Requested))
	require.ErrorIs(t, err, consent.ErrUnconfirmed)
	_, err = w.ledger.Record(w.ctx, w.form(ada, letter, consent.Confirmed))
	require.ErrorIs(t, err, consent.ErrUnconfirmed)
	_, err = w.ledger.Record(w.ctx, w.form(ada, letter, consent.Renewed))
	require.ErrorIs(t, err, consent.ErrUnconfirmed, "there is nothing to renew")
	f := w.form(ada, letter, consent.Requested)
	f.Choices[0].Wording = "Yes"
	token := w.request(f)
	require.Len(t, token, 43, "256 bits")
	w.wants(ada, letter, consent.ReasonPending)
	w.clock.Move(time.Hour)
	events, err := w.ledger.Confirm(w.ctx, consent.Confirmation{Tenant: acme, Token: token})
	require.NoError(t, err)
	require.Len(t, events, 1)
	require.Equal(t, f.ID+"/newsletter", events[0].Confirms)
	require.NotZero(t, events[0].Wording, "what was agreed to is what was requested")
	w.wants(ada, letter, consent.ReasonGranted)
	require.ErrorIs(t, w.confirm(token), consent.ErrToken, "once")
	require.NoError(t, w.ledger.VerifyPerson(w.ctx, ada))
	w.say(ada, letter, consent.Renewed)
	w.wants(ada, letter, consent.ReasonGranted)
}

func TestConfirm_RefusesEverythingElse(t *testing.T) {
	w := optIn(t)
	token := w.request(w.form(ada, letter, consent.Requested))
	for name, bad := range map[string]string{
		"empty": "", "short": token[:42], "long": token + "A", "padded": token + "=", "another": strings.Repeat("A", 43), "spaced": " " + token,
	} {
		require.ErrorIs(t, w.confirm(bad), consent.ErrToken, name)
	}
	_, err := w.ledger.Confirm(w.ctx, consent.Confirmation{Tenant: globex, Token: token})
	require.ErrorIs(t, err, consent.ErrToken, "a token is its tenant's")
	w.clock.Move(7*24*time.Hour + 1)
	require.ErrorIs(t, w.confirm(token), consent.ErrToken, "too old")
	w.wants(ada, letter, consent.ReasonPending)
}

func TestConfirm_NotAfterANo(t *testing.T) {
	for _, k := range []consent.Kind{consent.Withdrawn, consent.Refused, consent.Objected} {
		w := optIn(t)
		w.publish(consent.Terms{Purpose: stats, DoubleOptIn: true})
		f := w.form(ada, letter, consent.Requested)
		f.Choices = append(f.Choices, consent.Choice{Purpose: stats, Kind: consent.Requested})
		token := w.request(f)
		w.say(ada, letter, k)
		require.NoError(t, w.confirm(token), "of the other purpose")
		w.wants(ada, stats, consent.ReasonGranted)
		require.False(t, w.check(ada, letter).Allowed, k)
		w.clock.Move(time.Hour)
		token = w.request(w.form(ada, letter, consent.Requested))
		w.say(ada, letter, k)
		require.ErrorIs(t, w.confirm(token), consent.ErrToken)
	}
}

func TestRequest_LimitsWhatIsSent(t *testing.T) {
	w := optIn(t, consent.WithConfirmation(24*time.Hour, 2, time.Minute))
	f := w.form(ada, letter, consent.Requested)
	first := w.request(f)
	_, err := w.ledger.Resend(w.ctx, ada, f.ID)
	require.ErrorIs(t, err, consent.ErrResend, "a moment ago")
	w.clock.Move(2 * time.Minute)
	second, err := w.ledger.Resend(w.ctx, ada, f.ID)
	require.NoError(t, err)
	require.ErrorIs(t, w.confirm(first), consent.ErrToken, "the newest token counts")
	w.clock.Move(2 * time.Minute)
	_, err = w.ledger.Resend(w.ctx, ada, f.ID)
	require.ErrorIs(t, err, consent.ErrResend, "too often")
	_, err = w.ledger.Request(w.ctx, w.form(ada, letter, consent.Requested))
	require.ErrorIs(t, err, consent.ErrResend, "another form is no way round")
	require.Len(t, w.trail.Of("consent.event"), 1, "and leaves nothing")
	_, err = w.ledger.Resend(w.ctx, ada, "nothing")
	require.Error(t, err)
	require.NoError(t, w.confirm(reveal(t, second)))
}

func TestSweep_ErasesWhatNobodyConfirmed(t *testing.T) {
	w := optIn(t)
	f := w.form(ada, letter, consent.Requested)
	f.Evidence.Address = troth.Protect("somebody-else@example.org")
	w.request(f)
	w.say(subject("other"), letter, consent.NoticeServed)
	token := w.request(w.form(subject("other"), letter, consent.Requested))
	require.NoError(t, w.ledger.Sweep(w.ctx))
	w.wants(ada, letter, consent.ReasonPending)
	require.NoError(t, w.confirm(token))
	w.clock.Move(8 * 24 * time.Hour)
	require.NoError(t, w.ledger.Sweep(w.ctx))
	w.wants(ada, letter, consent.ReasonUnknown)
	h, err := w.ledger.History(w.ctx, ada, reasons)
	require.NoError(t, err)
	require.Empty(t, h.Entries)
	require.Empty(t, h.Pseudonym, "nothing is left of the person")
	require.Len(t, w.trail.Of("consent.request-erase"), 1)
	w.wants(subject("other"), letter, consent.ReasonGranted)
	require.NoError(t, w.ledger.VerifyPerson(w.ctx, subject("other")))
	require.NoError(t, w.ledger.Sweep(w.ctx))
	require.Len(t, w.trail.Of("consent.request-erase"), 1)
}

func TestSweep_ARequestLeavesWhatWasThereBefore(t *testing.T) {
	w := optIn(t)
	require.NoError(t, w.confirm(w.request(w.form(ada, letter, consent.Requested))))
	w.clock.Move(time.Hour)
	w.request(w.form(ada, letter, consent.Requested))
	w.wants(ada, letter, consent.ReasonGranted)
	w.clock.Move(8 * 24 * time.Hour)
	require.NoError(t, w.ledger.Sweep(w.ctx))
	w.wants(ada, letter, consent.ReasonGranted)
	require.NoError(t, w.ledger.VerifyPerson(w.ctx, ada))
}

func TestConfirmHandler_OnlyAPostConfirms(t *testing.T) {
	w := optIn(t)
	token := w.request(w.form(ada, letter, consent.Requested))
	handler := w.ledger.ConfirmHandler(consent.ConfirmConfig{
		Tenant: func(*http.Request) (troth.Tenant, error) { return acme, nil },
		Page:   consent.ConfirmPage{Title: "<Bestätigen>", Language: "de"},
	})
	do := func(method, target, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, target, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.RemoteAddr = "203.0.113.77:4711"
		r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, r)
		return rec
	}
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodOptions, "PATCH"} {
		rec := do(method, "/confirm?token="+token, "token="+token)
		require.Equal(t, method == http.MethodGet || method == http.MethodHead, rec.Code == http.StatusOK, method)
		w.wants(ada, letter, consent.ReasonPending)
		require.Equal(t, "no-store", rec.Header().Get("Cache-Control"))
		require.Equal(t, "no-referrer", rec.Header().Get("Referrer-Policy"))
		csp := rec.Header().Get("Content-Security-Policy")
		require.Contains(t, csp, "default-src 'none'")
		require.NotContains(t, csp, "unsafe")
		require.NotContains(t, csp, "script")
	}
	page := do(http.MethodGet, "/confirm?token="+token, "").Body.String()
	require.Contains(t, page, token)
	require.Contains(t, page, "&lt;Bestätigen&gt;")
	require.NotContains(t, page, "<script")
	for _, bad := range []string{"/confirm", "/confirm?token=%3Cscript%3E", "/confirm?token=" + token[1:]} {
		rec := do(http.MethodGet, bad, "")
		require.Equal(t, http.StatusGone, rec.Code)
		require.NotContains(t, rec.Body.String(), "<form")
	}
	// A POST whose token stands in the address alone confirms nothing.
	require.Equal(t, http.StatusGone, do(http.MethodPost, "/confirm?token="+token, "").Code)
	require.Equal(t, http.StatusGone, do(http.MethodPost, "/confirm", "token="+strings.Repeat("x", 10_000)).Code)
	w.wants(ada, letter, consent.ReasonPending)
	rec := do(http.MethodPost, "/confirm?token="+token, url.Values{"token": {token}}.Encode())
	require.Equal(t, http.StatusOK, rec.Code)
	w.wants(ada, letter, consent.ReasonGranted)
	used, never := do(http.MethodPost, "/confirm", "token="+token), do(http.MethodPost, "/confirm", "token="+strings.Repeat("A", 43))
	require.Equal(t, http.StatusGone, used.Code)
	require.Equal(t, used.Body.String(), never.Body.String(), "which of them it was is not told")
	h, err := w.ledger.History(w.ctx, ada, reasons)
	require.NoError(t, err)
	last := h.Entries[len(h.Entries)-1]
	require.Equal(t, consent.ProofDetails{Network: "203.0.113.0/24", UserAgent: "Mozilla/5 Gecko/2010 Firefox/128 (Linux)", Page: "/confirm"}, last.Proof)
}
