package unsubscribe_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

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
