package export

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"hash/crc32"
	"io"
)

// unpacker reads an archive forward, and accepts only what a packer writes.
type unpacker struct {
	src     *tap
	at      uint64
	when    dosTime
	entries []entry
	open    *content
	inflate io.ReadCloser
	left    uint64 // bytes of content that may still come
	// packed is what stands in front of the manifest.
	packed Packed
}

func newUnpacker(r io.Reader, most uint64) *unpacker {
	return &unpacker{src: newTap(r), at: all32, left: most}
}

// next reads the header of the next entry. It reports false where the directory
// begins. The content of the entry before must have been read to its end.
func (u *unpacker) next() (*content, bool, error) {
	if u.open != nil && !u.open.done {
		return nil, false, errors.New("export: entry was not read to its end")
	}
	head, err := u.src.peek(localSize)
	if len(head) < 4 {
		return nil, false, cutOff("", err)
	}
	switch {
	case binary.LittleEndian.Uint32(head) == centralSignature:
		return nil, false, nil
	case len(head) < localSize:
		return nil, false, cutOff("", err)
	case binary.LittleEndian.Uint32(head) != localSignature:
		return nil, false, broken("", "no entry where one belongs")
	}
	// Copied: reading on overwrites it.
	e, err := u.header([localSize]byte(head))
	if err != nil {
		return nil, false, err
	}
	if e.size > u.left {
		return nil, false, ErrLimit
	}
	u.left -= e.size
	if len(u.entries) >= MaxFiles+8 {
		return nil, false, ErrLimit
	}
	u.entries = append(u.entries, e)
	u.open = u.content(e)
	return u.open, true, nil
}

// header reads a local header, and compares it with the one form in which it would
// have been written.
func (u *unpacker) header(head [localSize]byte) (entry, error) {
	le := binary.LittleEndian
	e := entry{
		method: le.Uint16(head[8:]), crc: le.Uint32(head[14:]),
		packed: uint64(le.Uint32(head[18:])), size: uint64(le.Uint32(head[22:])), offset: u.src.n,
	}
	when := dosTime{le.Uint16(head[10:]), le.Uint16(head[12:])}
	if len(u.entries) == 0 {
		u.when = when
	}
	names, extras := int(le.Uint16(head[26:])), int(le.Uint16(head[28:]))
	if when != u.when || names == 0 || names > maxPath || extras != 0 && extras != 20 || e.method != methodStored && e.method != methodDeflated {
		return e, broken("", "an entry's header is not as written")
	}
	whole, err := u.src.peek(localSize + names + extras)
	if err != nil {
		return e, cutOff("", err)
	}
	e.path = string(whole[localSize : localSize+names])
	if extras > 0 {
		e.size, e.packed = le.Uint64(whole[localSize+names+4:]), le.Uint64(whole[localSize+names+12:])
	}
	if !isPath(e.path) {
		return e, broken("", "an entry's path is not one that is written")
	}
	if !bytes.Equal(e.appendLocal(nil, u.when, u.at), whole) {
		return e, broken(e.path, "its header is not as written")
	}
	if e.method == methodStored && e.size != e.packed {
		return e, broken(e.path, "its sizes differ")
	}
	if e.path == manifestPath {
		u.packed = Packed{Bytes: u.src.n, SHA256: u.src.digest()}
	}
	u.src.skip(len(whole))
	return e, nil
}

// finish reads the directory to the end of the archive.
func (u *unpacker) finish() error {
	begin := u.src.n
	var want []byte
	for i := range u.entries {
		want = u.entries[i].appendCentral(want[:0], u.when, u.at)
		if err := u.expect(want); err != nil {
			return err
		}
	}
	if err := u.expect(appendEnd(nil, len(u.entries), begin, u.src.n-begin, u.at)); err != nil {
		return err
	}
	if more, err := u.src.peek(1); len(more) > 0 {
		return broken("", "something stands behind the end")
	} else if !errors.Is(err, io.EOF) {
		return cutOff("", err)
	}
	return nil
}

func (u *unpacker) expect(want []byte) error {
	for len(want) > 0 {
		n := min(len(want), tapSize)
		got, err := u.src.peek(n)
		if err != nil {
			return cutOff("", err)
		}
		if !bytes.Equal(got, want[:n]) {
			return broken("", "its directory is not as written")
		}
		u.src.skip(n)
		want = want[n:]
	}
	return nil
}

// cutOff tells an end that came too early from a reader that failed.
func cutOff(path string, err error) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return broken(path, "it is cut off")
	}
	if errors.Is(err, ErrArchive) {
		return err
	}
	return &readError{err}
}

// readError is a failure of who was read from, which says nothing about the archive.
type readError struct{ err error }

func (e *readError) Error() string { return "export: read: " + e.err.Error() }
func (e *readError) Unwrap() error { return e.err }

// content is the unpacked content of an entry. Its Read ends with io.EOF only if size
// and checksum are right; SHA256 is that of what was read.
type content struct {
	entry
	from   io.Reader
	packed *limited
	sum    hash.Hash
	crcNow uint32
	n      uint64
	done   bool
}

func (u *unpacker) content(e entry) *content {
	c := &content{entry: e, packed: &limited{u.src, e.packed}, sum: sha256.New()}
	c.from = c.packed
	if e.method == methodDeflated {
		if r, ok := u.inflate.(flate.Resetter); !ok || r.Reset(c.packed, nil) != nil {
			u.inflate = flate.NewReader(c.packed)
		}
		c.from = u.inflate
	}
	return c
}

func (c *content) Read(b []byte) (int, error) {
	if c.done {
		return 0, io.EOF
	}
	n, err := c.from.Read(b)
	c.sum.Write(b[:n])
	c.crcNow = crc32.Update(c.crcNow, crc32.IEEETable, b[:n])
	if c.n += uint64(n); c.n > c.size {
		return 0, broken(c.path, "it is longer than it says")
	}
	if err == nil {
		return n, nil
	}
	if corrupt, ok := errors.AsType[flate.CorruptInputError](err); ok {
		return n, broken(c.path, "it cannot be unpacked: "+corrupt.Error())
	}
	if !errors.Is(err, io.EOF) {
		return n, cutOff(c.path, err)
	}
	if c.n != c.size || c.packed.left != 0 || c.crcNow != c.crc {
		return n, broken(c.path, "it is not as long as it says, or its checksum is wrong")
	}
	c.done = true
	return n, io.EOF
}

func (c *content) sha256() (sum Hash) {
	c.sum.Sum(sum[:0])
	return sum
}

// limited reads so many bytes of a tap, and is an io.ByteReader so that what unpacks
// takes no byte too many.
type limited struct {
	src  *tap
	left uint64
}

func (l *limited) Read(b []byte) (int, error) {
	if l.left == 0 {
		return 0, io.EOF
	}
	if uint64(len(b)) > l.left {
		b = b[:l.left]
	}
	n, err := l.src.Read(b)
	l.left -= uint64(n)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (l *limited) ReadByte() (byte, error) {
	if l.left == 0 {
		return 0, io.EOF
	}
	c, err := l.src.ReadByte()
	if err == nil {
		l.left--
	} else if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return c, err
}
