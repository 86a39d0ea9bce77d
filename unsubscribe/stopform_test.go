package unsubscribe_test

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/unsubscribe"
)

// TestForm_TellsNobodyWhoIsKnown compares an address that is in the registry, one
// that came back, and one that nobody knows: the answer is the same to the byte, and
// so is what the store is asked.
func TestForm_TellsNobodyWhoIsKnown(t *testing.T) {
	s := newSite(t)
	s.oneClick(s.link(siteTicket()))
	var texts, calls []string
	for _, address := range []string{siteCanary, "nobody.canary@elsewhere.example"} {
		s.store.taken()
		a := s.post("/stop", "act", "stop", "scope", "everything", "address", address)
		require.Equal(t, http.StatusOK, a.StatusCode)
		texts = append(texts, a.text)
		calls = append(calls, strings.Join(s.store.taken(), " "))
	}
	require.Len(t, slices.Compact(texts), 1)
	require.Len(t, slices.Compact(calls), 1, "%q", calls)
	require.NotContains(t, texts[0], "action=", "nothing to undo by who may be somebody else")
	require.Equal(t, texts[0], s.post("/stop", "act", "stop", "scope", "everything", "address", siteCanary).text, "said again")
	require.Equal(t, everythingStops, s.where())
}

func TestForm_ScopesAndMistakes(t *testing.T) {
	s := newSite(t)
	page := s.send(http.MethodGet, "/stop", "", "")
	require.Equal(t, http.StatusOK, page.StatusCode)
	require.Contains(t, page.text, `<label class="over" for="address">`)
	require.NotContains(t, page.text, `value="list"`)
	for _, address := range []string{"canary", "canary@", "@canary.example"} {
		a := s.post("/stop", "act", "stop", "scope", "client", "address", address)
		require.Equal(t, http.StatusUnprocessableEntity, a.StatusCode, address)
		require.Contains(t, a.text, `aria-invalid="true" aria-describedby="error"`)
	}
	for _, fields := range [][]string{{}, {"act", "stop"}, {"act", "stop", "scope", "list", "address", siteCanary}, {"scope", "client", "address", siteCanary}} {
		require.Equal(t, http.StatusBadRequest, s.post("/stop", fields...).StatusCode, "%q", fields)
	}
	require.Equal(t, nothingStops, s.where())
	require.Equal(t, http.StatusOK, s.post("/stop", "act", "stop", "scope", "client", "address", " mailto:"+siteCanary+" ").StatusCode)
	require.Equal(t, clientStops, s.where())
}

func TestForm_IsLimitedByClient(t *testing.T) {
	s := newSite(t, fromAddress("192.0.2.7"))
	status := 0
	for range 11 {
		status = s.post("/stop", "act", "stop", "scope", "client", "address", "canary").StatusCode
	}
	require.Equal(t, http.StatusTooManyRequests, status)
	require.Equal(t, http.StatusTooManyRequests, s.post("/stop", "act", "stop", "scope", "client", "address", siteCanary).StatusCode)
	require.Equal(t, nothingStops, s.where())
	require.Equal(t, http.StatusOK, s.send(http.MethodGet, "/stop", "", "").StatusCode)
	require.Equal(t, http.StatusOK, s.oneClick(s.link(siteTicket())).StatusCode, "providers are not held up by the form's limit")
}

// TestPages_KeepEvidenceSealed: where the host keeps it, what shows who posted is
// sealed with the event, and opened for a purpose.
func TestPages_KeepEvidenceSealed(t *testing.T) {
	s := newSite(t)
	_, err := unsubscribe.NewPages(unsubscribe.PagesConfig{Registry: s.registry, Links: s.links, Home: "acme", Evidence: true})
	require.ErrorIs(t, err, unsubscribe.ErrNeeds, "there is nothing to seal with")

	w := newRegWorld(t)
	s.pages, err = unsubscribe.NewPages(unsubscribe.PagesConfig{
		Registry: w.r, Links: s.links, Home: regAcme, Evidence: true,
		Client: func(*http.Request) netip.Addr { return netip.MustParseAddr("192.0.2.7") },
	})
	require.NoError(t, err)
	s.pages.SetPace(0)
	a := s.send(http.MethodPost, "/stop", urlEncodedBody, "act=stop&scope=client&address="+siteCanary, "User-Agent", "Reader/1.0 \xff")
	require.Equal(t, http.StatusOK, a.StatusCode)
	h, err := w.r.History(w.ctx, regAcme, unsubscribe.Email, troth.Protect(siteCanary), "test")
	require.NoError(t, err)
	require.Len(t, h.Events, 1)
	require.Equal(t, unsubscribe.ByForm, h.Events[0].Event.Method)
	ip, err := h.Events[0].Evidence.IP.Reveal("test")
	require.NoError(t, err)
	require.Equal(t, "192.0.2.7", ip.String())
	agent, err := h.Events[0].Evidence.UserAgent.Reveal("test")
	require.NoError(t, err)
	require.Equal(t, "Reader/1.0 ", agent)
}

// How long the work took does not show: answers come at whole steps.
func TestForm_AnswersInSteps(t *testing.T) {
	s := newSite(t)
	s.pages.SetPace(200 * time.Millisecond)
	start := time.Now()
	require.Equal(t, http.StatusOK, s.post("/stop", "act", "stop", "scope", "client", "address", siteCanary).StatusCode)
	require.GreaterOrEqual(t, time.Since(start), 200*time.Millisecond)
}

// Posting the form again and again makes one event a day, and none is lost: after a way
// back it counts anew.
func TestForm_SaidAgainIsOneEvent(t *testing.T) {
	w := newRegWorld(t)
	s := newSite(t)
	var err error
	s.pages, err = unsubscribe.NewPages(unsubscribe.PagesConfig{Registry: w.r, Links: s.links, Home: regAcme})
	require.NoError(t, err)
	s.pages.SetPace(0)
	say := func(scope, address string, events int) {
		t.Helper()
		require.Equal(t, http.StatusOK, s.post("/stop", "act", "stop", "scope", scope, "address", address).StatusCode)
		require.Len(t, w.trail.Of("unsubscribe.event"), events)
	}
	say("client", regAda, 1)
	say("client", " <"+strings.ToUpper(regAda[:1])+regAda[1:]+">", 1)
	say("everything", regAda, 2)
	say("client", "eve@example.org", 3)
	w.clock.Move(24 * time.Hour)
	say("client", regAda, 4)
	w.clock.Move(time.Second)
	w.optIn(regAda, unsubscribe.Client) // 5
	say("client", regAda, 6)
	require.False(t, w.check(regLetter(regAcme), regAda).Send)
}

// Where messages go to telephones too, the form takes numbers, and stops every channel
// that one is of.
func TestForm_TakesTelephoneNumbers(t *testing.T) {
	for name, tc := range map[string]struct {
		on      []unsubscribe.Channel
		address string
		kind    string
		stops   []unsubscribe.Channel
	}{
		"a number where both are taken": {
			[]unsubscribe.Channel{unsubscribe.Email, unsubscribe.SMS, unsubscribe.Messenger},
			" 0049 (170) 123-4567", `type="text"`,
			[]unsubscribe.Channel{unsubscribe.SMS, unsubscribe.Messenger},
		},
		"an address where both are taken": {
			[]unsubscribe.Channel{unsubscribe.SMS, unsubscribe.Email}, regAda, `type="text"`, []unsubscribe.Channel{unsubscribe.Email},
		},
		"a number":                 {[]unsubscribe.Channel{unsubscribe.SMS}, "+491701234567", `type="tel"`, []unsubscribe.Channel{unsubscribe.SMS}},
		"a national number":        {[]unsubscribe.Channel{unsubscribe.SMS}, "0170 1234567", `type="tel"`, nil},
		"a name of a messenger":    {[]unsubscribe.Channel{unsubscribe.Messenger}, "ada", `type="tel"`, nil},
		"a number where none goes": {nil, "+491701234567", `type="email"`, nil},
		"an address where none is": {[]unsubscribe.Channel{unsubscribe.SMS}, regAda, `type="tel"`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newRegWorld(t)
			s := newSite(t)
			var err error
			s.pages, err = unsubscribe.NewPages(unsubscribe.PagesConfig{Registry: w.r, Links: s.links, Home: regAcme, FormChannels: tc.on})
			require.NoError(t, err)
			s.pages.SetPace(0)
			require.Contains(t, s.send(http.MethodGet, "/stop", "", "").text, tc.kind)
			want := http.StatusOK
			if len(tc.stops) == 0 {
				want = http.StatusUnprocessableEntity
			}
			a := s.post("/stop", "act", "stop", "scope", "client", "address", tc.address)
			require.Equal(t, want, a.StatusCode)
			require.NotContains(t, a.text, "1234567")
			require.Len(t, w.trail.Of("unsubscribe.event"), len(tc.stops))
			for _, c := range tc.stops {
				letter := regLetter(regAcme)
				letter.Channel = c
				require.False(t, w.check(letter, tc.address).Send, c)
			}
		})
	}
	s := newSite(t)
	_, err := unsubscribe.NewPages(unsubscribe.PagesConfig{Registry: s.registry, Links: s.links, FormChannels: []unsubscribe.Channel{unsubscribe.Push}})
	require.ErrorIs(t, err, unsubscribe.ErrChannel)
}
