package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRun_ShowsWhatItSays(t *testing.T) {
	var out strings.Builder
	require.NoError(t, run(t.Context(), filepath.Join(t.TempDir(), "kek"), &out))
	require.Equal(t, "opened: ada@shop-17.example\nafter shredding: vault: key is shredded\n", out.String())
}
