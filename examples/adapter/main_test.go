package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRun_ShowsWhatItSays(t *testing.T) {
	var out strings.Builder
	require.NoError(t, run(t.Context(), t.TempDir(), &out))
	require.Equal(t, `parcel 1: committed
parcel 2: rolled back
what remained: 1 parcel, and on the trail
  shop.ship done, parcel=1, by a person
`, out.String())
}
