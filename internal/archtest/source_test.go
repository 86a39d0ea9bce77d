package archtest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const sample = `// Package sample is read by tests.
package sample

// Open opens.
func Open(name string) (*Door, error) { return &Door{name: name}, nil }

// Door is a door.
type Door struct {
	// Width in metres.
	Width float64
	name  string
}

// Close closes.
func (d *Door) Close() error { return nil }

func (d *Door) Error() string { return d.name }

func (d *Door) hinge() {}

type latch struct{}

func (latch) Exported() {}

// The directions.
const (
	In Direction = iota
	Out
)

// Direction is where a door leads.
type Direction int

// Doors, both of them.
var (
	Front = "front"
	Back  string = "back"
)

var unseen = 1

// Map maps.
func Map[K comparable, V any](m map[K]V, f func(V) V) map[K]V { return m }
`

// write makes a package of one file.
func write(t *testing.T, text string) *Package {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "x.go"), []byte(text), 0o600))
	return &Package{Path: "sample", Dir: dir, Files: []string{"x.go"}}
}

func TestAPI_ShowsWhatACallerSees(t *testing.T) {
	got, err := API(write(t, sample))
	require.NoError(t, err)
	assert.Equal(t, `var Back string
type Direction int
type Door struct{ Width float64 }
func (d *Door) Close() error
func (d *Door) Error() string
var Front = "front"
const (
	In Direction = iota
	Out
)
func Map[K comparable, V any](m map[K]V, f func(V) V) map[K]V
func Open(name string) (*Door, error)
`, got)
}

func TestUndocumented_AcceptsComments(t *testing.T) {
	bad, err := Undocumented(write(t, sample))
	require.NoError(t, err)
	assert.Empty(t, bad)
}

func TestUndocumented_ReportsEachKind(t *testing.T) {
	cases := map[string]string{
		"function":        "func Open() {}",
		"type":            "type Door int",
		"method":          "type door int\n\n// Box is a box.\ntype Box int\n\nfunc (b *Box[T]) Lid() {}",
		"constant":        "const Size = 1",
		"variable":        "var Size = 1",
		"member":          "var (\n\tSize = 1\n)",
		"second of group": "type (\n\t// Door is a door.\n\tDoor int\n\tGate int\n)",
	}
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			bad, err := Undocumented(write(t, "// Package sample is read by tests.\npackage sample\n\n"+text+"\n"))
			require.NoError(t, err)
			assert.Len(t, bad, 1)
		})
	}
	bad, err := Undocumented(write(t, "package sample\n"))
	require.NoError(t, err)
	assert.Equal(t, []string{"sample has no package comment"}, bad)
}

func TestUnfinished_ReadsCommentsOnly(t *testing.T) {
	word := "TO" + "DO"
	assert.Len(t, Unfinished("x.go", []byte("package x\n\n// "+word+": later\nvar a = 1\n")), 1)
	assert.Empty(t, Unfinished("x.go", []byte("package x\n\nvar c = context."+word+"()\n\nvar s = \""+word+"\"\n")))
}
