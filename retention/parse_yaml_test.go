package retention_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/retention"
)

// plainYAML is a small policy in YAML.
const plainYAML = `# with a comment
format: troth.retention.policy/1
policy: small
version: 2
title: "A small one"
effective: 2026-01-01
zone: Europe/Berlin
sweep: P1D
copies:
  - {copy: primary, kind: primary}
classes:
  - class: note
    title: Notes
    records: [note]
    copies: [primary]
    stages:
      - {stage: kept, visible: all, restorable: false, for: P1Y}
`

func TestParseYAML_IsTheSamePolicyAsInJSON(t *testing.T) {
	fromYAML, err := retention.ParseYAML([]byte(plainYAML))
	require.NoError(t, err)
	fromJSON, err := retention.Parse([]byte(`{"format":"troth.retention.policy/1","policy":"small","version":2,
		"title":"A small one","effective":"2026-01-01","zone":"Europe/Berlin","sweep":"P1D",
		"copies":[{"copy":"primary","kind":"primary"}],"classes":[{"class":"note","title":"Notes","records":["note"],
		"copies":["primary"],"stages":[{"stage":"kept","visible":"all","restorable":false,"for":"P1Y"}]}]}`))
	require.NoError(t, err)
	require.Equal(t, fromJSON, fromYAML)
	require.Equal(t, fromJSON.Hash(), fromYAML.Hash())
	// JSON is YAML as well.
	text := canonicalText(t, content(t))
	again, err := retention.ParseYAML([]byte(text))
	require.NoError(t, err)
	require.Equal(t, content(t), again)
}

func TestParseYAML_Refuses(t *testing.T) {
	with := func(old, put string) string {
		require.Contains(t, plainYAML, old)
		return strings.Replace(plainYAML, old, put, 1)
	}
	for name, bad := range map[string]string{
		"nothing":                "",
		"UTF-16":                 "\xff\xfe" + "a\x00:\x00 \x00b\x00",
		"a comment only":         "# nothing\n",
		"a list":                 "- a\n- b\n",
		"broken text":            "a: [b",
		"two documents":          plainYAML + "---\n" + plainYAML,
		"an anchor":              with("records: [note]", "records: &r [note]"),
		"an alias":               with("[note]\n", "&r [note]\n") + "labels: *r\n",
		"an anchor on a key":     with("zone:", "&z zone:"),
		"a tag":                  with("version: 2", "version: !!int 2"),
		"a tag of our own":       with("title: ", "title: !secret "),
		"a merge":                with("{copy: primary, kind: primary}", "{<<: {kind: primary}, copy: primary}"),
		"a key twice":            with("version: 2", "version: 2\nversion: 2"),
		"a key that is a list":   with("version: 2", "? [a]\n: 2"),
		"null":                   with("version: 2", "version: ~"),
		"an empty value":         with("version: 2", "version:"),
		"a version as text":      with("version: 2", `version: "2"`),
		"a version in hex":       with("version: 2", "version: 0x2"),
		"a version in octal":     with("version: 2", "version: 02"),
		"a version with a sign":  with("version: 2", "version: +2"),
		"a version as a float":   with("version: 2", "version: 2.0"),
		"infinity":               with("version: 2", "version: .inf"),
		"a flag in capitals":     with("restorable: false", "restorable: FALSE"),
		"a flag as a word":       with("restorable: false", "restorable: no"),
		"a time behind the date": with("2026-01-01", "2026-01-01T00:00:00Z"),
		"an unknown field":       with("version: 2", "version: 2\nverdict: 1"),
	} {
		p, err := retention.ParseYAML([]byte(bad))
		require.ErrorIs(t, err, retention.ErrPolicy, name)
		require.Nil(t, p, name)
	}
}

func TestParseYAML_BombsEndAtOnce(t *testing.T) {
	laughs := &strings.Builder{}
	laughs.WriteString("a0: &a0 [x]\n")
	for i := 1; i < 30; i++ {
		laughs.WriteString("b" + strings.Repeat("b", i) + ": &b" + strings.Repeat("b", i) + " [")
		ref := "*a0"
		if i > 1 {
			ref = "*b" + strings.Repeat("b", i-1)
		}
		laughs.WriteString(strings.Repeat(ref+", ", 9) + ref + "]\n")
	}
	for name, bad := range map[string]string{
		"a billion laughs":   laughs.String(),
		"an alias of itself": "a: &a [*a]\n",
		"flow of lists":      strings.Repeat("[", 5_000),
		"flow of maps":       strings.Repeat("{a: ", 5_000),
		"indents":            deepIndents(900),
		"many keys":          strings.Repeat("k: 1\n", 20_000),
		"many documents":     strings.Repeat("---\n", 20_000),
		"a long scalar":      "a: " + strings.Repeat("x", retention.MaxText-3),
	} {
		_, err := retention.ParseYAML([]byte(bad))
		require.ErrorIs(t, err, retention.ErrPolicy, name)
	}
}

func deepIndents(n int) string {
	b := &strings.Builder{}
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

func FuzzParseYAML(f *testing.F) {
	f.Add([]byte(plainYAML))
	for _, text := range examples(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := retention.ParseYAML(text)
		if err != nil {
			require.ErrorIs(t, err, retention.ErrPolicy)
			return
		}
		usable(t, p)
	})
}
