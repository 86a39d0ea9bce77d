package audit

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Checkpoint is what a signer says of a log: its size and its root, and with
// them every leaf in it. It is a C2SP tlog-checkpoint with two extension lines
// of ours. It is comparable.
type Checkpoint struct {
	// Origin names the log; it is the name of its keys.
	Origin string
	// Size counts the leaves, at least one.
	Size uint64
	// Root is the root of the RFC 6962 Merkle tree over them.
	Root [32]byte
	// TenantRoot is the root of the map of tenants to their last entries;
	// SaltCommitment is to the salt that blinds the tenants in it, and the same
	// for all checkpoints of a log.
	TenantRoot, SaltCommitment [32]byte
	// SignedAt is by the signer's clock, to the microsecond, UTC, not before 1970.
	SignedAt time.Time
}

// Signature is one signature of a checkpoint that was verified.
type Signature struct {
	// Name and KeyID are the key's.
	Name  string
	KeyID uint32
	// Witness tells a witness's cosignature from the log's own signature.
	Witness bool
	// At is when a witness says that it signed, in whole seconds UTC; it is zero
	// for the log's signature, which [Checkpoint.SignedAt] dates.
	At time.Time
}

// Names of the extension lines.
const (
	tenantsLine = "troth.tenants/1"
	signedLine  = "troth.signed/1"
)

// body is what is signed.
func (c Checkpoint) body() []byte {
	return []byte(c.Origin + "\n" +
		utoa(c.Size) + "\n" +
		encode(c.Root[:]) + "\n" +
		tenantsLine + " " + encode(c.TenantRoot[:]) + " " + encode(c.SaltCommitment[:]) + "\n" +
		signedLine + " " + utoa(uint64(c.SignedAt.UnixMicro())) + "\n")
}

func (c Checkpoint) valid() bool {
	at := c.SignedAt.UnixMicro()
	return isKeyName(c.Origin) && c.Size >= firstSize && c.Size < openEnd && at >= 0 && at < maxSize
}

// parseCheckpoint accepts only what body writes for a valid checkpoint.
func parseCheckpoint(body []byte) (c Checkpoint, err error) {
	lines := strings.Split(string(body), "\n")
	if len(lines) != 6 || lines[5] != "" {
		return c, ErrNote
	}
	tenants := strings.Split(lines[3], " ")
	signed := strings.Split(lines[4], " ")
	if len(tenants) != 3 || tenants[0] != tenantsLine || len(signed) != 2 || signed[0] != signedLine {
		return c, ErrNote
	}
	var errs [5]error
	var micros uint64
	c.Origin = lines[0]
	c.Size, errs[0] = parseDecimal(lines[1])
	c.Root, errs[1] = decodeHash(lines[2])
	c.TenantRoot, errs[2] = decodeHash(tenants[1])
	c.SaltCommitment, errs[3] = decodeHash(tenants[2])
	micros, errs[4] = parseDecimal(signed[1])
	c.SignedAt = time.UnixMicro(int64(micros)).UTC()
	if errors.Join(errs[:]...) != nil || !c.valid() || !bytes.Equal(c.body(), body) {
		return Checkpoint{}, ErrNote
	}
	return c, nil
}

// SignCheckpoint returns the checkpoint as a note signed by all of the signers, who
// must have its origin as their name. SignedAt is cut to microseconds. What is
// returned was verified, so that a signer that errs does so here.
func SignCheckpoint(cp Checkpoint, signers ...Signer) ([]byte, error) {
	if !cp.valid() {
		return nil, errors.New("audit: sign checkpoint: origin, size or time is not one that a checkpoint can have")
	}
	n := signedNote{body: cp.body()}
	var v Verifiers
	for _, s := range signers {
		raw, err := s.Sign(n.body)
		if err != nil {
			return nil, fmt.Errorf("audit: sign checkpoint: %w", err)
		}
		if v, err = v.With(s.VerifierKey()); err != nil {
			return nil, fmt.Errorf("audit: sign checkpoint: %w", err)
		}
		n.sigs = append(n.sigs, noteSignature{name: s.Name(), id: s.KeyHash(), raw: raw})
	}
	b := n.marshal()
	if _, _, err := OpenCheckpoint(b, v); err != nil {
		return nil, fmt.Errorf("audit: sign checkpoint: %w", err)
	}
	return b, nil
}

// OpenCheckpoint verifies a signed checkpoint and returns it, with the
// signatures that count. It accepts one encoding only, of at most 64 KiB; at least
// one line must be by a key of the log whose range holds the size, and every
// other line too must verify under a key of the log or of a witness in v, so that
// no byte can change unnoticed. Further lines by keys of the log whose range does
// not hold the size must verify and are left out of the result.
//
// It returns [ErrNote] for what is not a signed checkpoint, and otherwise a
// *[KeyError] with [ErrUnknownKey], [ErrSignature] or [ErrKeySizes].
func OpenCheckpoint(note []byte, v Verifiers) (Checkpoint, []Signature, error) {
	n, err := parseNote(note)
	if err != nil {
		return Checkpoint{}, nil, err
	}
	return openNote(n, v)
}

func openNote(n signedNote, v Verifiers) (Checkpoint, []Signature, error) {
	cp, err := parseCheckpoint(n.body)
	if err != nil {
		return Checkpoint{}, nil, err
	}
	if !v.knows(cp.Origin) {
		return Checkpoint{}, nil, &KeyError{cp.Origin, ErrUnknownKey}
	}
	var sigs []Signature
	missing := ErrSignature
	for _, s := range n.sigs {
		sig, counts, err := v.check(cp, n.body, s)
		switch {
		case err != nil:
			return Checkpoint{}, nil, &KeyError{s.name, err}
		case !counts:
			if missing != nil {
				missing = ErrKeySizes
			}
			continue
		case !sig.Witness:
			missing = nil
		}
		sigs = append(sigs, sig)
	}
	if missing != nil {
		return Checkpoint{}, nil, &KeyError{cp.Origin, missing}
	}
	return cp, sigs, nil
}

// check verifies one line, and tells whether it counts for a log of that size.
func (v Verifiers) check(cp Checkpoint, body []byte, s noteSignature) (sig Signature, counts bool, err error) {
	sig = Signature{Name: s.name, KeyID: s.id}
	if k := v.log(s.name, s.id); k != nil && s.name == cp.Origin {
		if !k.verify(body, s.raw) {
			return sig, false, ErrSignature
		}
		return sig, k.holds(cp.Size), nil
	}
	if k := v.witness(s.name, s.id); k != nil {
		sig.Witness = true
		var ok bool
		if sig.At, ok = k.verifyAt(body, s.raw); !ok {
			return sig, false, ErrSignature
		}
		return sig, true, nil
	}
	return sig, false, ErrUnknownKey
}
