package audit_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// forged is a store in which somebody changed the rows of one name.
type forged struct {
	audit.Backend
	name   audit.PseudonymName
	change func(row *audit.PseudonymRow)
}

func (s forged) Pseudonym(ctx context.Context, name audit.PseudonymName) (audit.PseudonymRow, bool, error) {
	row, found, err := s.Backend.Pseudonym(ctx, name)
	if found && name == s.name {
		s.change(&row)
	}
	return row, found, err
}

func TestPseudonym_OfATamperedRowIsNeverUsed(t *testing.T) {
	w := newWorld(t)
	ctx := w.as(kim)
	w.record(ctx, touch("acme", "18"))
	bob := w.store.rows[1]
	w.record(ctx, touch("acme", "17"))
	alice := w.store.rows[2]
	w.record(w.as(troth.Actor{Kind: troth.Person, ID: "17", Tenant: "acme"}), touch("acme", ""))
	asActor := w.store.rows[3]
	w.record(ctx, touch("bolt", "17"))
	elsewhere := w.store.rows[4]
	before := len(w.records("acme"))

	for name, change := range map[string]func(row *audit.PseudonymRow){
		"another's pseudonym":          func(row *audit.PseudonymRow) { row.Pseudonym = bob.Pseudonym },
		"another's row":                func(row *audit.PseudonymRow) { row.Pseudonym, row.Tag = bob.Pseudonym, bob.Tag },
		"the row of another role":      func(row *audit.PseudonymRow) { row.Pseudonym, row.Tag = asActor.Pseudonym, asActor.Tag },
		"the row of another tenant":    func(row *audit.PseudonymRow) { row.Pseudonym, row.Tag = elsewhere.Pseudonym, elsewhere.Tag },
		"nobody":                       func(row *audit.PseudonymRow) { row.Pseudonym = audit.Pseudonym{} },
		"a tag of zeros":               func(row *audit.PseudonymRow) { row.Tag = [32]byte{} },
		"a tag that is off by a bit":   func(row *audit.PseudonymRow) { row.Tag[31] ^= 1 },
		"the lookup's hash as its tag": func(row *audit.PseudonymRow) { row.Tag = row.Lookup },
	} {
		store := forged{w.store, alice.PseudonymName, change}
		trail, err := audit.New(t.Context(), store, w.keys, w.sealer, audit.Unmanaged("test"))
		require.NoError(t, err)
		_, err = trail.Record(ctx, touch("acme", "17"))
		require.ErrorIs(t, err, audit.ErrPseudonym, name)
		_, _, err = trail.Pseudonym(ctx, ada)
		require.ErrorIs(t, err, audit.ErrPseudonym, name)
		require.ErrorIs(t, trail.ForgetPseudonym(ctx, leave, ada), audit.ErrPseudonym, name)
		_, err = trail.Record(ctx, touch("bolt", "18"))
		require.NoError(t, err, "others are recorded as before")
	}
	require.Len(t, w.records("acme"), before)
	require.Equal(t, alice.Pseudonym, w.aboutSubject(ctx, "acme", "17"))
}

// actMany takes as many words as it is given.
var actMany = &troth.Act{
	Name: "test.many", Version: 1, Doc: "Many things were touched.",
	Fields: []troth.Field{{Name: "words", Kind: troth.WordsFact, Doc: "which"}},
}

// many returns an entry with n different words of a length.
func many(n, length int) troth.Entry {
	words := make([]string, n)
	for i := range words {
		digits := strings.Repeat("a", i/26/26%26) + string(rune('a'+i/26%26)) + string(rune('a'+i%26))
		words[i] = digits + strings.Repeat("z", length-len(digits))
	}
	return troth.Entry{Act: actMany, Tenant: "acme", Facts: troth.Facts{"words": troth.Words(words...)}}
}

func TestTrail_RecordRefusesWhatCouldNotBeRead(t *testing.T) {
	w := newWorld(t)
	r := w.the("acme", w.record(w.as(kim), many(250, 250)))
	require.Greater(t, len(r.Raw), audit.MaxEnvelope-3000)
	for name, e := range map[string]troth.Entry{"too long": many(257, 250), "too many fields": many(4200, 10+4200/26/26)} {
		_, err := w.trail.Record(w.as(kim), e)
		require.ErrorIs(t, err, audit.ErrEnvelope, name)
	}
	require.Len(t, w.records("acme"), 1)
}

func TestParseEnvelope_RefusesLongOnes(t *testing.T) {
	e := full(t)
	for len(e.Append(nil)) <= audit.MaxEnvelope-37 {
		e.Commitments = append(e.Commitments, [32]byte{1})
	}
	_, err := audit.ParseEnvelope(e.Append(nil))
	require.NoError(t, err)
	e.Commitments = append(e.Commitments, [32]byte{1})
	_, err = audit.ParseEnvelope(e.Append(nil))
	require.ErrorIs(t, err, audit.ErrEnvelope)
}
