package audit_test

import (
	"bytes"
	"encoding/hex"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

var update = flag.Bool("update", false, "write golden files again")

// full is an envelope that uses every field and every kind of fact.
func full(t testing.TB) audit.Envelope {
	t.Helper()
	id, err := troth.ParseEntryID("0198f2a0-7b1c-7def-8123-456789abcdef")
	require.NoError(t, err)
	e := audit.Envelope{
		ID:         id,
		RecordedAt: time.UnixMicro(1_795_000_000_123_456).UTC(),
		Tenant:     "acme",
		Act:        "test.everything",
		ActVersion: 3,
		Outcome:    troth.Refused,
		Actor:      audit.ActorRef{Kind: troth.Person, Home: troth.Platform},
		Purpose:    "support-case",
		Facts: []audit.NamedFact{
			{Name: "word", Fact: troth.Word("orders")},
			{Name: "words", Fact: troth.Words("b", "a")},
			{Name: "none", Fact: troth.Words[string]()},
			{Name: "count", Fact: troth.Count(-5)},
			{Name: "instant", Fact: troth.Instant(time.UnixMicro(1))},
			{Name: "digest", Fact: troth.Digest([32]byte{1, 31: 2})},
			{Name: "id", Fact: troth.ID("w-1")},
		},
		Commitments: [][32]byte{{9}, {8}},
	}
	for i := range 16 {
		e.Actor.Person[i], e.Subject[i] = 0x10+byte(i), 0x20+byte(i)
		e.Nonce[i], e.Nonce[16+i] = 0x30+byte(i), 0x40+byte(i)
	}
	return e
}

// small is an envelope with nothing that may be left out.
func small(t testing.TB) audit.Envelope {
	t.Helper()
	e := full(t)
	e.Actor = audit.ActorRef{Kind: troth.Service, Service: "importer", Home: "acme"}
	e.Subject, e.Purpose, e.Facts, e.Commitments = audit.Pseudonym{}, "", nil, nil
	e.Outcome = troth.Done
	return e
}

func TestEnvelope_Golden(t *testing.T) {
	for name, e := range map[string]audit.Envelope{"full": full(t), "small": small(t)} {
		path := "testdata/envelope-" + name + ".hex"
		got := wrapped(hex.EncodeToString(e.Append(nil)))
		if *update {
			require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
		}
		want, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, string(want), got, name)

		raw, err := hex.DecodeString(strings.ReplaceAll(string(want), "\n", ""))
		require.NoError(t, err)
		back, err := audit.ParseEnvelope(raw)
		require.NoError(t, err)
		require.Equal(t, e, back, name)
	}
}

func wrapped(digits string) string {
	var b strings.Builder
	for len(digits) > 64 {
		b.WriteString(digits[:64] + "\n")
		digits = digits[64:]
	}
	return b.String() + digits + "\n"
}

func TestParseEnvelope_RefusesWhatNoTrailWrites(t *testing.T) {
	for name, change := range map[string]func(e *audit.Envelope){
		"an id that is no UUID of version 7": func(e *audit.Envelope) { e.ID[6] = 0x4f },
		"another variant":                    func(e *audit.Envelope) { e.ID[8] = 0xff },
		"no tenant":                          func(e *audit.Envelope) { e.Tenant = "" },
		"a reserved tenant":                  func(e *audit.Envelope) { e.Tenant = "~other" },
		"a malformed act":                    func(e *audit.Envelope) { e.Act = "Everything" },
		"act version zero":                   func(e *audit.Envelope) { e.ActVersion = 0 },
		"an unknown outcome":                 func(e *audit.Envelope) { e.Outcome = "maybe" },
		"no outcome":                         func(e *audit.Envelope) { e.Outcome = "" },
		"an unknown kind of actor":           func(e *audit.Envelope) { e.Actor.Kind = "robot" },
		"an actor without pseudonym":         func(e *audit.Envelope) { e.Actor.Person = audit.Pseudonym{} },
		"an actor without home":              func(e *audit.Envelope) { e.Actor.Home = "" },
		"a service without id":               func(e *audit.Envelope) { e.Actor = audit.ActorRef{Kind: troth.Service, Home: "acme"} },
		"a purpose with a control character": func(e *audit.Envelope) { e.Purpose = "a\nb" },
		"a fact twice":                       func(e *audit.Envelope) { e.Facts = append(e.Facts, e.Facts[0]) },
		"a fact without name":                func(e *audit.Envelope) { e.Facts[0].Name = "" },
		"an empty word":                      func(e *audit.Envelope) { e.Facts[0].Fact = troth.Word("") },
		"a fact of no kind":                  func(e *audit.Envelope) { e.Facts[0].Fact = troth.Fact{} },
	} {
		e := full(t)
		change(&e)
		_, err := audit.ParseEnvelope(e.Append(nil))
		require.ErrorIs(t, err, audit.ErrEnvelope, name)
	}
}

func TestParseEnvelope_RefusesOtherEncodings(t *testing.T) {
	subject := full(t).Subject
	raw := full(t).Append(nil)
	for name, change := range map[string]func(b []byte) []byte{
		"nothing":        func([]byte) []byte { return nil },
		"a byte more":    func(b []byte) []byte { return append(b, 6) },
		"another domain": func(b []byte) []byte { return bytes.Replace(b, []byte("envelope/1"), []byte("envelope/2"), 1) },
		"unsorted words": func(b []byte) []byte { return swap(b, "\x02\x00\x00\x00\x01a", "\x02\x00\x00\x00\x01b") },
		"a word twice": func(b []byte) []byte {
			return bytes.Replace(b, []byte("\x02\x00\x00\x00\x01b"), []byte("\x02\x00\x00\x00\x01a"), 1)
		},
		"a subject of zeros": func(b []byte) []byte { return bytes.Replace(b, subject[:], make([]byte, 16), 1) },
		"an unknown fact kind": func(b []byte) []byte {
			return bytes.Replace(b, []byte("word\x03\x00\x00\x00\x00\x00\x00\x00\x01"), []byte("word\x03\x00\x00\x00\x00\x00\x00\x00\x09"), 1)
		},
		"a version beyond int": func(b []byte) []byte {
			return bytes.Replace(b, []byte("everything\x03\x00\x00\x00\x00"), []byte("everything\x03\xff\x00\x00\x00"), 1)
		},
	} {
		changed := change(bytes.Clone(raw))
		require.NotEqual(t, raw, changed, name)
		_, err := audit.ParseEnvelope(changed)
		require.ErrorIs(t, err, audit.ErrEnvelope, name)
	}
	for n := range raw {
		_, err := audit.ParseEnvelope(raw[:n])
		require.ErrorIs(t, err, audit.ErrEnvelope, "cut to %d", n)
	}
}

func swap(b []byte, x, y string) []byte {
	s := strings.Replace(string(b), x, "\x00tmp", 1)
	s = strings.Replace(s, y, x, 1)
	return []byte(strings.Replace(s, "\x00tmp", y, 1))
}

// FuzzParseEnvelope demands that what is accepted has no second encoding.
func FuzzParseEnvelope(f *testing.F) {
	f.Add(full(f).Append(nil))
	f.Add(small(f).Append(nil))
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := audit.ParseEnvelope(b)
		if err != nil {
			return
		}
		require.Equal(t, b, e.Append(nil))
		_ = audit.Record{Envelope: e}.String()
	})
}
