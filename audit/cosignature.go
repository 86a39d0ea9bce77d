package audit

import (
	"bytes"
	"encoding/binary"
	"slices"
	"time"
)

// WitnessKey is the public key of a witness: somebody else, who saw that a log
// only grew and says so by a cosignature, C2SP tlog-cosignature in its version 1
// with Ed25519. It is comparable, and a note.Verifier of x/mod.
type WitnessKey struct {
	public publicKey
}

// ParseWitnessKey reads the verifier key of a witness, of key type 4. Anything
// else is [ErrKey].
func ParseWitnessKey(vkey string) (WitnessKey, error) {
	k, err := parsePublicKey(vkey, witnessKeyType)
	return WitnessKey{k}, err
}

// Name is the witness's.
func (k WitnessKey) Name() string { return k.public.name }

// KeyHash is the id of the key within its name.
func (k WitnessKey) KeyHash() uint32 { return k.public.id }

// String is the verifier key.
func (k WitnessKey) String() string { return k.public.String() }

// Verify reports whether sig, a time and a signature, is the witness's
// cosignature of the body of a checkpoint.
func (k WitnessKey) Verify(body, sig []byte) bool {
	_, ok := k.verifyAt(body, sig)
	return ok
}

// cosignatureHeader begins what a witness signs.
const cosignatureHeader = "cosignature/v1\ntime "

// maxCosignedAt is the last second of the year 9999.
const maxCosignedAt = 253402300799

// verifyAt returns when the witness says that it signed, in whole seconds UTC.
func (k WitnessKey) verifyAt(body, sig []byte) (at time.Time, ok bool) {
	if len(sig) < 8 {
		return at, false
	}
	seconds := binary.BigEndian.Uint64(sig)
	if seconds > maxCosignedAt {
		return at, false
	}
	msg := append([]byte(cosignatureHeader), utoa(seconds)...)
	msg = append(append(msg, '\n'), body...)
	return time.Unix(int64(seconds), 0).UTC(), k.public.verify(msg, sig[8:])
}

// AddCosignature adds a witness's signature line, with its newline, to a signed
// checkpoint, after both were verified, and returns the checkpoint with it. A line
// takes the place of an older one by the same key; one that is there already, or
// older than the one that is there, changes nothing.
//
// The errors are those of [OpenCheckpoint]; for the line too [ErrNote] says that
// it cannot be read, and also that the checkpoint takes no more.
func AddCosignature(note, line []byte, v Verifiers) ([]byte, error) {
	n, err := parseNote(note)
	if err != nil {
		return nil, err
	}
	if _, _, err := openNote(n, v); err != nil {
		return nil, err
	}
	s, err := parseSignature(line)
	if err != nil || !bytes.Equal(s.appendTo(nil), line) {
		return nil, ErrNote
	}
	k := v.witness(s.name, s.id)
	if k == nil {
		return nil, &KeyError{s.name, ErrUnknownKey}
	}
	at, ok := k.verifyAt(n.body, s.raw)
	if !ok {
		return nil, &KeyError{s.name, ErrSignature}
	}
	if i := slices.IndexFunc(n.sigs, s.sameKey); i < 0 {
		n.sigs = append(n.sigs, s)
	} else if was, _ := k.verifyAt(n.body, n.sigs[i].raw); at.After(was) {
		n.sigs[i] = s
	}
	b := n.marshal()
	if len(b) > maxNote || len(n.sigs) > maxSignatures {
		return nil, ErrNote
	}
	return b, nil
}
