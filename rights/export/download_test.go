package export_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights/export"
)

// counter is a host's store of one ticket.
type counterStore struct {
	mu     sync.Mutex
	ticket export.Ticket
	body   string
	cut    int // of the body
	fail   error
	ends   []export.Delivered
}

func (s *counterStore) take(_ context.Context, _ troth.Tenant, token export.Hash, at time.Time) (export.Delivery, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return export.Delivery{}, s.fail
	}
	used, err := s.ticket.Use(token, at)
	if err != nil {
		return export.Delivery{}, err
	}
	s.ticket = used
	return export.Delivery{Size: int64(len(s.body)), Body: io.NopCloser(strings.NewReader(s.body[:len(s.body)-s.cut]))}, nil
}

func (s *counterStore) done(_ context.Context, d export.Delivered) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ends = append(s.ends, d)
}

func (s *counterStore) ended() []export.Delivered {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ends)
}

// serve serves one ticket, at created.
func serve(t *testing.T, s *counterStore) (url string) {
	t.Helper()
	now := created
	ticket, token := mint(t, time.Hour)
	s.ticket = ticket
	mux := http.NewServeMux()
	mux.Handle("/download/{token}", &export.Download{
		Tenant: func(r *http.Request) (troth.Tenant, error) {
			if r.Header.Get("X-Tenant") == "none" {
				return "", errors.New("no tenant")
			}
			return troth.Tenant(r.Header.Get("X-Tenant")), nil
		},
		Token: func(r *http.Request) string { return r.PathValue("token") },
		Take:  s.take, Done: s.done, Clock: func() time.Time { return now },
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL + "/download/" + token
}

type answer struct {
	StatusCode int
	Header     http.Header
}

func ask(t *testing.T, method, url string, header ...[2]string) (answer, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	require.NoError(t, err)
	r.Header.Set("X-Tenant", "acme")
	for _, h := range header {
		r.Header.Set(h[0], h[1])
	}
	got, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer func() { require.NoError(t, got.Body.Close()) }()
	body, err := io.ReadAll(got.Body)
	if err != nil {
		body = []byte("broken: " + err.Error())
	}
	require.Equal(t, "no-store", got.Header.Get("Cache-Control"))
	require.Equal(t, "nosniff", got.Header.Get("X-Content-Type-Options"))
	require.Equal(t, "no-referrer", got.Header.Get("Referrer-Policy"))
	return answer{got.StatusCode, got.Header}, string(body)
}

func TestDownload_GivesTheArchiveOnce(t *testing.T) {
	s := &counterStore{body: "archive"}
	url := serve(t, s)
	for range 3 { // whoever opens links ahead of the reader
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			answer, _ := ask(t, method, url)
			require.Equal(t, http.StatusOK, answer.StatusCode)
			require.Contains(t, answer.Header.Get("Content-Security-Policy"), "default-src 'none'")
		}
	}
	answer, body := ask(t, http.MethodPost, url, [2]string{"Range", "bytes=0-1"})
	require.Equal(t, http.StatusRequestedRangeNotSatisfiable, answer.StatusCode)
	require.NotContains(t, body, "archive")

	answer, body = ask(t, http.MethodPost, url)
	require.Equal(t, http.StatusOK, answer.StatusCode)
	require.Equal(t, "archive", body)
	require.Equal(t, `attachment; filename="export.zip.age"`, answer.Header.Get("Content-Disposition"))
	require.Equal(t, "none", answer.Header.Get("Accept-Ranges"))
	require.Equal(t, "application/octet-stream", answer.Header.Get("Content-Type"))

	answer, body = ask(t, http.MethodPost, url, [2]string{"Accept-Language", "pt, de-AT;q=0.8, en"})
	require.Equal(t, http.StatusGone, answer.StatusCode)
	require.Contains(t, body, "schon benutzt")
	require.Eventually(t, func() bool { return len(s.ended()) == 1 }, time.Minute, time.Millisecond)
	require.True(t, s.ended()[0].Complete)
	require.Equal(t, int64(7), s.ended()[0].Sent)
}

func TestDownload_OfManyAtOnceOneGetsIt(t *testing.T) {
	s := &counterStore{body: "archive"}
	url := serve(t, s)
	var wg sync.WaitGroup
	got := make(chan int, 20)
	for range cap(got) {
		wg.Go(func() {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, nil)
			if err != nil {
				return
			}
			r.Header.Set("X-Tenant", "acme")
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				return
			}
			got <- answer.StatusCode
			_ = answer.Body.Close()
		})
	}
	wg.Wait()
	close(got)
	counts := map[int]int{}
	for code := range got {
		counts[code]++
	}
	require.Equal(t, map[int]int{http.StatusOK: 1, http.StatusGone: 19}, counts)
}

func TestDownload_RefusesAtTheTimeOfTheRequest(t *testing.T) {
	s := &counterStore{body: "archive"}
	url := serve(t, s)
	s.ticket.Expires = created
	answer, body := ask(t, http.MethodPost, url)
	require.Equal(t, http.StatusGone, answer.StatusCode)
	require.Contains(t, body, "expired")
}

func TestDownload_TellsNothingOfWhatIsUnknown(t *testing.T) {
	s := &counterStore{body: "archive"}
	url := serve(t, s)
	var bodies []string
	for _, try := range []struct{ url, tenant string }{
		{url + "x", "acme"}, {url[:len(url)-1], "acme"}, {url, "other"}, {url, "none"}, {strings.Replace(url, url[len(url)-43:], strings.Repeat("A", 43), 1), "acme"},
	} {
		answer, body := ask(t, http.MethodPost, try.url, [2]string{"X-Tenant", try.tenant})
		require.Equal(t, http.StatusNotFound, answer.StatusCode)
		bodies = append(bodies, body)
	}
	for _, b := range bodies {
		require.Equal(t, bodies[0], b)
	}
	answer, _ := ask(t, http.MethodDelete, url)
	require.Equal(t, http.StatusMethodNotAllowed, answer.StatusCode)
	s.fail = errors.New("of canary@example.com")
	answer, body := ask(t, http.MethodPost, url)
	require.Equal(t, http.StatusServiceUnavailable, answer.StatusCode)
	require.NotContains(t, body, "canary")
	require.Empty(t, s.ended())
}

// A part is never taken for the whole.
func TestDownload_BreaksTheConnectionWhereTheArchiveEndsEarly(t *testing.T) {
	s := &counterStore{body: strings.Repeat("archive", 1000), cut: 10}
	_, body := ask(t, http.MethodPost, serve(t, s))
	require.Contains(t, body, "broken")
	// The client sees the break before the handler has come to its end.
	require.Eventually(t, func() bool { return len(s.ended()) == 1 }, time.Minute, time.Millisecond)
	require.False(t, s.ended()[0].Complete)
}
