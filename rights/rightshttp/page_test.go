package rightshttp

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// docs/rights-http.md has every call and every problem, and no other.
func TestPage_HasEveryCallAndProblem(t *testing.T) {
	const path = "../../docs/rights-http.md"
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	const heading = "| code | status | meaning |\n| --- | --- | --- |\n"
	front, table, found := strings.Cut(string(b), heading)
	require.True(t, found)
	var want strings.Builder
	for _, code := range slices.Sorted(maps.Keys(problems)) {
		fmt.Fprintf(&want, "| <a id=%q></a>`%s` | %d | %s |\n", code, code, problems[code].status, problems[code].title)
	}
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(front+heading+want.String()), 0o644))
		table = want.String()
	}
	require.Equal(t, want.String(), table, "run with -update")
	for i := range routes {
		call := strings.TrimPrefix(routes[i].path, "/requests/{id}")
		require.Contains(t, front, call+"`", routes[i].path)
	}
}
