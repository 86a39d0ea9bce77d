package audit

import (
	"bytes"
	"fmt"
	"strings"
)

// maxHashes bounds the hashes of a proof, as C2SP tlog-witness does.
const maxHashes = 63

// appendHashes writes what inclusion and consistency proofs end with: a line for
// each hash, an empty line, and the checkpoint.
func appendHashes(dst []byte, hashes [][32]byte, checkpoint []byte) []byte {
	for _, h := range hashes {
		dst = append(dst, encode(h[:])...)
		dst = append(dst, '\n')
	}
	dst = append(dst, '\n')
	return append(dst, checkpoint...)
}

// splitBundle takes apart what stands before the first empty line and the
// checkpoint behind it, which must be one by its form.
func splitBundle(b []byte) (lines []string, checkpoint []byte, err error) {
	head, checkpoint, found := bytes.Cut(b, []byte("\n\n"))
	if !found {
		return nil, nil, ErrNotProof
	}
	n, err := parseNote(checkpoint)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrNotProof, err)
	}
	if _, err := parseCheckpoint(n.body); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrNotProof, err)
	}
	return strings.Split(string(head), "\n"), bytes.Clone(checkpoint), nil
}

func parseHashes(lines []string) (hashes [][32]byte, err error) {
	if len(lines) > maxHashes {
		return nil, ErrNotProof
	}
	for _, line := range lines {
		h, err := decodeHash(line)
		if err != nil {
			return nil, err
		}
		hashes = append(hashes, h)
	}
	return hashes, nil
}

// parseField reads a line of a word and what follows it.
func parseField(line, name string) (string, error) {
	value, ok := strings.CutPrefix(line, name+" ")
	if !ok {
		return "", ErrNotProof
	}
	return value, nil
}
