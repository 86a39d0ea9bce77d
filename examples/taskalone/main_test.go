package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRun_ShowsWhatItSays(t *testing.T) {
	var out strings.Builder
	require.NoError(t, run(t.Context(), t.TempDir(), &out))
	require.Equal(t, `order 4712 was given up, and its notice with it
attempt 1 at order 4711: the provider does not answer
attempt 2 at order 4711: the provider does not answer
attempt 3 at order 4711: sent to ada@shop-17.example
0 open, 1 ended
`, out.String())
}
