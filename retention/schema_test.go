package retention

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/internal/canon"
)

// That the schema accepts every worked policy, and that the parser refuses what it
// refuses, is tested with an independent validator in integration/retention.
func TestSchema_HasTheEnumerationsOfTheCode(t *testing.T) {
	type property struct {
		Enum     []string
		Pattern  string
		MaxItems int
	}
	var root struct {
		Properties map[string]property
		Defs       map[string]struct {
			property
			MaxLength  int
			Properties map[string]property
		} `json:"$defs"`
	}
	require.NoError(t, json.Unmarshal([]byte(Schema()), &root))
	requireEnum(t, applies, root.Properties["apply"].Enum)
	requireEnum(t, scopes, root.Defs["event"].Properties["scope"].Enum)
	requireEnum(t, copyKinds, root.Defs["copy"].Properties["kind"].Enum)
	requireEnum(t, ends, root.Defs["class"].Properties["end"].Enum)
	requireEnum(t, visibilities, root.Defs["stage"].Properties["visible"].Enum)
	requireEnum(t, goals, root.Defs["promise"].Properties["to"].Enum)
	require.Equal(t, maxItems, root.Properties["classes"].MaxItems)
	require.Equal(t, maxStages, root.Defs["class"].Properties["stages"].MaxItems)
	require.Equal(t, maxID, root.Defs["id"].MaxLength)
	require.Equal(t, maxLine, root.Defs["line"].MaxLength)
}

func requireEnum[T ~string](t *testing.T, code []T, schema []string) {
	t.Helper()
	require.NotEmpty(t, schema)
	got := make([]string, len(code))
	for i, c := range code {
		got[i] = string(c)
	}
	require.Equal(t, got, schema)
}

// The bytes that are hashed are one message, as docs/formats/retention-policy.md has it.
func TestCanonical_IsOneMessage(t *testing.T) {
	p := Policy{
		Format: Format, Name: "p", Version: 1, Classes: []Class{{Name: "c", Lifecycle: Lifecycle{
			Stages: []Stage{{Name: "s", Copies: []string{"x"}}}, On: []Transition{{Event: "e", From: []string{"s"}, Goto: Purged}},
		}}},
		Events: []Event{{Name: "e"}}, Copies: []Copy{{Name: "x"}}, Labels: []Label{{Name: "l"}},
		Promises: []Promise{{Name: "m"}}, Obligations: []Obligation{{Name: "o"}}, Default: &Lifecycle{},
	}
	m, err := canon.Parse(p.canonical())
	require.NoError(t, err)
	require.Equal(t, Format, m.Domain)
	require.Len(t, m.Fields, 15)
	p.Default = nil
	m, err = canon.Parse(p.canonical())
	require.NoError(t, err)
	require.Len(t, m.Fields, 15)
}
