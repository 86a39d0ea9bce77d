package main

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Who hands out an export can leave the first entries out and say that they were
// pruned: the program must not vouch for that.
func TestTenant_DoesNotVouchForWhatIsNotInTheFile(t *testing.T) {
	whole, err := os.ReadFile(filepath.Join(bundles, "tenant.export"))
	require.NoError(t, err)
	lines := strings.SplitAfter(string(whole), "\n")
	begin := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "leaf ") })
	second := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "redacted ") })
	third := second + slices.IndexFunc(lines[second:], func(l string) bool { return strings.HasPrefix(l, "leaf ") })
	left := slices.Concat(lines[:begin],
		[]string{"pruned 2 " + strings.TrimPrefix(lines[second], "redacted ")}, lines[third:])

	text, err := reader(t, false).tenant(bufio.NewReader(strings.NewReader(strings.Join(left, ""))))
	require.NoError(t, err)
	assert.Contains(t, text, "the first 2 of them are not here; the file says that they were destroyed")
	assert.Contains(t, text, "Not proven: that those were destroyed: who made the file may have left them out")
	assert.NotContains(t, text, "these are all entries")

	text, err = reader(t, false).tenant(bufio.NewReader(strings.NewReader(string(whole))))
	require.NoError(t, err)
	assert.Contains(t, text, "these are all entries")
	assert.NotContains(t, text, "left them out")
}
