package vault_test

import (
	"bytes"
	"context"
	"crypto/fips140"
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// tinkFor makes Tink's AEAD of one AES-256-GCM key with Tink's own prefix.
func tinkFor(key []byte, id uint32) (tink.AEAD, error) {
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewBufferString(keysetText(id, key, "TINK"))))
	if err != nil {
		return nil, err
	}
	return aead.New(handle)
}

// keysetText is a cleartext keyset of one AES-GCM key.
func keysetText(id uint32, key []byte, prefix string) string {
	value := append([]byte{0x1a, byte(len(key))}, key...) // AesGcmKey: field 3, key_value
	return fmt.Sprintf(`{"primaryKeyId": %d, "key": [{
		"keyData": {
			"typeUrl": "type.googleapis.com/google.crypto.tink.AesGcmKey",
			"keyMaterialType": "SYMMETRIC",
			"value": %q
		},
		"outputPrefixType": %q, "keyId": %d, "status": "ENABLED"
	}]}`, id, base64.StdEncoding.EncodeToString(value), prefix, id)
}

func TestTink_OpensOursAndWeOpenTinks(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	at := emailOf(shop, "42", profile)
	ours := w.seal(v, at, "ada")
	row := w.keyRow(at)
	key, err := v.RawKey(context.WithoutCancel(w.ctx), row)
	require.NoError(t, err)
	aad := aadOf(t, at)
	theirs, err := tinkFor(key, row.KeyID)
	if fips140.Enforced() {
		// Tink passes its own nonce, which only-FIPS mode forbids. Ours works.
		if err == nil {
			_, err = theirs.Encrypt([]byte("ada"), aad)
		}
		require.Error(t, err)
		w.opens(v, at, ours, "ada")
		return
	}
	require.NoError(t, err)
	plain, err := theirs.Decrypt(ours, aad)
	require.NoError(t, err)
	require.Equal(t, "ada", string(plain))

	other := at
	other.Cell.Row = "43"
	require.Error(t, lookup(theirs.Decrypt(ours, aadOf(t, other))))

	for _, plaintext := range []string{"", "bob", "a longer text than one block of the cipher"} {
		box, err := theirs.Encrypt([]byte(plaintext), aad)
		require.NoError(t, err)
		w.opens(v, at, box, plaintext)
	}
}
