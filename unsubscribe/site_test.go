package unsubscribe_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/unsubscribemem"
	"github.com/trothdev/troth/unsubscribe"
)

// siteCanary is whom all of these tests are about: nothing of it may show.
const siteCanary = "Canary.Person@canary-mail.example"

var siteStart = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// siteKeys are keys that can be away.
type siteKeys struct{ away atomic.Bool }

func (k *siteKeys) secret(ref troth.KeyRef) (s [32]byte, err error) {
	if k.away.Load() {
		return s, errors.New("the keys are away")
	}
	return sha256.Sum256(fmt.Appendf(nil, "%q %q %q", ref.Tenant, ref.Use, ref.ID)), ref.Validate()
}

func (k *siteKeys) MAC(_ context.Context, ref troth.KeyRef, message []byte) (sum [32]byte, err error) {
	secret, err := k.secret(ref)
	h := hmac.New(sha256.New, secret[:])
	h.Write(message)
	return [32]byte(h.Sum(nil)), err
}

func (k *siteKeys) AEAD(_ context.Context, ref troth.KeyRef) (cipher.AEAD, error) {
	secret, err := k.secret(ref)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(secret[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// siteStore fails when it is told to, and counts what is asked of it.
type siteStore struct {
	unsubscribe.Backend
	fails    atomic.Bool
	failsLog atomic.Bool // only writing events
	mu       sync.Mutex
	calls    []string
	after    int // events that are still written; 0 is all
}

// failAfter lets n more events be written, and then none; 0 lets all.
func (s *siteStore) failAfter(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.after = n
	s.failsLog.Store(false)
}

var errSite = errors.New("the database is away, and so is " + siteCanary)

func (s *siteStore) call(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, name)
	if s.fails.Load() {
		return errSite
	}
	return nil
}

func (s *siteStore) taken() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.calls
	s.calls = nil
	return calls
}

func (s *siteStore) Epoch(ctx context.Context, t troth.Tenant) (uint32, error) {
	if err := s.call("Epoch"); err != nil {
		return 0, err
	}
	return s.Backend.Epoch(ctx, t)
}

func (s *siteStore) HoldEpoch(ctx context.Context, t troth.Tenant) (uint32, error) {
	if err := s.call("HoldEpoch"); err != nil {
		return 0, err
	}
	return s.Backend.HoldEpoch(ctx, t)
}

func (s *siteStore) Entries(ctx context.Context, t troth.Tenant, keys []unsubscribe.Key) ([]unsubscribe.EntryRow, error) {
	if err := s.call("Entries"); err != nil {
		return nil, err
	}
	return s.Backend.Entries(ctx, t, keys)
}

func (s *siteStore) LockEntry(ctx context.Context, row unsubscribe.EntryRow) (unsubscribe.EntryRow, error) {
	if err := s.call("LockEntry"); err != nil {
		return row, err
	}
	return s.Backend.LockEntry(ctx, row)
}

func (s *siteStore) PutEntry(ctx context.Context, row unsubscribe.EntryRow) error {
	if err := s.call("PutEntry"); err != nil {
		return err
	}
	return s.Backend.PutEntry(ctx, row)
}

func (s *siteStore) InsertEvent(ctx context.Context, row unsubscribe.EventRow) (bool, error) {
	if err := s.call("InsertEvent"); err != nil || s.failsLog.Load() {
		return false, errors.Join(err, errSite)
	}
	inserted, err := s.Backend.InsertEvent(ctx, row)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.after > 0 {
		s.after--
		s.failsLog.Store(s.after == 0)
	}
	return inserted, err
}

// site is a host with the pages, over real HTTP on loopback.
type site struct {
	*testing.T
	keys     *siteKeys
	store    *siteStore
	registry *unsubscribe.Registry
	links    *unsubscribe.Links
	pages    *unsubscribe.Pages
	server   *httptest.Server
	logs     *observer.ObservedLogs
	mu       sync.Mutex
	at       time.Time
	seen     strings.Builder // all that ever left
}

func newSite(t *testing.T, change ...func(*unsubscribe.PagesConfig)) *site {
	t.Helper()
	core, logs := observer.New(zapcore.DebugLevel)
	s := &site{T: t, keys: &siteKeys{}, logs: logs, at: siteStart}
	s.store = &siteStore{Backend: unsubscribemem.New(memory.Open())}
	var err error
	s.registry, err = unsubscribe.New(t.Context(), unsubscribe.Config{
		Store: s.store, Recorder: troth.UnsafeNoEvidence(s.store.Transactor()), Keys: s.keys,
	}, unsubscribe.WithClock(s.now), unsubscribe.WithLogger(zap.New(core)))
	require.NoError(t, err)
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.pages.ServeHTTP(w, r) }))
	t.Cleanup(s.server.Close)
	// Links are of https; what terminates TLS stands in front of the server.
	s.links, err = unsubscribe.NewLinks(unsubscribe.LinksConfig{Keys: s.keys, Base: "https://mail.acme.example"})
	require.NoError(t, err)
	c := unsubscribe.PagesConfig{
		Registry: s.registry, Links: s.links, Company: "Mailwork", Home: "acme",
		Names: func(_ context.Context, tenant troth.Tenant, _ string) (unsubscribe.Names, error) {
			if tenant != "acme" {
				return unsubscribe.Names{}, errSite
			}
			return unsubscribe.Names{Sender: "Acme <Tools>", Lists: []unsubscribe.ListName{{ID: "weekly", Title: "Weekly & more"}, {ID: "offers", Title: "Offers"}}}, nil
		},
	}
	for _, f := range change {
		f(&c)
	}
	s.pages, err = unsubscribe.NewPages(c)
	require.NoError(t, err)
	s.pages.SetPace(0)
	t.Cleanup(func() {
		require.NotContains(t, strings.ToLower(s.seen.String()), "canary", "no answer tells whom it is about")
		for _, e := range logs.All() {
			require.NotContains(t, strings.ToLower(fmt.Sprint(e.Message, e.ContextMap())), "canary")
		}
	})
	return s
}

func (s *site) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at
}

func (s *site) move(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = s.at.Add(d)
}

func siteTicket() unsubscribe.Ticket {
	return unsubscribe.Ticket{
		Action: unsubscribe.ActionStop, Tenant: "acme", Channel: unsubscribe.Email, Address: troth.Protect(siteCanary), List: "weekly", SentAt: siteStart,
	}
}

// link makes a path.
func (s *site) link(k unsubscribe.Ticket) string {
	s.Helper()
	made, err := s.links.URL(s.Context(), k)
	require.NoError(s, err)
	return strings.TrimPrefix(made, "https://mail.acme.example")
}

type answer struct {
	*http.Response
	text string
}

// send makes a request as it is, and follows nothing.
func (s *site) send(method, path, kind, body string, headers ...string) answer {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), method, s.server.URL+path, strings.NewReader(body))
	require.NoError(s, err)
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	require.NoError(s, err)
	text, err := io.ReadAll(res.Body)
	require.NoError(s, err)
	_ = res.Body.Close()
	a := answer{res, string(text)}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen.WriteString(a.text)
	_ = a.Header.Write(&s.seen)
	// What holds for every answer.
	require.Empty(s, a.Header.Values("Set-Cookie"))
	require.Empty(s, a.Header.Get("Location"))
	require.Equal(s, "no-referrer", a.Header.Get("Referrer-Policy"))
	require.Equal(s, "no-store", a.Header.Get("Cache-Control"))
	require.Contains(s, a.Header.Get("X-Robots-Tag"), "noindex")
	require.Contains(s, a.Header.Get("Content-Security-Policy"), "default-src 'none'")
	require.NotContains(s, a.Header.Get("Content-Security-Policy"), "unsafe")
	require.NotContains(s, a.text, "<script")
	return a
}

const urlEncodedBody = "application/x-www-form-urlencoded"

func (s *site) post(path string, fields ...string) answer {
	s.Helper()
	v := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		v.Add(fields[i], fields[i+1])
	}
	return s.send(http.MethodPost, path, urlEncodedBody, v.Encode())
}

func (s *site) oneClick(path string) answer {
	s.Helper()
	return s.send(http.MethodPost, path, urlEncodedBody, "List-Unsubscribe=One-Click")
}

// stops tells how the registry decides about marketing of a list.
func (s *site) stops(tenant troth.Tenant, list string) bool {
	s.Helper()
	d, err := s.registry.Check(s.Context(), unsubscribe.Campaign{
		Tenant: tenant, List: list, Channel: unsubscribe.Email, Class: unsubscribe.Marketing,
	}, troth.Protect(siteCanary))
	require.NoError(s, err)
	return !d.Send
}

// where tells what is stopped: the list, another of the client's, another client's.
func (s *site) where() string {
	s.Helper()
	return fmt.Sprintf("%t/%t/%t", s.stops("acme", "weekly"), s.stops("acme", "offers"), s.stops("globex", "weekly"))
}

const (
	nothingStops    = "false/false/false"
	listStops       = "true/false/false"
	clientStops     = "true/true/false"
	everythingStops = "true/true/true"
)

func fromAddress(a string) func(*unsubscribe.PagesConfig) {
	return func(c *unsubscribe.PagesConfig) {
		c.Client = func(*http.Request) netip.Addr { return netip.MustParseAddr(a) }
	}
}
