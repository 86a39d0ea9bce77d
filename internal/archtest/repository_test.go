package archtest

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const root = "../.."

var load = sync.OnceValues(func() (Graph, error) { return Load(context.Background(), root) })

func graph(t *testing.T) Graph {
	t.Helper()
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	g, err := load()
	require.NoError(t, err)
	require.NotEmpty(t, g.Public(), "the listing must hold our own packages")
	return g
}

func TestRepository_KeepsTheImportRules(t *testing.T) {
	for _, r := range Rules() {
		t.Run(r.Name, func(t *testing.T) {
			assert.Empty(t, r.Check(graph(t)), r.Says)
		})
	}
}

func TestRepository_DependenciesAreReviewed(t *testing.T) {
	want := map[string]string{}
	for _, p := range graph(t).Public() {
		want[goldenName(p)] = graph(t).Deps(p.Path)
	}
	compareGolden(t, "testdata/deps", want)
}

// TestRepository_APIIsReviewed covers the public packages, and internal/permit
// because the root package gives its types other names.
func TestRepository_APIIsReviewed(t *testing.T) {
	want := map[string]string{}
	for _, p := range append(graph(t).Public(), graph(t)[Module+"/internal/permit"]) {
		text, err := API(p)
		require.NoError(t, err)
		want[goldenName(p)] = text
	}
	compareGolden(t, "testdata/api", want)
}

func TestRepository_ExportedIsDocumented(t *testing.T) {
	for _, p := range graph(t).Published() {
		if len(p.Files) == 0 {
			continue
		}
		bad, err := Undocumented(p)
		require.NoError(t, err)
		assert.Empty(t, bad)
	}
}

func TestRepository_LeavesNothingUnfinished(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	files := 0
	walk(t, ".go", func(name string, content []byte) {
		files++
		assert.Empty(t, Unfinished(name, content))
	})
	assert.Greater(t, files, 20, "the walk must find the code")
}

// TestRepository_FilesStayReadable: one concept a file. The cap is soft at 400
// lines; past 600 a file is split, or named here with its reason.
func TestRepository_FilesStayReadable(t *testing.T) {
	walk(t, ".go", func(name string, content []byte) {
		lines := strings.Count(string(content), "\n")
		assert.LessOrEqual(t, lines, 600, "%s has %d lines: one concept a file", name, lines)
	})
}

// walk calls fn with every file of the repository that has the extension.
func walk(t *testing.T, ext string, fn func(name string, content []byte)) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if n := d.Name(); n != ".." && n != ".ci" && (strings.HasPrefix(n, ".") || n == "bin" || n == "testdata") {
				return fs.SkipDir
			}
			return nil
		}
		if filepath.Ext(name) != ext {
			return nil
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		fn(strings.TrimPrefix(filepath.ToSlash(name), root+"/"), content)
		return nil
	}))
}

func find(name string) (Rule, bool) {
	rules := Rules()
	i := slices.IndexFunc(rules, func(r Rule) bool { return r.Name == name })
	if i < 0 {
		return Rule{}, false
	}
	return rules[i], true
}

func containing(lines []string, part string) bool {
	return slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, part) })
}
