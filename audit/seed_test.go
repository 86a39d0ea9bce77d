package audit_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/audit"
)

func TestNewSigningKey_IsTheKeyOfTheSeed(t *testing.T) {
	seed := [32]byte(slices.Repeat([]byte{7}, 32))
	k, err := audit.NewSigningKey(testOrigin, seed)
	require.NoError(t, err)
	assert.Equal(t, fixedKey(t, testOrigin, 7).VerifierKey(), k.VerifierKey())
	_, _, err = audit.OpenCheckpoint(signed(t, fixedCheckpoint(3), k), verifiersOf(t, k.VerifierKey()))
	require.NoError(t, err)

	other, err := audit.NewSigningKey("other.example/audit", seed)
	require.NoError(t, err)
	assert.NotEqual(t, k.KeyHash(), other.KeyHash())
}

func TestNewSigningKey_RefusesWhatIsNoOrigin(t *testing.T) {
	for _, origin := range []string{"", "two words", "a+b", "line\n", "\xff"} {
		_, err := audit.NewSigningKey(origin, [32]byte{})
		require.ErrorIs(t, err, audit.ErrKey, "%q", origin)
	}
}
