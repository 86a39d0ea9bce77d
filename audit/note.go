package audit

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
)

// Bounds of a signed note. Readers of the format must take at least 16
// signatures; that of the Go checksum database takes no more than 100.
const (
	maxNote       = 64 << 10
	maxSignatures = 100
)

// sigPrefix begins each signature line.
const sigPrefix = "— "

// signedNote is a note in the C2SP signed-note format, taken apart.
type signedNote struct {
	body []byte // ends with a newline
	sigs []noteSignature
}

// noteSignature is one signature line.
type noteSignature struct {
	name string
	id   uint32
	raw  []byte // what follows the key's id
}

// sameKey reports whether both are by the same key.
func (s noteSignature) sameKey(o noteSignature) bool { return s.name == o.name && s.id == o.id }

// appendTo writes the line in its only form.
func (s noteSignature) appendTo(dst []byte) []byte {
	raw := append(binary.BigEndian.AppendUint32(nil, s.id), s.raw...)
	dst = append(dst, sigPrefix...)
	dst = append(dst, s.name...)
	dst = append(dst, ' ')
	dst = base64.StdEncoding.AppendEncode(dst, raw)
	return append(dst, '\n')
}

// marshal writes the note.
func (n signedNote) marshal() []byte {
	dst := append(bytes.Clone(n.body), '\n')
	for _, s := range n.sigs {
		dst = s.appendTo(dst)
	}
	return dst
}

// parseNote takes a note apart, and accepts only what marshal writes: one
// encoding, no two lines by the same key. The body is not looked into. Anything
// else is [ErrNote].
func parseNote(b []byte) (signedNote, error) {
	if len(b) > maxNote {
		return signedNote{}, ErrNote
	}
	split := bytes.LastIndex(b, []byte("\n\n"))
	if split < 0 {
		return signedNote{}, ErrNote
	}
	n := signedNote{body: bytes.Clone(b[:split+1])}
	for line := range bytes.Lines(b[split+2:]) {
		s, err := parseSignature(line)
		if err != nil || len(n.sigs) == maxSignatures || slices.ContainsFunc(n.sigs, s.sameKey) {
			return signedNote{}, ErrNote
		}
		n.sigs = append(n.sigs, s)
	}
	if len(n.sigs) == 0 || !bytes.Equal(n.marshal(), b) {
		return signedNote{}, ErrNote
	}
	return n, nil
}

// parseSignature reads one line with its newline, in its only form.
func parseSignature(line []byte) (noteSignature, error) {
	if len(line) > maxNote {
		return noteSignature{}, ErrNote
	}
	text, ok := strings.CutPrefix(string(line), sigPrefix)
	text, end := strings.CutSuffix(text, "\n")
	name, b64, _ := strings.Cut(text, " ")
	raw, err := decodeBase64(b64)
	if !ok || !end || err != nil || len(raw) < 5 || !isKeyName(name) {
		return noteSignature{}, ErrNote
	}
	return noteSignature{name: name, id: binary.BigEndian.Uint32(raw), raw: raw[4:]}, nil
}

func encode(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// decodeBase64 accepts only what encode writes: Go's decoder skips newlines, and
// does not look at the last bits unless it is told to.
func decodeBase64(s string) ([]byte, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || encode(b) != s {
		return nil, ErrNotProof
	}
	return b, nil
}

func decodeHash(s string) (h [32]byte, err error) {
	b, err := decodeBase64(s)
	if err != nil || len(b) != len(h) {
		return h, ErrNotProof
	}
	return [32]byte(b), nil
}

// parseDecimal reads a number below 1<<62 without sign or leading zeros.
func parseDecimal(s string) (uint64, error) {
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil || n >= maxSize || utoa(n) != s {
		return 0, ErrNotProof
	}
	return n, nil
}

func utoa(n uint64) string { return strconv.FormatUint(n, 10) }
