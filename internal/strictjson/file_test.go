package strictjson

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type note struct {
	Name string `json:"name"`
	Text string `json:"text,omitempty"`
}

func TestDecode_AcceptsWhatEncodeWritesInAnyLayout(t *testing.T) {
	want := note{Name: "a<b&c", Text: "é\u2028"}
	for _, encode := range []func(v any) ([]byte, error){Encode, EncodeFile} {
		text, err := encode(want)
		require.NoError(t, err)
		var got note
		require.True(t, Decode(text, &got), "%s", text)
		require.Equal(t, want, got)
	}
	file, err := EncodeFile(note{Name: "a<b"})
	require.NoError(t, err)
	require.Equal(t, "{\n  \"name\": \"a<b\"\n}\n", string(file)) //nolint:testifylint // also in its layout
}

func TestDecode_AcceptsNoOtherText(t *testing.T) {
	for name, text := range map[string]string{
		"another order":         `{"text":"b","name":"a"}`,
		"a member twice":        `{"name":"b","name":"a"}`,
		"a member of another":   `{"name":"a","more":"b"}`,
		"another case":          `{"Name":"a"}`,
		"an empty member":       `{"name":"a","text":""}`,
		"a null":                `{"name":"a","text":null}`,
		"a missing member":      `{}`,
		"an escape":             `{"name":"\u0061"}`,
		"something behind it":   `{"name":"a"} {}`,
		"half of it":            `{"name":"a"`,
		"a value of other type": `{"name":1}`,
	} {
		var got note
		require.False(t, Decode([]byte(text), &got), name)
	}
}

func TestTime_IsWrittenInOneWay(t *testing.T) {
	at := time.Date(2026, 2, 3, 4, 5, 6, 7000, time.FixedZone("", 3600))
	text := EncodeTime(at)
	require.Equal(t, `"2026-02-03T03:05:06.000007Z"`, string(text))
	back, ok := DecodeTime(text)
	require.True(t, ok)
	require.Equal(t, at.UTC(), back)
	for _, bad := range []string{`"2026-02-03T03:05:06+01:00"`, `1`, `"x"`, ``} {
		_, ok := DecodeTime([]byte(bad))
		require.False(t, ok, bad)
	}
}
