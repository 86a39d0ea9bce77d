package rightshttp

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/rights/export"
)

// offer has an export made ready for Ada.
func (s *site) offer(id, body string, headers ...string) object {
	s.Helper()
	return s.must("acme ada", "POST", "/requests/"+id+"/export", body, append(headers, "Fresh", "yes")...)
}

// opened is what is in an archive.
func (s *site) opened(archive []byte, unlock export.Unlock) *export.Archive {
	s.Helper()
	a, err := export.Open(bytes.NewReader(archive), int64(len(archive)), export.OpenConfig{Unlock: unlock, Key: s.key, Tenant: "acme"})
	require.NoError(s, err)
	return a
}

func (s *site) page(method, path string, headers ...string) *httptest.ResponseRecorder {
	s.Helper()
	return s.ask(s.request("acme -", method, path, "", append(headers, "Content-Type", "application/x-www-form-urlencoded")...))
}

func TestDownload_IsThereOnce(t *testing.T) {
	s := newSite(t, 1000)
	id := s.approved("access")
	offered := s.offer(id, "")
	path, phrase := offered["path"].(string), offered["passphrase"].(string)
	require.Equal(t, "2026-03-12T10:00:00Z", offered["expiresAt"].(string)[:19]+"Z")
	for range 3 { // programs that open links
		for _, method := range []string{"GET", "HEAD"} {
			w := s.page(method, path)
			require.Equal(t, http.StatusOK, w.Code)
			require.NotContains(t, w.Body.String(), phrase)
		}
	}
	require.Zero(t, s.shop.asked)
	w := s.page("POST", path, "Origin", "null") // as browsers say of a page without referrers
	require.Equal(t, http.StatusOK, w.Code)
	require.NotContains(t, w.Body.String(), canary)
	unlock, err := export.UnlockWithPassphrase(troth.Protect(phrase))
	require.NoError(t, err)
	require.Equal(t, uint64(1), s.opened(w.Body.Bytes(), unlock).Manifest.Records)

	require.Equal(t, http.StatusGone, s.page("POST", path).Code)
	require.Equal(t, 1, s.shop.asked)
	a := s.must("acme ada", "GET", "/requests/"+id, "")
	require.Equal(t, "delivering", a["state"], "until the person has it")
	a = s.must("acme ada", "POST", "/requests/"+id+"/deliver", "")
	require.Equal(t, "fulfilled", a["state"])
	s.fails(codeWrongState, "acme ada", "POST", "/requests/"+id+"/export", "", "Fresh", "yes")
	events, err := s.desk.Events(t.Context(), "acme", id)
	require.NoError(t, err)
	var words []string
	for _, e := range events {
		if e.Kind == rights.Disclosing {
			words = append(words, e.Word)
		}
	}
	require.Equal(t, []string{"offered", "", "fetched"}, words)
}

// The expiry is looked at when somebody comes, by the desk's clock.
func TestDownload_ExpiresAtTheTimeOfTheRequest(t *testing.T) {
	s := newSite(t, 1000)
	id := s.approved("access")
	path := s.offer(id, "")["path"].(string)
	s.move(7*24*time.Hour - time.Minute)
	require.Equal(t, http.StatusOK, s.page("GET", path).Code)
	s.move(time.Minute)
	w := s.page("POST", path)
	require.Equal(t, http.StatusGone, w.Code)
	require.Contains(t, w.Body.String(), "expired")
	require.Zero(t, s.shop.asked)
}

func TestDownload_WithAKeyOrPassphraseOfThePersonsOwn(t *testing.T) {
	s := newSite(t, 1000)
	id := s.approved("access")
	own, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	offered := s.offer(id, `{"keys":["`+own.Recipient().String()+`"]}`)
	require.NotContains(t, offered, "passphrase")
	w := s.page("POST", offered["path"].(string))
	unlock, err := export.UnlockWithKey(troth.Protect(own.String()))
	require.NoError(t, err)
	require.Equal(t, uint64(1), s.opened(w.Body.Bytes(), unlock).Manifest.Records)
	offered = s.offer(id, `{"passphrase":"correct horse battery"}`) // closing with it takes a second, see package export
	require.NotContains(t, offered, "passphrase")
	for _, bad := range []string{
		`{"passphrase":"short"}`, `{"keys":["age1x"]}`, `{"keys":["` + own.Recipient().String() + `"],"passphrase":"correct horse battery"}`,
	} {
		s.fails(codeBadKey, "acme ada", "POST", "/requests/"+id+"/export", bad, "Fresh", "yes")
	}
}

// Who has it made ready is the person, and showed it lately.
func TestDownload_IsForWhoAsked(t *testing.T) {
	s := newSite(t, 1000)
	id := s.approved("access")
	s.fails(codeUnproven, "acme ada", "POST", "/requests/"+id+"/export", "") // a session alone
	s.fails(codeUnproven, "acme staff", "POST", "/requests/"+id+"/export", "")
	for _, caller := range []string{"acme eve", "acme -", "globex ada", "acme agent:helpers"} {
		s.fails(codeNotFound, caller, "POST", "/requests/"+id+"/export", "", "Fresh", "yes")
	}
	path := s.offer(id, "")["path"].(string)
	for _, other := range []string{
		path[:len(path)-1], path + "A", strings.Replace(path, id, "another", 1), path[:len(path)-43] + strings.Repeat("A", 43),
	} {
		require.Equal(t, http.StatusNotFound, s.page("POST", other).Code, other)
	}
	r := s.request("globex -", "POST", path, "")
	require.Equal(t, http.StatusNotFound, s.ask(r).Code)
	require.Zero(t, s.shop.asked)
	// Another offer ends the one before.
	second := s.offer(id, "")["path"].(string)
	require.Equal(t, http.StatusNotFound, s.page("POST", path).Code)
	require.Equal(t, http.StatusOK, s.page("POST", second).Code)
}

// The answer to an offer is repeated under its key, and nothing else is made ready.
func TestDownload_AnOfferIsIdempotent(t *testing.T) {
	s := newSite(t, 1000)
	id := s.approved("access")
	first := s.offer(id, "", "Idempotency-Key", "0b2f8a1e-6c1f-4d9a")
	require.Equal(t, first, s.offer(id, "", "Idempotency-Key", "0b2f8a1e-6c1f-4d9a"))
	require.Equal(t, http.StatusOK, s.page("POST", first["path"].(string)).Code)
}

// breaking is a connection that breaks after some bytes.
type breaking struct {
	http.ResponseWriter

	left int
}

func (b *breaking) Write(p []byte) (int, error) {
	if len(p) > b.left {
		n, _ := b.ResponseWriter.Write(p[:b.left])
		b.left = 0
		return n, errors.New("connection reset")
	}
	b.left -= len(p)
	return b.ResponseWriter.Write(p)
}

// What was sent in part is used: parts are in somebody's hands. The person has another
// made, which needs nobody else.
func TestDownload_AfterABrokenConnectionThereIsAnother(t *testing.T) {
	s := newSite(t, 1000)
	id := s.approved("access")
	path := s.offer(id, "")["path"].(string)
	w := httptest.NewRecorder()
	require.PanicsWithValue(t, http.ErrAbortHandler, func() {
		s.h.ServeHTTP(&breaking{w, 100}, s.request("acme -", "POST", path, ""))
	})
	require.Equal(t, 100, w.Body.Len())
	require.Equal(t, http.StatusGone, s.page("POST", path).Code)
	a := s.must("acme ada", "GET", "/requests/"+id, "")
	require.Equal(t, "delivering", a["state"])
	offered := s.offer(id, "")
	w = s.page("POST", offered["path"].(string))
	require.Equal(t, http.StatusOK, w.Code)
	unlock, err := export.UnlockWithPassphrase(troth.Protect(offered["passphrase"].(string)))
	require.NoError(t, err)
	s.opened(w.Body.Bytes(), unlock)
	// The client sees it too: half an archive is no whole one.
	half := w.Body.Bytes()[:w.Body.Len()/2]
	_, err = export.Open(bytes.NewReader(half), int64(len(half)), export.OpenConfig{Unlock: unlock, Key: s.key, Tenant: "acme"})
	require.ErrorIs(t, err, export.ErrArchive)
}

// A failure before the first byte uses nothing up.
func TestDownload_AFailureUsesNothing(t *testing.T) {
	s := newSite(t, 1000)
	id := s.approved("access")
	offered := s.offer(id, "")
	path := offered["path"].(string)
	s.store.set(errors.New("disk full"))
	w := s.page("POST", path)
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.NotContains(t, w.Body.String(), "canary")
	s.store.set(nil)
	require.Equal(t, http.StatusOK, s.page("POST", path).Code)
}

func TestDownload_OfManyAtOnceOneGetsIt(t *testing.T) {
	s := newSite(t, 1000)
	path := s.offer(s.approved("access"), "")["path"].(string)
	codes := make([]int, 8)
	var wg sync.WaitGroup
	for i := range codes {
		r := s.request("acme -", "POST", path, "")
		wg.Go(func() {
			w := httptest.NewRecorder()
			s.h.ServeHTTP(w, r)
			codes[i] = w.Code
		})
	}
	wg.Wait()
	got := 0
	for _, c := range codes {
		if c == http.StatusOK {
			got++
		} else {
			require.Equal(t, http.StatusGone, c)
		}
	}
	require.Equal(t, 1, got)
}

// Without an account: a code that came back is enough for what needs no more.
func TestDownload_WithoutAnAccount(t *testing.T) {
	s := newSite(t, 1000)
	a := s.must("acme -", "POST", "/requests", `{"right":"know"}`)
	id, holds := a["id"].(string), []string{"Request-Token", a["token"].(string)}
	s.must("acme staff", "POST", "/requests/"+id+"/attest", `{"subject":"ada","kinds":["email","last-order"]}`)
	s.must("acme staff", "POST", "/requests/"+id+"/accept", "")
	require.NoError(t, s.desk.Step(t.Context(), "acme", id))
	s.must("acme staff", "POST", "/requests/"+id+"/approve", "")
	s.move(31 * 24 * time.Hour) // what they showed is too old by now
	s.fails(codeUnproven, "acme -", "POST", "/requests/"+id+"/export", "", holds...)
	s.must("acme -", "POST", "/requests/"+id+"/code", `{"channel":"email","address":"`+canary+`"}`, holds...)
	require.NoError(t, s.desk.Sweep(t.Context()))
	s.must("acme -", "POST", "/requests/"+id+"/verify", `{"code":"`+s.post.code()+`"}`, holds...)
	path := s.must("acme -", "POST", "/requests/"+id+"/export", "", holds...)["path"].(string)
	require.Equal(t, http.StatusOK, s.page("POST", path).Code)
	a = s.must("acme -", "POST", "/requests/"+id+"/deliver", "", holds...)
	require.Equal(t, "fulfilled", a["state"])
}

// Nothing is left in the folder, whatever happened.
func TestDownload_LeavesNoFile(t *testing.T) {
	s := newSite(t, 1000)
	s.h.c.TempDir = t.TempDir()
	id := s.approved("access")
	path := s.offer(id, "")["path"].(string)
	require.Equal(t, http.StatusOK, s.page("POST", path).Code)
	require.Equal(t, http.StatusGone, s.page("POST", path).Code)
	left, err := os.ReadDir(s.h.c.TempDir)
	require.NoError(t, err)
	require.Empty(t, left)
	s.h.c.TempDir += "/nowhere"
	require.Equal(t, http.StatusServiceUnavailable, s.page("POST", s.offer(id, "")["path"].(string)).Code)
}

// A source that fails is told in the archive, and the person has the rest.
func TestDownload_ASourceThatFailsIsToldInTheArchive(t *testing.T) {
	s := newSite(t, 1000)
	id := s.approved("access")
	offered := s.offer(id, "")
	s.shop.fail = errors.New("no table of " + canary)
	w := s.page("POST", offered["path"].(string))
	require.Equal(t, http.StatusOK, w.Code)
	unlock, err := export.UnlockWithPassphrase(troth.Protect(offered["passphrase"].(string)))
	require.NoError(t, err)
	missing := s.opened(w.Body.Bytes(), unlock).Manifest.Missing()
	require.Len(t, missing, 1)
	require.Equal(t, export.Failed, missing[0].Reason)
	_, err = io.Copy(io.Discard, w.Body)
	require.NoError(t, err)
}
