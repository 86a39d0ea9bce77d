package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRun_ShowsWhatItSays(t *testing.T) {
	var out strings.Builder
	require.NoError(t, run(t.Context(), t.TempDir(), &out))
	require.Equal(t, `shipped: entry 1 of log 1
the key was replaced at size 3
shipped: entry 3 of log 1
an old copy was put back: audit: log shop.example/trail has size 3 and does not lead to the checkpoint of size 4 that is known outside
shipped: entry 2 of log 2
log 1, shop.example/trail: 3 entries, 1 lost
log 2, shop.example/trail-2: 3 entries, 0 lost
`, out.String())
}
