// Package readme checks that the programs which the README shows compile and run.
package readme

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// integration is the module in which the snippets compile: it knows the
// published module as it stands in the clone, and the drivers.
const integration = ".."

var snippet = regexp.MustCompile("(?s)\n```go\n(.*?\n)```\n")

func TestREADME_ProgramsRun(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	readme, err := os.ReadFile(filepath.Join(integration, "..", "README.md"))
	require.NoError(t, err)
	watch(t)
	found := snippet.FindAllStringSubmatch(string(readme), -1)
	require.NotEmpty(t, found, "the README shows code")
	for i, m := range found {
		t.Run(fmt.Sprint("snippet ", i+1), func(t *testing.T) {
			program, out, err := compile(t, m[1])
			require.NoError(t, err, out)
			// Once more in the same folder: a program is not started only once.
			dir := t.TempDir()
			for range 2 {
				out, err := run(t, dir, program)
				assert.NoError(t, err, out) //nolint:testifylint // the other programs are tried too
				assert.NotEmpty(t, out)
			}
		})
	}
}

// watch reads the folders of the repository's code: the go command repeats a
// cached test when what it read has changed, and knows nothing of what a
// program that the test started has read.
func watch(t *testing.T) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(filepath.Join(integration, ".."), func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && strings.HasPrefix(d.Name(), ".") && d.Name() != ".." {
			return fs.SkipDir
		}
		return err
	}))
}

// TestCompile_RefusesWhatDoesNotCompile shows that the test above can fail.
func TestCompile_RefusesWhatDoesNotCompile(t *testing.T) {
	_, out, err := compile(t, "package main\n\nfunc main() { missing() }\n")
	require.Error(t, err)
	assert.Contains(t, out, "undefined: missing")
}

// compile builds the text as a program of the module, to which an overlay adds
// it without a file in the clone. It returns the program's path and what the go
// command said.
func compile(t *testing.T, text string) (program, out string, err error) {
	t.Helper()
	dir := t.TempDir()
	source := filepath.Join(dir, "main.go")
	require.NoError(t, os.WriteFile(source, []byte(text), 0o600))

	module, err := filepath.Abs(integration)
	require.NoError(t, err)
	overlay, err := json.Marshal(map[string]map[string]string{
		"Replace": {filepath.Join(module, "snippet", "main.go"): source},
	})
	require.NoError(t, err)
	file := filepath.Join(dir, "overlay.json")
	require.NoError(t, os.WriteFile(file, overlay, 0o600))

	program = filepath.Join(dir, "program")
	out, err = run(t, module, "go", "build", "-overlay", file, "-o", program, "./snippet")
	return program, out, err
}

// run runs a program in the folder and returns all that it wrote.
func run(t *testing.T, dir, name string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "SHOP_PASSPHRASE=made up for this test")
	out, err := cmd.CombinedOutput()
	return string(out), err
}
