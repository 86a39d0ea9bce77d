package unsubscribe_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/integration/sqltest"
	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/task"
	"github.com/trothdev/troth/unsubscribe"
	"github.com/trothdev/troth/unsubscribe/httpprovider"
	"github.com/trothdev/troth/vault"
	"github.com/trothdev/troth/vault/vaulttest"
)

// mailer is a provider that fails by a script: what is said of the nth call.
type mailer struct {
	mu         sync.Mutex
	suppressed map[string]int // how often it took effect
	contacts   map[string]bool
	seen       map[string]bool // idempotency keys
	script     []string
	calls      []string
}

func (m *mailer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body struct{ Address string }
	if json.NewDecoder(r.Body).Decode(&body) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	fate := "well"
	if n := len(m.calls); n < len(m.script) {
		fate = m.script[n]
	}
	m.calls = append(m.calls, r.URL.String()+" "+fate)
	switch fate {
	case "down":
		http.Error(w, body.Address+" cannot be served", http.StatusInternalServerError)
		return
	case "busy":
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	m.act(w, r, body.Address)
	if fate == "lost" { // it took effect, and the answer never comes
		panic(http.ErrAbortHandler)
	}
}

func (m *mailer) act(w http.ResponseWriter, r *http.Request, address string) {
	key := r.Header.Get("Idempotency-Key")
	switch r.URL.Path {
	case "/suppressions":
		if !m.seen[key] {
			m.suppressed[address]++
		}
	case "/removals":
		if !m.contacts[address] {
			w.WriteHeader(http.StatusNotFound)
		}
		delete(m.contacts, address)
	case "/lookups":
		_, _ = fmt.Fprintf(w, `{"suppressed":%v,"contact":%v}`, m.suppressed[address] > 0, m.contacts[address])
	}
	m.seen[key] = true
}

// site is a shop on a real database, with the engine at work.
type site struct {
	*testing.T
	ctx      context.Context
	kit      *kit.Kit
	registry *unsubscribe.Registry
	logs     *observer.ObservedLogs
}

func eachSite(t *testing.T, test func(t *testing.T, open func(opts ...unsubscribe.Option) *site)) {
	t.Helper()
	for name, open := range map[string]func(t *testing.T) (*sql.DB, sqlstore.Dialect){
		"sqlite":   func(t *testing.T) (*sql.DB, sqlstore.Dialect) { return sqltest.SQLite(t), sqlstore.SQLite },
		"postgres": func(t *testing.T) (*sql.DB, sqlstore.Dialect) { return pgtest.Open(t), sqlstore.Postgres },
	} {
		t.Run(name, func(t *testing.T) {
			db, dialect := open(t)
			test(t, func(opts ...unsubscribe.Option) *site { return newSite(t, db, dialect, opts) })
		})
	}
}

func newSite(t *testing.T, db *sql.DB, d sqlstore.Dialect, opts []unsubscribe.Option) *site {
	t.Helper()
	core, logs := observer.New(zap.DebugLevel)
	log := zap.New(core)
	c := kit.Config{
		DB: db, Dialect: d, Secrets: kit.Secrets{KEK: vaulttest.InsecureKEK()}, Logger: log,
		Tasks: []task.Option{task.WithPoll(20 * time.Millisecond)}, Unsubscribe: opts,
	}
	for _, kind := range unsubscribe.Works() {
		c.Kinds = append(c.Kinds, task.Kind{Name: kind, Backoff: 10 * time.Millisecond, Cap: 50 * time.Millisecond})
	}
	k, err := kit.Open(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, k.Close(context.WithoutCancel(t.Context()))) })
	s := &site{
		T: t, kit: k, registry: k.Unsubscribe, logs: logs,
		ctx: troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "shop"}),
	}
	return s
}

// runs has the engine work until the condition holds.
func (s *site) runs(until func() bool) {
	s.Helper()
	ctx, stop := context.WithCancel(s.Context())
	done := make(chan error, 1)
	go func() { done <- s.kit.Tasks.Run(ctx) }()
	require.Eventually(s, until, time.Minute, 20*time.Millisecond)
	stop()
	require.ErrorIs(s, <-done, context.Canceled)
}

func (s *site) state(registry troth.Tenant, event string) unsubscribe.DeliveryRow {
	s.Helper()
	rows, err := s.registry.Deliveries(s.ctx, registry, event)
	require.NoError(s, err)
	require.Len(s, rows, 1)
	return rows[0]
}

func (s *site) acts(tenant troth.Tenant) (names []string, text string) {
	s.Helper()
	var b strings.Builder
	for r, err := range s.kit.Trail.Entries(s.ctx, tenant, audit.Query{}) {
		require.NoError(s, err)
		if strings.HasPrefix(r.Act, "unsubscribe.") {
			names = append(names, r.Act)
		}
		b.WriteString(r.String())
	}
	return names, b.String()
}

func serve(t *testing.T, script ...string) (*mailer, unsubscribe.Option) {
	t.Helper()
	m := &mailer{suppressed: map[string]int{}, contacts: map[string]bool{ada: true, canary: true}, seen: map[string]bool{}, script: script}
	server := httptest.NewServer(m)
	t.Cleanup(server.Close)
	p, err := httpprovider.New(server.URL)
	require.NoError(t, err)
	return m, unsubscribe.WithProvider("mailer", p)
}

// TestProvider_IsToldOnceWhateverGoesWrong fails each of the three calls in each
// way, one after the other: the effect is there once, in time, and shown.
func TestProvider_IsToldOnceWhateverGoesWrong(t *testing.T) {
	eachSite(t, func(t *testing.T, open func(opts ...unsubscribe.Option) *site) {
		m, provider := serve(t,
			"down",         // suppress
			"well", "busy", // look up, suppress
			"lost",         // look up
			"well", "lost", // look up, suppress: it took effect
			"well", "down", // look up, remove
			"well", "lost", // look up, remove: it took effect
			"busy", // look up
		)
		s := open(provider)
		for _, scope := range []unsubscribe.Scope{unsubscribe.Client, unsubscribe.Everything} {
			e, err := s.registry.OptOut(s.ctx, unsubscribe.OptOutParams{
				Tenant: shop, Channel: unsubscribe.Email, Address: troth.Protect(ada), Scope: scope, Method: unsubscribe.ByOneClick,
			})
			require.NoError(t, err)
			registry := shop
			if scope == unsubscribe.Everything {
				registry = troth.Platform
			}
			require.Equal(t, unsubscribe.DeliveryPending, s.state(registry, e.ID).State)
			s.runs(func() bool { return s.state(registry, e.ID).State == unsubscribe.DeliveryTold })
			d := s.state(registry, e.ID)
			require.LessOrEqual(t, d.ToldAt, d.DueAt)
			names, _ := s.acts(registry)
			require.Contains(t, names, "unsubscribe.told")
			require.NotContains(t, names, "unsubscribe.late")
			if scope == unsubscribe.Client {
				require.Equal(t, map[string]int{ada: 1}, m.suppressed, "%v", m.calls)
				require.Greater(t, d.Attempts, uint32(3), "%v", m.calls)
			}
		}
		require.Equal(t, map[string]bool{canary: true}, m.contacts)
		require.Equal(t, map[string]int{ada: 2}, m.suppressed, "one opt-out of the client, one of everything")
		for _, call := range m.calls {
			require.NotContains(t, call, ada, "no address in a URL")
		}
	})
}

// TestProvider_IsToldAlsoForAClientWhoIsGone: the links in a client's messages work
// after the client's keys were destroyed, with the real vault, ledger and queue.
func TestProvider_IsToldAlsoForAClientWhoIsGone(t *testing.T) {
	eachSite(t, func(t *testing.T, open func(opts ...unsubscribe.Option) *site) {
		m, provider := serve(t)
		people := &contacts{known: map[troth.Subject][]string{{Tenant: shop, ID: "c-17"}: {ada}}}
		ledger := &late{}
		s := open(provider, unsubscribe.WithDirectory(people), unsubscribe.WithObjections(ledger))
		ledger.Objections = s.kit.Consent
		_, err := s.kit.Vault.Shred(s.ctx, troth.UnmanagedPermit("test"), vault.Target{Tenant: shop, WholeTenant: true})
		require.NoError(t, err)
		e, err := s.registry.OptOut(s.ctx, unsubscribe.OptOutParams{
			Tenant: shop, Channel: unsubscribe.Email, Address: troth.Protect(ada), Scope: unsubscribe.Client, Method: unsubscribe.ByOneClick,
			Evidence: unsubscribe.Evidence{UserAgent: troth.Protect("Mail/1.0")},
		})
		require.NoError(t, err)
		require.False(t, e.HasEvidence)
		s.runs(func() bool { return s.state(shop, e.ID).State == unsubscribe.DeliveryTold })
		require.Equal(t, map[string]int{ada: 1}, m.suppressed)
	})
}

const canary = "canary.quetzal-7719@harbour-lantern.example"

// TestCanary_IsFoundNowhere sends one address through everything that the registry
// does, and looks for it in every row, in logs, errors and on the trail.
func TestCanary_IsFoundNowhere(t *testing.T) {
	eachSite(t, func(t *testing.T, open func(opts ...unsubscribe.Option) *site) {
		m, provider := serve(t, "down", "lost")
		s := open(provider)
		var told bytes.Buffer
		must := func(e unsubscribe.Event, err error) unsubscribe.Event {
			t.Helper()
			require.NoError(t, err)
			fmt.Fprintf(&told, "%+v", e)
			return e
		}
		p := unsubscribe.OptOutParams{
			Tenant: shop, Channel: unsubscribe.Email, Address: troth.Protect(canary), Scope: unsubscribe.Client, Method: unsubscribe.ByPage,
			Evidence: unsubscribe.Evidence{Note: troth.Protect("wrote as " + canary), UserAgent: troth.Protect(canary)},
		}
		fmt.Fprintf(&told, "%+v %#v", p, p)
		e := must(s.registry.OptOut(s.ctx, p))
		s.dump(&told) // while the work waits, with the address in its payload
		s.runs(func() bool { return s.state(shop, e.ID).State == unsubscribe.DeliveryTold })
		must(s.registry.OptIn(s.ctx, unsubscribe.OptInParams{
			Tenant: shop, Channel: unsubscribe.Email, Address: p.Address, Scope: unsubscribe.Client,
			Method: unsubscribe.ByConfirmation, Reference: "c-1",
		}))
		must(s.registry.Report(s.ctx, unsubscribe.ReportParams{
			Tenant: shop, Channel: unsubscribe.Email, Address: p.Address, Scope: unsubscribe.Everything, Kind: unsubscribe.KindComplaint,
		}))
		report, err := s.registry.Import(s.ctx, unsubscribe.ImportParams{
			Tenant: shop, Channel: unsubscribe.Email, Scope: unsubscribe.List, List: "letter", Source: "old",
		}, func(yield func(unsubscribe.Imported, error) bool) {
			yield(unsubscribe.Imported{Address: p.Address}, nil)
		})
		require.NoError(t, err)
		fmt.Fprintf(&told, "%+v", report)
		d, err := s.registry.Check(s.ctx, unsubscribe.Campaign{
			Tenant: shop, List: "letter", Channel: unsubscribe.Email, Class: unsubscribe.Marketing,
		}, p.Address)
		require.NoError(t, err)
		told.WriteString(d.String())
		for _, bad := range []func() error{
			func() error { q := p; q.ID = canary + "\n"; _, err := s.registry.OptOut(s.ctx, q); return err },
			func() error {
				q := p
				q.Address = troth.Protect(canary + "\x00")
				_, err := s.registry.OptOut(s.ctx, q)
				return err
			},
			func() error {
				q := p
				q.Scope, q.List = unsubscribe.List, canary+"\x00"
				_, err := s.registry.OptOut(s.ctx, q)
				return err
			},
			func() error { _, err := unsubscribe.Normalise(unsubscribe.SMS, canary); return err },
			func() error {
				_, err := s.registry.Do(s.ctx, troth.Job{Kind: unsubscribe.WorkPropagate, Payload: []byte(canary)})
				return err
			},
		} {
			err := bad()
			require.Error(t, err)
			fmt.Fprintf(&told, "%v %+v", err, err)
		}
		_, err = s.registry.Rekey(s.ctx, shop)
		require.NoError(t, err)
		for _, tenant := range []troth.Tenant{shop, troth.Platform} {
			_, text := s.acts(tenant)
			told.WriteString(text)
		}
		for _, line := range s.logs.All() {
			fmt.Fprintf(&told, "%s %+v", line.Message, line.ContextMap())
		}
		s.dump(&told)
		require.NotContains(t, told.String(), canary)
		require.NotContains(t, told.String(), "harbour-lantern")
		require.Contains(t, told.String(), "letter", "the search finds what is there")
		require.Contains(t, told.String(), "troth.unsubscribe.event/1", "also in bytes")
		require.Equal(t, 1, m.suppressed[canary])
	})
}

// dump writes every row of every table that stands in the database.
func (s *site) dump(to *bytes.Buffer) {
	s.Helper()
	list := `SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'troth_%'`
	if s.kit.Handle.Dialect() == sqlstore.Postgres {
		list = `SELECT table_name FROM information_schema.tables WHERE table_name LIKE 'troth_%'`
	}
	for _, table := range s.column(list) {
		text := `SELECT row_to_json(t)::text FROM ` + table + ` t`
		if s.kit.Handle.Dialect() != sqlstore.Postgres {
			text = s.sqliteRow(table)
		}
		for _, row := range s.column(text) {
			to.WriteString(row)
			to.WriteString(plainOf(row))
		}
	}
}

// sqliteRow prints a row of a table with its bytes in hexadecimal.
func (s *site) sqliteRow(table string) string {
	s.Helper()
	var parts []string
	for _, name := range s.column(`SELECT name FROM pragma_table_info('` + table + `')`) {
		parts = append(parts, `quote(`+name+`)`)
	}
	return `SELECT ` + strings.Join(parts, ` || ' ' || `) + ` FROM ` + table
}

func (s *site) column(query string) (all []string) {
	s.Helper()
	rows, err := s.kit.Handle.Querier(s.ctx).Query(s.ctx, query)
	require.NoError(s, err)
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var v sql.NullString
		require.NoError(s, rows.Scan(&v))
		all = append(all, v.String)
	}
	require.NoError(s, rows.Err())
	return all
}

// plainOf is text with every run of hexadecimal digits read as bytes too.
func plainOf(s string) string {
	var b strings.Builder
	const digits = "0123456789abcdef"
	low := strings.ToLower(s)
	for i := 0; i+1 < len(low); i++ {
		hi, lo := strings.IndexByte(digits, low[i]), strings.IndexByte(digits, low[i+1])
		if hi >= 0 && lo >= 0 {
			b.WriteByte(byte(hi<<4 | lo))
			i++
		}
	}
	return b.String()
}
