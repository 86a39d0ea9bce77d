package vault

import (
	"strings"
	"unicode/utf8"
)

// MaxKEK bounds the length in bytes of the name of a tenant's own
// key-encryption key.
const MaxKEK = 1024

// validKEK reports whether a key-encryption key can be named so: UTF-8 without
// control characters, of at most MaxKEK bytes.
func validKEK(uri string) bool {
	return len(uri) <= MaxKEK && utf8.ValidString(uri) && !strings.ContainsFunc(uri, func(r rune) bool {
		return r < 0x20 || r == 0x7f
	})
}
