package index

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
)

// ErrFile says that bytes are not an index file of this version, or not as they were
// written.
var ErrFile = errors.New("unsubscribe/index: not a sound index file")

const (
	fileMagic  = "trothui1"
	headerSize = len(fileMagic) + 8 + 32 + 8 + 4 + 8
	sealSize   = 32
	// maxMarks bounds how many distinct marks a file has, maxMarkBytes how long they
	// are together.
	maxMarks     = 1 << 24
	maxMarkBytes = 1 << 30
	chunk        = 1 << 15 // entries, which are a megabyte of keys
)

// Position is a place in the feed, from which an index is to be followed. Event is
// the hash of the event that stands there: in another history it is another one.
type Position struct {
	Number int64
	Event  [sha256.Size]byte
}

// Format says how marks are written, and what vouches for a file.
type Format[M comparable] struct {
	Append func(b []byte, mark M) []byte
	Parse  func(b []byte) (M, error)
	// Seal returns 32 bytes for the SHA-256 of a file, which nobody else can make.
	Seal func(sum [sha256.Size]byte) ([sealSize]byte, error)
}

// Write writes all entries, and the position from which they are to be followed,
// which must have been reached before the call. It merges first.
func (x *Index[M]) Write(w io.Writer, position Position, f Format[M]) error {
	x.merging.Lock()
	b, err := x.merge()
	x.merging.Unlock()
	if err != nil {
		return err
	}
	return b.write(w, position, f)
}

func (b Built[M]) write(w io.Writer, position Position, f Format[M]) error {
	sum := sha256.New()
	out := io.MultiWriter(w, sum)
	var texts []byte
	for _, m := range b.marks {
		text := f.Append(nil, m)
		texts = binary.BigEndian.AppendUint32(texts, uint32(len(text)))
		texts = append(texts, text...)
	}
	if len(b.marks) > maxMarks || len(texts) > maxMarkBytes {
		return ErrFull
	}
	header := []byte(fileMagic)
	header = binary.BigEndian.AppendUint64(header, uint64(position.Number))
	header = append(header, position.Event[:]...)
	header = binary.BigEndian.AppendUint64(header, uint64(b.base.len()))
	header = binary.BigEndian.AppendUint32(header, uint32(len(b.marks)))
	header = binary.BigEndian.AppendUint64(header, uint64(len(texts)))
	for _, part := range [][]byte{header, texts} {
		if _, err := out.Write(part); err != nil {
			return err
		}
	}
	if err := b.base.write(out); err != nil {
		return err
	}
	digest := [sha256.Size]byte(sum.Sum(nil))
	seal, err := f.Seal(digest)
	if err != nil {
		return err
	}
	_, err = w.Write(append(digest[:], seal[:]...))
	return err
}

// write writes the keys, and then the marks.
func (b *base) write(w io.Writer) error {
	for from := 0; from < b.len(); from += chunk {
		if _, err := w.Write(b.keys[from*KeySize : min(from+chunk, b.len())*KeySize]); err != nil {
			return err
		}
	}
	buf := make([]byte, 0, chunk*4)
	for from := 0; from < b.len(); from += chunk {
		buf = buf[:0]
		for _, m := range b.marks[from:min(from+chunk, b.len())] {
			buf = binary.BigEndian.AppendUint32(buf, m)
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
	}
	return nil
}

// reader reads a file and sums it.
type reader struct {
	r   io.Reader
	sum hash.Hash
}

func (r *reader) read(b []byte) error {
	if _, err := io.ReadFull(r.r, b); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("%w: it ends early", ErrFile)
		}
		return err
	}
	_, _ = r.sum.Write(b) // never fails, hash.Hash documents
	return nil
}

// Read reads a file of so many bytes. It returns nothing of a file that is not, byte
// for byte, as it was written; then the error is [ErrFile], or one of r or of Seal.
func Read[M comparable](r io.Reader, size int64, f Format[M]) (b Built[M], position Position, err error) {
	in := &reader{r, sha256.New()}
	h, err := readHeader(in, size)
	if err != nil {
		return Built[M]{}, Position{}, err
	}
	texts := make([]byte, h.texts)
	if err := in.read(texts); err != nil {
		return Built[M]{}, Position{}, err
	}
	done, err := readBase(in, h.entries, h.marks)
	if err != nil {
		return Built[M]{}, Position{}, err
	}
	if err := checkSum(in, f.Seal); err != nil {
		return Built[M]{}, Position{}, err
	}
	marks, err := parseMarks(texts, h.marks, f)
	if err != nil {
		return Built[M]{}, Position{}, err
	}
	return Built[M]{done, marks}, h.position, nil
}

type header struct {
	position              Position
	entries, marks, texts int
}

// readHeader believes no number that does not fit the size of the file: nothing is
// allocated that the file does not have.
func readHeader(in *reader, size int64) (h header, err error) {
	var b [headerSize]byte
	if err := in.read(b[:]); err != nil {
		return h, err
	}
	if string(b[:8]) != fileMagic {
		return h, fmt.Errorf("%w: of another kind or version", ErrFile)
	}
	h.position = Position{int64(binary.BigEndian.Uint64(b[8:])), [32]byte(b[16:48])}
	entries, marks, texts := binary.BigEndian.Uint64(b[48:]), binary.BigEndian.Uint32(b[56:]), binary.BigEndian.Uint64(b[60:])
	if entries > MaxEntries || marks > maxMarks || texts > maxMarkBytes || uint64(marks)*4 > texts ||
		size != int64(headerSize)+int64(texts)+int64(entries)*(KeySize+4)+sha256.Size+sealSize {
		return h, fmt.Errorf("%w: its length is another", ErrFile)
	}
	h.entries, h.marks, h.texts = int(entries), int(marks), int(texts)
	return h, nil
}

// readBase reads and sums in this goroutine, and indexes what was read in another,
// which has ended when it returns.
func readBase(in *reader, entries, marks int) (*base, error) {
	bb := newBaseBuilder(entries)
	ready, indexed := make(chan int, 16), make(chan error)
	go func() {
		var err error
		for until := range ready {
			if err == nil {
				err = bb.index(until)
			}
		}
		indexed <- err
	}()
	err := readKeys(in, bb, ready)
	close(ready)
	if err = errors.Join(err, soundOrder(<-indexed)); err != nil {
		return nil, err
	}
	if err := readMarks(in, bb, marks); err != nil {
		return nil, err
	}
	b, err := bb.finish()
	return b, soundOrder(err)
}

func soundOrder(err error) error {
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrFile, err)
	}
	return err
}

func readKeys(in *reader, bb *baseBuilder, ready chan<- int) error {
	for from := 0; from < bb.entries; from += chunk {
		until := min(from+chunk, bb.entries)
		if err := in.read(bb.b.keys[from*KeySize : until*KeySize]); err != nil {
			return err
		}
		ready <- until
	}
	return nil
}

func readMarks(in *reader, bb *baseBuilder, marks int) error {
	buf := make([]byte, 4*min(chunk, bb.entries))
	for from := 0; from < bb.entries; from += chunk {
		some := bb.b.marks[from:min(from+chunk, bb.entries)]
		if err := in.read(buf[:4*len(some)]); err != nil {
			return err
		}
		for i := range some {
			if some[i] = binary.BigEndian.Uint32(buf[4*i:]); int(some[i]) >= marks {
				return fmt.Errorf("%w: a mark that it does not have", ErrFile)
			}
		}
	}
	return nil
}

func checkSum(in *reader, seal func([sha256.Size]byte) ([sealSize]byte, error)) error {
	digest := [sha256.Size]byte(in.sum.Sum(nil))
	var end [sha256.Size + sealSize]byte
	if err := in.read(end[:]); err != nil {
		return err
	}
	if !bytes.Equal(digest[:], end[:sha256.Size]) {
		return fmt.Errorf("%w: its sum is another", ErrFile)
	}
	want, err := seal(digest)
	if err != nil {
		return err
	}
	if !hmac.Equal(want[:], end[sha256.Size:]) {
		return fmt.Errorf("%w: its seal is not ours", ErrFile)
	}
	return nil
}

func parseMarks[M comparable](texts []byte, marks int, f Format[M]) ([]M, error) {
	all := make([]M, 0, marks)
	seen := make(map[M]bool, marks)
	for range marks {
		if len(texts) < 4 {
			return nil, fmt.Errorf("%w: marks end early", ErrFile)
		}
		n := binary.BigEndian.Uint32(texts)
		texts = texts[4:]
		if uint64(n) > uint64(len(texts)) {
			return nil, fmt.Errorf("%w: marks end early", ErrFile)
		}
		m, err := f.Parse(texts[:n])
		if err != nil || seen[m] {
			return nil, fmt.Errorf("%w: a mark that is none, or is there twice", ErrFile)
		}
		all, seen[m] = append(all, m), true
		texts = texts[n:]
	}
	if len(texts) > 0 {
		return nil, fmt.Errorf("%w: bytes behind the marks", ErrFile)
	}
	return all, nil
}
