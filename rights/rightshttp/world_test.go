package rightshttp

import (
	"context"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/rights/export"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/rightsmem"
)

// canary is personal, and must come back in no problem and stand in no log.
const canary = "ada.canary@example.org"

// namesAda finds the person by name; the three letters alone may be of a random
// id, or of a signature.
var namesAda = regexp.MustCompile(`\bada\b`)

type keys struct{}

func (keys) MAC(_ context.Context, ref troth.KeyRef, message []byte) ([32]byte, error) {
	h := hmac.New(sha256.New, fmt.Appendf(nil, "%+v", ref))
	h.Write(message)
	return [32]byte(h.Sum(nil)), nil
}

func (keys) AEAD(context.Context, troth.KeyRef) (cipher.AEAD, error) {
	return nil, errors.New("not here")
}

// plainSealer seals nothing: what is sealed is not looked at here.
type plainSealer struct{}

func (plainSealer) Seal(_ context.Context, dst []byte, _ troth.Context, b []byte) ([]byte, error) {
	return append(dst, b...), nil
}

func (plainSealer) Open(_ context.Context, dst []byte, _ troth.Context, _ troth.Purpose, b []byte) ([]byte, error) {
	return append(dst, b...), nil
}

type postbox struct{ bodies []string }

func (p *postbox) Notify(_ context.Context, m rights.Message) error {
	body, err := m.Body.Reveal("test")
	p.bodies = append(p.bodies, body)
	return err
}

// book knows Ada's address, and fails as hosts do: with the address in the error.
type book struct{ fail bool }

func (*book) Addresses(context.Context, troth.Subject) ([]troth.Address, error) { return nil, nil }

func (b *book) Subjects(_ context.Context, tenant troth.Tenant, a troth.Address) ([]troth.Subject, error) {
	value, err := a.Value.Reveal("test")
	if b.fail {
		return nil, fmt.Errorf("smtp: no such mailbox %s", value)
	}
	if err != nil || value != canary {
		return nil, err
	}
	return []troth.Subject{{Tenant: tenant, ID: "ada"}}, nil
}

// failing is a store whose reads fail when they are told to.
type failing struct {
	rights.Backend

	mu   sync.Mutex
	fail error
}

func (s *failing) set(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

func (s *failing) err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fail
}

func (s *failing) Request(ctx context.Context, tenant troth.Tenant, id string) (rights.RequestRow, bool, error) {
	if err := s.err(); err != nil {
		return rights.RequestRow{}, false, err
	}
	return s.Backend.Request(ctx, tenant, id)
}

func (s *failing) LockRequest(ctx context.Context, tenant troth.Tenant, id string) (rights.RequestRow, bool, error) {
	if err := s.err(); err != nil {
		return rights.RequestRow{}, false, err
	}
	return s.Backend.LockRequest(ctx, tenant, id)
}

func (s *failing) Requests(ctx context.Context, l rights.Listing) ([]rights.RequestRow, error) {
	if err := s.err(); err != nil {
		return nil, err
	}
	return s.Backend.Requests(ctx, l)
}

// shop is a source with one order of everybody's.
type shop struct {
	name string

	mu     sync.Mutex
	fail   error
	asked  int
	erased bool
	lifted rights.Lifted
	copies time.Time
}

func (s *shop) Locate(context.Context, rights.Inquiry) (rights.Located, error) {
	return rights.Located{Records: 1}, nil
}

func (s *shop) Types() []export.Type {
	return []export.Type{{Name: "order", About: export.Person}}
}

func (s *shop) Export(_ context.Context, q rights.Inquiry) iter.Seq2[export.Record, error] {
	return func(yield func(export.Record, error) bool) {
		s.mu.Lock()
		s.asked++
		fail := s.fail
		s.mu.Unlock()
		if fail != nil {
			yield(export.Record{}, fail)
			return
		}
		yield(export.Record{Type: "order", ID: "1", Fields: []export.Field{export.Text("whose", q.SubjectID), export.Text("mail", canary)}}, nil)
	}
}

func (s *shop) Erase(context.Context, rights.Inquiry) (rights.Report, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return rights.Report{}, s.fail
	}
	s.erased = true
	return rights.Report{Outcome: rights.Done, Method: rights.Deleted, Records: 1, CopiesUntil: s.copies}, nil
}

func (s *shop) Restrict(context.Context, rights.Inquiry) (rights.Report, error) {
	return rights.Report{Outcome: rights.Done, Method: rights.Restricted, Records: 1}, nil
}

func (s *shop) Lift(_ context.Context, _ rights.Inquiry, l rights.Lifted) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lifted = l
	return nil
}

// prover is a log whose newest entries may not be signed yet.
type prover struct {
	mu  sync.Mutex
	err error
}

func (p *prover) set(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
}

func (p *prover) Prove(_ context.Context, _ troth.Tenant, id troth.EntryID) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return []byte(id.String()), p.err
}

type site struct {
	*testing.T
	prover *prover
	h      *Handler
	db     *memory.DB
	desk   *rights.Desk
	store  *failing
	post   *postbox
	book   *book
	shop   *shop
	paper  *shop
	logs   *observer.ObservedLogs
	doc    *description
	key    string
	// holder is the key that Ada signs mandates with.
	holder ed25519.PrivateKey
	now    time.Time
	mu     sync.Mutex
}

func (s *site) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *site) move(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

// newSite has callers named by a header: "acme ada", "acme staff", "acme -", "acme agent:x".
func newSite(t *testing.T, changes int, opts ...rights.Option) *site {
	t.Helper()
	db := memory.Open()
	s := &site{
		T: t, db: db, prover: &prover{}, post: &postbox{}, book: &book{}, store: &failing{Backend: rightsmem.New(db)}, shop: &shop{name: "shop"},
		paper: &shop{name: "paper"}, now: time.Date(2026, 3, 5, 10, 0, 0, 0, time.UTC), doc: described(t),
	}
	core, logs := observer.New(zapcore.DebugLevel)
	s.logs = logs
	seed := sha256.Sum256([]byte("exports"))
	private := ed25519.NewKeyFromSeed(seed[:])
	s.holder = private
	signer, err := export.NewSigner("example.com/exports", private)
	require.NoError(t, err)
	s.key, err = export.VerifierKey("example.com/exports", private.Public().(ed25519.PublicKey))
	require.NoError(t, err)
	all := append([]rights.Option{
		rights.WithSealer(plainSealer{}), rights.WithProver(s.prover), rights.WithNotifier(s.post), rights.WithDirectory(s.book), rights.WithRegimes("gdpr"),
		rights.WithClock(s.clock), rights.WithExports(rights.Exports{Signer: signer, TempDir: t.TempDir()}), rights.WithController("Acme"),
		rights.WithCoolingOff(0), rights.WithTries(1), rights.Unmanaged("test"), rights.WithLogger(zap.New(core)),
		rights.WithSource(rights.Source{Name: "shop", Order: rights.Primary, Records: []string{"order"}, For: []rights.Right{rights.Know, rights.Access, rights.Erase, rights.Restrict}, Title: "R&D <shop>", Locator: s.shop, Exporter: s.shop, Eraser: s.shop, Restrictor: s.shop}),
		rights.WithSource(rights.Source{Name: "paper", Order: rights.Primary, For: []rights.Right{rights.Erase}, Records: []string{"file"}, Eraser: s.paper}),
		rights.WithHolderKeys(func(_ context.Context, who troth.Subject) ([]ed25519.PublicKey, error) {
			if who.ID != "ada" {
				return nil, nil
			}
			return []ed25519.PublicKey{private.Public().(ed25519.PublicKey)}, nil
		}),
	}, opts...)
	s.desk, err = rights.New(t.Context(), rights.Config{Store: s.store, Recorder: troth.UnsafeNoEvidence(db), Keys: keys{}}, all...)
	require.NoError(t, err)
	s.h = s.handler(changes)
	return s
}

// handler is another process on the same store.
func (s *site) handler(changes int) *Handler {
	s.Helper()
	h, err := New(Config{
		Desk: s.desk, Changes: changes, Clock: s.clock, TempDir: s.TempDir(), Log: zap.New(s.logsCore()),
		Authenticate: func(r *http.Request) (Caller, error) {
			tenant, who, ok := strings.Cut(r.Header.Get("Caller"), " ")
			c := Caller{Tenant: troth.Tenant(tenant), Actor: troth.Actor{Kind: troth.Person, ID: "a-" + who}, LimitKey: who}
			agent, isAgent := strings.CutPrefix(who, "agent:")
			switch {
			case !ok:
				return Caller{}, errors.New("nobody: " + canary)
			case who == "staff":
				c.Staff = true
			case isAgent:
				c.Actor.ID, c.Agent = "a-agent-"+agent, agent
			case who != "-":
				c.SubjectID = who
				if r.Header.Get("Fresh") != "" {
					c.LoggedInAt = s.clock()
				}
			default:
				c.Actor.ID = "visitor"
			}
			return c, nil
		},
	})
	require.NoError(s, err)
	return h
}

func (s *site) logsCore() zapcore.Core {
	core, logs := observer.New(zapcore.DebugLevel)
	s.Cleanup(func() { noCanary(s.T, logs) })
	return core
}

// noCanary demands that logs name nobody.
func noCanary(t *testing.T, logs *observer.ObservedLogs) {
	for _, e := range logs.All() {
		text := fmt.Sprint(e.Message, e.ContextMap())
		require.NotContains(t, text, "canary")
	}
}

// ask makes a call as it is, and holds the answer to the description.
func (s *site) ask(r *http.Request) *httptest.ResponseRecorder {
	s.Helper()
	w := httptest.NewRecorder()
	s.h.ServeHTTP(w, r)
	require.Equal(s, "no-store", w.Header().Get("Cache-Control"))
	require.Equal(s, "nosniff", w.Header().Get("X-Content-Type-Options"))
	path := r.URL.Path
	for i := range routes { // which of the table it was
		if m := routes[i].pattern(); m.MatchString(path) {
			path = routes[i].path
		}
	}
	methods, has := s.doc.Paths[path]
	if _, is := methods[strings.ToLower(r.Method)]; !has || !is {
		return w
	}
	typ, _, _ := strings.Cut(w.Header().Get("Content-Type"), ";")
	schema, described := s.doc.schema(r.Method, path, w.Code, typ)
	require.True(s, described, "%s %s: %d %s is not described", r.Method, path, w.Code, typ)
	if strings.HasSuffix(typ, "json") {
		var v any
		require.NoError(s, json.Unmarshal(w.Body.Bytes(), &v))
		require.Empty(s, s.doc.fits(schema, v, ""), w.Body.String())
	}
	if typ == "application/problem+json" {
		require.NotContains(s, w.Body.String(), "canary")
		require.NotRegexp(s, namesAda, w.Body.String())
	}
	return w
}

func (s *site) request(caller, method, path, body string, headers ...string) *http.Request {
	s.Helper()
	r := httptest.NewRequestWithContext(s.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Caller", caller)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// call returns the status and the answer.
func (s *site) call(caller, method, path, body string, headers ...string) (int, object) {
	s.Helper()
	w := s.ask(s.request(caller, method, path, body, headers...))
	var answer object
	if strings.Contains(w.Header().Get("Content-Type"), "json") {
		require.NoError(s, json.Unmarshal(w.Body.Bytes(), &answer), w.Body.String())
	}
	return w.Code, answer
}

// must is a call that succeeds.
func (s *site) must(caller, method, path, body string, headers ...string) object {
	s.Helper()
	status, a := s.call(caller, method, path, body, headers...)
	require.Less(s, status, 300, "%s %s: %v", method, path, a)
	return a
}

// fails is a call that is answered with a code.
func (s *site) fails(code, caller, method, path, body string, headers ...string) {
	s.Helper()
	status, a := s.call(caller, method, path, body, headers...)
	require.Equal(s, code, a["code"], "%s %s: %d %v", method, path, status, a)
	require.Equal(s, problems[code].status, status)
}

func (s *site) submit(caller, right string) string {
	s.Helper()
	return s.must(caller, "POST", "/requests", `{"right":"`+right+`","text":"please"}`)["id"].(string)
}

// approved is a request of Ada's that was carried out as far as it goes.
func (s *site) approved(right string) string {
	s.Helper()
	id := s.submit("acme ada", right)
	s.must("acme ada", "POST", "/requests/"+id+"/verify", "{}", "Fresh", "yes")
	s.must("acme staff", "POST", "/requests/"+id+"/accept", "")
	require.NoError(s, s.desk.Step(s.Context(), "acme", id))
	s.must("acme staff", "POST", "/requests/"+id+"/approve", "")
	require.NoError(s, s.desk.Step(s.Context(), "acme", id))
	return id
}

// code is the code that was sent last.
func (p *postbox) code() string {
	for _, body := range slices.Backward(p.bodies) {
		if code := regexp.MustCompile(`[2-9A-Z]{4}-[2-9A-Z]{4}`).FindString(body); code != "" {
			return code
		}
	}
	return ""
}
