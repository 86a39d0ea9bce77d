package unsubscribepages

import (
	"context"
	"database/sql"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/integration/sqltest"
	"github.com/trothdev/troth/storage/keyfile"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/unsubscribesql"
	"github.com/trothdev/troth/unsubscribe"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestPages_SQLite(t *testing.T)   { onDatabase(t, sqltest.SQLite(t), sqlstore.SQLite) }
func TestPages_Postgres(t *testing.T) { onDatabase(t, pgtest.Open(t), sqlstore.Postgres) }

// onDatabase posts the same link many times at once, as a provider that retries and
// a person who presses twice do: each act is one event, and every answer is good.
// Then the database goes away, and every answer says so.
func onDatabase(t *testing.T, db *sql.DB, d sqlstore.Dialect) {
	h, err := sqlstore.Open(t.Context(), db, d)
	require.NoError(t, err)
	t.Cleanup(func() { _ = h.Close() })
	store, err := unsubscribesql.New(t.Context(), h)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "troth.keys")
	require.NoError(t, keyfile.Create(file, "open sesame"))
	keys, err := keyfile.Open(file, "open sesame")
	require.NoError(t, err)
	registry, err := unsubscribe.New(t.Context(), unsubscribe.Config{
		Store: store, Recorder: troth.UnsafeNoEvidence(store.Transactor()), Keys: keys,
	})
	require.NoError(t, err)
	var pages *unsubscribe.Pages
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { pages.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	links, err := unsubscribe.NewLinks(unsubscribe.LinksConfig{Keys: keys, Base: "https://mail.acme.example"})
	require.NoError(t, err)
	pages, err = unsubscribe.NewPages(unsubscribe.PagesConfig{Registry: registry, Links: links, Home: "acme"})
	require.NoError(t, err)
	made, err := links.URL(t.Context(), unsubscribe.Ticket{
		Action: unsubscribe.ActionStop, Tenant: "acme", Channel: unsubscribe.Email, Address: troth.Protect(reader), List: "weekly", SentAt: time.Now(),
	})
	require.NoError(t, err)
	link := server.URL + strings.TrimPrefix(made, "https://mail.acme.example")

	bodies := []url.Values{{"List-Unsubscribe": {"One-Click"}}, {"act": {"stop"}, "scope": {"client"}}}
	for _, status := range atOnce(t, 8, func(i int) int { return post(t, link, bodies[i%2]) }) {
		require.Equal(t, http.StatusOK, status)
	}
	history, err := registry.History(t.Context(), "acme", unsubscribe.Email, troth.Protect(reader), "test")
	require.NoError(t, err)
	require.Len(t, history.Events, 2, "one of each kind")

	require.NoError(t, db.Close())
	for _, body := range append(bodies, url.Values{"act": {"stop"}, "scope": {"everything"}}) {
		require.Equal(t, http.StatusServiceUnavailable, post(t, link, body))
	}
}

func atOnce(t *testing.T, n int, do func(i int) int) []int {
	t.Helper()
	all := make([]int, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { all[i] = do(i) })
	}
	wg.Wait()
	return all
}

func post(t *testing.T, to string, body url.Values) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(body.Encode()))
	if err != nil {
		t.Error(err)
		return 0
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Error(err)
		return 0
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	return res.StatusCode
}
