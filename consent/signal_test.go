package consent_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
)

func TestGPC_IsOneAndNothingElse(t *testing.T) {
	require.True(t, consent.GPC(http.Header{"Sec-Gpc": {"1"}}))
	for _, h := range []http.Header{
		{},
		{"Sec-Gpc": {""}},
		{"Sec-Gpc": {"0"}},
		{"Sec-Gpc": {"true"}},
		{"Sec-Gpc": {" 1"}},
		{"Sec-Gpc": {"1 "}},
		{"Sec-Gpc": {"11"}},
		{"Sec-Gpc": {"1,1"}},
		{"Sec-Gpc": {"1", "1"}},
		{"Sec-Gpc": {"1", "0"}},
		{"Dnt": {"1"}},
	} {
		require.False(t, consent.GPC(h), "%v", h)
	}
}

func TestRecordGPC_ObjectsAndNeverConsents(t *testing.T) {
	w := newWorld(t)
	w.publish(consent.Terms{Purpose: letter, Basis: consent.LegitimateInterests, DirectMarketing: true})
	w.publish(consent.Terms{Purpose: stats})
	w.wants(ada, letter, consent.ReasonBasis)
	say := func(id string) []consent.Event {
		events, err := w.ledger.RecordGPC(w.ctx, consent.Signal{ID: id, Subject: ada, Purposes: []troth.Purpose{letter, stats}})
		require.NoError(t, err)
		return events
	}
	events := say("req-1")
	require.Len(t, events, 2)
	require.Equal(t, consent.Objected, events[0].Kind)
	require.Equal(t, consent.ByGPC, events[0].Method)
	require.Empty(t, say("req-2"), "what is denied already is not said again")
	w.wants(ada, letter, consent.ReasonObjected)
	w.wants(ada, stats, consent.ReasonObjected)
	w.say(ada, stats, consent.Granted)
	w.wants(ada, stats, consent.ReasonGranted)
	require.Len(t, say("req-3"), 1, "the signal comes with every request")
	w.wants(ada, stats, consent.ReasonObjected)
	for _, k := range []consent.Kind{consent.Granted, consent.Renewed, consent.Imported, consent.ObjectionLifted, consent.NoticeServed} {
		f := w.form(ada, stats, k)
		f.Method = consent.ByGPC
		_, err := w.ledger.Record(w.ctx, f)
		require.ErrorIs(t, err, consent.ErrSignal, k)
	}
}

func TestGPCHandler(t *testing.T) {
	h := consent.GPCHandler(time.Date(2026, 11, 22, 23, 0, 0, 0, time.UTC))
	do := func(method string) *httptest.ResponseRecorder {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest(method, consent.GPCPath, nil))
		return rec
	}
	rec := do(http.MethodGet)
	require.Equal(t, http.StatusOK, rec.Code)
	require.Equal(t, "application/json", rec.Header().Get("Content-Type"))
	require.JSONEq(t, `{"gpc": true, "lastUpdate": "2026-11-22"}`, rec.Body.String())
	require.Equal(t, http.StatusMethodNotAllowed, do(http.MethodPost).Code)
	require.Equal(t, "/.well-known/gpc.json", consent.GPCPath)
}

func TestGoogleSignals_AreDeniedByDefault(t *testing.T) {
	g := consent.GooglePurposes{
		AdStorage: []troth.Purpose{"ads"}, AdUserData: []troth.Purpose{"ads", "share"}, AnalyticsStorage: []troth.Purpose{stats},
	}
	yes := func(p troth.Purpose) consent.Decision { return consent.Decision{Purpose: p, Allowed: true} }
	require.Equal(t, consent.GoogleSignals{}, g.Signals())
	require.Equal(t, consent.GoogleSignals{AdStorage: true}, g.Signals(yes("ads")))
	require.Equal(t, consent.GoogleSignals{AdStorage: true}, g.Signals(yes("ads"), consent.Decision{Purpose: "share"}))
	require.Equal(t, consent.GoogleSignals{AdStorage: true, AdUserData: true, AnalyticsStorage: true}, g.Signals(yes("ads"), yes("share"), yes(stats)))
	require.Equal(t, consent.GoogleSignals{}, g.Signals(yes("ads"), consent.Decision{Purpose: "ads"}), "a denial counts, whatever stands beside it")
	b, err := json.Marshal(g.Signals(yes("ads")))
	require.NoError(t, err)
	require.JSONEq(t, `{"ad_storage":"granted","ad_user_data":"denied","ad_personalization":"denied","analytics_storage":"denied",`+
		`"functionality_storage":"denied","personalization_storage":"denied","security_storage":"denied"}`, string(b))
}
