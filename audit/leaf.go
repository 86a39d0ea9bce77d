package audit

import (
	"crypto/sha256"
	"time"

	"github.com/trothdev/troth/internal/canon"
)

// leafDomain names the format of leaves and its version.
const leafDomain = "troth.audit.leaf/1"

// leafFields is the number of fields of a leaf.
const leafFields = 5

// MaxLeaf is the longest leaf, in bytes: an envelope and what stands before it.
const MaxLeaf = MaxEnvelope + 256

// Leaf is an entry as it stands in the log: what the sequencer says of its
// place, and the envelope as it was recorded. It is stored exactly as it is
// hashed.
type Leaf struct {
	// Index is its position in the log, from 0.
	Index uint64
	// Number counts the tenant's own entries in the log, from 1.
	Number uint64
	// Prev is the hash of the tenant's leaf before this one, see [HashLeaf]; zero
	// if Number is 1. So a tenant can tell that none of its entries is missing
	// between two that it has.
	Prev [32]byte
	// SequencedAt is by the sequencer's clock, to the microsecond, UTC.
	SequencedAt time.Time
	// Envelope is the bytes that [ParseEnvelope] reads.
	Envelope []byte
}

// Append encodes the leaf behind dst: the inverse of [ParseLeaf].
func (l Leaf) Append(dst []byte) []byte {
	dst = canon.AppendDomain(dst, leafDomain)
	dst = canon.AppendUint(dst, l.Index)
	dst = canon.AppendUint(dst, l.Number)
	if l.Number == 1 {
		dst = canon.AppendNone(dst)
	} else {
		dst = canon.AppendBytes(dst, l.Prev[:])
	}
	dst = canon.AppendInt(dst, l.SequencedAt.UnixMicro())
	return canon.AppendBytes(dst, l.Envelope)
}

// ParseLeaf decodes a leaf. It accepts only what [Leaf.Append] writes, around
// an envelope that [ParseEnvelope] accepts; anything else is [ErrLeaf].
func ParseLeaf(b []byte) (Leaf, Envelope, error) {
	l, err := parseLeaf(b)
	if err != nil {
		return Leaf{}, Envelope{}, err
	}
	env, err := ParseEnvelope(l.Envelope)
	if err != nil {
		return Leaf{}, Envelope{}, ErrLeaf
	}
	return l, env, nil
}

// parseLeaf leaves the envelope's bytes alone.
func parseLeaf(b []byte) (Leaf, error) {
	if len(b) > MaxLeaf {
		return Leaf{}, ErrLeaf
	}
	m, err := canon.Parse(b)
	if err != nil || m.Domain != leafDomain || len(m.Fields) != leafFields {
		return Leaf{}, ErrLeaf
	}
	r := reader{fields: m.Fields}
	l := Leaf{Index: r.next(canon.TagUint).Uint, Number: r.next(canon.TagUint).Uint}
	if l.Number == 1 {
		r.next(canon.TagNone)
	} else {
		r.fixed(l.Prev[:])
	}
	l.SequencedAt = time.UnixMicro(r.int()).UTC()
	l.Envelope = r.next(canon.TagBytes).Bytes
	if r.failed || l.Number == 0 || l.Number > l.Index+1 || l.Index >= maxSize {
		return Leaf{}, ErrLeaf
	}
	return l, nil
}

// maxSize bounds the size of a log: what fits into a signed number of 64 bits.
const maxSize = 1 << 62

// HashLeaf is the leaf hash of RFC 6962, section 2.1: SHA-256 of a zero byte and
// the leaf.
func HashLeaf(leaf []byte) [32]byte {
	var room [1024]byte // for most leaves, without taking memory
	return sha256.Sum256(append(append(room[:0], 0), leaf...))
}
