package rightshttp

import (
	"errors"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/rights"
)

// What no program reached, staff see to and say so.
func TestStaff_SettleWhatASourceCouldNot(t *testing.T) {
	s := newSite(t, 0)
	s.paper.fail = errors.New("no shelf of " + canary)
	id := s.approved("erase")
	for range 3 {
		require.NoError(t, s.desk.Step(t.Context(), "acme", id))
	}
	w := s.must("acme staff", "GET", "/requests/"+id+"/work", "")
	sources, open := w["sources"].([]any), w["open"].([]any)
	require.Len(t, sources, 2)
	require.Equal(t, "failed", sources[0].(object)["outcome"])
	require.Equal(t, "done", sources[1].(object)["outcome"])
	require.Len(t, open, 1)
	require.Equal(t, "manual-task", open[0].(object)["kind"])
	require.Equal(t, "paper", open[0].(object)["about"])

	path := "/requests/" + id + "/settle"
	done := `{"source":"paper","outcome":"done","method":"deleted","records":2,"ref":"ticket-9"}`
	s.fails(codeIncomplete, "acme staff", "POST", path, `{"source":"paper","outcome":"done","ref":"ticket-9"}`)
	s.fails(codeIncomplete, "acme staff", "POST", path, `{"source":"paper","outcome":"done","method":"deleted","ref":""}`)
	s.fails(codeForbidden, "acme ada", "POST", path, done)
	s.fails(codeNotFound, "globex staff", "POST", path, done)
	w = s.must("acme staff", "POST", path, done)
	require.Empty(t, w["open"])
	require.InDelta(t, 2, w["sources"].([]any)[0].(object)["records"], 0)
	s.fails(codeWrongState, "acme staff", "POST", path, done)
}

// Where there was no source to be asked, a person does it.
func TestStaff_CompleteWhatHasNoSource(t *testing.T) {
	s := newSite(t, 0)
	a := s.must("acme ada", "POST", "/requests", `{"right":"object","purposes":["newsletter"]}`)
	id := a["id"].(string)
	s.must("acme ada", "POST", "/requests/"+id+"/verify", "{}", "Fresh", "yes")
	s.must("acme staff", "POST", "/requests/"+id+"/accept", "")
	_ = s.desk.Step(t.Context(), "acme", id)
	if s.must("acme staff", "GET", "/requests/"+id, "")["state"] == "reviewing" {
		s.must("acme staff", "POST", "/requests/"+id+"/approve", "")
		require.NoError(t, s.desk.Step(t.Context(), "acme", id))
	}
	open := s.must("acme staff", "GET", "/requests/"+id+"/work", "")["open"].([]any)
	path := "/requests/" + id + "/complete"
	s.fails(codeNotFound, "acme staff", "POST", path, `{"task":"none","outcome":"done"}`)
	for _, o := range open {
		require.Equal(t, "manual-task", o.(object)["kind"])
		w := s.must("acme staff", "POST", path, `{"task":"`+o.(object)["id"].(string)+`","outcome":"done-by-hand"}`)
		require.Empty(t, w["open"])
	}
	require.Len(t, open, 1)
}

func TestStaff_Extend(t *testing.T) {
	s := newSite(t, 0)
	id := s.submit("acme ada", "access")
	before := s.must("acme ada", "GET", "/requests/"+id, "")["dueAt"].(string)
	path := "/requests/" + id + "/extend"
	s.fails(codeNoExtension, "acme staff", "POST", path, `{"reason":"holidays"}`)
	s.fails(codeNotOffered, "acme staff", "POST", path, `{"reason":"complexity"}`) // nobody can be told: no address
	s.fails(codeMalformed, "acme staff", "POST", path, `{"reason":"complexity","noticedAt":"2027-01-01T00:00:00Z"}`)
	s.fails(codeForbidden, "acme ada", "POST", path, `{"reason":"complexity"}`)
	a := s.must("acme staff", "POST", path, `{"reason":"complexity","noticedAt":"2026-03-05T10:00:00Z"}`)
	require.Greater(t, a["dueAt"].(string), before)
	s.fails(codeNoExtension, "acme staff", "POST", path, `{"reason":"complexity","noticedAt":"2026-03-05T10:00:00Z"}`)
}

// Every clock explains itself, and stands still while the person is asked.
func TestStaff_ClocksAreExplainedAndStandStill(t *testing.T) {
	s := newSite(t, 0)
	id := s.submit("acme ada", "access")
	of := func(caller string) object {
		all := s.must(caller, "GET", "/requests/"+id+"/deadlines", "")["deadlines"].([]any)
		for _, c := range all {
			if c.(object)["rule"] == "gdpr.access.respond" {
				return c.(object)
			}
		}
		return nil
	}
	first := of("acme ada")
	require.Contains(t, first["why"], "12(3)")
	require.Equal(t, first, of("acme staff"))
	s.fails(codeNotFound, "acme eve", "GET", "/requests/"+id+"/deadlines", "")
	for _, bad := range []string{`{"for":"x"}`, `{"for":"fee","reason":"x y\u0000"}`, `{"for":"identity","at":"2027-01-01T00:00:00Z"}`} {
		s.fails(codeMalformed, "acme staff", "POST", "/requests/"+id+"/ask", bad)
	}
	s.fails(codeMalformed, "acme staff", "POST", "/requests/"+id+"/answered", `{"for":"identity"}`)
	s.fails(codeForbidden, "acme ada", "POST", "/requests/"+id+"/ask", `{"for":"identity"}`)
	a := s.must("acme staff", "POST", "/requests/"+id+"/ask", `{"for":"clarification","reason":"large-volume"}`)
	require.Equal(t, "clarifying", a["state"])
	a = s.must("acme staff", "POST", "/requests/"+id+"/answered", `{"for":"clarification"}`)
	require.Equal(t, "received", a["state"])
	s.must("acme staff", "POST", "/requests/"+id+"/ask", `{"for":"fee","reason":"excessive"}`)
	s.must("acme staff", "POST", "/requests/"+id+"/answered", `{"for":"fee"}`)
	a = s.must("acme staff", "POST", "/requests/"+id+"/ask", `{"for":"identity"}`)
	require.Equal(t, "verifying", a["state"])
}

// A letter counts from when it came.
func TestStaff_TakeDownWhatCameByLetter(t *testing.T) {
	s := newSite(t, 0)
	letter := `{"right":"access","subject":"ada","via":"letter","receivedAt":"2026-03-01T08:00:00Z","regimes":["gdpr"],"name":"Ada","text":"please"}`
	s.fails(codeForbidden, "acme ada", "POST", "/requests", letter)
	a := s.must("acme staff", "POST", "/requests", letter)
	require.Equal(t, "2026-03-01T08:00:00Z", a["receivedAt"])
	require.Equal(t, "ada", a["subject"])
	require.NotContains(t, a, "token")
	id := a["id"].(string)
	read := s.must("acme staff", "GET", "/requests/"+id+"/contents", "")
	require.Equal(t, object{"name": "Ada", "channel": "", "address": "", "text": "please"}, read)
	s.fails(codeForbidden, "acme ada", "GET", "/requests/"+id+"/contents", "")
	require.Equal(t, "high", s.must("acme staff", "POST", "/requests/"+id+"/attest", `{"subject":"ada","document":"passport"}`)["level"])
	s.fails(codeMalformed, "acme staff", "POST", "/requests/"+id+"/attest", `{"subject":"ada"}`)
	s.fails(codeMalformed, "acme staff", "POST", "/requests/"+id+"/attest", `{"subject":"ada","document":"passport","kinds":["email"]}`)
	s.fails(codeUnproven, "acme staff", "POST", "/requests/"+id+"/attest", `{"subject":"eve","document":"passport"}`)
}

func TestStaff_TheQueueGoesOnByPages(t *testing.T) {
	s := newSite(t, 0)
	for i := range maxList + 3 {
		_, err := s.desk.Submit(s.request("acme staff", "GET", "/", "").Context(), rights.Submission{Tenant: "acme"})
		require.Error(t, err)
		s.must("acme staff", "POST", "/requests", `{"right":"access","subject":"c-`+strconv.Itoa(i)+`"}`)
	}
	seen := map[string]bool{}
	after, pages := "", 0
	for {
		a := s.must("acme staff", "GET", "/requests?after="+after, "")
		for _, q := range a["requests"].([]any) {
			seen[q.(object)["id"].(string)] = true
		}
		pages++
		next, more := a["next"].(string)
		if !more {
			break
		}
		after = next
	}
	require.Len(t, seen, maxList+3)
	require.Equal(t, 2, pages)
	require.Empty(t, s.must("acme staff", "GET", "/requests?closed=true", "")["requests"])
	require.Empty(t, s.must("acme staff", "GET", "/requests?right=erase&owner=dpo&state=received", "")["requests"])
	for _, bad := range []string{"state=x", "right=x", "owner=%00", "closed=x", "after=x", "after=" + cursorOf(rights.Cursor{DueAt: 1, ID: "\x00"})} {
		s.fails(codeMalformed, "acme staff", "GET", "/requests?"+bad, "")
	}
	s.move(time.Hour)
	require.Equal(t, http.StatusOK, s.ask(s.request("globex staff", "GET", "/requests?after="+after, "")).Code)
}
