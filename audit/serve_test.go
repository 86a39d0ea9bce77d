package audit_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/audit"
)

// ask has the handler answer a request for the path.
func ask(t testing.TB, trail *audit.Trail, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	rec := httptest.NewRecorder()
	trail.Handler().ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), method, path, nil))
	return rec
}

func TestHandler_ServesWhatTheCheckpointCovers(t *testing.T) {
	w := newLog(t)
	rec := ask(t, w.trail, http.MethodGet, "/checkpoint")
	require.Equal(t, http.StatusNotFound, rec.Code, "there is none yet")
	w.fill(700, "acme")
	note := w.checkpoint()
	w.fill(400, "acme") // behind the checkpoint

	rec = ask(t, w.trail, http.MethodGet, "/checkpoint")
	require.Equal(t, http.StatusOK, rec.Code)
	assert.Equal(t, string(note), rec.Body.String())
	assert.Equal(t, "no-cache", rec.Header().Get("Cache-Control"))
	assert.Equal(t, "text/plain; charset=utf-8", rec.Header().Get("Content-Type"))
	hashes, err := w.store.LeafHashes(t.Context(), 1, 0, 1101)
	require.NoError(t, err)
	for path, want := range map[string]string{
		"/tile/0/000":       string(hashes[:256*32]),
		"/tile/0/001":       string(hashes[256*32 : 512*32]),
		"/tile/0/002.p/189": string(hashes[512*32 : 701*32]),
		"/tile/0/002.p/1":   string(hashes[512*32 : 513*32]),
		"/tile/0/000.p/255": string(hashes[:255*32]),
		"/tile/1/000.p/1":   "",
		"/tile/1/000.p/2":   "",
	} {
		get, head := ask(t, w.trail, http.MethodGet, path), ask(t, w.trail, http.MethodHead, path)
		require.Equal(t, http.StatusOK, get.Code, path)
		require.Equal(t, http.StatusOK, head.Code, path)
		assert.Empty(t, head.Body.String())
		assert.Equal(t, get.Header(), head.Header())
		assert.Equal(t, strconv.Itoa(get.Body.Len()), get.Header().Get("Content-Length"))
		assert.Equal(t, "public, no-cache", get.Header().Get("Cache-Control"), "another log may be here one day")
		assert.Equal(t, "application/octet-stream", get.Header().Get("Content-Type"))
		assert.Equal(t, "nosniff", get.Header().Get("X-Content-Type-Options"))
		if want != "" {
			assert.True(t, want == get.Body.String(), path) //nolint:testifylint // too long to print
		}
	}
	for _, path := range []string{
		"/tile/0/002", "/tile/0/002.p/190", "/tile/0/003", "/tile/0/003.p/1", "/tile/0/004.p/77", "/tile/1/000", "/tile/1/000.p/3",
		"/tile/2/000.p/1", "/tile/1/001.p/1", "/tile/0/x001/234", "/tile/7/000", "/tile/8/000",
	} {
		rec := ask(t, w.trail, http.MethodGet, path)
		assert.Equal(t, http.StatusNotFound, rec.Code, path)
		assert.Equal(t, "no-cache", rec.Header().Get("Cache-Control"), "it may be there tomorrow")
	}
}

func TestHandler_KnowsOneSpellingAndNoOtherFiles(t *testing.T) {
	w := newLog(t)
	w.fill(300, "acme")
	w.checkpoint()
	for _, path := range []string{
		"/", "/checkpoint/", "//checkpoint", "/./checkpoint", "/x/../checkpoint", "/Checkpoint", "/checkpoint%2F", "/%63heckpoint",
		"/tile", "/tile/", "/tile/0", "/tile/0/", "/tile/0/0", "/tile/0/00", "/tile/0/0000", "/tile/00/000", "/tile/+0/000", "/tile/-1/000",
		"/tile/0/000/", "/tile/0//000", "/tile/0/../0/000", "/tile//0/000", "/tile/0/x000/000", "/tile/0/x000", "/tile/0/x000/", "/tile/0/xx00/000",
		"/tile/0/000.p", "/tile/0/000.p/", "/tile/0/000.p/0", "/tile/0/000.p/00", "/tile/0/000.p/256", "/tile/0/000.p/01", "/tile/0/000.p/-1",
		"/tile/0/000.p/1/", "/tile/0/000.p/1.p/1", "/tile/0%2F000", "/tile/0/000%2Ep/1", "/tile/%30/000", "/tile/0/000%00", "/tile/0/ 000",
		"/tile/0/x999/x999/x999/x999/x999/x999/x999/x999/999", "/tile/0/" + strings.Repeat("x001/", 1000) + "000",
		"/tile/entries/000", "/entries", "/tile/0/٠٠٠", "/tile/0/1e2",
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		if err := setPath(r, path); err != nil {
			continue // no client can send it
		}
		rec := httptest.NewRecorder()
		w.trail.Handler().ServeHTTP(rec, r)
		require.Equal(t, http.StatusNotFound, rec.Code, path)
		require.Equal(t, "Not Found\n", rec.Body.String())
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE", "FOO"} {
		for _, path := range []string{"/checkpoint", "/tile/0/000"} {
			rec := ask(t, w.trail, method, path)
			assert.Equal(t, http.StatusMethodNotAllowed, rec.Code)
			assert.Equal(t, "GET, HEAD", rec.Header().Get("Allow"))
		}
	}
	mounted := httptest.NewServer(http.StripPrefix("/log", w.trail.Handler()))
	defer mounted.Close()
	for path, want := range map[string]int{"/log/checkpoint": 200, "/log/tile/0/000": 200, "/checkpoint": 404, "/log//checkpoint": 404} {
		resp, err := http.Get(mounted.URL + path)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, want, resp.StatusCode, path)
	}
}

func setPath(r *http.Request, path string) error {
	u, err := url.Parse("http://log.example" + path)
	if err == nil {
		r.URL = u
	}
	return err
}

// fetch asks with the tag of what is held.
func fetch(t testing.TB, h http.Handler, path, held string) *httptest.ResponseRecorder {
	t.Helper()
	rec := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	if held != "" {
		r.Header.Set("If-None-Match", held)
	}
	h.ServeHTTP(rec, r)
	return rec
}

// A cache that does what it is told never holds a tile of one log against the
// checkpoint of another.
func TestHandler_CachesAreToldTheTruthWhenAnotherLogGoesOn(t *testing.T) {
	w := newLog(t)
	w.fill(700, "acme")
	note := w.checkpoint()
	const path = "/tile/0/000"
	first := fetch(t, w.trail.Handler(), path, "")
	require.Equal(t, "public, no-cache", first.Header().Get("Cache-Control"))
	tag := first.Header().Get("ETag")
	require.NotEmpty(t, tag)
	for held, want := range map[string]int{
		tag: 304, `"x", ` + tag: 304, "W/" + tag: 304, "*": 304, `"x"`: 200, strings.Trim(tag, `"`): 200,
	} {
		rec := fetch(t, w.trail.Handler(), path, held)
		require.Equal(t, want, rec.Code, held)
		require.Equal(t, want == 304, rec.Body.Len() == 0)
		require.Equal(t, "public, no-cache", rec.Header().Get("Cache-Control"))
		require.Equal(t, tag, rec.Header().Get("ETag"))
	}
	for _, other := range []string{"/tile/0/001", "/tile/0/000.p/255", "/tile/1/000.p/2"} {
		require.NotEqual(t, tag, fetch(t, w.trail.Handler(), other, "").Header().Get("ETag"), other)
	}
	beyond := fetch(t, w.trail.Handler(), "/tile/0/007", "*")
	require.Equal(t, http.StatusNotFound, beyond.Code)
	require.Empty(t, beyond.Header().Get("ETag"))

	next := fixedKey(t, origin+"-2", 6)
	old := w.trail
	w.trail = w.another(audit.WithSigner(next), audit.WithVerifiers(w.verifiers()))
	require.NoError(t, w.trail.Continue(t.Context(), note))
	w.fill(700, "acme")
	later := w.checkpoint()
	for _, trail := range []*audit.Trail{old, w.trail} {
		rec := fetch(t, trail.Handler(), path, tag)
		require.Equal(t, http.StatusOK, rec.Code, "what is held is of the other log")
		require.NotEqual(t, tag, rec.Header().Get("ETag"))
		require.NotEqual(t, first.Body.String(), rec.Body.String())
	}

	// Each log under a prefix of its own, for ever.
	for of, want := range map[string][]byte{origin: note, origin + "-2": later} {
		h := w.trail.HandlerOf(of)
		require.Equal(t, string(want), fetch(t, h, "/checkpoint", "").Body.String())
		rec := fetch(t, h, path, tag)
		require.Equal(t, http.StatusOK, rec.Code)
		require.Equal(t, "public, max-age=31536000, immutable", rec.Header().Get("Cache-Control"))
		require.Equal(t, of == origin, rec.Body.String() == first.Body.String())
	}
	require.Equal(t, http.StatusNotFound, fetch(t, w.trail.HandlerOf("nobody"), "/checkpoint", "").Code)
}

// deaf is a store that fails with something to keep secret.
type deaf struct {
	audit.Backend
	calls map[string]bool
}

var errSecret = errors.New("password of the database is hunter2")

func (d deaf) Heads(ctx context.Context) ([]audit.Head, error) {
	if d.calls["Heads"] {
		return nil, errSecret
	}
	return d.Backend.Heads(ctx)
}

func (d deaf) Checkpoint(ctx context.Context, log int, size uint64) (audit.CheckpointRow, bool, error) {
	if d.calls["Checkpoint"] {
		return audit.CheckpointRow{}, false, errSecret
	}
	return d.Backend.Checkpoint(ctx, log, size)
}

func (d deaf) Tile(ctx context.Context, log, level int, n uint64) ([]byte, bool, error) {
	if d.calls["Tile"] {
		return nil, false, errSecret
	}
	return d.Backend.Tile(ctx, log, level, n)
}

func TestHandler_DoesNotTellWhatFailed(t *testing.T) {
	w := newLog(t)
	w.fill(300, "acme")
	w.checkpoint()
	for _, call := range []string{"Heads", "Checkpoint", "Tile"} {
		trail, err := audit.New(t.Context(), deaf{w.store, map[string]bool{call: true}}, w.keys, w.sealer, audit.WithVerifiers(w.verifiers()))
		require.NoError(t, err)
		for _, path := range []string{"/checkpoint", "/tile/0/000", "/tile/0/001.p/3"} {
			rec := ask(t, trail, http.MethodGet, path)
			if call == "Tile" && path == "/checkpoint" {
				require.Equal(t, http.StatusOK, rec.Code)
				continue
			}
			require.Equal(t, http.StatusServiceUnavailable, rec.Code, "%s %s", call, path)
			require.Equal(t, "Service Unavailable\n", rec.Body.String())
			require.NotContains(t, fmt.Sprint(rec.Header()), "hunter2")
		}
	}
}

// What was pruned is gone, and everything else is served as before.
func TestHandler_OfAPrunedLog(t *testing.T) {
	w := newLog(t, audit.Unmanaged("test"))
	w.fill(700, "acme")
	before := ask(t, w.trail, http.MethodGet, "/tile/1/000.p/2")
	w.cut(512)
	w.checkpoint()
	for path, want := range map[string]int{
		"/tile/0/000": 404, "/tile/0/000.p/7": 404, "/tile/0/001": 404, "/tile/0/002.p/189": 200, "/tile/1/000.p/2": 200,
	} {
		assert.Equal(t, want, ask(t, w.trail, http.MethodGet, path).Code, path)
	}
	require.Equal(t, http.StatusNotFound, before.Code, "no checkpoint covered it")
}

// Between the end of one log and the first checkpoint of the next, all that is
// served is of the former.
func TestHandler_ServesOneLogAtATime(t *testing.T) {
	w := newLog(t)
	w.fill(300, "acme")
	note := w.checkpoint()
	tile := ask(t, w.trail, http.MethodGet, "/tile/0/000").Body.String()
	next := fixedKey(t, origin+"-2", 6)
	w.trail = w.another(audit.WithSigner(next), audit.WithVerifiers(w.verifiers()))
	require.NoError(t, w.trail.Continue(t.Context(), note))
	require.Equal(t, string(note), ask(t, w.trail, http.MethodGet, "/checkpoint").Body.String())
	require.True(t, tile == ask(t, w.trail, http.MethodGet, "/tile/0/000").Body.String()) //nolint:testifylint // too long to print
	note = w.checkpoint()
	require.Equal(t, string(note), ask(t, w.trail, http.MethodGet, "/checkpoint").Body.String())
	require.Equal(t, http.StatusNotFound, ask(t, w.trail, http.MethodGet, "/tile/0/000").Code)
	require.Equal(t, http.StatusOK, ask(t, w.trail, http.MethodGet, "/tile/0/000.p/1").Code)
}
