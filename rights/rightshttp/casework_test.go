package rightshttp

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
)

// A restriction ends once the person was told, and not before.
func TestStaff_LiftARestriction(t *testing.T) {
	s := newSite(t, 0)
	id := s.approved("restrict")
	path := "/requests/" + id + "/lift"
	s.fails(codeForbidden, "acme ada", "POST", path, `{"ground":"accuracy-verified"}`)
	s.fails(codeNotFound, "globex staff", "POST", path, `{"ground":"accuracy-verified"}`)
	s.fails(codeMalformed, "acme staff", "POST", path, `{"ground":""}`)
	s.fails(codeMalformed, "acme staff", "POST", path, `{"ground":"accuracy-verified","toldAt":"2027-01-01T00:00:00Z"}`)
	s.fails(codeNotOffered, "acme staff", "POST", path, `{"ground":"accuracy-verified"}`) // nobody knows an address
	s.move(time.Minute)
	told := s.clock()
	body := `{"ground":"accuracy-verified","toldAt":"` + told.Format(time.RFC3339) + `"}`
	s.must("acme staff", "POST", path, body)
	s.must("acme staff", "POST", path, body) // the same again
	s.fails(codeConflict, "acme staff", "POST", path, `{"ground":"another"}`)
	require.Zero(t, s.shop.lifted)
	s.move(time.Minute)
	require.NoError(t, s.desk.Sweep(t.Context()))
	require.Equal(t, rights.Lifted{Ground: "accuracy-verified", ToldAt: told}, s.shop.lifted)
	s.fails(codeWrongState, "acme staff", "POST", "/requests/"+s.submit("acme ada", "access")+"/lift", body)
}

func TestStaff_AssignAndForward(t *testing.T) {
	s := newSite(t, 0)
	id := s.submit("acme ada", "access")
	require.Equal(t, "billing", s.must("acme staff", "POST", "/requests/"+id+"/assign", `{"owner":"billing"}`)["owner"])
	require.Len(t, s.must("acme staff", "GET", "/requests?owner=billing", "")["requests"], 1)
	require.Nil(t, s.must("acme ada", "GET", "/requests/"+id, "")["owner"], "the person need not know")
	require.Nil(t, s.must("acme staff", "POST", "/requests/"+id+"/assign", `{"owner":""}`)["owner"])
	s.fails(codeMalformed, "acme staff", "POST", "/requests/"+id+"/assign", `{}`)
	s.fails(codeMalformed, "acme staff", "POST", "/requests/"+id+"/assign", `{"owner":"`+strings.Repeat("a", 129)+`"}`)

	s.fails(codeMalformed, "acme staff", "POST", "/requests/"+id+"/forward", `{"to":""}`)
	s.fails(codeNotFound, "globex staff", "POST", "/requests/"+id+"/forward", `{"to":"customer-9"}`)
	q := s.must("acme staff", "POST", "/requests/"+id+"/forward", `{"to":"customer-9"}`)
	require.Equal(t, "forwarded", q["state"])
	require.Equal(t, "customer-9", q["other"])
	s.fails(codeWrongState, "acme staff", "POST", "/requests/"+id+"/forward", `{"to":"customer-9"}`)
}

// A duplicate stays one; what was none is taken down again as of the day on which it came, and
// no clock is lost.
func TestStaff_MarkADuplicate(t *testing.T) {
	s := newSite(t, 0)
	first, second, other := s.submit("acme ada", "access"), s.submit("acme ada", "access"), s.submit("acme ada", "erase")
	path := "/requests/" + second + "/duplicate"
	for _, of := range []string{second, other} {
		s.fails(codeConflict, "acme staff", "POST", path, `{"of":"`+of+`"}`)
	}
	s.fails(codeNotFound, "acme staff", "POST", path, `{"of":"nowhere"}`)
	s.fails(codeMalformed, "acme staff", "POST", path, `{"of":"~open"}`)
	before := s.must("acme staff", "GET", "/requests/"+second, "")
	s.move(time.Hour)
	q := s.must("acme staff", "POST", path, `{"of":"`+first+`"}`)
	require.Equal(t, "duplicate", q["state"])
	require.Equal(t, first, q["other"])
	again := s.must("acme staff", "POST", "/requests", `{"right":"access","subject":"ada","receivedAt":"`+before["receivedAt"].(string)+`"}`)
	require.Equal(t, before["dueAt"], again["dueAt"])
}

// A certificate is issued for the person and for staff, and downloaded once its entry is
// signed: provisional while something is left, final when nothing is.
func TestHandler_Certificates(t *testing.T) {
	s := newSite(t, 0)
	s.paper.fail = nil
	s.shop.copies = s.clock().AddDate(0, 0, 30)
	id := s.submit("acme ada", "erase")
	path := "/requests/" + id
	s.fails(codeWrongState, "acme ada", "POST", path+"/certify", "")
	s.must("acme ada", "POST", path+"/verify", "{}", "Fresh", "yes")
	s.must("acme staff", "POST", path+"/accept", "")
	require.NoError(t, s.desk.Step(t.Context(), "acme", id))
	s.must("acme staff", "POST", path+"/approve", "")
	require.NoError(t, s.desk.Step(t.Context(), "acme", id))
	for _, stranger := range []string{"acme eve", "acme -", "acme agent:x", "globex staff"} {
		s.fails(codeNotFound, stranger, "POST", path+"/certify", "")
		s.fails(codeNotFound, stranger, "GET", path+"/certificate/provisional", "")
	}
	s.fails(codeNotFound, "acme ada", "GET", path+"/certificate/provisional", "")

	const key = "0b2f8a1e-6c1f-4d9a"
	made := s.must("acme ada", "POST", path+"/certify", "", "Idempotency-Key", key)
	require.Equal(t, "provisional", made["stage"])
	require.Equal(t, s.shop.copies.Format(time.RFC3339), made["completeBy"])
	require.Equal(t, made, s.must("acme ada", "POST", path+"/certify", "", "Idempotency-Key", key))
	s.prover.set(troth.ErrPending)
	s.fails(codePending, "acme ada", "GET", made["path"].(string), "")
	s.prover.set(nil)
	download := func(caller, path string) rights.Certificate {
		t.Helper()
		w := s.ask(s.request(caller, "GET", path, ""))
		require.Equal(t, 200, w.Code)
		c, err := rights.ParseCertificate(w.Body.Bytes())
		require.NoError(t, err, "to the byte: a title may have letters that HTML knows")
		require.NotEmpty(t, c.Proof)
		require.NotRegexp(t, namesAda, w.Body.String())
		return c
	}
	first := download("acme ada", made["path"].(string))
	require.Equal(t, rights.Provisional, first.Stage)
	require.Equal(t, first, download("acme staff", made["path"].(string)))
	s.fails(codeNotFound, "acme ada", "GET", path+"/certificate/final", "")
	s.fails(codeNotFound, "acme ada", "GET", path+"/certificate/x", "")

	s.move(31 * 24 * time.Hour)
	s.shop.copies = time.Time{}
	require.NoError(t, s.desk.Sweep(t.Context()))
	made = s.must("acme staff", "POST", path+"/certify", "")
	require.Equal(t, "final", made["stage"])
	require.Nil(t, made["completeBy"])
	require.Equal(t, rights.Final, download("acme ada", made["path"].(string)).Stage)
	require.Equal(t, first, download("acme ada", path+"/certificate/provisional"))
	again := s.must("acme staff", "POST", path+"/certify", "")
	require.Equal(t, again["issuedAt"].(string)[:16], download("acme staff", path+"/certificate/final").Issued.Format(time.RFC3339)[:16])
	s.fails(codeWrongState, "acme ada", "POST", "/requests/"+s.approved("access")+"/certify", "")
}
