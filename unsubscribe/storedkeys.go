package unsubscribe

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// keysTag says for which client and channel keys were made. It is no secret, and keeps
// out mistakes, not forgers: who can write a host's contacts needs none.
type keysTag [8]byte

func tagOf(tenant troth.Tenant, c Channel) keysTag {
	b := canon.AppendText(canon.AppendDomain(nil, "troth.unsubscribe.keys-tag/1"), tenant)
	sum := sha256.Sum256(canon.AppendText(b, c))
	return keysTag(sum[:8])
}

const (
	storedKeysVersion byte = 1
	storedPair             = 4 + 2*len(Key{})
	// storedKeys is the length of their form.
	storedKeys = 1 + len(keysTag{}) + 2*storedPair
)

// MarshalBinary gives the form in which a host keeps keys: 145 bytes. It is personal
// data.
func (k Keys) MarshalBinary() ([]byte, error) { return k.AppendBinary(nil) }

// AppendBinary appends the form of [Keys.MarshalBinary].
func (k Keys) AppendBinary(b []byte) ([]byte, error) {
	b = append(append(b, storedKeysVersion), k.tag[:]...)
	for _, p := range [...]*Pair{&k.Client, &k.Everything} {
		b = binary.BigEndian.AppendUint32(b, p.Epoch)
		b = append(append(b, p.Exact[:]...), p.Mailbox[:]...)
	}
	return b, nil
}

// UnmarshalBinary reads what MarshalBinary gave, or returns [ErrRecord].
func (k *Keys) UnmarshalBinary(b []byte) error {
	if len(b) != storedKeys || b[0] != storedKeysVersion {
		return ErrRecord
	}
	b = b[1+copy(k.tag[:], b[1:]):]
	for _, p := range [...]*Pair{&k.Client, &k.Everything} {
		p.Epoch = binary.BigEndian.Uint32(b)
		b = b[4:]
		b = b[copy(p.Exact[:], b):]
		b = b[copy(p.Mailbox[:], b):]
	}
	return nil
}
