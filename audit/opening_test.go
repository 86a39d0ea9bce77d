package audit_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
)

func (w *world) opening(s troth.Subject) audit.Opening {
	w.Helper()
	o, err := w.trail.Opening(w.as(kim), s, "access-request")
	require.NoError(w, err)
	return o
}

func (w *world) reveal(o audit.Opening) string {
	w.Helper()
	text, err := o.Reveal("access-request")
	require.NoError(w, err)
	return text
}

func TestOpening_ShowsWhomThePseudonymStoodForAfterTheLinkIsCut(t *testing.T) {
	w := newWorld(t, audit.Unmanaged("test"))
	ps := w.aboutSubject(w.as(kim), "acme", "17")
	text := w.reveal(w.opening(ada))
	require.NoError(t, w.trail.ForgetPseudonym(w.as(kim), leave, ada))
	w.sealer.Shred(ada, troth.PseudonymCompartment)
	_, err := w.trail.Opening(w.as(kim), ada, "access-request")
	require.ErrorIs(t, err, audit.ErrNoPseudonym, "the trail has it no more")

	o, err := audit.ParseOpening(text)
	require.NoError(t, err)
	require.NoError(t, o.Verify(ps))
	s, actor, err := o.Subject("access-request")
	require.NoError(t, err)
	require.Equal(t, ada, s)
	require.False(t, actor)
}

func TestOpening_FitsNoOtherPseudonym(t *testing.T) {
	w := newWorld(t)
	ps := w.aboutSubject(w.as(kim), "acme", "17")
	others := []audit.Pseudonym{
		{},
		{1},
		w.aboutSubject(w.as(kim), "acme", "18"), w.aboutSubject(w.as(kim), "bolt", "17"),
		w.the("acme", w.record(w.as(troth.Actor{Kind: troth.Person, ID: "17", Tenant: "acme"}), touch("acme", ""))).Actor.Person,
	}
	o := w.opening(ada)
	require.NoError(t, o.Verify(ps))
	for _, other := range others {
		require.ErrorIs(t, o.Verify(other), audit.ErrOpening)
	}
	for i := range ps {
		other := ps
		other[i] ^= 1
		require.ErrorIs(t, o.Verify(other), audit.ErrOpening)
	}
	require.ErrorIs(t, audit.Opening{}.Verify(ps), audit.ErrOpening)
	_, err := audit.Opening{}.Reveal("test")
	require.ErrorIs(t, err, audit.ErrOpening)
}

func TestActorOpening_IsOfTheActorsPseudonym(t *testing.T) {
	w := newWorld(t)
	staff := w.the("acme", w.record(w.as(kim), touch("acme", "17"))).Actor.Person
	o, err := w.trail.ActorOpening(w.as(kim), troth.Subject{Tenant: troth.Platform, ID: "kim"}, "test")
	require.NoError(t, err)
	require.NoError(t, o.Verify(staff))
	_, actor, err := o.Subject("test")
	require.NoError(t, err)
	require.True(t, actor)
	parsed, err := audit.ParseOpening(w.reveal(o))
	require.NoError(t, err)
	require.NoError(t, parsed.Verify(staff))
	_, err = w.trail.Opening(w.as(kim), troth.Subject{Tenant: troth.Platform, ID: "kim"}, "test")
	require.ErrorIs(t, err, audit.ErrNoPseudonym, "kim is nobody's subject")
}

func TestOpening_NeedsAPersonAPurposeAndTheSealer(t *testing.T) {
	w := newWorld(t)
	w.aboutSubject(w.as(kim), "acme", "17")
	var ie *troth.IdentifierError
	_, err := w.trail.Opening(w.as(kim), troth.Subject{Tenant: "acme"}, "test")
	require.ErrorAs(t, err, &ie)
	_, err = w.trail.Opening(w.as(kim), ada, "")
	require.ErrorAs(t, err, &ie)
	for _, s := range []troth.Subject{{Tenant: "acme", ID: "18"}, {Tenant: "bolt", ID: "17"}} {
		_, err = w.trail.Opening(w.as(kim), s, "test")
		require.ErrorIs(t, err, audit.ErrNoPseudonym)
	}
	o := w.opening(ada)
	_, err = o.Reveal("")
	require.ErrorAs(t, err, &ie)
	_, _, err = o.Subject("")
	require.ErrorAs(t, err, &ie)
	w.sealer.Shred(ada, troth.PseudonymCompartment)
	_, err = w.trail.Opening(w.as(kim), ada, "test")
	require.ErrorIs(t, err, audittest.ErrShredded)
}

func TestOpening_OfATamperedRowIsRefused(t *testing.T) {
	w := newWorld(t)
	w.aboutSubject(w.as(kim), "acme", "18")
	bob := w.store.rows[1]
	w.aboutSubject(w.as(kim), "acme", "17")
	alice := w.store.rows[2]
	for name, change := range map[string]func(row *audit.PseudonymRow){
		"another's pseudonym": func(row *audit.PseudonymRow) { row.Pseudonym = bob.Pseudonym },
		"another's identity":  func(row *audit.PseudonymRow) { row.Identity = bob.Identity },
		"no identity":         func(row *audit.PseudonymRow) { row.Identity = nil },
	} {
		trail, err := audit.New(t.Context(), forged{w.store, alice.PseudonymName, change}, w.keys, w.sealer)
		require.NoError(t, err)
		_, err = trail.Opening(w.as(kim), ada, "test")
		require.Error(t, err, name)
	}
	for name, plain := range map[string][]byte{
		"nothing": nil, "noise": []byte("noise"), "another's": w.unsealed(bob, "18"),
	} {
		trail, err := audit.New(t.Context(), w.store, w.keys, opensTo{w.sealer, plain})
		require.NoError(t, err)
		_, err = trail.Opening(w.as(kim), ada, "test")
		require.ErrorIs(t, err, audit.ErrPseudonym, name)
	}
}

// unsealed is the identity in the row of the person of acme.
func (w *world) unsealed(row audit.PseudonymRow, id string) []byte {
	w.Helper()
	plain, err := w.sealer.Open(w.Context(), nil, troth.Context{
		Subject: troth.Subject{Tenant: "acme", ID: id}, Compartment: troth.PseudonymCompartment,
		Cell: troth.Cell{Table: "troth_audit_pseudonym", Column: "identity", Row: row.Pseudonym.String()},
	}, "test", row.Identity)
	require.NoError(w, err)
	return plain
}

// opensTo is a sealer that opens everything to the same.
type opensTo struct {
	troth.Sealer
	plain []byte
}

func (s opensTo) Open(context.Context, []byte, troth.Context, troth.Purpose, []byte) ([]byte, error) {
	return s.plain, nil
}

func TestOpening_SaltIsNowhereButUnderSeal(t *testing.T) {
	w := newWorld(t)
	w.aboutSubject(w.as(kim), "acme", "17")
	fields := strings.Fields(w.reveal(w.opening(ada)))
	salt, err := base64.StdEncoding.DecodeString(fields[1])
	require.NoError(t, err)
	for _, row := range stored(w) {
		require.NotContains(t, row, string(salt))
	}
	require.True(t, bytes.Contains(w.unsealed(w.store.rows[1], "17"), salt))
}

func TestOpening_IsNotPrinted(t *testing.T) {
	w := newWorld(t)
	canary := troth.Subject{Tenant: "acme", ID: "canary@example.org"}
	w.aboutSubject(w.as(kim), "acme", canary.ID)
	o := w.opening(canary)
	holder := struct{ hidden audit.Opening }{o}
	salt := strings.Fields(w.reveal(o))[1]
	raw, err := base64.StdEncoding.DecodeString(salt)
	require.NoError(t, err)
	b, err := json.Marshal([]any{o, &o})
	require.NoError(t, err)
	text := bytes.NewBuffer(b)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q"} {
		fmt.Fprintf(text, verb+verb+verb, o, &o, holder)
	}
	require.False(t, contains(text.Bytes(), "canary", salt, hex.EncodeToString(raw), fmt.Sprint(raw)[1:20]))
}

func TestParseOpening_AcceptsOnlyWhatRevealWrote(t *testing.T) {
	w := newWorld(t)
	ps := w.aboutSubject(w.as(kim), "acme", "17")
	good := w.reveal(w.opening(ada))
	for i := range len(good) {
		for b := range 256 {
			if byte(b) == good[i] {
				continue
			}
			changed := good[:i] + string([]byte{byte(b)}) + good[i+1:]
			if o, err := audit.ParseOpening(changed); err == nil {
				require.ErrorIs(t, o.Verify(ps), audit.ErrOpening, "%q", changed)
				require.Equal(t, changed, w.reveal(o), "there is one form of it")
			} else {
				require.ErrorIs(t, err, audit.ErrOpening)
			}
		}
		_, err := audit.ParseOpening(good[:i])
		require.ErrorIs(t, err, audit.ErrOpening, "cut off")
	}
	fields := strings.Fields(good)
	with := func(at int, s string) string {
		changed := append([]string{}, fields...)
		changed[at] = s
		return strings.Join(changed, " ")
	}
	long := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{'a'}, 256))
	for _, bad := range []string{
		"", good + "\n", good + " ", " " + good, strings.ReplaceAll(good, " ", "  "), good + " x",
		with(0, "troth.audit.opening/2"), with(1, ""), with(1, fields[1]+"AAAA"), with(2, ""), with(2, "fngK"),
		with(2, strings.TrimRight(fields[2], "=")), with(3, "staff"), with(3, ""), with(4, ""), with(4, long),
		with(4, base64.StdEncoding.EncodeToString([]byte("a\nb"))), with(4, base64.StdEncoding.EncodeToString([]byte{0xff})),
		with(4, strings.Repeat("A", 2000)),
	} {
		_, err := audit.ParseOpening(bad)
		require.ErrorIs(t, err, audit.ErrOpening, "%q", bad)
	}
}

func FuzzParseOpening(f *testing.F) {
	f.Add(vectorOpening)
	f.Fuzz(func(t *testing.T, text string) {
		o, err := audit.ParseOpening(text)
		if err != nil {
			if !errors.Is(err, audit.ErrOpening) {
				t.Fatal(err)
			}
			return
		}
		if again, err := o.Reveal("test"); err != nil || again != text {
			t.Fatalf("%q was accepted for %q, %v", text, again, err)
		}
	})
}

// vectorOpening and its pseudonym stand in docs/formats/audit.md.
const (
	vectorOpening   = "troth.audit.opening/1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8= YWNtZQ== subject MTc="
	vectorPseudonym = "bda0c76b8871f43db7d3ad9812ccff2b"
)

func TestOpening_IsTheOneInTheDocs(t *testing.T) {
	page, err := os.ReadFile("../docs/formats/audit.md")
	require.NoError(t, err)
	require.Contains(t, string(page), vectorOpening)
	require.Contains(t, string(page), vectorPseudonym)
	o, err := audit.ParseOpening(vectorOpening)
	require.NoError(t, err)
	raw, err := hex.DecodeString(vectorPseudonym)
	require.NoError(t, err)
	require.NoError(t, o.Verify(audit.Pseudonym(raw)))
}
