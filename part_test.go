package troth_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/trothdev/troth"
)

// letter is an act that may carry a payload.
var letter = &troth.Act{
	Name: "test.letter", Version: 1,
	Parts: []troth.PartSpec{{Name: "text", Doc: "what it said"}, {Name: "address", Doc: "where it went"}},
}

func content(s string) troth.Sensitive[[]byte] { return troth.Protect([]byte(s)) }

func withParts(parts ...troth.Part) troth.Entry {
	return troth.Entry{Act: letter, Tenant: "acme", SubjectID: "p1", Parts: parts}
}

func TestAct_ValidateHoldsPartsToTheirNames(t *testing.T) {
	require.NoError(t, letter.Validate())
	for _, parts := range [][]troth.PartSpec{{{}}, {{Name: "a"}, {Name: "b"}, {Name: "a"}}} {
		err := (&troth.Act{Name: "a.b", Version: 1, Parts: parts}).Validate()
		wrong, ok := errors.AsType[*troth.ActError](err)
		require.True(t, ok, "%v", parts)
		require.Equal(t, "is unnamed or declared twice", wrong.Reason)
	}
	require.Error(t, (&troth.Act{Name: "a.b", Version: 1, Parts: []troth.PartSpec{{Name: "a\n"}}}).Validate())
}

func TestEntry_ValidateAcceptsParts(t *testing.T) {
	largest := troth.Protect(make([]byte, troth.MaxPart))
	require.NoError(t, withParts().Validate(), "no act requires a payload")
	require.NoError(t, withParts(troth.Part{Name: "text"}).Validate())
	require.NoError(t, withParts(
		troth.Part{Name: "address", Content: content("here")},
		troth.Part{Name: "text", Content: largest, Compartment: "letters"},
		troth.Part{Name: "text", SubjectID: "p2", Content: largest},
	).Validate(), "of one name for each person")
	alone := withParts(troth.Part{Name: "text", SubjectID: "p2"})
	alone.SubjectID = ""
	require.NoError(t, alone.Validate())
	var many []troth.Part
	for i := range troth.MaxParts {
		many = append(many, troth.Part{Name: "text", SubjectID: fmt.Sprint(i)})
	}
	require.NoError(t, withParts(many...).Validate())
	_, ok := errors.AsType[*troth.ActError](withParts(append(many, troth.Part{Name: "address"})...).Validate())
	require.True(t, ok)
}

func TestEntry_ValidateRefusesPartsThatDoNotFit(t *testing.T) {
	nobody := withParts(troth.Part{Name: "text"})
	nobody.SubjectID = ""
	for reason, e := range map[string]troth.Entry{
		`act "test.letter" does not declare a part that was given`: withParts(troth.Part{Name: "secret-name"}),
		`does not declare a part`:                                  withParts(troth.Part{}),
		`part "text" is given twice for one person`:                withParts(troth.Part{Name: "text"}, troth.Part{Name: "text", SubjectID: "p1", Compartment: "other"}),
		`part "text" concerns nobody`:                              nobody,
		`part "text" is longer than 65536 bytes`:                   withParts(troth.Part{Name: "text", Content: troth.Protect(make([]byte, troth.MaxPart+1))}),
		`part "text" is in the compartment of the pseudonyms`:      withParts(troth.Part{Name: "text", Compartment: troth.PseudonymCompartment}),
		"compartment identifier is reserved":                       withParts(troth.Part{Name: "text", Compartment: "~mine"}),
		"subject identifier holds a control character":             withParts(troth.Part{Name: "text", SubjectID: "a\n"}),
		"has more than 16 parts":                                   withParts(make([]troth.Part, troth.MaxParts+1)...),
	} {
		err := e.Validate()
		require.ErrorContains(t, err, reason)
		require.NotContains(t, err.Error(), "secret-name")
	}
}

func TestPart_DefaultsAreTheEntrysSubjectAndTheDefaultCompartment(t *testing.T) {
	e := withParts()
	require.Equal(t, "p1", troth.Part{}.About(e))
	require.Equal(t, "p2", troth.Part{SubjectID: "p2"}.About(e))
	require.Equal(t, troth.DefaultCompartment, troth.Part{}.Class())
	require.Equal(t, troth.Compartment("letters"), troth.Part{Compartment: "letters"}.Class())
}

// TestPart_ContentIsNotPrinted tries what programs do with values that they
// log, also where the entry stands in a field that fmt reads by reflection.
func TestPart_ContentIsNotPrinted(t *testing.T) {
	e := withParts(troth.Part{Name: "text", Content: content(secret)})
	type holder struct {
		Entry  troth.Entry
		hidden troth.Entry
		parts  []troth.Part
	}
	for name, v := range map[string]any{
		"entry": e, "pointer": &e, "part": e.Parts[0], "parts": e.Parts,
		"holder": holder{e, e, e.Parts}, "any": []any{e, &e.Parts[0]},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
			requireNoLeak(t, fmt.Sprintf(verb, v))
		}
		b, err := json.Marshal(v)
		require.NoError(t, err, name)
		requireNoLeak(t, string(b))
	}
	var out bytes.Buffer
	core := zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(&out), zap.DebugLevel)
	zap.New(core).Info("x", zap.Any("entry", e), zap.Any("part", e.Parts[0]), zap.Reflect("parts", e.Parts))
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "entry", e, "part", e.Parts[0])
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "entry", e, "part", e.Parts[0])
	require.NoError(t, gob.NewEncoder(&out).Encode(e.Parts))
	require.NoError(t, xml.NewEncoder(&out).Encode(e.Parts))
	require.Greater(t, strings.Count(out.String(), "[sensitive]"), 4)
	requireNoLeak(t, out.String())
}

func TestUnsafeNoEvidence_ChecksParts(t *testing.T) {
	ctx := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "s"})
	_, err := troth.UnsafeNoEvidence(nil).Record(ctx, withParts(troth.Part{Name: "text"}))
	require.NoError(t, err)
	_, err = troth.UnsafeNoEvidence(nil).Record(ctx, withParts(troth.Part{Name: "other"}))
	_, ok := errors.AsType[*troth.ActError](err)
	require.True(t, ok)
}
