package rightshttp

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
)

// every is a call of each route that is not a page, with the fields that it needs.
func every(id string) (all []struct{ method, path, body string }) {
	bodies := map[string]string{
		"/requests": `{"right":"access"}`, "/requests/{id}/code": `{"channel":"email","address":"x@example.org"}`,
		"/requests/{id}/mandate":   `{"rights":["erase"],"until":"2026-04-05T10:00:00Z"}`,
		"/requests/{id}/attest":    `{"subject":"ada","document":"passport"}`,
		"/requests/{id}/refuse":    `{"reason":"rights-of-others","scope":["letters"]}`,
		"/requests/{id}/extend":    `{"reason":"complexity","noticedAt":"2026-03-05T10:00:00Z"}`,
		"/requests/{id}/settle":    `{"source":"paper","outcome":"done","method":"deleted","ref":"t-1"}`,
		"/requests/{id}/ask":       `{"for":"clarification","reason":"large-volume"}`,
		"/requests/{id}/answered":  `{"for":"clarification"}`,
		"/requests/{id}/complete":  `{"task":"sources","outcome":"done"}`,
		"/requests/{id}/lift":      `{"ground":"accuracy-verified"}`,
		"/requests/{id}/assign":    `{"owner":"privacy"}`,
		"/requests/{id}/forward":   `{"to":"customer-9"}`,
		"/requests/{id}/duplicate": `{"of":"another"}`,
	}
	for i := range routes {
		w := &routes[i]
		if w.page {
			continue
		}
		body := bodies[w.path]
		if body == "" && w.method == http.MethodPost {
			body = "{}"
		}
		all = append(all, struct{ method, path, body string }{w.method, strings.Replace(w.path, "{id}", id, 1), body})
	}
	return all
}

// Whoever has no business with a request is answered as if it were not there, whatever
// they try, and nothing comes of it.
func TestHostile_OthersRequestsAreNotThere(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	s := newSite(t, 10_000)
	id := s.submit("acme ada", "access")
	anonymous := s.must("acme -", "POST", "/requests", `{"right":"access"}`)
	before, err := s.desk.Events(t.Context(), "acme", id)
	require.NoError(t, err)
	answers := func(caller, id string, headers ...string) (all []string) {
		for _, c := range every(id) {
			if c.path == "/requests" {
				continue
			}
			w := s.ask(s.request(caller, c.method, c.path, c.body, append(headers, "Fresh", "yes")...))
			require.GreaterOrEqual(t, w.Code, 400, "%s %s", c.method, c.path)
			all = append(all, w.Body.String())
		}
		return all
	}
	for _, caller := range []string{"acme eve", "acme -", "acme agent:helpers", "globex ada", "globex staff", "globex -"} {
		nowhere := answers(caller, "nowhere")
		require.Equal(t, nowhere, answers(caller, id), caller)
		require.Equal(t, nowhere, answers(caller, anonymous["id"].(string)), caller)
		// The token of another request opens this one no more than none does.
		require.Equal(t, nowhere, answers(caller, id, "Request-Token", anonymous["token"].(string)), caller)
		_, a := s.call(caller, "GET", "/requests", "")
		require.Empty(t, a["requests"], caller)
	}
	// In the other tenant the token is none.
	require.Equal(t, answers("globex -", "nowhere"), answers("globex -", anonymous["id"].(string), "Request-Token", anonymous["token"].(string)))
	// A person who is logged in cannot take over what somebody else submitted.
	require.Equal(t, answers("acme eve", "nowhere"), answers("acme eve", anonymous["id"].(string)))
	q, err := s.desk.Request(t.Context(), "acme", anonymous["id"].(string))
	require.NoError(t, err)
	require.Empty(t, q.SubjectID)
	after, err := s.desk.Events(t.Context(), "acme", id)
	require.NoError(t, err)
	require.Len(t, after, len(before))
}

// A key opens nothing: who gives the one that somebody else gave, with the same call, is
// answered as if there were neither the request nor the answer.
func TestHostile_KeysOfOthersOpenNothing(t *testing.T) {
	s := newSite(t, 10_000)
	id := s.submit("acme ada", "access")
	keyed := []string{"Idempotency-Key", "0123456789abcdef", "Fresh", "yes"}
	calls, nowhere := every(id), every("nowhere")
	for i, c := range calls {
		if c.method != http.MethodPost || c.path == "/requests" {
			continue
		}
		s.ask(s.request("acme ada", c.method, c.path, c.body, keyed...))
		for _, caller := range []string{"acme eve", "acme -", "acme agent:helpers", "globex ada", "globex staff", "globex -"} {
			w := s.ask(s.request(caller, c.method, c.path, c.body, keyed...))
			require.GreaterOrEqual(t, w.Code, 400, "%s as %s", c.path, caller)
			none := s.ask(s.request(caller, c.method, nowhere[i].path, c.body, keyed...))
			require.Equal(t, none.Body.String(), w.Body.String(), "%s as %s", c.path, caller)
		}
	}
}

// Tokens are looked at before the store is: a guess costs the same whether there is such
// a request, and the store is not even asked.
func TestHostile_AGuessedTokenAsksNoStore(t *testing.T) {
	s := newSite(t, 10_000)
	a := s.must("acme -", "POST", "/requests", `{"right":"access"}`)
	s.store.set(http.ErrServerClosed) // whoever asks the store fails
	for _, token := range []string{"", "x", strings.Repeat("A", 43), a["token"].(string) + "=", a["token"].(string)[:42]} {
		for _, id := range []string{a["id"].(string), "nowhere"} {
			s.fails(codeNotFound, "acme -", "GET", "/requests/"+id, "", "Request-Token", token)
		}
	}
}

// Whether an address is a customer's is told by no answer: not by status, text, headers
// or what follows.
func TestHostile_WhoIsACustomerIsNotTold(t *testing.T) {
	s := newSite(t, 10_000)
	var answers [2][]string
	for i, address := range []string{canary, "nobody@example.org"} {
		a := s.must("acme -", "POST", "/requests", `{"right":"erase"}`)
		holds := []string{"Request-Token", a["token"].(string)}
		for _, c := range [][2]string{
			{"/code", `{"channel":"email","address":"` + address + `"}`},
			{"/verify", `{"code":"AAAA-AAAA"}`},
			{"/verify", `{"code":"AAAA-AAAB"}`},
			{"/code", `{"channel":"email","address":"` + address + `"}`},
			{"/code", `{"channel":"email","address":"` + address + `"}`},
			{"/code", `{"channel":"email","address":"` + address + `"}`},
			{"/code", `{"channel":"email","address":"` + address + `"}`},
			{"/code", `{"channel":"email","address":"` + address + `"}`}, // one too many
		} {
			w := s.ask(s.request("acme -", "POST", "/requests/"+a["id"].(string)+c[0], c[1], holds...))
			answers[i] = append(answers[i], w.Body.String(), w.Result().Status, strings.Join(w.Header().Values("Content-Type"), ""))
		}
		f := s.must("acme -", "GET", "/requests/"+a["id"].(string), "", holds...)
		answers[i] = append(answers[i], f["state"].(string), f["level"].(string))
	}
	require.Equal(t, answers[0], answers[1])
}

// Bodies that are not as described are refused, and cost little.
func TestHostile_Bodies(t *testing.T) {
	s := newSite(t, 10_000)
	deep := strings.Repeat("[", 100_000)
	for _, body := range []string{
		`x`, `[]`, `null`, `"access"`, `{"right":"access"} x`, `{"right":"access"}{}`, `{"right":"access","owner":"dpo"}`, `{"right":1}`, `{}`,
		`{"right":null}`, `{"right":"access","right":"erase"}`, `{"right":"erase","Right":"access"}`, `{"RIGHT":"access"}`,
		`{"right":"access","text":"\ud800"`, "{\"right\":\"access\",\"text\":\"\xff\"}", `{"right":"access","purposes":"x"}`,
		`{"right":"access","purposes":[["x"]]}`, `{"right":"access","purposes":[null]}`, `{"right":["access"]}`, `{"right":{"right":"access"}}`,
		`{"right":"access","mandate":[]}`, `{"right":"access","mandate":{"rights":["access"],"until":"2026-04-05T10:00:00Z","rights":[]}}`,
		`{"right":"access","language":"xx"}`, `{"right":"access","sensitive":"true"}`, `{"right":"access","purposes":["a b\u0000"]}`,
		`{"right":` + deep, `{"right":"access","purposes":` + deep, deep, strings.Repeat(`{"right":`, 20_000),
		`{"right":"access","receivedAt":"yesterday"}`,
	} {
		s.fails(codeMalformed, "acme ada", "POST", "/requests", body)
	}
	many := `{"right":"access","purposes":["p` + strings.Repeat(`","p`, 300) + `"]}`
	for _, body := range []string{
		`{"right":"access","text":"` + strings.Repeat("a", maxBody) + `"}`, `{"right":"access","text":"` + strings.Repeat("a", rights.MaxText+1) + `"}`,
		`{"right":"access","name":"` + strings.Repeat("a", 1001) + `"}`, many,
	} {
		s.fails(codeTooLong, "acme ada", "POST", "/requests", body)
	}
	s.fails(codeNoRight, "acme ada", "POST", "/requests", `{"right":"nothing"}`)
	require.Empty(t, s.must("acme ada", "GET", "/requests", "")["requests"])
}

// A page of another site can send nothing in a visitor's name: not as a form, nor as a
// script.
func TestHostile_CrossSite(t *testing.T) {
	s := newSite(t, 10_000)
	id := s.submit("acme ada", "access")
	for _, c := range every(id) {
		if c.method != http.MethodPost {
			continue
		}
		for _, typ := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp", "text/plain; application/json"} {
			for _, caller := range []string{"acme ada", "acme staff"} {
				w := s.ask(s.request(caller, c.method, c.path, c.body, "Content-Type", typ))
				require.Contains(t, []int{http.StatusUnsupportedMediaType, http.StatusForbidden}, w.Code, "%s as %q", c.path, typ)
			}
			s.fails(codeNotJSON, "acme staff", c.method, c.path, "", "Content-Type", typ)
		}
		s.fails(codeCrossSite, "acme staff", c.method, c.path, c.body, "Sec-Fetch-Site", "cross-site")
		s.fails(codeCrossSite, "acme staff", c.method, c.path, c.body, "Origin", "https://evil.example")
	}
	q := s.must("acme ada", "GET", "/requests/"+id, "", "Sec-Fetch-Site", "cross-site")
	require.Equal(t, "received", q["state"])
	h, err := New(Config{Desk: s.desk, Authenticate: s.h.c.Authenticate, Origins: []string{"https://privacy.example"}})
	require.NoError(t, err)
	s.h = h
	s.must("acme ada", "POST", "/requests", `{"right":"know"}`, "Origin", "https://privacy.example", "Sec-Fetch-Site", "cross-site")
	_, err = New(Config{Desk: s.desk, Authenticate: s.h.c.Authenticate, Origins: []string{"privacy"}})
	require.Error(t, err)
}

// Methods and paths that are not there change nothing and say nothing.
func TestHostile_MethodsAndPaths(t *testing.T) {
	s := newSite(t, 10_000)
	id := s.submit("acme ada", "access")
	for _, c := range every(id) {
		for _, method := range []string{"PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "FOO"} {
			w := s.ask(s.request("acme staff", method, c.path, c.body))
			require.Equal(t, http.StatusMethodNotAllowed, w.Code, "%s %s", method, c.path)
			require.Contains(t, w.Header().Get("Allow"), c.method)
			require.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
		}
		for _, method := range []string{"GET", "HEAD"} {
			if w := s.ask(s.request("acme staff", method, c.path, "")); c.method == http.MethodPost && !strings.HasSuffix(c.path, "/requests") {
				require.Equal(t, http.StatusMethodNotAllowed, w.Code)
			}
		}
		// No header or parameter makes one method another.
		r := s.request("acme ada", "GET", c.path+"?_method=POST", c.body, "X-HTTP-Method-Override", "POST", "X-HTTP-Method", "POST")
		s.ask(r)
	}
	for _, path := range []string{"/", "/x", "/requests/", "/requests/" + id + "/", "/requests/" + id + "/nothing", "/Requests"} {
		s.fails(codeNotFound, "acme staff", "GET", path, "")
	}
	for _, bad := range []string{"%00", "a%20b", "%ff", "a%0d%0aSet-Cookie:x", "%2e%2e%2f", strings.Repeat("a", 129), "%E2%80%AE"} {
		s.fails(codeNotFound, "acme staff", "GET", "/requests/"+bad, "")
		s.fails(codeNotFound, "acme staff", "POST", "/requests/"+bad+"/accept", "")
		require.Equal(t, http.StatusNotFound, s.page("POST", "/requests/"+bad+"/download/x").Code)
	}
	require.Equal(t, "received", s.must("acme ada", "GET", "/requests/"+id, "")["state"])
}

// Nothing of a call comes back in a header, and no answer is kept, framed or run.
func TestHostile_HeadersHoldNothingOfTheCall(t *testing.T) {
	s := newSite(t, 10_000)
	id := s.approved("access")
	path := s.offer(id, "")["path"].(string)
	evil := "x\r\nSet-Cookie: a=b"
	for _, w := range []*httptest.ResponseRecorder{
		s.ask(s.request("acme ada", "GET", "/requests/"+id, "", "Request-Token", evil, "Idempotency-Key", evil)),
		s.page("GET", path, "Accept-Language", evil), s.page("POST", path, "Accept-Language", evil, "Range", "bytes=0-"), s.page("POST", path),
		s.page("POST", path),
	} {
		require.Empty(t, w.Header().Get("Set-Cookie"))
		require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
		require.Equal(t, "no-referrer", w.Header().Get("Referrer-Policy"))
		require.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'")
		for name, values := range w.Header() {
			for _, v := range values {
				require.NotContains(t, v, id, name)
				require.NotRegexp(t, namesAda, v, name)
				require.NotContains(t, v, "\n", name)
			}
		}
	}
}

// What a host's own parts say may name people: it reaches neither answers nor logs.
func TestHostile_WhatHostsSayIsNotRepeated(t *testing.T) {
	s := newSite(t, 10_000)
	a := s.must("acme -", "POST", "/requests", `{"right":"erase"}`)
	s.book.fail = true
	s.fails(codeFailed, "acme -", "POST", "/requests/"+a["id"].(string)+"/code", `{"channel":"email","address":"`+canary+`"}`, "Request-Token", a["token"].(string))
	status, _ := s.call("nobody", "GET", "/requests", "") // the host's authentication names people
	require.Equal(t, http.StatusUnauthorized, status)
	noCanary(t, s.logs)
}

// The canary is in no log, whatever is done with a request that holds it everywhere.
func TestHostile_TheCanaryIsInNoLog(t *testing.T) {
	s := newSite(t, 10_000)
	body := `{"right":"access","name":"` + canary + `","channel":"email","address":"` + canary + `","text":"` + canary + `"}`
	id := s.must("acme ada", "POST", "/requests", body, "Idempotency-Key", canary)["id"].(string)
	require.NotContains(t, id, "canary")
	for _, caller := range []string{"acme ada", "acme staff", "acme -"} {
		for _, c := range every(id) {
			s.ask(s.request(caller, c.method, c.path, strings.ReplaceAll(c.body, "x@example.org", canary), "Fresh", "yes", "Idempotency-Key", canary+"."+c.path))
			s.ask(s.request(caller, c.method, c.path+"/"+canary, c.body))
			s.ask(s.request(caller, c.method, c.path, `{"`+canary+`":"`+canary+`"}`))
		}
		s.ask(s.request(caller, "GET", "/requests?owner="+canary+"&state="+canary, ""))
	}
	require.NoError(t, s.desk.Sweep(troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "x"})))
	noCanary(t, s.logs)
}

// A caller without a tenant, or with one that is none, is nobody.
func TestHostile_NobodyCalls(t *testing.T) {
	s := newSite(t, 10_000)
	for _, caller := range []string{"", "nobody", " staff", "a\x00b staff", "~platform\n staff"} {
		for _, c := range every("x") {
			r := s.request("", c.method, c.path, c.body)
			r.Header["Caller"] = []string{caller}
			require.Equal(t, http.StatusUnauthorized, s.ask(r).Code)
		}
	}
	for _, c := range []Config{
		{},
		{Desk: s.desk},
		{Desk: s.desk, Authenticate: s.h.c.Authenticate, Changes: -1},
		{Desk: s.desk, Authenticate: s.h.c.Authenticate, Window: -1},
		{Desk: s.desk, Authenticate: s.h.c.Authenticate, TicketLife: -time.Second},
	} {
		_, err := New(c)
		require.Error(t, err)
	}
}

// A host that says who calls and gives no actor, or no tenant, is told in its log; the caller
// is nobody, at a download too.
func TestServe_ACallerThatCannotBeUsedIsNobody(t *testing.T) {
	s := newSite(t, 10_000)
	core, logs := observer.New(zapcore.WarnLevel)
	for _, bad := range []Caller{
		{Tenant: "acme", SubjectID: "ada", LimitKey: "x"},
		{Actor: troth.Actor{Kind: troth.Person, ID: "visitor"}, SubjectID: "ada", LimitKey: "x"},
	} {
		h, err := New(Config{Desk: s.desk, Log: zap.New(core), Authenticate: func(*http.Request) (Caller, error) { return bad, nil }})
		require.NoError(t, err)
		for _, path := range []string{"/requests", "/requests/x/download/y"} {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, s.request("", http.MethodPost, path, `{"right":"access"}`))
			require.Equal(t, http.StatusUnauthorized, w.Code, path)
			require.Len(t, logs.TakeAll(), 1, path)
		}
	}
}
