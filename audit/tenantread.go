package audit

import (
	"errors"
	"strings"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/merkle"
)

// tenantReader reads an export.
type tenantReader struct {
	lines lineReader
	visit func(ProvenEntry) error
	proof TenantProof

	// number and hash are of the entry that was read last; unknown says that
	// the hash is not known.
	number  uint64
	hash    [32]byte
	unknown bool
	// entry says that it stands in the export, with index if it is a leaf, and
	// bound that it was shown to stand in the tree.
	entry, leaf, bound bool
	// behind is the lowest index that the next entry can have.
	index, behind uint64
	// reasons are the redacted entries whose reason was not found yet, by their
	// hashes.
	reasons map[[32]byte]redactedAt
}

// redactedAt is where a redacted entry stands.
type redactedAt struct {
	number    uint64
	elsewhere bool
}

// readEntries reads up to the end, where the entries must be all.
func (t *tenantReader) readEntries() error {
	for first := true; ; first = false {
		line, err := t.lines.next()
		if errors.Is(err, errEnd) {
			return t.finish()
		}
		if err != nil {
			return err
		}
		kind, value, _ := strings.Cut(line, " ")
		switch {
		case kind == prunedLine && first:
			err = t.readPruned(value)
		case kind == leafLine:
			err = t.readLeaf(value)
		case kind == redactedLine:
			err = t.readRedacted(value)
		case kind == atLine:
			err = t.readAt(value)
		default:
			err = ErrNotProof
		}
		if err != nil {
			return err
		}
	}
}

// finish checks that the entries end where the checkpoint says, and that what is
// redacted has a reason.
func (t *tenantReader) finish() error {
	if t.number != t.proof.Number || t.hash != t.proof.Hash || t.unknown || t.entry && !t.bound ||
		t.proof.Pruned > tiled(t.proof.Checkpoint.Size) {
		return ErrProof
	}
	for _, r := range t.reasons {
		if !r.elsewhere {
			return ErrProof
		}
	}
	return nil
}

func (t *tenantReader) readPruned(value string) error {
	number, hash, _ := strings.Cut(value, " ")
	n, err := parseDecimal(number)
	if err != nil || n == 0 {
		return ErrNotProof
	}
	t.number, t.proof.Pruned = n, n
	if hash == unknownHash {
		t.unknown = true
		return nil
	}
	t.hash, err = decodeHash(hash)
	return err
}

// readLeaf reads an entry, which names the one before it by its hash.
func (t *tenantReader) readLeaf(value string) error {
	raw, err := decodeBase64(value)
	if err != nil {
		return err
	}
	leaf, env, err := ParseLeaf(raw)
	if err != nil {
		return ErrNotProof
	}
	if env.Tenant != t.proof.Tenant || leaf.Number != t.number+1 || leaf.Number > t.proof.Number ||
		leaf.Prev != t.hash || t.unknown || t.bound ||
		leaf.Index < t.behind || leaf.Index >= t.proof.Checkpoint.Size {
		return ErrProof
	}
	t.number, t.hash = leaf.Number, HashLeaf(raw)
	if !t.follows(leaf.Index) {
		return ErrProof
	}
	t.entry, t.leaf, t.index, t.behind = true, true, leaf.Index, leaf.Index+1
	if err := t.explain(env); err != nil {
		return err
	}
	return t.visit(ProvenEntry{Leaf: leaf, Entry: env, Hash: t.hash})
}

// readRedacted reads what is left of an entry. It does not name the one before
// it any more, which must have been shown to stand in the tree.
func (t *tenantReader) readRedacted(value string) error {
	text, mark, marked := strings.Cut(value, " ")
	hash, err := decodeHash(text)
	if err != nil || marked && mark != elsewhere {
		return ErrNotProof
	}
	if t.entry && !t.bound || !t.entry && t.number > 0 && !t.unknown || t.number >= t.proof.Number {
		return ErrProof
	}
	if _, twice := t.reasons[hash]; twice {
		return ErrProof
	}
	t.number++
	t.hash, t.unknown, t.entry, t.leaf, t.bound = hash, false, true, false, false
	t.reasons[hash] = redactedAt{t.number, marked}
	t.proof.Redacted++
	if marked {
		t.proof.Elsewhere++
	}
	return t.visit(ProvenEntry{Leaf: Leaf{Number: t.number}, Redacted: true, Hash: hash, Elsewhere: marked})
}

// readAt reads that the last entry stands in the tree: where no entry behind it
// names it.
func (t *tenantReader) readAt(value string) error {
	text, count, _ := strings.Cut(value, " ")
	index, err := parseDecimal(text)
	if err != nil {
		return err
	}
	hashes, err := t.lines.hashes(count, maxHashes)
	if err != nil {
		return err
	}
	cp := t.proof.Checkpoint
	if !t.entry || t.bound || t.leaf && index != t.index || !t.leaf && index < t.behind ||
		merkle.VerifyInclusion(index, cp.Size, t.hash, cp.Root, hashes) != nil {
		return ErrProof
	}
	if !t.follows(index) {
		return ErrProof
	}
	t.bound, t.behind = true, index+1
	return nil
}

// follows reports whether the entry that was read last can stand at the index, for
// what is said to be pruned before it: that is whole tiles of the log, and those of the
// tenant's entries between stand in front of the index too.
func (t *tenantReader) follows(index uint64) bool {
	between := t.number - t.proof.Pruned - 1
	return t.proof.Pruned == 0 || between <= index && t.proof.Pruned <= tiled(index-between)
}

// tiled is how much of that size pruning could take.
func tiled(size uint64) uint64 { return size - size%tileWidth }

// explain notes which redacted entry the envelope gives the reason for.
func (t *tenantReader) explain(env Envelope) error {
	if env.Act != actRedact.Name || env.Outcome != troth.Done {
		return nil
	}
	var hash [32]byte
	copy(hash[:], env.fact("hash").Text())
	switch r, ok := t.reasons[hash]; {
	case !ok || r.number != uint64(env.fact("number").Number()):
		return nil
	case r.elsewhere:
		return ErrProof // it is here
	default:
		delete(t.reasons, hash)
		return nil
	}
}
