package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRun_ShowsWhatItSays(t *testing.T) {
	var out strings.Builder
	require.NoError(t, run(t.Context(), t.TempDir(), &out))
	require.Equal(t, `day  0, notes one and two are trashed: one owner, two owner, three all, 0 destroyed, 0 held
day 10, account home is closed: one none, two none, three all, 0 destroyed, 0 held
day 20, note three is trashed: one none, two none, three owner, 0 destroyed, 0 held
day 36, nobody did anything: one gone, two gone, three owner, 2 destroyed, 0 held
day 46, nobody did anything: one gone, two gone, three none, 0 destroyed, 0 held
day 60, counsel places a hold: one gone, two gone, three none, 0 destroyed, 0 held
day 80, nobody did anything: one gone, two gone, three none, 0 destroyed, 1 held
day 90, two people release the hold: one gone, two gone, three gone, 1 destroyed, 0 held
`, out.String())
}
