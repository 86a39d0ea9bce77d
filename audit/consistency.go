package audit

import (
	"bytes"
	"fmt"

	"github.com/trothdev/troth/internal/merkle"
)

// maxConsistency is the longest bundle, in bytes.
const maxConsistency = maxHashes*45 + maxNote + 128

// Consistency is that a log only grew from one checkpoint to a later one. Its
// text is the body of a C2SP tlog-witness add-checkpoint request, so that what
// goes to a witness also goes to anybody else. A bundle that was read is not yet
// verified, see [VerifyConsistency].
type Consistency struct {
	// OldSize is the size of the log at the earlier checkpoint; 0 is from its
	// beginning.
	OldSize uint64
	// Hashes is the consistency proof of RFC 6962, section 2.1.2; at most 63, and
	// none from the beginning or between equal sizes.
	Hashes [][32]byte
	// Checkpoint is the later signed checkpoint.
	Checkpoint []byte
}

// Append writes the bundle behind dst: the inverse of [ParseConsistency].
func (c Consistency) Append(dst []byte) []byte {
	dst = append(dst, "old "+utoa(c.OldSize)+"\n"...)
	return appendHashes(dst, c.Hashes, c.Checkpoint)
}

// Marshal returns the bundle as text.
func (c Consistency) Marshal() []byte { return c.Append(nil) }

// ParseConsistency reads a bundle, and accepts only what [Consistency.Append]
// writes with a checkpoint that is one by its form; anything else is
// [ErrNotProof].
func ParseConsistency(b []byte) (c Consistency, err error) {
	if len(b) > maxConsistency {
		return Consistency{}, ErrNotProof
	}
	lines, checkpoint, err := splitBundle(b)
	if err != nil {
		return Consistency{}, err
	}
	c.Checkpoint = checkpoint
	size, err := parseField(lines[0], "old")
	if err != nil {
		return Consistency{}, err
	}
	if c.OldSize, err = parseDecimal(size); err != nil {
		return Consistency{}, err
	}
	if c.Hashes, err = parseHashes(lines[1:]); err != nil {
		return Consistency{}, err
	}
	if !bytes.Equal(c.Append(nil), b) {
		return Consistency{}, ErrNotProof
	}
	return c, nil
}

// VerifyConsistency checks that the log of the bundle's checkpoint is the one of
// old, grown, and returns the checkpoint. old is one that the caller verified
// before, with [OpenCheckpoint] or here; the zero Checkpoint stands for none, and
// then the bundle must begin at size 0 and shows no more than a signed checkpoint.
//
// Beside the tree, it holds the log to what it may not change: the salt
// commitment, and between equal sizes the tenants' root.
//
// It returns [ErrNotProof] for what cannot be read, [ErrProof] for what does not
// hold, also for another log or another old size, and an error that wraps
// [ErrUnknownKey] where that cannot be told.
func VerifyConsistency(bundle []byte, old Checkpoint, v Verifiers) (Checkpoint, error) {
	c, err := ParseConsistency(bundle)
	if err != nil {
		return Checkpoint{}, err
	}
	cp, _, err := OpenCheckpoint(c.Checkpoint, v)
	if err != nil {
		return Checkpoint{}, err
	}
	if err := c.follows(old, cp); err != nil {
		return Checkpoint{}, err
	}
	return cp, nil
}

// follows holds the later checkpoint to the earlier one.
func (c Consistency) follows(old, cp Checkpoint) error {
	switch {
	case c.OldSize != old.Size:
		return fmt.Errorf("%w: it is from another size", ErrProof)
	case old == Checkpoint{}:
		if len(c.Hashes) > 0 {
			return ErrProof
		}
		return nil
	case old.Origin != cp.Origin:
		return fmt.Errorf("%w: it is from another log", ErrProof)
	case old.Size > cp.Size:
		return fmt.Errorf("%w: the log is smaller than before", ErrProof)
	case old.SaltCommitment != cp.SaltCommitment || old.Size == cp.Size && old.TenantRoot != cp.TenantRoot:
		return fmt.Errorf("%w: what the log says of its tenants was changed", ErrProof)
	case merkle.VerifyConsistency(old.Size, cp.Size, old.Root, cp.Root, c.Hashes) != nil:
		return ErrProof
	}
	return nil
}
