package httpprovider_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/unsubscribe"
	"github.com/trothdev/troth/unsubscribe/httpprovider"
)

const ada = "ada@example.org"

func suppression() unsubscribe.Suppression {
	return unsubscribe.Suppression{
		Place:   unsubscribe.Place{Tenant: "acme", Scope: unsubscribe.List, List: "letter"},
		Channel: unsubscribe.Email, Address: troth.Protect(ada), Event: "e1", EffectKey: "k1",
		At: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC),
	}
}

func TestProvider_SaysWhatTheProtocolSays(t *testing.T) {
	type call struct{ path, key, secret, body string }
	var calls []call
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body json.RawMessage
		if json.NewDecoder(r.Body).Decode(&body) != nil || r.Method != http.MethodPost {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		calls = append(calls, call{r.URL.String(), r.Header.Get("Idempotency-Key"), r.Header.Get("Authorization"), string(body)})
		switch r.URL.Path {
		case "/v1/removals":
			w.WriteHeader(http.StatusNotFound)
		case "/v1/lookups":
			_, _ = w.Write([]byte(`{"suppressed":true,"contact":false}`))
		}
	}))
	defer server.Close()
	p, err := httpprovider.New(server.URL+"/v1/", httpprovider.WithHeader("Authorization", "Bearer s"))
	require.NoError(t, err)
	require.NoError(t, p.Suppress(t.Context(), suppression()))
	require.NoError(t, p.RemoveContact(t.Context(), suppression()))
	state, err := p.ReadBack(t.Context(), suppression())
	require.NoError(t, err)
	require.Equal(t, unsubscribe.ProviderState{Suppressed: true}, state)
	require.Equal(t, []call{
		{"/v1/suppressions", "k1/suppressions", "Bearer s", `{"address":"ada@example.org","channel":"email","scope":"list","list":"letter","said_at":"2026-11-23T10:00:00Z"}`},
		{"/v1/removals", "k1/removals", "Bearer s", `{"address":"ada@example.org","channel":"email"}`},
		{"/v1/lookups", "", "Bearer s", `{"address":"ada@example.org","channel":"email","scope":"list","list":"letter"}`},
	}, calls)
}

func TestProvider_TellsWhatMayPass(t *testing.T) {
	code := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(code)
		_, _ = w.Write([]byte("no such person: " + ada))
	}))
	defer server.Close()
	p, err := httpprovider.New(server.URL)
	require.NoError(t, err)
	for status, permanent := range map[int]bool{
		301: true, 400: true, 401: true, 404: true, 422: true, 408: false, 425: false, 429: false, 500: false, 503: false,
	} {
		code = status
		err := p.Suppress(t.Context(), suppression())
		refused, is := errors.AsType[*httpprovider.StatusError](err)
		require.True(t, is, status)
		require.Equal(t, permanent, refused.Permanent(), status)
		require.NotContains(t, err.Error(), ada)
	}
	code = http.StatusNotImplemented
	_, err = p.ReadBack(t.Context(), suppression())
	require.ErrorIs(t, err, errors.ErrUnsupported)
	code = http.StatusOK
	_, err = p.ReadBack(t.Context(), suppression())
	require.Error(t, err)
	require.NotContains(t, err.Error(), ada)
}

func TestProvider_HeedsRetryAfter(t *testing.T) {
	field := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", field)
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	defer server.Close()
	p, err := httpprovider.New(server.URL)
	require.NoError(t, err)
	for given, want := range map[string]time.Duration{
		"": 0, "0": 0, "120": 2 * time.Minute, "-1": 0, "soon": 0, "99999999999999999999": 0,
		time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat): 0,
		time.Now().Add(time.Hour).UTC().Format(http.TimeFormat):  time.Hour,
	} {
		field = given
		busy, is := errors.AsType[*httpprovider.StatusError](p.Suppress(t.Context(), suppression()))
		require.True(t, is)
		after, says := busy.RetryIn()
		require.InDelta(t, want.Seconds(), after.Seconds(), 10, given)
		require.Equal(t, want > 0, says, given)
	}
}

func TestNew_RefusesAddressesThatAnybodyCouldRead(t *testing.T) {
	for _, base := range []string{"http://mailer.example", "ftp://127.0.0.1", "mailer.example", "https://mailer.example/?a=b", ":"} {
		_, err := httpprovider.New(base)
		require.Error(t, err, base)
	}
	_, err := httpprovider.New("https://mailer.example/v1")
	require.NoError(t, err)
}
