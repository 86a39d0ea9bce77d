package audit

import (
	"bytes"
	"fmt"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/merkle"
)

// proofHeader is the first line of a proof.
const proofHeader = "c2sp.org/tlog-proof@v1"

// maxProof is the longest proof, in bytes: leaf, hashes and checkpoint at their
// longest, and some lines.
const maxProof = MaxLeaf*4/3 + maxHashes*45 + maxNote + 128

// Proof is that an entry is in the log: a C2SP tlog-proof, whose extra data is
// the leaf. A proof that was read is not yet verified, see [VerifyProof].
type Proof struct {
	// Index is the leaf's position in the log.
	Index uint64
	// Hashes is the inclusion proof of RFC 6962, section 2.1.1, from the leaf's
	// sibling upwards; at most 63.
	Hashes [][32]byte
	// Leaf is the bytes that [ParseLeaf] reads.
	Leaf []byte
	// Checkpoint is the signed checkpoint.
	Checkpoint []byte
}

// Append writes the proof behind dst: the inverse of [ParseProof].
func (p Proof) Append(dst []byte) []byte {
	dst = append(dst, proofHeader+"\nextra "...)
	dst = append(dst, encode(p.Leaf)...)
	dst = append(dst, "\nindex "+utoa(p.Index)+"\n"...)
	return appendHashes(dst, p.Hashes, p.Checkpoint)
}

// Marshal returns the proof as text.
func (p Proof) Marshal() []byte { return p.Append(nil) }

// ParseProof reads a proof, and accepts only what [Proof.Append] writes for a
// leaf and a checkpoint that are ones by their form; anything else is
// [ErrNotProof].
func ParseProof(b []byte) (p Proof, err error) {
	if len(b) > maxProof {
		return Proof{}, ErrNotProof
	}
	lines, checkpoint, err := splitBundle(b)
	if err != nil {
		return Proof{}, err
	}
	if len(lines) < 3 || lines[0] != proofHeader {
		return Proof{}, ErrNotProof
	}
	p.Checkpoint = checkpoint
	if p.Leaf, err = parseExtra(lines[1]); err != nil {
		return Proof{}, err
	}
	index, err := parseField(lines[2], "index")
	if err != nil {
		return Proof{}, err
	}
	if p.Index, err = parseDecimal(index); err != nil {
		return Proof{}, err
	}
	if p.Hashes, err = parseHashes(lines[3:]); err != nil {
		return Proof{}, err
	}
	if !bytes.Equal(p.Append(nil), b) {
		return Proof{}, ErrNotProof
	}
	return p, nil
}

func parseExtra(line string) (leaf []byte, err error) {
	text, err := parseField(line, "extra")
	if err != nil {
		return nil, err
	}
	if leaf, err = decodeBase64(text); err != nil {
		return nil, err
	}
	if _, _, err := ParseLeaf(leaf); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotProof, err)
	}
	return leaf, nil
}

// Proven is what a proof shows: the entry is in the log of the checkpoint.
type Proven struct {
	Leaf  Leaf
	Entry Envelope
	// Bytes are the leaf as it was hashed, Hash is its [HashLeaf].
	Bytes []byte
	Hash  [32]byte
	// Checkpoint is whose log it is; Signatures are those that count for it.
	Checkpoint Checkpoint
	Signatures []Signature
}

// VerifyProof checks that a proof holds: the checkpoint is signed, see
// [OpenCheckpoint], the leaf is in the log at the index, and says so itself.
//
// It returns [ErrNotProof] for what cannot be read, [ErrProof] for what does not
// hold, and an error that wraps [ErrUnknownKey] where that cannot be told.
func VerifyProof(bundle []byte, v Verifiers) (Proven, error) {
	p, err := ParseProof(bundle)
	if err != nil {
		return Proven{}, err
	}
	cp, sigs, err := OpenCheckpoint(p.Checkpoint, v)
	if err != nil {
		return Proven{}, err
	}
	leaf, entry, err := ParseLeaf(p.Leaf)
	if err != nil {
		return Proven{}, fmt.Errorf("%w: %w", ErrNotProof, err)
	}
	hash := HashLeaf(p.Leaf)
	if leaf.Index != p.Index || merkle.VerifyInclusion(p.Index, cp.Size, hash, cp.Root, p.Hashes) != nil {
		return Proven{}, ErrProof
	}
	return Proven{Leaf: leaf, Entry: entry, Bytes: p.Leaf, Hash: hash, Checkpoint: cp, Signatures: sigs}, nil
}

// Said is what the entry says, in the form in which other packages compare it with the
// receipts and certificates that it commits to.
func (p Proven) Said() troth.Proven {
	facts := make(troth.Facts, len(p.Entry.Facts))
	for _, f := range p.Entry.Facts {
		facts[f.Name] = f.Fact
	}
	return troth.Proven{
		Act: p.Entry.Act, ActVersion: p.Entry.ActVersion, Outcome: p.Entry.Outcome,
		Tenant: p.Entry.Tenant, Purpose: p.Entry.Purpose, Facts: facts,
	}
}

// Proven checks that a proof holds, as [VerifyProof] does and with its errors, and returns
// what the entry says. It is what consent.VerifyReceipt, retention.VerifyCertificate and
// rights.VerifyCertificate ask for:
//
//	certificate, err := rights.VerifyCertificate(file, keys.Proven)
func (v Verifiers) Proven(proof []byte) (troth.Proven, error) {
	p, err := VerifyProof(proof, v)
	if err != nil {
		return troth.Proven{}, err
	}
	return p.Said(), nil
}
