package archtest

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/internal/canon"
)

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, name))
	require.NoError(t, err)
	return string(b)
}

// TestFormats_CanonVector builds the message that docs/formats.md describes and
// compares it with the bytes printed there.
func TestFormats_CanonVector(t *testing.T) {
	block := regexp.MustCompile("(?s)```hex\n(.*?)```").FindStringSubmatch(read(t, "docs/formats.md"))
	require.NotNil(t, block, "the page has a vector")
	want, err := hex.DecodeString(strings.Join(strings.Fields(block[1]), ""))
	require.NoError(t, err)

	m := canon.AppendDomain(nil, "troth.example/1")
	m = canon.AppendBytes(m, []byte{0x00, 0xff})
	m = canon.AppendText(m, "é")
	m = canon.AppendUint(m, 258)
	m = canon.AppendInt(m, -1)
	m = canon.AppendList(m, 2)
	m = canon.AppendNone(m)
	m = canon.AppendText(m, "")
	assert.Equal(t, hex.EncodeToString(want), hex.EncodeToString(m))

	parsed, err := canon.Parse(want)
	require.NoError(t, err)
	assert.Equal(t, want, parsed.Append(nil))
}

var mdLink = regexp.MustCompile(`\]\(([^)#\s]+)(#[^)\s]*)?\)`)

// TestDocs_LinksLeadSomewhere follows the relative links of every page.
func TestDocs_LinksLeadSomewhere(t *testing.T) {
	links := 0
	walk(t, ".md", func(name string, content []byte) {
		for _, m := range mdLink.FindAllStringSubmatch(string(content), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			links++
			_, err := os.Stat(filepath.Join(root, filepath.Dir(name), m[1]))
			assert.NoError(t, err, "%s links to %s", name, m[1])
		}
	})
	assert.Positive(t, links)
}

// TestDocs_IndexesAreComplete: a page that its index does not list is not read.
func TestDocs_IndexesAreComplete(t *testing.T) {
	for index, pages := range map[string]string{
		"docs/decisions/README.md": "docs/decisions/*.md",
		"docs/formats.md":          "docs/formats/*.md",
	} {
		text := read(t, index)
		found, err := filepath.Glob(filepath.Join(root, pages))
		require.NoError(t, err)
		require.NotEmpty(t, found)
		for _, f := range found {
			if name := filepath.Base(f); name != "README.md" {
				assert.Contains(t, text, name+")", "%s lists %s", index, name)
			}
		}
	}
}

// TestREADME_GivesTheTwoCommands keeps the promise of its first screen: what is
// printed there is what continuous integration runs.
func TestREADME_GivesTheTwoCommands(t *testing.T) {
	readme, ci := read(t, "README.md"), read(t, ".ci/run")
	for _, command := range []string{"go run ./examples/quickstart", "go test work"} {
		assert.Contains(t, readme, "\n"+command+"\n")
		assert.Contains(t, ci, "\n"+command+"\n", ".ci/run runs %q", command)
	}
}

// TestModule_IsFitToPublish: a replace line would refuse "go install", a tool
// line would put developers' tools into every host's build list.
func TestModule_IsFitToPublish(t *testing.T) {
	mod := read(t, "go.mod")
	assert.Contains(t, mod, "\ngo 1.26.0\n", "without a patch version that would shut out hosts")
	for _, word := range []string{"replace", "tool", "toolchain", "exclude"} {
		assert.NotRegexp(t, `(?m)^`+word+`\b`, mod)
	}
}
