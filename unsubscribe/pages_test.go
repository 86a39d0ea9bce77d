package unsubscribe_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/unsubscribe"
)

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

// Names that a host gives are text and nothing else.
func TestPage_NamesAreEscaped(t *testing.T) {
	s := newSite(t)
	a := s.send(http.MethodGet, s.link(siteTicket()), "", "")
	require.Contains(t, a.text, "Weekly &amp; more")
	require.Contains(t, a.text, "Acme &lt;Tools&gt;")
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
