package audit_test

import (
	"crypto/sha256"
	"testing"
	"time"

	"github.com/trothdev/troth/audit"
)

// plainLog is a log of small leaves, hashed as RFC 6962 section 2.1 defines it,
// from the definitions and with no other code.
type plainLog struct {
	leaves [][]byte
}

func newPlainLog(t testing.TB, size int) *plainLog {
	t.Helper()
	l := &plainLog{}
	var prev [32]byte
	envelope := small(t).Append(nil)
	for i := range size {
		leaf := audit.Leaf{
			Index: uint64(i), Number: uint64(i) + 1, Prev: prev,
			SequencedAt: time.UnixMicro(1_795_000_000_200_000 + int64(i)).UTC(), Envelope: envelope,
		}
		l.leaves = append(l.leaves, leaf.Append(nil))
		prev = audit.HashLeaf(l.leaves[i])
	}
	return l
}

func (l *plainLog) checkpoint(size int) audit.Checkpoint {
	cp := fixedCheckpoint(uint64(size))
	cp.Root = treeHash(l.leaves[:size])
	return cp
}

// split is the largest power of two below n.
func split(n int) int {
	k := 1
	for 2*k < n {
		k *= 2
	}
	return k
}

func treeHash(leaves [][]byte) [32]byte {
	switch n := len(leaves); n {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return sha256.Sum256(append([]byte{0}, leaves[0]...))
	default:
		left, right := treeHash(leaves[:split(n)]), treeHash(leaves[split(n):])
		return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
	}
}

// inclusion is PATH(m, D[n]).
func inclusion(m int, leaves [][]byte) [][32]byte {
	n := len(leaves)
	if n == 1 {
		return nil
	}
	if k := split(n); m < k {
		return append(inclusion(m, leaves[:k]), treeHash(leaves[k:]))
	} else {
		return append(inclusion(m-k, leaves[k:]), treeHash(leaves[:k]))
	}
}

// growth is PROOF(m, D[n]).
func growth(m int, leaves [][]byte) [][32]byte {
	if m == 0 {
		return nil
	}
	return subGrowth(m, leaves, true)
}

func subGrowth(m int, leaves [][]byte, whole bool) [][32]byte {
	n := len(leaves)
	if m == n {
		if whole {
			return nil
		}
		return [][32]byte{treeHash(leaves)}
	}
	if k := split(n); m <= k {
		return append(subGrowth(m, leaves[:k], whole), treeHash(leaves[k:]))
	} else {
		return append(subGrowth(m-k, leaves[k:], false), treeHash(leaves[:k]))
	}
}

func (l *plainLog) proof(t testing.TB, index, size int, signers ...audit.Signer) audit.Proof {
	t.Helper()
	return audit.Proof{
		Index: uint64(index), Hashes: inclusion(index, l.leaves[:size]), Leaf: l.leaves[index],
		Checkpoint: signed(t, l.checkpoint(size), signers...),
	}
}

func (l *plainLog) consistency(t testing.TB, old, size int, signers ...audit.Signer) audit.Consistency {
	t.Helper()
	return audit.Consistency{
		OldSize: uint64(old), Hashes: growth(old, l.leaves[:size]),
		Checkpoint: signed(t, l.checkpoint(size), signers...),
	}
}
