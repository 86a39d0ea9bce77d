package rightshttp

import (
	"context"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/rightsmem"
)

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

type post struct{ bodies []string }

func (p *post) Notify(_ context.Context, m rights.Message) error {
	body, err := m.Body.Reveal("test")
	p.bodies = append(p.bodies, body)
	return err
}

type book struct{}

func (book) Addresses(context.Context, troth.Subject) ([]troth.Address, error) { return nil, nil }

func (book) Subjects(_ context.Context, tenant troth.Tenant, a troth.Address) ([]troth.Subject, error) {
	if value, err := a.Value.Reveal("test"); err != nil || value != "ada@example.org" {
		return nil, err
	}
	return []troth.Subject{{Tenant: tenant, ID: "ada"}}, nil
}

type site struct {
	*testing.T
	h    *Handler
	desk *rights.Desk
	post *post
}

// newSite has callers named by a header: "acme ada", "acme staff", "acme -".
func newSite(t *testing.T, changes int) *site {
	t.Helper()
	db := memory.Open()
	s := &site{T: t, post: &post{}}
	var err error
	s.desk, err = rights.New(t.Context(), rights.Config{Store: rightsmem.New(db), Recorder: troth.UnsafeNoEvidence(db), Keys: keys{}},
		rights.WithSealer(plainSealer{}), rights.WithNotifier(s.post), rights.WithDirectory(book{}), rights.WithRegimes("gdpr"))
	require.NoError(t, err)
	s.h, err = New(Config{Desk: s.desk, Changes: changes, Authenticate: func(r *http.Request) (Caller, error) {
		tenant, who, ok := strings.Cut(r.Header.Get("Caller"), " ")
		c := Caller{Tenant: troth.Tenant(tenant), Actor: troth.Actor{Kind: troth.Person, ID: "a-" + who}, LimitKey: who}
		switch {
		case !ok:
			return Caller{}, errors.New("nobody")
		case who == "staff":
			c.Staff = true
		case who != "-":
			c.SubjectID = who
			if r.Header.Get("Fresh") != "" {
				c.LoggedInAt = time.Now()
			}
		}
		return c, nil
	}})
	require.NoError(t, err)
	return s
}

// call returns the status and the answer.
func (s *site) call(caller, method, path, body string, headers ...string) (int, map[string]any) {
	s.Helper()
	r := httptest.NewRequestWithContext(s.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Caller", caller)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.h.ServeHTTP(w, r)
	var answer map[string]any
	if strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
		require.NoError(s, json.Unmarshal(w.Body.Bytes(), &answer), w.Body.String())
		require.Equal(s, "no-store", w.Header().Get("Cache-Control"))
	}
	return w.Code, answer
}

func (s *site) submit(caller, right string) string {
	s.Helper()
	status, a := s.call(caller, "POST", "/requests", `{"right":"`+right+`","text":"please"}`)
	require.Equal(s, http.StatusCreated, status, "%v", a)
	return a["id"].(string)
}

func TestHandler_FromSubmittingToRefusing(t *testing.T) {
	s := newSite(t, 0)
	id := s.submit("acme ada", "access")
	status, a := s.call("acme staff", "POST", "/requests/"+id+"/accept", "")
	require.Equal(t, http.StatusForbidden, status)
	require.Equal(t, "unproven", a["error"])
	status, a = s.call("acme ada", "POST", "/requests/"+id+"/verify", "{}", "Fresh", "yes")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "high", a["level"])
	status, a = s.call("acme staff", "POST", "/requests/"+id+"/accept", "")
	require.Equal(t, http.StatusOK, status, "%v", a)
	require.Equal(t, "accepted", a["state"])
	require.Equal(t, "ada", a["subject"])
	status, a = s.call("acme staff", "POST", "/requests/"+id+"/approve", "")
	require.Equal(t, http.StatusConflict, status)
	require.Equal(t, "wrong-state", a["error"])
	status, a = s.call("acme staff", "POST", "/requests/"+id+"/refuse", `{"reason":"rights-of-others"}`)
	require.Equal(t, http.StatusBadRequest, status)
	require.Equal(t, "incomplete", a["error"])
	status, a = s.call("acme staff", "POST", "/requests/"+id+"/refuse", `{"reason":"rights-of-others","scope":["letters"]}`)
	require.Equal(t, http.StatusOK, status, "%v", a)
	require.Contains(t, a["body"], "other people")
	status, a = s.call("acme ada", "GET", "/requests/"+id, "")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "refused", a["state"])
	require.NotContains(t, a, "subject")
}

func TestHandler_ACodeFromSomebodyWithoutAnAccount(t *testing.T) {
	s := newSite(t, 0)
	id := s.submit("acme -", "erase")
	for _, address := range []string{"nobody@example.org", "ada@example.org"} {
		status, a := s.call("acme -", "POST", "/requests/"+id+"/code", `{"channel":"email","address":"`+address+`"}`)
		require.Equal(t, http.StatusAccepted, status)
		require.Empty(t, a)
	}
	require.NoError(t, s.desk.Sweep(t.Context()))
	require.Len(t, s.post.bodies, 1)
	code := regexp.MustCompile(`[2-9A-Z]{4}-[2-9A-Z]{4}`).FindString(s.post.bodies[0])
	status, a := s.call("acme -", "POST", "/requests/"+id+"/verify", `{"code":"AAAA-AAAA"}`)
	require.Equal(t, http.StatusForbidden, status)
	require.Equal(t, "wrong-code", a["error"])
	status, a = s.call("acme -", "POST", "/requests/"+id+"/verify", `{"code":"`+code+`"}`)
	require.Equal(t, http.StatusOK, status, "%v", a)
	require.Equal(t, "reasonable", a["level"])
	status, _ = s.call("acme -", "POST", "/requests/"+id+"/verify", `{}`)
	require.Equal(t, http.StatusForbidden, status)
}

func TestHandler_WallsBetweenPeopleAndTenants(t *testing.T) {
	s := newSite(t, 0)
	id := s.submit("acme ada", "access")
	for _, caller := range []string{"acme eve", "acme -", "globex ada", "globex staff"} {
		for _, c := range [][2]string{{"GET", ""}, {"POST", "/withdraw"}} {
			status, a := s.call(caller, c[0], "/requests/"+id+c[1], "")
			require.Equal(t, http.StatusNotFound, status, "%s %v", caller, a)
		}
		_, a := s.call(caller, "GET", "/requests", "")
		require.Empty(t, a["requests"], caller)
		if !strings.HasSuffix(caller, "staff") {
			for _, call := range []string{"accept", "approve", "refuse"} {
				status, _ := s.call(caller, "POST", "/requests/"+id+"/"+call, "{}")
				require.Equal(t, http.StatusForbidden, status)
			}
		}
	}
	status, _ := s.call("acme eve", "POST", "/requests", `{"right":"appeal","of":"`+id+`"}`)
	require.Equal(t, http.StatusNotFound, status, "of somebody else's")
	status, _ = s.call("globex staff", "POST", "/requests/"+id+"/refuse", `{"reason":"excessive","evidence":"`+strings.Repeat("00", 31)+`01"}`)
	require.Equal(t, http.StatusNotFound, status)
	status, a := s.call("nobody", "GET", "/requests", "")
	require.Equal(t, http.StatusUnauthorized, status)
	require.Equal(t, "unauthorised", a["error"])
	status, a = s.call("acme staff", "GET", "/requests", "")
	require.Equal(t, http.StatusOK, status)
	require.Len(t, a["requests"], 1)
}

func TestHandler_IsIdempotentForOneCaller(t *testing.T) {
	s := newSite(t, 0)
	ids := map[string]bool{}
	for _, caller := range []string{"acme ada", "acme ada", "acme eve", "globex ada"} {
		status, a := s.call(caller, "POST", "/requests", `{"right":"access"}`, "Idempotency-Key", "k1")
		require.Equal(t, http.StatusCreated, status)
		ids[caller+a["id"].(string)] = true
	}
	require.Len(t, ids, 3)
	status, _ := s.call("acme ada", "POST", "/requests", `{"right":"erase"}`, "Idempotency-Key", "k1")
	require.Equal(t, http.StatusConflict, status)
}

func TestHandler_WithdrawingIsForThePerson(t *testing.T) {
	s := newSite(t, 0)
	id := s.submit("acme ada", "access")
	status, _ := s.call("acme staff", "POST", "/requests/"+id+"/withdraw", "")
	require.Equal(t, http.StatusForbidden, status)
	status, a := s.call("acme ada", "POST", "/requests/"+id+"/withdraw", "", "Fresh", "yes")
	require.Equal(t, http.StatusOK, status, "%v", a)
	require.Equal(t, "withdrawn", a["state"])
}

func TestHandler_Limits(t *testing.T) {
	s := newSite(t, 2)
	s.submit("acme ada", "access")
	s.submit("acme ada", "erase")
	status, a := s.call("acme ada", "POST", "/requests", `{"right":"know"}`)
	require.Equal(t, http.StatusTooManyRequests, status)
	require.Equal(t, "too-many", a["error"])
	status, _ = s.call("acme ada", "GET", "/requests", "")
	require.Equal(t, http.StatusOK, status, "reading is free")
	s.submit("globex ada", "know")
	l := newLimiter(1, time.Hour)
	for i := range maxKeys + 1 {
		require.True(t, l.allow(fmt.Sprint(i)))
	}
	require.LessOrEqual(t, len(l.seen), maxKeys)
}

func TestHandler_BadBodies(t *testing.T) {
	s := newSite(t, 1000)
	for _, body := range []string{
		``, `x`, `[]`, `{"right":"access"} x`, `{"right":"access","subject":"eve"}`, `{"right":1}`,
		`{"right":"access","text":"` + strings.Repeat("a", maxBody) + `"}`, `{"right":"nothing"}`, `{"right":"access","language":"xx"}`,
	} {
		status, a := s.call("acme ada", "POST", "/requests", body)
		require.GreaterOrEqual(t, status, 400)
		require.Less(t, status, 500, body[:min(len(body), 40)])
		require.NotEmpty(t, a["error"])
	}
	status, _ := s.call("acme ada", "POST", "/requests", `{"right":"access"}`, "Content-Type", "text/plain")
	require.Equal(t, http.StatusBadRequest, status, "as a form of another site could send it")
	status, _ = s.call("acme ada", "PUT", "/requests", `{}`)
	require.Equal(t, http.StatusMethodNotAllowed, status)
}

// description is what is read of the OpenAPI document.
type description struct {
	Paths map[string]map[string]struct {
		RequestBody struct {
			Content map[string]struct{ Schema schema }
		}
		Responses map[string]struct {
			Content map[string]struct{ Schema schema }
		}
	}
	Components struct{ Schemas map[string]schema }
}

type schema struct {
	Ref        string `json:"$ref"`
	Required   []string
	Properties map[string]struct{ Enum []string }
}

func described(t *testing.T) description {
	t.Helper()
	var d description
	require.NoError(t, json.Unmarshal([]byte(OpenAPI()), &d))
	return d
}

func TestOpenAPI_HasEveryRouteAndNoOther(t *testing.T) {
	var have, want []string
	for path, methods := range described(t).Paths {
		for method := range methods {
			have = append(have, strings.ToUpper(method)+" "+path)
		}
	}
	for _, r := range routes {
		want = append(want, r.method+" "+r.path)
	}
	require.ElementsMatch(t, want, have)
}

func tags(v any) (names []string) {
	for f := range reflect.TypeOf(v).Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

func TestOpenAPI_HasTheFieldsOfTheHandlers(t *testing.T) {
	d := described(t)
	fields := func(s schema) (names []string) {
		for name := range s.Properties {
			names = append(names, name)
		}
		return names
	}
	require.ElementsMatch(t, tags(request{}), fields(d.Components.Schemas["Request"]))
	require.ElementsMatch(t, tags(submission{}), fields(d.Paths["/requests"]["post"].RequestBody.Content["application/json"].Schema))
	// Whatever a handler reads, it takes from nothing that is not described.
	s := newSite(t, 1000)
	for path, methods := range d.Paths {
		for method, op := range methods {
			body, ok := op.RequestBody.Content["application/json"]
			if !ok {
				continue
			}
			full := map[string]any{}
			for name := range body.Schema.Properties {
				full[name] = nil
			}
			text, err := json.Marshal(full)
			require.NoError(t, err)
			status, a := s.call("acme staff", strings.ToUpper(method), strings.ReplaceAll(path, "{id}", "x"), string(text))
			require.NotEqual(t, "malformed", a["error"], "%s %s: %d", method, path, status)
			full["undescribed"] = nil
			text, err = json.Marshal(full)
			require.NoError(t, err)
			_, a = s.call("acme staff", strings.ToUpper(method), strings.ReplaceAll(path, "{id}", "x"), string(text))
			require.Equal(t, "malformed", a["error"], "%s %s", method, path)
		}
	}
	for _, w := range words {
		require.True(t, slices.Contains(d.Components.Schemas["Failure"].Properties["error"].Enum, w.word), w.word)
	}
}
