package kit_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/integration/browser"
	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/rights/export"
	"github.com/trothdev/troth/rights/rightshttp"
)

const rightsCanary = "ada.canary@example.org"

// profile is a table of the host's: one record of everybody, who can be found by nothing else.
type profile struct{}

func (profile) Locate(context.Context, rights.Inquiry) (rights.Located, error) {
	return rights.Located{Records: 1}, nil
}

func (profile) Types() []export.Type { return []export.Type{{Name: "profile", About: export.Person}} }

func (profile) Export(_ context.Context, q rights.Inquiry) iter.Seq2[export.Record, error] {
	return func(yield func(export.Record, error) bool) {
		yield(export.Record{Type: "profile", ID: "1", Fields: []export.Field{
			export.Text("whose", string(q.Tenant)+"/"+q.SubjectID), export.Text("mail", rightsCanary),
		}}, nil)
	}
}

// process is one of several on a database, with the desk over HTTP.
type process struct {
	kit     *kit.Kit
	handler *rightshttp.Handler
}

func newProcess(t *testing.T, d database, c kit.Config, log *zap.Logger, key ed25519.PrivateKey) process {
	t.Helper()
	signer, err := export.NewSigner("shop.example/exports", key)
	require.NoError(t, err)
	c.DB, c.Logger = d.connect(t), log
	c.Rights = func(*kit.Kit) []rights.Option {
		return []rights.Option{
			rights.WithController("Acme"), rights.WithRegimes("gdpr"), rights.WithExports(rights.Exports{Signer: signer, TempDir: t.TempDir()}),
			rights.WithSource(rights.Source{Name: "profile", Order: rights.Primary, Records: []string{"profile"}, Locator: profile{}, Exporter: profile{}}),
		}
	}
	k, err := kit.Open(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, k.Close(context.WithoutCancel(t.Context()))) })
	h, err := rightshttp.New(rightshttp.Config{Desk: k.Rights, Log: log, TempDir: t.TempDir(), Changes: 10_000, Authenticate: func(r *http.Request) (rightshttp.Caller, error) {
		tenant, who, ok := strings.Cut(r.Header.Get("Caller"), " ")
		if !ok {
			return rightshttp.Caller{}, errors.New("nobody")
		}
		c := rightshttp.Caller{Tenant: troth.Tenant(tenant), Actor: troth.Actor{Kind: troth.Person, ID: who}, Staff: who == "staff"}
		if who != "staff" && who != "visitor" {
			c.SubjectID, c.LoggedInAt = who, time.Now()
		}
		return c, nil
	}})
	require.NoError(t, err)
	return process{k, h}
}

func (p process) call(t *testing.T, caller, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Caller", caller)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, r)
	return w
}

func (p process) must(t *testing.T, caller, method, path, body string, headers ...string) map[string]any {
	t.Helper()
	w := p.call(t, caller, method, path, body, headers...)
	require.Less(t, w.Code, 300, "%s %s: %s", method, path, w.Body)
	answer := map[string]any{}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer))
	return answer
}

// Two processes, two tenants, real databases and a real vault: a submission that comes
// many times at once is one, its answers are the same to the byte, and so is a download
// given once.
func TestRightsHTTP_TwoProcesses(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		core, logs := observer.New(zapcore.DebugLevel)
		seed := sha256.Sum256([]byte("exports"))
		key := ed25519.NewKeyFromSeed(seed[:])
		c := d.config(d.connect(t))
		both := [2]process{newProcess(t, d, c, zap.New(core), key), newProcess(t, d, c, zap.New(core), key)}
		body := `{"right":"access","name":"` + rightsCanary + `","text":"` + rightsCanary + `"}`

		for _, caller := range []string{"acme ada", "acme visitor"} {
			answers := make([]string, 8)
			var wg sync.WaitGroup
			for i := range answers {
				wg.Go(func() {
					w := both[i%2].call(t, caller, "POST", "/requests", body, "Idempotency-Key", "0b2f8a1e-6c1f-4d9a")
					answers[i] = fmt.Sprint(w.Code, w.Body)
				})
			}
			wg.Wait()
			for _, a := range answers {
				require.Equal(t, answers[0], a)
			}
			require.Contains(t, answers[0], `201 {"id":"h-`)
			require.Equal(t, caller == "acme visitor", strings.Contains(answers[0], `"token"`))
		}
		list := both[1].must(t, "acme ada", "GET", "/requests", "")["requests"].([]any)
		require.Len(t, list, 1)
		id := list[0].(map[string]any)["id"].(string)

		for i, caller := range []string{"globex ada", "globex staff", "acme eve", "acme visitor"} {
			require.Equal(t, http.StatusNotFound, both[i%2].call(t, caller, "GET", "/requests/"+id, "").Code)
			require.Contains(t, []int{http.StatusNotFound, http.StatusForbidden}, both[i%2].call(t, caller, "POST", "/requests/"+id+"/approve", "").Code)
		}
		read := both[1].must(t, "acme staff", "GET", "/requests/"+id+"/contents", "")
		require.Equal(t, rightsCanary, read["text"])

		both[0].must(t, "acme ada", "POST", "/requests/"+id+"/verify", "")
		both[1].must(t, "acme staff", "POST", "/requests/"+id+"/accept", "", "Idempotency-Key", "0b2f8a1e-6c1f-4d9b")
		both[0].must(t, "acme staff", "POST", "/requests/"+id+"/accept", "", "Idempotency-Key", "0b2f8a1e-6c1f-4d9b")
		require.NoError(t, both[0].kit.Rights.Step(asService(t), "acme", id))
		both[1].must(t, "acme staff", "POST", "/requests/"+id+"/approve", "")

		offered := both[0].must(t, "acme ada", "POST", "/requests/"+id+"/export", "", "Idempotency-Key", "0b2f8a1e-6c1f-4d9c")
		require.Equal(t, offered, both[1].must(t, "acme ada", "POST", "/requests/"+id+"/export", "", "Idempotency-Key", "0b2f8a1e-6c1f-4d9c"))
		path := offered["path"].(string)
		require.Equal(t, http.StatusNotFound, both[0].call(t, "globex visitor", "POST", path, "").Code)
		got := make([]*httptest.ResponseRecorder, 4)
		var wg sync.WaitGroup
		for i := range got {
			wg.Go(func() { got[i] = both[i%2].call(t, "acme visitor", "POST", path, "") })
		}
		wg.Wait()
		var archive []byte
		for _, w := range got {
			if w.Code == http.StatusOK {
				require.Nil(t, archive, "twice")
				archive = w.Body.Bytes()
			} else {
				require.Equal(t, http.StatusGone, w.Code)
			}
		}
		unlock, err := export.UnlockWithPassphrase(troth.Protect(offered["passphrase"].(string)))
		require.NoError(t, err)
		verifier, err := export.VerifierKey("shop.example/exports", key.Public().(ed25519.PublicKey))
		require.NoError(t, err)
		a, err := export.Open(bytes.NewReader(archive), int64(len(archive)), export.OpenConfig{Unlock: unlock, Key: verifier, Tenant: "acme"})
		require.NoError(t, err)
		require.Equal(t, "ada", a.Manifest.SubjectID)
		done := both[1].must(t, "acme ada", "POST", "/requests/"+id+"/deliver", "")
		require.NotEqual(t, "delivering", done["state"])
		for _, e := range logs.All() {
			require.NotContains(t, fmt.Sprint(e.Message, e.ContextMap()), "canary")
		}
	})
}

// A real browser opens the link, and the person presses the button: one archive.
func TestRightsHTTP_ABrowserDownloads(t *testing.T) {
	b := browser.Start(t)
	d := sqlite(t)
	seed := sha256.Sum256([]byte("exports"))
	p := newProcess(t, d, d.config(d.connect(t)), zap.NewNop(), ed25519.NewKeyFromSeed(seed[:]))
	id := p.must(t, "acme ada", "POST", "/requests", `{"right":"access"}`)["id"].(string)
	p.must(t, "acme ada", "POST", "/requests/"+id+"/verify", "")
	p.must(t, "acme staff", "POST", "/requests/"+id+"/accept", "")
	require.NoError(t, p.kit.Rights.Step(asService(t), "acme", id))
	p.must(t, "acme staff", "POST", "/requests/"+id+"/approve", "")
	path := p.must(t, "acme ada", "POST", "/requests/"+id+"/export", "")["path"].(string)

	gave := make(chan int, 10)
	mux := http.NewServeMux()
	mux.Handle("/privacy/", http.StripPrefix("/privacy", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("Caller", "acme visitor")
		kept := httptest.NewRecorder()
		p.handler.ServeHTTP(kept, r)
		if r.Method == http.MethodPost {
			gave <- kept.Code
		}
		for name, values := range kept.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(kept.Code)
		_, _ = w.Write(kept.Body.Bytes())
	})))
	server := httptest.NewServer(mux)
	defer server.Close()
	tab := b.Open(t)
	tab.Go(server.URL + "/privacy" + path)
	require.Empty(t, gave)
	require.Len(t, tab.Find("button"), 1)
	tab.Press("Tab", "Enter")
	select {
	case code := <-gave:
		require.Equal(t, http.StatusOK, code)
	case <-time.After(2 * time.Minute):
		t.Fatal("the button does nothing")
	}
	require.Equal(t, http.StatusGone, p.call(t, "acme visitor", "POST", path, "").Code)
}
