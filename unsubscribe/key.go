package unsubscribe

import "encoding/hex"

// Key is the keyed hash of a normalised address: HMAC-SHA-256 under a key of one
// registry, that of a client or that of everything. The scope is not in it: one
// hash and one look-up tell whether a registry knows anything at all.
type Key [32]byte

// IsZero reports whether the key is none.
func (k Key) IsZero() bool { return k == Key{} }

// String is a placeholder: a key is personal data, and belongs in no log.
func (k Key) String() string { return "[key]" }

// Hex is the key in hexadecimal.
func (k Key) Hex() string { return hex.EncodeToString(k[:]) }

// Pair are the keys of one address in one registry. Looking up takes both where
// they differ: blocked is who stands under either.
type Pair struct {
	// Exact is of the address itself, Mailbox of the mailbox that it leads to by
	// the rules of its provider. For most addresses they are equal.
	Exact, Mailbox Key
	// Epoch is that of the registry's keys when these were made.
	Epoch uint32
}

// Keys are all keys of one address for one client and channel: a host may keep them
// beside a contact, so that campaigns need no hashing. [Keys.MarshalBinary] gives the
// form to keep. What [Hasher.Keys] made is tagged: the gate lets nobody through by keys
// of another client or channel.
//
//nolint:recvcheck // like time.Time: only UnmarshalBinary changes one
type Keys struct {
	Client, Everything Pair
	tag                keysTag
}
