package unsubscribe

import (
	"crypto/cipher"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSelfTest_ReachesForEveryKey(t *testing.T) {
	keys := &ringKeys{}
	l := newTestLinks(t, keys, KeyRing{Current: 3, Retired: []uint8{1, 2}})
	require.NoError(t, l.SelfTest(t.Context()))
	var ids []string
	for _, ref := range keys.asked {
		ids = append(ids, ref.ID)
	}
	require.ElementsMatch(t, []string{"1", "2", "3"}, ids)
	keys.set(true)
	err := l.SelfTest(t.Context())
	require.ErrorIs(t, err, ErrSelfTest, "keys that were reached before are asked for again")
	require.ErrorIs(t, err, errAway)
}

// forgetful decrypts to something else than was encrypted.
type forgetful struct{ cipher.AEAD }

func (f forgetful) Open(dst, nonce, sealed, bound []byte) ([]byte, error) {
	plain, err := f.AEAD.Open(dst, nonce, sealed, bound)
	if err == nil {
		plain[13] ^= 1 // of the generation
	}
	return plain, err
}

type forgetfulKeys struct{ ringKeys }

func TestSelfTest_FindsLinksThatDoNotCarryWhatWasPutIn(t *testing.T) {
	require.ErrorIs(t, newTestLinks(t, &forgetfulKeys{}, KeyRing{}).SelfTest(t.Context()), ErrSelfTest)
}
