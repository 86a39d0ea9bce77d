package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/unsubscribe"
)

// signer signs as a mail server does, with a key that is made for the test.
type signer struct {
	t      *testing.T
	key    ed25519.PrivateKey
	record string
}

func newSigner(t *testing.T) *signer {
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	return &signer{t, private, "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public)}
}

func (s *signer) lookup(string) ([]string, error) { return []string{s.record}, nil }

func (s *signer) sign(message string, headers ...string) string {
	s.t.Helper()
	var out bytes.Buffer
	err := dkim.Sign(&out, strings.NewReader(message), &dkim.SignOptions{
		Domain: "acme.example", Selector: "mail", Signer: s.key, HeaderKeys: headers, Expiration: time.Time{},
	})
	require.NoError(s.t, err)
	return out.String()
}

// letter is a message with the fields that the library makes.
func letter(t *testing.T, more string) string {
	t.Helper()
	fields, err := unsubscribe.ListHeaders{
		URL: "https://mail.acme.example/u/AQEKCwwNDg8QERITFBU", Mailto: "leave@acme.example",
		List: unsubscribe.ListID{Title: "Der wöchentliche Brief", Label: "weekly", Domain: "acme.example"},
	}.Fields()
	require.NoError(t, err)
	var b strings.Builder
	b.WriteString("From: Acme <news@acme.example>\r\nTo: ada@example.org\r\nSubject: News\r\n" + more)
	for _, f := range fields {
		b.WriteString(f.String())
	}
	return b.String() + "\r\nHello.\r\n"
}

var both = []string{"From", "List-Unsubscribe", "List-Unsubscribe-Post"}

func judged(t *testing.T, s *signer, message string) (int, string) {
	t.Helper()
	var out strings.Builder
	return judge([]byte(message), s.lookup, &out), out.String()
}

func TestJudge_RealSignatures(t *testing.T) {
	s := newSigner(t)
	status, out := judged(t, s, s.sign(letter(t, ""), both...))
	require.Equal(t, offered, status, out)
	require.NotContains(t, out, "nobody can add")

	over := append(append([]string{}, both...), "List-Unsubscribe", "List-Unsubscribe-Post")
	oversigned := s.sign(letter(t, ""), over...)
	status, out = judged(t, s, oversigned)
	require.Equal(t, offered, status, out)
	require.Contains(t, out, "nobody can add")

	status, out = judged(t, s, s.sign(letter(t, ""), "From", "Subject"))
	require.Equal(t, notOffered, status, out)
	status, out = judged(t, s, s.sign(letter(t, ""), "From", "List-Unsubscribe"))
	require.Equal(t, notOffered, status, out)
	status, out = judged(t, s, letter(t, ""))
	require.Equal(t, notOffered, status, out)

	status, out = judged(t, s, strings.Replace(s.sign(letter(t, ""), both...), "/u/AQE", "/u/AQF", 1))
	require.Equal(t, notOffered, status, out)
	require.Contains(t, out, "not valid")
	status, out = judged(t, newSigner(t), s.sign(letter(t, ""), both...))
	require.Equal(t, notOffered, status, out)
}

// A signature that is valid and covers little beside one that covers both and is
// broken do not make a good one together.
func TestJudge_OneSignatureMustDoBoth(t *testing.T) {
	s, other := newSigner(t), newSigner(t)
	message := other.sign(s.sign(letter(t, ""), "From"), both...)
	status, out := judged(t, s, message)
	require.Equal(t, notOffered, status, out)
	status, out = judged(t, other, message)
	require.Equal(t, offered, status, out)
}

// One on the way adds a second field on top of what was signed: the signature
// stays valid, for it covers the last one; over-signing breaks it.
func TestJudge_FieldsThatWereAdded(t *testing.T) {
	s := newSigner(t)
	added := "List-Unsubscribe: <https://evil.example/u/x>\r\n"
	status, out := judged(t, s, added+s.sign(letter(t, ""), both...))
	require.Equal(t, notOffered, status, out)
	require.NotContains(t, out, "not valid", "the DKIM library alone finds nothing wrong")
	over := append(append([]string{}, both...), "List-Unsubscribe", "List-Unsubscribe-Post")
	status, out = judged(t, s, added+s.sign(letter(t, ""), over...))
	require.Equal(t, notOffered, status, out)
	require.Contains(t, out, "not valid")
	// Signed as absent, which the DKIM library lists as signed.
	status, out = judged(t, s, s.sign("From: a@acme.example\r\n\r\nHello.\r\n", both...))
	require.Equal(t, notOffered, status, out)
}

func TestRun_FromFiles(t *testing.T) {
	s := newSigner(t)
	record := filepath.Join(t.TempDir(), "record.txt")
	require.NoError(t, os.WriteFile(record, []byte(s.record+"\n"), 0o600))
	var out, errs strings.Builder
	status := run([]string{"-record", record}, strings.NewReader(s.sign(letter(t, ""), both...)), &out, &errs)
	require.Equal(t, offered, status, out.String()+errs.String())
	require.Equal(t, unreadable, run([]string{"-record", record + "x"}, strings.NewReader(""), &out, &errs))
	require.Equal(t, unreadable, run([]string{"more"}, strings.NewReader(""), &out, &errs))
	require.Equal(t, unreadable, run([]string{"-record", record}, strings.NewReader("no message"), &out, &errs))
}

// A key that cannot be fetched now says nothing about the message.
func TestJudge_KeysThatAreAway(t *testing.T) {
	s := newSigner(t)
	var out strings.Builder
	away := func(string) ([]string, error) { return nil, temporaryError{errors.New("no DNS")} }
	require.Equal(t, unreadable, judge([]byte(s.sign(letter(t, ""), both...)), away, &out), out.String())
}

type temporaryError struct{ error }

func (temporaryError) Temporary() bool { return true }
func (temporaryError) Timeout() bool   { return true }
