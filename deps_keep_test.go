package troth_test

import (
	_ "github.com/stretchr/testify/require"
	_ "github.com/tink-crypto/tink-go/v2/aead"
	_ "github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	_ "github.com/tink-crypto/tink-go/v2/keyset"
	_ "github.com/tink-crypto/tink-go/v2/tink"
	_ "golang.org/x/crypto/argon2"
)
