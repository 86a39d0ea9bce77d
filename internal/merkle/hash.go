package merkle

import (
	"crypto/sha256"

	"golang.org/x/mod/sumdb/tlog"
)

// Hash is a SHA-256 sum: of a leaf, of a node, or a root.
type Hash = [sha256.Size]byte

// HashSize is the length of a [Hash] in bytes.
const HashSize = sha256.Size

// MaxSize is the greatest size of a log that is accepted anywhere: what fits
// into a signed column and into the size of a checkpoint.
const MaxSize = 1<<63 - 1

// HashLeaf returns SHA-256(0x00 || data).
func HashLeaf(data []byte) Hash { return Hash(tlog.RecordHash(data)) }

// HashNode returns SHA-256(0x01 || left || right).
func HashNode(left, right Hash) Hash { return Hash(tlog.NodeHash(left, right)) }

// EmptyRoot returns the root of a log without leaves, SHA-256 of nothing.
func EmptyRoot() Hash { return sha256.Sum256(nil) }
