package rightshttp

import (
	"crypto/ed25519"
	"encoding/base64"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
)

func TestHandler_FromSubmittingToRefusing(t *testing.T) {
	s := newSite(t, 0)
	id := s.submit("acme ada", "access")
	s.fails(codeUnproven, "acme staff", "POST", "/requests/"+id+"/accept", "")
	a := s.must("acme ada", "POST", "/requests/"+id+"/verify", "{}", "Fresh", "yes")
	require.Equal(t, "high", a["level"])
	a = s.must("acme staff", "POST", "/requests/"+id+"/accept", "")
	require.Equal(t, "accepted", a["state"])
	require.Equal(t, "ada", a["subject"])
	s.fails(codeWrongState, "acme staff", "POST", "/requests/"+id+"/approve", "")
	s.fails(codeIncomplete, "acme staff", "POST", "/requests/"+id+"/refuse", `{"reason":"rights-of-others"}`)
	a = s.must("acme staff", "POST", "/requests/"+id+"/refuse", `{"reason":"rights-of-others","scope":["letters"]}`)
	require.Contains(t, a["body"], "other people")
	require.Equal(t, "Regulation (EU) 2016/679, Art. 15(4)", a["citation"])
	a = s.must("acme ada", "GET", "/requests/"+id, "")
	require.Equal(t, "refused", a["state"])
	require.NotContains(t, a, "subject")
}

// A part is refused, and the rest goes on.
func TestHandler_RefusesAPart(t *testing.T) {
	s := newSite(t, 0)
	id := s.approved("erase")
	a := s.must("acme ada", "GET", "/requests/"+id, "")
	require.Equal(t, "delivering", a["state"])
	id = s.submit("acme eve", "access")
	a = s.must("acme staff", "POST", "/requests/"+id+"/refuse", `{"reason":"rights-of-others","scope":["letters"],"part":true}`)
	require.Equal(t, "received", a["state"])
	all := s.must("acme eve", "GET", "/requests/"+id+"/refusals", "")["refusals"].([]any)
	require.Len(t, all, 1)
	require.Equal(t, "rights-of-others", all[0].(object)["reason"])
	require.Equal(t, "Regulation (EU) 2016/679, Art. 15(4)", all[0].(object)["citation"])
	require.Equal(t, []any{"letters"}, all[0].(object)["scope"])
	s.fails(codeNotFound, "acme ada", "GET", "/requests/"+id+"/refusals", "")
}

func TestHandler_ACodeFromSomebodyWithoutAnAccount(t *testing.T) {
	s := newSite(t, 0)
	a := s.must("acme -", "POST", "/requests", `{"right":"erase","text":"please"}`)
	id, token := a["id"].(string), a["token"].(string)
	holds := []string{"Request-Token", token}
	for _, address := range []string{"nobody@example.org", canary} {
		a := s.must("acme -", "POST", "/requests/"+id+"/code", `{"channel":"email","address":"`+address+`"}`, holds...)
		require.Empty(t, a, "whether it is known is not told")
	}
	require.NoError(t, s.desk.Sweep(t.Context()))
	require.Len(t, s.post.bodies, 1)
	code := regexp.MustCompile(`[2-9A-Z]{4}-[2-9A-Z]{4}`).FindString(s.post.bodies[0])
	s.fails(codeNotFound, "acme -", "POST", "/requests/"+id+"/verify", `{"code":"`+code+`"}`) // without the token
	s.fails(codeWrongCode, "acme -", "POST", "/requests/"+id+"/verify", `{"code":"AAAA-AAAA"}`, holds...)
	a = s.must("acme -", "POST", "/requests/"+id+"/verify", `{"code":"`+code+`"}`, holds...)
	require.Equal(t, "reasonable", a["level"])
	s.fails(codeUnproven, "acme -", "POST", "/requests/"+id+"/verify", `{}`, holds...)

	a = s.must("acme -", "GET", "/requests/"+id, "", holds...)
	require.Equal(t, "received", a["state"])
	require.NotContains(t, a, "token")
	a = s.must("acme -", "POST", "/requests/"+id+"/withdraw", "", holds...)
	require.Equal(t, "withdrawn", a["state"])
}

func TestHandler_WithdrawingIsForThePerson(t *testing.T) {
	s := newSite(t, 0)
	id := s.submit("acme ada", "access")
	s.fails(codeUnproven, "acme staff", "POST", "/requests/"+id+"/withdraw", "")
	a := s.must("acme ada", "POST", "/requests/"+id+"/withdraw", "", "Fresh", "yes")
	require.Equal(t, "withdrawn", a["state"])
	// Two of a kind: taking one back is not taken for asking twice.
	s.submit("acme ada", "erase")
	s.must("acme ada", "POST", "/requests/"+s.submit("acme ada", "erase")+"/verify", "{}", "Fresh", "yes")
	a = s.must("acme ada", "POST", "/requests/"+s.submit("acme ada", "erase")+"/withdraw", "", "Fresh", "yes")
	require.Equal(t, "withdrawn", a["state"])
	// What was shown is shown again by who takes it back: a session is not enough.
	id = s.submit("acme ada", "know")
	s.must("acme ada", "POST", "/requests/"+id+"/verify", "{}", "Fresh", "yes")
	s.fails(codeUnproven, "acme ada", "POST", "/requests/"+id+"/withdraw", "")
}

// An appeal is a request of its own about one's own.
func TestHandler_AppealsAndComplaintsAreAboutOnesOwn(t *testing.T) {
	s := newSite(t, 0)
	id := s.submit("acme ada", "access")
	a := s.must("acme ada", "POST", "/requests", `{"right":"appeal","of":"`+id+`","text":"no"}`)
	require.Equal(t, id, a["of"])
	s.must("acme staff", "POST", "/requests/"+a["id"].(string)+"/accept", "")
	s.must("acme staff", "POST", "/requests/"+a["id"].(string)+"/approve", "")
	a = s.must("acme staff", "POST", "/requests/"+a["id"].(string)+"/deliver", "")
	require.Equal(t, "fulfilled", a["state"])
	s.fails(codeNotFound, "acme eve", "POST", "/requests", `{"right":"appeal","of":"`+id+`"}`)

	// Who has no account has no other's either.
	first := s.must("acme -", "POST", "/requests", `{"right":"access"}`)
	other := s.must("acme -", "POST", "/requests", `{"right":"know"}`)
	about := `{"right":"complaint","of":"` + first["id"].(string) + `"}`
	s.fails(codeNotFound, "acme -", "POST", "/requests", about)
	s.fails(codeNotFound, "acme -", "POST", "/requests", about, "Request-Token", other["token"].(string))
	s.must("acme -", "POST", "/requests", about, "Request-Token", first["token"].(string))
}

// Agents show a signature, or staff look at a document, and the person confirms.
func TestHandler_Mandates(t *testing.T) {
	s := newSite(t, 0)
	until := s.now.AddDate(0, 1, 0)
	// Nobody looked at what an agent says they have.
	for _, m := range []string{`"document":"` + strings.Repeat("ab", 32) + `"`, `"attorney":true`, `"agent":"other"`} {
		s.fails(codeForbidden, "acme agent:helpers", "POST", "/requests", `{"right":"erase","mandate":{"rights":["erase"],"until":"2026-04-05T10:00:00Z",`+m+`}}`)
	}
	s.fails(codeForbidden, "acme ada", "POST", "/requests", `{"right":"erase","mandate":{"rights":["erase"],"until":"2026-04-05T10:00:00Z"}}`)
	a := s.must("acme agent:helpers", "POST", "/requests", `{"right":"erase","name":"Ada"}`)
	id := a["id"].(string)
	require.Equal(t, true, a["byAgent"])
	require.NotContains(t, a, "authorised")
	s.must("acme staff", "POST", "/requests/"+id+"/attest", `{"subject":"ada","document":"passport"}`)
	s.fails(codeUnproven, "acme staff", "POST", "/requests/"+id+"/accept", "")
	s.fails(codeNotFound, "acme agent:others", "GET", "/requests/"+id, "")

	signed := ed25519.Sign(s.holder, rights.MandateBytes(troth.Subject{Tenant: "acme", ID: "ada"}, rights.Mandate{
		Agent: "helpers", Rights: []rights.Right{rights.Erase}, Until: until,
	}))
	mandate := `{"rights":["erase"],"until":"2026-04-05T10:00:00Z","signature":"` + base64.StdEncoding.EncodeToString(signed) + `"}`
	wrong := strings.Replace(mandate, "2026-04-05", "2027-04-05", 1)
	a = s.must("acme agent:helpers", "POST", "/requests/"+id+"/mandate", wrong)
	require.NotContains(t, a, "authorised")
	s.fails(codeNotFound, "acme agent:others", "POST", "/requests/"+id+"/mandate", mandate)
	a = s.must("acme agent:helpers", "POST", "/requests/"+id+"/mandate", mandate)
	require.Equal(t, true, a["authorised"])
	require.NotContains(t, a, "subject")
	s.must("acme staff", "POST", "/requests/"+id+"/accept", "")
	s.must("acme agent:helpers", "POST", "/requests/"+id+"/withdraw", "")

	id = s.must("acme agent:helpers", "POST", "/requests", `{"right":"erase"}`)["id"].(string)
	s.must("acme staff", "POST", "/requests/"+id+"/attest", `{"subject":"ada","document":"passport"}`)
	looked := `{"agent":"helpers","rights":["erase"],"until":"2026-04-05T10:00:00Z","document":"` + strings.Repeat("ab", 32) + `"}`
	a = s.must("acme staff", "POST", "/requests/"+id+"/mandate", looked)
	require.NotContains(t, a, "authorised", "a document waits for the person's word")
	for _, caller := range []string{"acme agent:helpers", "acme staff"} {
		s.fails(codeUnproven, caller, "POST", "/requests/"+id+"/mandate/confirm", "")
	}
	s.fails(codeUnproven, "acme ada", "POST", "/requests/"+id+"/mandate/confirm", "")
	a = s.must("acme ada", "POST", "/requests/"+id+"/mandate/confirm", "", "Fresh", "yes")
	require.Equal(t, true, a["authorised"])
}

func TestHandler_IsIdempotent(t *testing.T) {
	const k = "0b2f8a1e-6c1f-4d9a"
	s := newSite(t, 0)
	ids := map[string]bool{}
	for _, caller := range []string{"acme ada", "acme ada", "acme eve", "globex ada", "acme -"} {
		a := s.must(caller, "POST", "/requests", `{"right":"access"}`, "Idempotency-Key", k)
		ids[a["id"].(string)] = true
	}
	require.Len(t, ids, 4)
	// The answer is the same to the byte, also from another process, and also if
	// something happened since.
	keyed := func(caller, path, body string) string {
		w := s.ask(s.request(caller, "POST", path, body, "Idempotency-Key", k, "Fresh", "yes"))
		require.Less(t, w.Code, 300, w.Body.String())
		return w.Body.String()
	}
	first := keyed("acme -", "/requests", `{"right":"access"}`)
	require.Contains(t, first, "token")
	s.h = s.handler(0)
	require.Equal(t, first, keyed("acme -", "/requests", `{"right":"access"}`))
	// Another body under the key is refused, also if only what is sealed differs.
	for _, body := range []string{`{"right":"erase"}`, `{"right":"access","text":"x"}`, `{"right": "access"}`} {
		s.fails(codeConflict, "acme ada", "POST", "/requests", body, "Idempotency-Key", k)
	}
	id := s.submit("acme ada", "know")
	verified := keyed("acme ada", "/requests/"+id+"/verify", "{}")
	require.Equal(t, verified, keyed("acme ada", "/requests/"+id+"/verify", "{}"))
	s.fails(codeConflict, "acme ada", "POST", "/requests/"+id+"/withdraw", "{}", "Idempotency-Key", k)
	s.must("acme staff", "POST", "/requests/"+id+"/accept", "", "Idempotency-Key", k)
}

func TestHandler_AReplayDoesNothingTwice(t *testing.T) {
	s := newSite(t, 0)
	id := s.submit("acme ada", "access")
	body := `{"reason":"rights-of-others","scope":["letters"],"part":true}`
	var answers []string
	for range 3 {
		w := s.ask(s.request("acme staff", "POST", "/requests/"+id+"/refuse", body, "Idempotency-Key", "0b2f8a1e-6c1f-4d9a"))
		answers = append(answers, w.Body.String())
		require.Equal(t, http.StatusOK, w.Code)
	}
	require.Equal(t, []string{answers[0], answers[0], answers[0]}, answers)
	all, err := s.desk.Refusals(t.Context(), "acme", id)
	require.NoError(t, err)
	require.Len(t, all, 1)
	// What failed is not kept: it may succeed the next time.
	s.fails(codeUnproven, "acme staff", "POST", "/requests/"+id+"/accept", "", "Idempotency-Key", "0b2f8a1e-6c1f-4d9b")
	s.must("acme ada", "POST", "/requests/"+id+"/verify", "{}", "Fresh", "yes")
	s.must("acme staff", "POST", "/requests/"+id+"/accept", "", "Idempotency-Key", "0b2f8a1e-6c1f-4d9b")
	for _, bad := range []string{"short", strings.Repeat("a", 201), "with a space in it", "0b2f8a1e-6c1f-4d9\x01"} {
		s.fails(codeMalformed, "acme staff", "POST", "/requests/"+id+"/accept", "", "Idempotency-Key", bad)
	}
	r := s.request("acme staff", "POST", "/requests/"+id+"/accept", "")
	r.Header["Idempotency-Key"] = []string{"0b2f8a1e-6c1f-4d9c", "0b2f8a1e-6c1f-4d9d"}
	require.Equal(t, http.StatusBadRequest, s.ask(r).Code)
}

func TestHandler_Limits(t *testing.T) {
	s := newSite(t, 2)
	s.submit("acme ada", "access")
	s.submit("acme ada", "erase")
	w := s.ask(s.request("acme ada", "POST", "/requests", `{"right":"know"}`))
	require.Equal(t, http.StatusTooManyRequests, w.Code)
	require.Equal(t, "3601", w.Header().Get("Retry-After"))
	s.must("acme ada", "GET", "/requests", "") // reading is free
	s.submit("globex ada", "know")
	s.move(time.Hour)
	s.submit("acme ada", "know")
	l := newLimiter(1, time.Hour, time.Now)
	for i := range maxKeys + 1 {
		require.Zero(t, l.allow(strings.Repeat("a", i%50)+string(rune('a'+i%26))+time.Duration(i).String(), 1))
	}
	require.LessOrEqual(t, len(l.seen), maxKeys)
}
