package audit

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/merkle"
)

// maxLine is the longest line of an export.
const maxLine = MaxLeaf*4/3 + 64

// lineReader reads an export line by line.
type lineReader struct{ r *bufio.Reader }

func newLineReader(r io.Reader) lineReader { return lineReader{bufio.NewReaderSize(r, 4096)} }

// next reads one line without its end; errEnd if there is none any more.
func (l lineReader) next() (string, error) {
	var line []byte
	for {
		part, err := l.r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > maxLine:
			return "", ErrNotProof
		case err == nil:
			return string(line[:len(line)-1]), nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(line) == 0:
			return "", errEnd
		case errors.Is(err, io.EOF):
			return "", ErrNotProof
		default:
			return "", fmt.Errorf("audit: read export: %w", err)
		}
	}
}

// must reads a line that has to be there.
func (l lineReader) must() (string, error) {
	line, err := l.next()
	if errors.Is(err, errEnd) {
		err = ErrNotProof
	}
	return line, err
}

// text reads a line that must be this one.
func (l lineReader) text(want string) error {
	line, err := l.must()
	if err == nil && line != want {
		err = ErrNotProof
	}
	return err
}

// field reads a line of a word and what follows it.
func (l lineReader) field(name string) (string, error) {
	line, err := l.must()
	if err != nil {
		return "", err
	}
	return parseField(line, name)
}

// hash reads a line of a word and a hash.
func (l lineReader) hash(name string) (h [32]byte, err error) {
	value, err := l.field(name)
	if err != nil {
		return h, err
	}
	return decodeHash(value)
}

// hashes reads as many lines of one hash each as count says, in decimal.
func (l lineReader) hashes(count string, limit uint64) (hashes [][32]byte, err error) {
	n, err := parseDecimal(count)
	if err != nil || n > limit {
		return nil, ErrNotProof
	}
	for range n {
		line, err := l.must()
		if err != nil {
			return nil, err
		}
		hash, err := decodeHash(line)
		if err != nil {
			return nil, err
		}
		hashes = append(hashes, hash)
	}
	return hashes, nil
}

// note reads a signed note up to the empty line behind it; it has one itself.
func (l lineReader) note() ([]byte, error) {
	var note []byte
	for empty := 0; ; {
		line, err := l.must()
		if err != nil {
			return nil, err
		}
		if line == "" {
			if empty++; empty == 2 {
				return note, nil
			}
		}
		note = append(append(note, line...), '\n')
		if len(note) > maxNote {
			return nil, ErrNotProof
		}
	}
}

// readHead reads what stands before the entries: where they end, and that the
// checkpoint says so.
func (t *tenantReader) readHead(v Verifiers) error {
	if err := t.readTenant(); err != nil {
		return err
	}
	salt, err := t.lines.hash(saltLine)
	if err != nil {
		return err
	}
	if err := t.readEnd(); err != nil {
		return err
	}
	depth, err := t.lines.field(mapLine)
	if err != nil {
		return err
	}
	path, err := t.lines.hashes(depth, maxDepth)
	if err != nil {
		return err
	}
	if err := t.lines.text(""); err != nil {
		return err
	}
	note, err := t.lines.note()
	if err != nil {
		return err
	}
	if t.proof.Checkpoint, t.proof.Signatures, err = OpenCheckpoint(note, v); err != nil {
		return err
	}
	return t.checkMap(salt, path)
}

func (t *tenantReader) readTenant() error {
	if err := t.lines.text(tenantHeader); err != nil {
		return err
	}
	name, err := t.lines.field(tenantLine)
	if err != nil {
		return err
	}
	raw, err := decodeBase64(name)
	if err != nil {
		return err
	}
	t.proof.Tenant = troth.Tenant(raw)
	if t.proof.Tenant.Validate() != nil {
		return ErrNotProof
	}
	return nil
}

func (t *tenantReader) readEnd() error {
	value, err := t.lines.field(headLine)
	if err != nil {
		return err
	}
	number, hash, _ := strings.Cut(value, " ")
	if t.proof.Number, err = parseDecimal(number); err != nil || t.proof.Number == 0 {
		return ErrNotProof
	}
	t.proof.Hash, err = decodeHash(hash)
	return err
}

// checkMap holds the end of the entries to what the checkpoint says of the
// tenant.
func (t *tenantReader) checkMap(salt [32]byte, path [][32]byte) error {
	cp := t.proof.Checkpoint
	if saltCommitment(salt) != cp.SaltCommitment {
		return ErrProof
	}
	key := tenantKey(salt, t.proof.Tenant)
	end := TenantHead{Number: t.proof.Number, Hash: t.proof.Hash}
	proof := merkle.Path{Leaf: &merkle.Entry{Key: key, Value: end.digest()}, Siblings: path}
	if _, present, err := merkle.VerifyPath(cp.TenantRoot, key, proof); err != nil || !present {
		return ErrProof
	}
	return nil
}
