package troth_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
)

// validators are all ways in which an identifier enters, by kind.
var validators = map[string]func(id string) error{
	"tenant":      func(id string) error { return troth.Tenant(id).Validate() },
	"purpose":     func(id string) error { return troth.Purpose(id).Validate() },
	"compartment": func(id string) error { return troth.Compartment(id).Validate() },
	"subject":     func(id string) error { return troth.Subject{Tenant: "t", ID: id}.Validate() },
	"table":       func(id string) error { return troth.Cell{Table: id, Column: "c", Row: "r"}.Validate() },
	"column":      func(id string) error { return troth.Cell{Table: "t", Column: id, Row: "r"}.Validate() },
	"row":         func(id string) error { return troth.Cell{Table: "t", Column: "c", Row: id}.Validate() },
	"key use":     func(id string) error { return troth.KeyRef{Tenant: "t", Use: id, ID: "1"}.Validate() },
	"key":         func(id string) error { return troth.KeyRef{Tenant: "t", Use: "u", ID: id}.Validate() },
	"actor":       func(id string) error { return troth.Actor{Kind: troth.Person, ID: id}.Validate() },
	"role": func(id string) error {
		return troth.Actor{Kind: troth.Person, ID: "a", Roles: []string{"ok", id}}.Validate()
	},
	"fact word": func(id string) error { return entryWith("word", troth.Word(id)).Validate() },
	"fact words": func(id string) error {
		return entryWith("words", troth.Words("ok", id)).Validate()
	},
	"fact id": func(id string) error { return entryWith("id", troth.ID(id)).Validate() },
}

// entryWith returns an entry whose act declares one fact of the given name.
func entryWith(name string, f troth.Fact) troth.Entry {
	act := &troth.Act{Name: "p.v", Version: 1, Fields: []troth.Field{{Name: name, Kind: f.Kind()}}}
	return troth.Entry{Act: act, Tenant: "t", Facts: troth.Facts{name: f}}
}

func TestIdentifier_Accepted(t *testing.T) {
	for _, id := range []string{
		"a", " ", "a b", "0", "50a8…", "größe", "日本", "\u00a0", "\u200d", "\U0001f511", "a~", "ref:1/2",
		strings.Repeat("a", troth.MaxIdentifier), strings.Repeat("é", 127),
	} {
		for kind, validate := range validators {
			require.NoError(t, validate(id), "%s %q", kind, id)
		}
	}
}

func TestIdentifier_Refused(t *testing.T) {
	cases := map[string]string{
		strings.Repeat("a", troth.MaxIdentifier+1): "is longer than 255 bytes",
		strings.Repeat("é", 128):                   "is longer than 255 bytes",
		strings.Repeat("\xff", 300):                "is longer than 255 bytes",
		"a\xffb":                                   "is not UTF-8",
		"\xc3":                                     "is not UTF-8",
		"\xed\xa0\x80":                             "is not UTF-8", // a lone surrogate
		"\xc0\xaf":                                 "is not UTF-8", // an overlong slash
		"\xf4\x90\x80\x80":                         "is not UTF-8", // beyond U+10FFFF
	}
	for c := range rune(0xa0) {
		if c < ' ' || c >= 0x7f {
			cases["private"+string(c)] = "holds a control character"
			cases["é"+string(c)] = "holds a control character"
		}
	}
	for kind, validate := range validators {
		for id, reason := range cases {
			err := validate(id)
			wrong, ok := errors.AsType[*troth.IdentifierError](err)
			require.True(t, ok, "%s %q: %v", kind, id, err)
			require.Equal(t, reason, wrong.Reason, "%s %q", kind, id)
			require.Equal(t, kind, wrong.Kind)
			require.Equal(t, fmt.Sprintf("troth: %s identifier %s", kind, reason), err.Error())
		}
	}
}

func TestIdentifier_EmptyIsRefused(t *testing.T) {
	for kind, validate := range validators {
		wrong, ok := errors.AsType[*troth.IdentifierError](validate(""))
		require.True(t, ok, kind)
		require.Equal(t, &troth.IdentifierError{Kind: kind, Reason: "is empty"}, wrong)
	}
}

func TestIdentifier_ReservedNames(t *testing.T) {
	require.NoError(t, troth.Platform.Validate())
	require.NoError(t, troth.PseudonymCompartment.Validate())
	require.NoError(t, troth.DefaultCompartment.Validate())
	for kind, ids := range map[string][]string{
		"tenant":      {"~", "~platform2", "~Platform", string(troth.PseudonymCompartment)},
		"compartment": {"~", "~pseudonyms", string(troth.Platform)},
		"purpose":     {"~", "~anything", string(troth.Platform), string(troth.PseudonymCompartment)},
	} {
		for _, id := range ids {
			wrong, ok := errors.AsType[*troth.IdentifierError](validators[kind](id))
			require.True(t, ok, "%s %q", kind, id)
			require.Equal(t, &troth.IdentifierError{Kind: kind, Reason: "is reserved"}, wrong)
		}
	}
}

func TestIdentifier_ErrorsDoNotQuote(t *testing.T) {
	for kind, validate := range validators {
		for _, bad := range []string{secret + "\n", secret + "\xff", secret + strings.Repeat("x", 300), "~" + secret} {
			if err := validate(bad); err != nil {
				requireNoLeak(t, fmt.Sprintf("%s: %v %+v %#v", kind, err, err, err))
			}
		}
	}
}

func TestContext_EveryPartIsValidated(t *testing.T) {
	good := troth.Context{
		Subject:     troth.Subject{Tenant: "t", ID: "s"},
		Compartment: troth.DefaultCompartment,
		Cell:        troth.Cell{Table: "t", Column: "c", Row: "r"},
	}
	require.NoError(t, good.Validate())
	for kind, spoil := range map[string]func(c *troth.Context){
		"tenant":      func(c *troth.Context) { c.Subject.Tenant = "" },
		"subject":     func(c *troth.Context) { c.Subject.ID = "" },
		"compartment": func(c *troth.Context) { c.Compartment = "" },
		"table":       func(c *troth.Context) { c.Cell.Table = "" },
		"column":      func(c *troth.Context) { c.Cell.Column = "" },
		"row":         func(c *troth.Context) { c.Cell.Row = "" },
	} {
		bad := good
		spoil(&bad)
		wrong, ok := errors.AsType[*troth.IdentifierError](bad.Validate())
		require.True(t, ok, kind)
		require.Equal(t, kind, wrong.Kind)
	}
	require.Error(t, troth.KeyRef{Use: "u", ID: "1"}.Validate())
}

func TestIdentifier_CommonCaseDoesNotAllocate(t *testing.T) {
	c := troth.Context{
		Subject:     troth.Subject{Tenant: "acme", ID: "person-1"},
		Compartment: troth.DefaultCompartment,
		Cell:        troth.Cell{Table: "customers", Column: "email", Row: "1"},
	}
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if c.Validate() != nil {
			t.Error("refused")
		}
	}))
}
