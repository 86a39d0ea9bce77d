package archtest

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files again")

// goldenName is the name of a package's golden file.
func goldenName(p *Package) string {
	rel := strings.TrimPrefix(strings.TrimPrefix(p.Path, Module), "/")
	if rel == "" {
		rel = "troth"
	}
	return strings.ReplaceAll(rel, "/", ".") + ".txt"
}

// compareGolden compares texts with the files of a folder, or writes them. A
// file that nothing belongs to is an error too: a package went away.
func compareGolden(t *testing.T, dir string, texts map[string]string) {
	t.Helper()
	if *update {
		require.NoError(t, os.RemoveAll(dir))
		require.NoError(t, os.MkdirAll(dir, 0o755))
		for name, text := range texts {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
		}
		return
	}
	const hint = "if this change is meant, run \"make golden\" and have its difference reviewed"
	for name, text := range texts {
		golden, err := os.ReadFile(filepath.Join(dir, name))
		if assert.NoError(t, err, hint) {
			assert.Equal(t, string(golden), text, "%s: %s", name, hint)
		}
	}
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, f := range files {
		assert.Contains(t, texts, f.Name(), "no package for this golden file: %s", hint)
	}
}
