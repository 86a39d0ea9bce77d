package export

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"io"
	"time"
)

// The archive is a ZIP (APPNOTE 6.3) of one form: every byte of it follows from the
// names, sizes and packed contents of its entries and one date. Sizes stand in front
// of contents, so it can be read forward, and there are no descriptors, comments,
// folders or gaps.

// Methods of packing.
const (
	methodStored   = 0
	methodDeflated = 8
)

// entry is one file of the archive.
type entry struct {
	path         string
	method       uint16
	crc          uint32
	size, packed uint64
	offset       uint64
}

const (
	localSignature     = 0x04034b50
	centralSignature   = 0x02014b50
	endSignature       = 0x06054b50
	end64Signature     = 0x06064b50
	locator64Signature = 0x07064b50

	localSize = 30
	flagUTF8  = 0x0800
	// madeBy is Unix and 6.3 of the specification; attributes are a plain file that its
	// owner may read and write.
	madeBy     = 3<<8 | 63
	attributes = 0o100600 << 16

	version20, version45 = 20, 45
	extra64              = 0x0001
	all16, all32         = 0xffff, 0xffffffff
)

// dosTime is a date in ZIP's form: UTC, to two seconds, from 1980 on.
type dosTime struct{ clock, date uint16 }

func dosTimeOf(t time.Time) dosTime {
	t = t.UTC()
	if t.Year() < 1980 {
		return dosTime{0, 1<<5 | 1}
	}
	if t.Year() > 2107 {
		return dosTime{23<<11 | 59<<5 | 29, 127<<9 | 12<<5 | 31}
	}
	return dosTime{
		uint16(t.Hour()<<11 | t.Minute()<<5 | t.Second()/2),
		uint16((t.Year()-1980)<<9 | int(t.Month())<<5 | t.Day()),
	}
}

// large reports whether a number needs the fields of 64 bits. at is 1<<32 - 1.
func (e *entry) large(at uint64) bool { return e.size >= at || e.packed >= at }

func (e *entry) appendLocal(dst []byte, when dosTime, at uint64) []byte {
	version, size, packed := uint16(version20), uint32(e.size), uint32(e.packed)
	var extra []byte
	if e.large(at) {
		version, size, packed = version45, all32, all32
		extra = le64(le64(le16(le16(nil, extra64), 16), e.size), e.packed)
	}
	dst = le16(le32(dst, localSignature), version)
	dst = e.appendShared(dst, when, packed, size, extra)
	return append(append(dst, e.path...), extra...)
}

func (e *entry) appendCentral(dst []byte, when dosTime, at uint64) []byte {
	version, size, packed, offset := uint16(version20), uint32(e.size), uint32(e.packed), uint32(e.offset)
	var extra []byte
	if e.large(at) || e.offset >= at {
		version, size, packed, offset = version45, all32, all32, all32
		extra = le64(le64(le64(le16(le16(nil, extra64), 24), e.size), e.packed), e.offset)
	}
	dst = le16(le16(le32(dst, centralSignature), madeBy), version)
	dst = e.appendShared(dst, when, packed, size, extra)
	dst = le16(le16(le16(dst, 0), 0), 0) // comment, disk, internal attributes
	dst = le32(le32(dst, attributes), offset)
	return append(append(dst, e.path...), extra...)
}

// appendShared writes what both headers have.
func (e *entry) appendShared(dst []byte, when dosTime, packed, size uint32, extra []byte) []byte {
	dst = le16(le16(le16(le16(dst, flagUTF8), e.method), when.clock), when.date)
	dst = le32(le32(le32(dst, e.crc), packed), size)
	return le16(le16(dst, uint16(len(e.path))), uint16(len(extra)))
}

// appendEnd writes what stands behind the central directory of count entries, which
// begins at offset and takes size bytes.
func appendEnd(dst []byte, count int, offset, size, at uint64) []byte {
	n, o, s := uint16(count), uint32(offset), uint32(size)
	if offset >= at || size >= at {
		dst = le64(le32(dst, end64Signature), 44)
		dst = le16(le16(dst, madeBy), version45)
		dst = le32(le32(dst, 0), 0)
		dst = le64(le64(dst, uint64(count)), uint64(count))
		dst = le64(le64(dst, size), offset)
		dst = le64(le32(le32(dst, locator64Signature), 0), offset+size)
		dst = le32(dst, 1)
		n, o, s = all16, all32, all32
	}
	dst = le16(le16(le32(dst, endSignature), 0), 0)
	dst = le16(le16(dst, n), n)
	return le16(le32(le32(dst, s), o), 0)
}

func le16(dst []byte, n uint16) []byte { return binary.LittleEndian.AppendUint16(dst, n) }
func le32(dst []byte, n uint32) []byte { return binary.LittleEndian.AppendUint32(dst, n) }
func le64(dst []byte, n uint64) []byte { return binary.LittleEndian.AppendUint64(dst, n) }

// packer writes an archive.
type packer struct {
	w       io.Writer
	when    dosTime
	at      uint64 // see entry.large
	n       uint64
	sum     hash.Hash
	entries []entry
	buf     []byte
}

func newPacker(w io.Writer, when time.Time) *packer {
	return &packer{w: w, when: dosTimeOf(when), at: all32, sum: sha256.New()}
}

// Write writes packed content.
func (p *packer) Write(b []byte) (int, error) {
	n, err := p.w.Write(b)
	p.sum.Write(b[:n])
	p.n += uint64(n)
	return n, err
}

// begin writes the header of an entry, whose packed content follows.
func (p *packer) begin(e entry) error {
	e.offset = p.n
	p.buf = e.appendLocal(p.buf[:0], p.when, p.at)
	p.entries = append(p.entries, e)
	_, err := p.Write(p.buf)
	return err
}

// finish writes the directory.
func (p *packer) finish() error {
	begin := p.n
	for i := range p.entries {
		p.buf = p.entries[i].appendCentral(p.buf[:0], p.when, p.at)
		if _, err := p.Write(p.buf); err != nil {
			return err
		}
	}
	p.buf = appendEnd(p.buf[:0], len(p.entries), begin, p.n-begin, p.at)
	_, err := p.Write(p.buf)
	return err
}

// headerSize is how long the local header is.
func (e *entry) headerSize() int64 { return int64(len(e.appendLocal(nil, dosTime{}, all32))) }
