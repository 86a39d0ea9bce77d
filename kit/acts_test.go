package kit_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/kit"
)

var update = flag.Bool("update", false, "write docs/acts.md anew")

// TestActs_AreTheTableInTheDocs keeps docs/acts.md what the packages declare.
func TestActs_AreTheTableInTheDocs(t *testing.T) {
	path := filepath.Join("..", "docs", "acts.md")
	want := actsPage(t)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(want), 0o600))
	}
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, want, string(got), "run go test ./kit -update and review the change")
}

func actsPage(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(`# Acts

What the trail records, and all that each record may hold. A fact that is not
declared here is refused. Beside its facts every entry has: an id, the instant,
the tenant, the act and its version, the outcome (done, refused or unknown), who
acted (a service by name, a person by pseudonym), whom it concerns (a pseudonym,
or nobody), and the purpose where there is one.

Kinds: a *word* is one of a closed or declared vocabulary, *words* are several; a
*count* is a whole number; an *instant* is to the microsecond, UTC; a *digest* is
32 bytes; an *id* was made by troth. There is no kind for free text: that stands
in a *sealed part*, under the key of the person whom it concerns, which no entry
must have and which is erased with that key.

This page is written by a test from what the packages declare.
`)
	seen := map[string]bool{}
	for _, act := range kit.Acts() {
		require.NoError(t, act.Validate())
		require.False(t, seen[act.Name], "%s is declared twice", act.Name)
		seen[act.Name] = true
		fmt.Fprintf(&b, "\n## %s, version %d\n\n%s\n", act.Name, act.Version, act.Doc)
		writeFacts(&b, act)
		writeParts(&b, act)
	}
	return b.String()
}

func writeFacts(b *strings.Builder, act *troth.Act) {
	if len(act.Fields) == 0 {
		return
	}
	b.WriteString("\n| fact | kind | | |\n| --- | --- | --- | --- |\n")
	for _, f := range act.Fields {
		optional := ""
		if f.Optional {
			optional = "optional"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", f.Name, f.Kind, optional, f.Doc)
	}
}

func writeParts(b *strings.Builder, act *troth.Act) {
	if len(act.Parts) == 0 {
		return
	}
	b.WriteString("\n| sealed part | |\n| --- | --- |\n")
	for _, p := range act.Parts {
		fmt.Fprintf(b, "| %s | %s |\n", p.Name, p.Doc)
	}
}

// TestActs_ShowTheirParts: no act of ours has one yet.
func TestActs_ShowTheirParts(t *testing.T) {
	var b strings.Builder
	writeParts(&b, &troth.Act{Parts: []troth.PartSpec{{Name: "diff", Doc: "what changed"}, {Name: "note", Doc: "why"}}})
	require.Equal(t, "\n| sealed part | |\n| --- | --- |\n| diff | what changed |\n| note | why |\n", b.String())
}
