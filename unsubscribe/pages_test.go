package unsubscribe_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/unsubscribe"
)

func multipartBody(t *testing.T, fields ...string) (kind, body string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i+1 < len(fields); i += 2 {
		require.NoError(t, w.WriteField(fields[i], fields[i+1]))
	}
	require.NoError(t, w.Close())
	return w.FormDataContentType(), b.String()
}

// TestOneClick_BothEncodings posts what RFC 8058 says over real HTTP.
func TestOneClick_BothEncodings(t *testing.T) {
	kind, body := multipartBody(t, "List-Unsubscribe", "One-Click")
	for name, c := range map[string][2]string{
		"urlencoded": {urlEncodedBody, "List-Unsubscribe=One-Click"},
		"multipart":  {kind, body},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			path := s.link(siteTicket())
			require.Equal(t, nothingStops, s.where())
			a := s.send(http.MethodPost, path, c[0], c[1])
			require.Equal(t, http.StatusOK, a.StatusCode)
			require.Equal(t, listStops, s.where())
			again := s.send(http.MethodPost, path, c[0], c[1])
			require.Equal(t, a.StatusCode, again.StatusCode)
			require.Equal(t, a.text, again.text)
		})
	}
}

// A link without a list stops what the client sends.
func TestOneClick_WithoutAListIsTheClient(t *testing.T) {
	s := newSite(t)
	k := siteTicket()
	k.List = ""
	require.Equal(t, http.StatusOK, s.oneClick(s.link(k)).StatusCode)
	require.Equal(t, clientStops, s.where())
}

// One event, however often a provider posts.
func TestOneClick_PostedTwiceIsOneEvent(t *testing.T) {
	s := newSite(t)
	path := s.link(siteTicket())
	s.store.taken()
	inserts := 0
	for range 5 {
		s.oneClick(path)
		for _, c := range s.store.taken() {
			if c == "InsertEvent" {
				inserts++
			}
		}
	}
	require.Equal(t, 1, inserts)
}

// No POST tells whether a link is one: status, headers and body are the same.
func TestOneClick_UnknownLinksGetTheSameAnswer(t *testing.T) {
	s := newSite(t)
	good := s.link(siteTicket())
	known := s.oneClick(good)
	choices := siteTicket()
	choices.Action = unsubscribe.ActionChoices
	for what, path := range map[string]string{
		"changed": good[:len(good)-2] + "AA", "cut": good[:20], "empty": "/u/", "other": "/u/x/y", "long": "/u/" + strings.Repeat("A", 4000),
		"of another action": s.link(choices), "with a slash": good + "/", "escaped": "/u/%2e%2e%2f",
	} {
		a := s.oneClick(path)
		require.Equal(t, known.StatusCode, a.StatusCode, what)
		require.Equal(t, known.text, a.text, what)
		a.Header.Del("Date")
		known.Header.Del("Date")
		require.Equal(t, known.Header, a.Header, what)
	}
	require.Equal(t, listStops, s.where())
}

// The pair must be in the body, and be exact: nothing else acts.
func TestLink_OnlyTheExactBodyActs(t *testing.T) {
	s := newSite(t)
	path := s.link(siteTicket())
	for _, body := range []string{
		"", "List-Unsubscribe=one-click", "list-unsubscribe=One-Click", "List-Unsubscribe=One-Click%20", "scope=list", "act=stop", "act=stop&scope=",
		"act=stop&scope=list&scope=client", "act=stop&act=stop&scope=list", "act=undo", "act=choices&list=weekly", "act=stop&scope=LIST", "act=stop&scope=platform",
	} {
		require.Equal(t, http.StatusBadRequest, s.send(http.MethodPost, path, urlEncodedBody, body).StatusCode, body)
	}
	require.Equal(t, http.StatusBadRequest, s.send(http.MethodPost, path+"?List-Unsubscribe=One-Click", urlEncodedBody, "").StatusCode)
	require.Equal(t, http.StatusBadRequest, s.send(http.MethodPost, path+"?act=stop&scope=list", urlEncodedBody, "x=y").StatusCode)
	require.Equal(t, http.StatusUnsupportedMediaType, s.send(http.MethodPost, path, "application/json", `{"List-Unsubscribe":"One-Click"}`).StatusCode)
	require.Equal(t, http.StatusRequestEntityTooLarge, s.send(http.MethodPost, path, urlEncodedBody, "List-Unsubscribe=One-Click&x="+strings.Repeat("x", 1<<20)).StatusCode)
	require.Equal(t, nothingStops, s.where())
}

// GET and HEAD write nothing, and ask the store nothing: scanners open every link.
func TestLink_GetAndHeadChangeNothing(t *testing.T) {
	s := newSite(t)
	path := s.link(siteTicket())
	s.store.taken()
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		for _, p := range []string{path, path + "?List-Unsubscribe=One-Click", path + "?act=stop&scope=list"} {
			a := s.send(method, p, urlEncodedBody, "List-Unsubscribe=One-Click")
			require.Equal(t, http.StatusOK, a.StatusCode)
			require.Equal(t, method == http.MethodHead, a.text == "")
		}
	}
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions} {
		a := s.send(method, path, urlEncodedBody, "List-Unsubscribe=One-Click", "X-HTTP-Method-Override", "POST")
		require.Equal(t, http.StatusMethodNotAllowed, a.StatusCode)
		require.Equal(t, "GET, HEAD, POST", a.Header.Get("Allow"))
	}
	require.Empty(t, s.store.taken())
	require.Equal(t, nothingStops, s.where())
}

// What could not be recorded is said, so that the provider posts again.
func TestOneClick_StoreErrorsAre503(t *testing.T) {
	s := newSite(t)
	path := s.link(siteTicket())
	for what, fail := range map[string]func(bool){
		"the store": func(b bool) { s.store.fails.Store(b) }, "the write": func(b bool) { s.store.failsLog.Store(b) },
	} {
		fail(true)
		a := s.oneClick(path)
		require.Equal(t, http.StatusServiceUnavailable, a.StatusCode, what)
		require.NotEmpty(t, a.Header.Get("Retry-After"))
		require.Equal(t, http.StatusServiceUnavailable, s.post(path, "act", "stop", "scope", "list").StatusCode, what)
		require.Equal(t, http.StatusServiceUnavailable, s.post("/stop", "act", "stop", "scope", "client", "address", siteCanary).StatusCode, what)
		fail(false)
		require.Equal(t, nothingStops, s.where())
	}
	require.Equal(t, http.StatusOK, s.oneClick(path).StatusCode)
	require.Equal(t, listStops, s.where())
}

// Keys that are away make no link unknown: neither to a provider nor to a person.
func TestLink_KeysThatAreAwayAre503(t *testing.T) {
	s := newSite(t)
	other := newSite(t)
	path := other.link(siteTicket()) // s has not reached for its key yet
	s.keys.away.Store(true)
	require.Equal(t, http.StatusServiceUnavailable, s.oneClick(path).StatusCode)
	require.Equal(t, http.StatusServiceUnavailable, s.send(http.MethodGet, path, "", "").StatusCode)
	s.keys.away.Store(false)
	require.Equal(t, http.StatusOK, s.oneClick(path).StatusCode)
	require.Equal(t, listStops, s.where())
}

// An old program speaks HTTP/1.0, without a host or a length of its own making.
func TestOneClick_HTTP10(t *testing.T) {
	s := newSite(t)
	path := s.link(siteTicket())
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.server.Listener.Addr().String())
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	const body = "List-Unsubscribe=One-Click"
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.0\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", path, urlEncodedBody, len(body), body)
	require.NoError(t, err)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.NoError(t, res.Body.Close())
	require.Equal(t, listStops, s.where())
}

func TestPage_EachScopeStopsThatMuch(t *testing.T) {
	for scope, want := range map[string]string{"list": listStops, "client": clientStops, "everything": everythingStops} {
		t.Run(scope, func(t *testing.T) {
			s := newSite(t)
			path := s.link(siteTicket())
			page := s.send(http.MethodGet, path, "", "")
			require.Contains(t, page.text, `name="scope" value="`+scope+`"`)
			kind, body := multipartBody(t, "scope", scope, "act", "stop")
			a := s.send(http.MethodPost, path, kind, body)
			require.Equal(t, http.StatusOK, a.StatusCode)
			require.Equal(t, want, s.where())
			undo := undoPath(t, a)
			s.move(time.Second)
			require.Equal(t, http.StatusOK, s.post(undo, "act", "undo").StatusCode)
			require.Equal(t, nothingStops, s.where())
		})
	}
}

var undoAction = regexp.MustCompile(`action="([A-Za-z0-9_-]+)"`)

func undoPath(t *testing.T, a answer) string {
	t.Helper()
	m := undoAction.FindStringSubmatch(a.text)
	require.NotNil(t, m, a.text)
	return "/u/" + m[1]
}

// Names that a host gives are text and nothing else.
func TestPage_NamesAreEscaped(t *testing.T) {
	s := newSite(t)
	a := s.send(http.MethodGet, s.link(siteTicket()), "", "")
	require.Contains(t, a.text, "Weekly &amp; more")
	require.Contains(t, a.text, "Acme &lt;Tools&gt;")
}

func TestUndo_IsShortAndUndoesOneOptOut(t *testing.T) {
	s := newSite(t)
	path := s.link(siteTicket())
	first := undoPath(t, s.post(path, "act", "stop", "scope", "list"))

	// GET, HEAD and a mail program undo nothing.
	require.Equal(t, http.StatusOK, s.send(http.MethodGet, first, "", "").StatusCode)
	s.send(http.MethodHead, first, "", "")
	s.oneClick(first)
	require.Equal(t, http.StatusBadRequest, s.post(first, "act", "stop", "scope", "list").StatusCode)
	require.Equal(t, listStops, s.where())

	s.move(time.Minute)
	require.Equal(t, http.StatusOK, s.post(first, "act", "undo").StatusCode)
	require.Equal(t, nothingStops, s.where())
	require.Equal(t, http.StatusOK, s.post(first, "act", "undo").StatusCode, "pressed twice")

	// The same link stops again, and the old undo does not undo that.
	s.move(time.Minute)
	second := undoPath(t, s.post(path, "act", "stop", "scope", "list"))
	require.Equal(t, listStops, s.where())
	s.post(first, "act", "undo")
	require.Equal(t, listStops, s.where())

	s.move(16 * time.Minute)
	require.Equal(t, http.StatusGone, s.post(second, "act", "undo").StatusCode)
	require.Equal(t, listStops, s.where())
}

// A mail program's POST after the person undid stops again: the person may have
// pressed it.
func TestUndo_OneClickAfterItStopsAgain(t *testing.T) {
	s := newSite(t)
	path := s.link(siteTicket())
	undo := undoPath(t, s.post(path, "act", "stop", "scope", "list"))
	s.move(time.Minute)
	s.post(undo, "act", "undo")
	s.move(time.Minute)
	s.oneClick(path)
	require.Equal(t, listStops, s.where())
}

// What was stopped before the page was used has no button that would lift it too.
func TestUndo_IsNotOfferedForWhatStoodBefore(t *testing.T) {
	s := newSite(t)
	path := s.link(siteTicket())
	s.oneClick(path)
	s.move(time.Minute)
	a := s.post(path, "act", "stop", "scope", "list")
	require.Equal(t, http.StatusOK, a.StatusCode)
	require.NotContains(t, a.text, "action=")
	// Pressed twice, the page's own button stays.
	s = newSite(t)
	path = s.link(siteTicket())
	s.post(path, "act", "stop", "scope", "list")
	undoPath(t, s.post(path, "act", "stop", "scope", "list"))
}

// TestOldLink_DoesNotEndANewerConsentSilently: within 60 days of its message a link
// does; after that a mail program's POST does not, and the person's on the page does.
func TestOldLink_DoesNotEndANewerConsentSilently(t *testing.T) {
	s := newSite(t)
	old := s.link(siteTicket())
	back := func() {
		s.move(time.Hour)
		_, err := s.registry.OptIn(troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "shop"}), unsubscribe.OptInParams{
			Tenant: "acme", Channel: unsubscribe.Email, Address: troth.Protect(siteCanary), Scope: unsubscribe.List, List: "weekly",
			Method: unsubscribe.ByConfirmation, Reference: "form-1",
		})
		require.NoError(t, err)
		s.move(time.Hour)
	}
	s.oneClick(old)
	back()
	require.Equal(t, nothingStops, s.where())
	s.oneClick(old)
	require.Equal(t, listStops, s.where(), "within 60 days of the message")
	back()
	s.move(61 * 24 * time.Hour)
	a := s.oneClick(old)
	require.Equal(t, http.StatusOK, a.StatusCode)
	require.Equal(t, nothingStops, s.where(), "the newer consent stands")

	fresh := siteTicket()
	generation, err := s.registry.Generation(t.Context(), unsubscribe.Place{Tenant: "acme", Scope: unsubscribe.List, List: "weekly"}, unsubscribe.Email, fresh.Address)
	require.NoError(t, err)
	fresh.Generation = generation
	s.oneClick(s.link(fresh))
	require.Equal(t, listStops, s.where(), "a link of the generation in force, however old")
	back()
	s.post(old, "act", "stop", "scope", "list")
	require.Equal(t, listStops, s.where(), "the person was asked")
}

// With a host name for each client, links of another are unknown, also to its page.
func TestTenant_LinksOfAnotherClientAreUnknown(t *testing.T) {
	s := newSite(t, func(c *unsubscribe.PagesConfig) {
		c.Tenant = func(r *http.Request) (troth.Tenant, error) {
			if r.Header.Get("X-Client") == "" {
				return "", errors.New("no such host")
			}
			return troth.Tenant(r.Header.Get("X-Client")), nil
		}
	})
	path := s.link(siteTicket())
	a := s.send(http.MethodGet, path, "", "", "X-Client", "globex")
	require.Equal(t, http.StatusNotFound, a.StatusCode)
	a = s.send(http.MethodPost, path, urlEncodedBody, "List-Unsubscribe=One-Click", "X-Client", "globex")
	require.Equal(t, http.StatusOK, a.StatusCode)
	require.Equal(t, http.StatusServiceUnavailable, s.oneClick(path).StatusCode, "whose host it is cannot be told")
	require.Equal(t, nothingStops, s.where())
	s.send(http.MethodPost, path, urlEncodedBody, "List-Unsubscribe=One-Click", "X-Client", "acme")
	require.Equal(t, listStops, s.where())
	a = s.send(http.MethodPost, "/stop", urlEncodedBody, "act=stop&scope=client&address="+siteCanary, "X-Client", "globex")
	require.Equal(t, http.StatusOK, a.StatusCode)
	require.Equal(t, "true/false/true", s.where())
}

func TestChoices_ShowAndStop(t *testing.T) {
	s := newSite(t)
	k := siteTicket()
	s.oneClick(s.link(k))
	k.Action = unsubscribe.ActionChoices
	path := s.link(k)
	page := s.send(http.MethodGet, path, "", "")
	require.Equal(t, http.StatusOK, page.StatusCode)
	require.Regexp(t, `name="list" value="weekly" checked disabled`, page.text)
	require.Regexp(t, `name="list" value="offers">`, page.text)
	require.Equal(t, listStops, s.where())

	for _, body := range []string{"act=stop&scope=list", "act=choices&list=secret", "act=choices&scope=list", "act=choices&list=offers&list=offers", "act=undo"} {
		require.Equal(t, http.StatusBadRequest, s.send(http.MethodPost, path, urlEncodedBody, body).StatusCode, body)
	}
	require.Equal(t, http.StatusOK, s.post(path, "act", "choices").StatusCode)
	require.Equal(t, listStops, s.where())
	a := s.post(path, "act", "choices", "list", "offers", "scope", "everything")
	require.Equal(t, http.StatusOK, a.StatusCode)
	require.Equal(t, everythingStops, s.where())
	require.Len(t, undoAction.FindAllString(a.text, -1), 2)
	s.move(time.Second)
	for _, m := range undoAction.FindAllStringSubmatch(a.text, -1) {
		require.Equal(t, http.StatusOK, s.post("/u/"+m[1], "act", "undo").StatusCode)
	}
	require.Equal(t, listStops, s.where())
}

// All that was ticked or nothing: an error half-way leaves no half.
func TestChoices_AreOneTransaction(t *testing.T) {
	s := newSite(t)
	k := siteTicket()
	k.Action = unsubscribe.ActionChoices
	path := s.link(k)
	s.store.failAfter(1)
	a := s.post(path, "act", "choices", "list", "offers", "list", "weekly")
	require.Equal(t, http.StatusServiceUnavailable, a.StatusCode)
	s.store.failAfter(0)
	require.Equal(t, nothingStops, s.where())
}

// A store that cannot be read shows no state, rather than a wrong one.
func TestChoices_StoreErrorsAre503(t *testing.T) {
	s := newSite(t)
	k := siteTicket()
	k.Action = unsubscribe.ActionChoices
	path := s.link(k)
	s.store.fails.Store(true)
	require.Equal(t, http.StatusServiceUnavailable, s.send(http.MethodGet, path, "", "").StatusCode)
}

// A link to the preference page is no link to stop, and the other way round.
func TestLink_OneActionEach(t *testing.T) {
	s := newSite(t)
	k := siteTicket()
	k.Action = unsubscribe.ActionChoices
	choices := s.link(k)
	require.Equal(t, http.StatusBadRequest, s.post(choices, "act", "stop", "scope", "list").StatusCode)
	require.Equal(t, http.StatusBadRequest, s.post(s.link(siteTicket()), "act", "choices", "list", "weekly").StatusCode)
	require.NotContains(t, s.send(http.MethodGet, s.link(siteTicket()), "", "").text, `type="checkbox"`)
	require.Equal(t, nothingStops, s.where())
}

// A link may be pressed often, but not without end; others are not held up.
func TestLink_IsLimited(t *testing.T) {
	s := newSite(t)
	path := s.link(siteTicket())
	status := 0
	for range 30 {
		status = s.oneClick(path).StatusCode
	}
	require.Equal(t, http.StatusTooManyRequests, status)
	require.Equal(t, http.StatusOK, s.oneClick(s.link(siteTicket())).StatusCode)
}

func TestPages_SpeakTheReadersLanguage(t *testing.T) {
	s := newSite(t)
	path := s.link(siteTicket())
	for accept, want := range map[string]string{"": "en", "de-AT,en;q=0.5": "de", "fr": "fr", "es-419": "es", "tlh": "en"} {
		a := s.send(http.MethodGet, path, "", "", "Accept-Language", accept)
		require.Contains(t, a.text, `<html lang="`+want+`">`)
		require.Equal(t, want, a.Header.Get("Content-Language"))
		require.Equal(t, "Accept-Language", a.Header.Get("Vary"))
	}
}

// Pages of a client whose names cannot be told work all the same.
func TestPages_WorkWithoutNames(t *testing.T) {
	s := newSite(t)
	k := siteTicket()
	k.Tenant = "globex"
	a := s.send(http.MethodGet, s.link(k), "", "")
	require.Equal(t, http.StatusOK, a.StatusCode)
	require.Contains(t, a.text, "Everything from this sender")
	s.oneClick(s.link(k))
	require.Equal(t, "false/false/true", s.where())
}

func TestPages_UnknownPaths(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{"/", "/u", "/u/", "/stop/x", "/stopx", "/x/u/y", "/u//" + strings.TrimPrefix(s.link(siteTicket()), "/u/")} {
		require.Equal(t, http.StatusNotFound, s.send(http.MethodGet, path, "", "").StatusCode, path)
	}
	require.Equal(t, http.StatusNotFound, s.post("/u/AAAA", "act", "stop", "scope", "list").StatusCode)
}

func TestNewPages_RefusesHalfAConfiguration(t *testing.T) {
	s := newSite(t)
	for what, c := range map[string]unsubscribe.PagesConfig{
		"no registry": {Links: s.links}, "no links": {Registry: s.registry},
		"no sealer":             {Registry: s.registry, Links: s.links, Evidence: true},
		"a language of no text": {Registry: s.registry, Links: s.links, Language: "nl"},
		"half a language":       {Registry: s.registry, Links: s.links, Texts: unsubscribe.Catalogue{"en": {}}},
		"a home of no name":     {Registry: s.registry, Links: s.links, Home: troth.Platform},
	} {
		_, err := unsubscribe.NewPages(c)
		require.Error(t, err, what)
	}
	p, err := unsubscribe.NewPages(unsubscribe.PagesConfig{Registry: s.registry, Links: s.links})
	require.NoError(t, err)
	s.pages = p
	require.Equal(t, http.StatusNotFound, s.send(http.MethodGet, "/stop", "", "").StatusCode, "no form without a client")
}

// Below a path, where the host has one.
func TestPages_BelowAPath(t *testing.T) {
	s := newSite(t)
	links, err := unsubscribe.NewLinks(unsubscribe.LinksConfig{Keys: s.keys, Base: "https://acme.example/mail/"})
	require.NoError(t, err)
	s.pages, err = unsubscribe.NewPages(unsubscribe.PagesConfig{Registry: s.registry, Links: links, Home: "acme"})
	require.NoError(t, err)
	made, err := links.URL(t.Context(), siteTicket())
	require.NoError(t, err)
	path := strings.TrimPrefix(made, "https://acme.example")
	require.True(t, strings.HasPrefix(path, "/mail/u/"))
	a := s.post(path, "act", "stop", "scope", "list")
	require.Equal(t, http.StatusOK, a.StatusCode)
	s.move(time.Second)
	require.Equal(t, http.StatusOK, s.post("/mail"+undoPath(t, a), "act", "undo").StatusCode, "relative to the page")
	require.Equal(t, http.StatusNotFound, s.post(strings.TrimPrefix(path, "/mail"), "act", "stop", "scope", "list").StatusCode)
	require.Contains(t, s.send(http.MethodGet, "/mail/u/x", "", "").text, `href="/mail/stop"`)
}

// A provider that hangs up once it has posted has opted its user out all the same.
func TestOneClick_WhoHangsUpIsHeard(t *testing.T) {
	s := newSite(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, s.link(siteTicket()), strings.NewReader("List-Unsubscribe=One-Click"))
	r.Header.Set("Content-Type", urlEncodedBody)
	w := httptest.NewRecorder()
	s.pages.ServeHTTP(w, r)
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, listStops, s.where())
}

// A body that does not come ends the request, and not the server's patience: the
// handler reads under a deadline of its own.
func TestLink_SlowBodiesEnd(t *testing.T) {
	s := newSite(t)
	s.pages.SetPatience(100 * time.Millisecond)
	path := s.link(siteTicket())
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.server.Listener.Addr().String())
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: 26\r\n\r\nList-Un", path, urlEncodedBody)
	require.NoError(t, err)
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(time.Minute)))
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusRequestTimeout, res.StatusCode)
	require.NoError(t, res.Body.Close())
	require.Equal(t, nothingStops, s.where())
}
