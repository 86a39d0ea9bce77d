package rightshttp

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
)

// provoked notes which code which call was answered with.
type provoked map[string]map[string]bool

func (p provoked) by(s *site, caller, method, path, id, body string, headers ...string) {
	s.Helper()
	w := s.ask(s.request(caller, method, strings.NewReplacer("{id}", id, "{stage}", "provisional").Replace(path), body, headers...))
	code := ""
	for c := range problems {
		if strings.Contains(w.Body.String(), `"code":"`+c+`"`) {
			code = c
		}
	}
	key := method + " " + path
	if p[key] == nil {
		p[key] = map[string]bool{}
	}
	p[key][code] = true
}

// Every code that the description gives a call is one that it answers with; that it
// answers with no other, each call of these tests demands.
func TestOpenAPI_EveryCodeIsAnswered(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	p := provoked{}
	s := newSite(t, 100_000)
	closed := s.submit("acme ada", "access")
	s.must("acme ada", "POST", "/requests/"+closed+"/withdraw", "", "Fresh", "yes")
	s.paper.fail = errors.New("no shelf")
	ready := s.approved("erase")
	for range 3 {
		require.NoError(t, s.desk.Step(t.Context(), "acme", ready))
	}
	p.by(s, "acme staff", "POST", "/requests/{id}/complete", ready, `{"task":"paper/manual-task","outcome":"done"}`) // it is the source's
	s.must("acme ada", "POST", "/requests/"+ready+"/certify", "")
	s.prover.set(troth.ErrPending)
	p.by(s, "acme ada", "GET", "/requests/{id}/certificate/{stage}", ready, "")
	s.prover.set(nil)
	id := s.submit("acme ada", "access")
	for _, c := range every("{id}") {
		for _, caller := range []string{"nobody", "acme ada", "acme eve", "acme staff"} {
			p.by(s, caller, c.method, c.path, "nowhere", c.body)
			p.by(s, caller, c.method, c.path, closed, c.body, "Fresh", "yes")
			p.by(s, caller, c.method, c.path, id, c.body)
			p.by(s, caller, c.method, c.path, ready, c.body)
		}
		for _, caller := range []string{"acme ada", "acme staff"} {
			p.by(s, caller, c.method, c.path, id, `{"x":1}`)
			p.by(s, caller, c.method, c.path+"?state=x", id, "")
			p.by(s, caller, c.method, c.path, id, strings.Repeat(" ", maxBody+1))
			p.by(s, caller, c.method, c.path, id, c.body, "Content-Type", "text/plain")
			p.by(s, caller, c.method, c.path, id, c.body, "Sec-Fetch-Site", "cross-site")
			for _, err := range []error{errors.New("disk"), troth.ErrBusy} {
				s.store.set(err)
				p.by(s, caller, c.method, c.path, id, c.body)
				s.store.set(nil)
			}
		}
	}
	p.by(s, "acme staff", "POST", "/requests/{id}/settle", ready, `{"source":"paper","outcome":"done","method":"deleted","ref":"t-1"}`) // once more
	specificCodes(s, p)
	keyReused(s, p)
	notOffered(s, p, ready)
	tooMany(t, p)
	var never []string
	for i := range routes {
		w := &routes[i]
		if w.page {
			continue
		}
		for _, code := range codesOf(w) {
			if !p[w.method+" "+w.path][code] {
				never = append(never, w.method+" "+w.path+" "+code)
			}
		}
	}
	require.Empty(t, never, "described, and never answered")
}

// specificCodes are those that one call has.
func specificCodes(s *site, p provoked) {
	s.Helper()
	p.by(s, "acme staff", "GET", "/requests", "", "")
	p.by(s, "acme ada", "POST", "/requests", "", `{"right":"access","via":"letter"}`)
	p.by(s, "acme ada", "POST", "/requests", "", `{"right":"appeal","of":"nowhere"}`)
	p.by(s, "acme ada", "POST", "/requests", "", `{"right":"x"}`)
	r := s.ask(s.request("acme staff", "GET", "/requests?state=x", ""))
	require.Equal(s, http.StatusBadRequest, r.Code)
	p["GET /requests"][codeMalformed] = true

	id := s.submit("acme ada", "know")
	for range 6 {
		p.by(s, "acme ada", "POST", "/requests/{id}/code", id, `{"channel":"email","address":"x@example.org"}`)
	}
	p.by(s, "acme ada", "POST", "/requests/{id}/verify", id, `{"code":"AAAA-AAAA"}`)
	p.by(s, "acme staff", "POST", "/requests/{id}/attest", id, `{"subject":"eve","document":"passport"}`)
	p.by(s, "acme staff", "POST", "/requests/{id}/refuse", id, `{"reason":"x"}`)
	p.by(s, "acme staff", "POST", "/requests/{id}/extend", id, `{"reason":"x"}`)
	p.by(s, "acme staff", "POST", "/requests/{id}/extend", id, `{"reason":"complexity"}`)
	p.by(s, "acme staff", "POST", "/requests/{id}/settle", id, `{"source":"x","outcome":"done","ref":"t"}`)

	twin := s.submit("acme ada", "know")
	for range 2 {
		p.by(s, "acme staff", "POST", "/requests/{id}/duplicate", twin, `{"of":"`+id+`"}`)
	}
	erase := s.must("acme agent:helpers", "POST", "/requests", `{"right":"erase"}`)["id"].(string)
	p.by(s, "acme agent:helpers", "POST", "/requests/{id}/mandate", erase, `{"rights":["x"],"until":"2026-04-05T10:00:00Z"}`)
	p.by(s, "acme agent:helpers", "POST", "/requests/{id}/mandate", erase, `{"rights":["erase"],"until":"2026-04-05T10:00:00Z","attorney":true}`)
	p.by(s, "acme staff", "POST", "/requests/{id}/mandate", erase, `{"agent":"x","rights":["erase"],"until":"2026-04-05T10:00:00Z"}`)
	s.must("acme agent:helpers", "POST", "/requests/"+erase+"/withdraw", "")
	p.by(s, "acme agent:helpers", "POST", "/requests/{id}/mandate", erase, `{"rights":["erase"],"until":"2026-04-05T10:00:00Z"}`)

	// An agent whose authority ended while others looked.
	agents := s.must("acme staff", "POST", "/requests", `{"right":"erase","subject":"ada","mandate":{"agent":"helpers","rights":["erase"],"until":"2026-03-05T11:00:00Z","document":"`+
		strings.Repeat("ab", 32)+`","attorney":true}}`)["id"].(string)
	s.must("acme staff", "POST", "/requests/"+agents+"/attest", `{"subject":"ada","document":"passport"}`)
	s.must("acme staff", "POST", "/requests/"+agents+"/accept", "")
	require.NoError(s, s.desk.Step(s.Context(), "acme", agents))
	s.move(time.Hour)
	p.by(s, "acme staff", "POST", "/requests/{id}/approve", agents, "")

	access := s.approved("access")
	p.by(s, "acme ada", "POST", "/requests/{id}/deliver", access, `{"at":"2026-03-05T10:00:00Z"}`)
	p.by(s, "acme ada", "POST", "/requests/{id}/export", access, `{"passphrase":"short"}`, "Fresh", "yes")
}

// keyReused has a key come again with another body.
func keyReused(s *site, p provoked) {
	s.Helper()
	const k = "0b2f8a1e-6c1f-4d9a"
	id := s.submit("acme ada", "portability")
	s.must("acme ada", "POST", "/requests/"+id+"/verify", "{}", "Idempotency-Key", k)
	s.must("acme staff", "POST", "/requests/"+id+"/attest", `{"subject":"ada","document":"passport"}`, "Idempotency-Key", k)
	s.must("acme ada", "POST", "/requests", `{"right":"access"}`, "Idempotency-Key", k)
	for i := range routes {
		for _, caller := range []string{"acme ada", "acme staff"} {
			if w := &routes[i]; !w.page && w.method == http.MethodPost {
				p.by(s, caller, w.method, w.path, id, `{"right":"erase"}`, "Idempotency-Key", k)
			}
		}
	}
}

// tooMany has each call of people's come too often.
func tooMany(t *testing.T, p provoked) {
	t.Helper()
	s := newSite(t, 1)
	s.submit("acme ada", "access")
	for _, c := range every("{id}") {
		p.by(s, "acme ada", c.method, c.path, "nowhere", c.body)
	}
}

// notOffered has calls come to a desk that was made with nothing.
func notOffered(s *site, p provoked, certified string) {
	s.Helper()
	id := s.submit("acme ada", "portability")
	empty := s.must("acme ada", "POST", "/requests", `{"right":"erase"}`)["id"].(string)
	s.must("acme ada", "POST", "/requests/"+empty+"/withdraw", "", "Fresh", "yes")
	p.by(s, "acme staff", "GET", "/requests/{id}/contents", empty, "")
	bare, err := rights.New(s.Context(), rights.Config{Store: s.store, Recorder: troth.UnsafeNoEvidence(s.db), Keys: keys{}},
		rights.WithRegimes("gdpr"), rights.WithClock(s.clock))
	require.NoError(s, err)
	s.desk = bare
	s.h = s.handler(100_000)
	p.by(s, "acme staff", "GET", "/requests/{id}/contents", id, "")
	p.by(s, "acme ada", "GET", "/requests/{id}/certificate/{stage}", certified, "")
	for _, c := range every("{id}") {
		for _, caller := range []string{"acme ada", "acme staff"} {
			p.by(s, caller, c.method, c.path, id, c.body, "Idempotency-Key", "0b2f8a1e-6c1f-4d9e")
		}
	}
}
