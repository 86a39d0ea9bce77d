package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRun_ShowsWhatItSays(t *testing.T) {
	var out strings.Builder
	dir := t.TempDir()
	require.NoError(t, run(t.Context(), dir, &out))
	require.Equal(t, `before anything: allowed false, unknown
after a GET of the link: allowed false, pending
after the button: allowed true, granted
receipt: Our monthly letter, dpv:ConsentGiven
receipt, edited: consent: receipt does not hold
after the withdrawal: allowed false, withdrawn
history: requested, "Yes, send me the letter"
history: confirmed, "Yes, send me the letter"
history: withdrawn, ""
`, out.String())
	require.FileExists(t, filepath.Join(dir, "receipt.json"))
	require.FileExists(t, filepath.Join(dir, "history.html"))
}
