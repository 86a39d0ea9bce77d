package export

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"fmt"
	"hash"
	"hash/crc32"
)

// member is a file of the archive that grows while others do. It is packed in pieces,
// each on its own, so that one compressor serves all of them; pieces that end on a byte
// make one stream together.
type member struct {
	path    string
	buf     []byte
	pieces  []extent
	size    uint64
	packed  uint64
	crc     uint32
	sum     hash.Hash
	records uint64
}

// pieceSize is how much is packed at a time: the window of deflate many times, so
// that beginning afresh costs little.
const pieceSize = 1 << 20

// packLevel is that of archive/zip. The next one takes half as long again, for a
// fiftieth less.
const packLevel = 5

func newMember(path string) *member { return &member{path: path, sum: sha256.New()} }

// press packs members and keeps the pieces.
type press struct {
	spool *spool
	comp  *flate.Writer
	out   bytes.Buffer
}

func newPress(dir string) (*press, error) {
	p := &press{spool: &spool{dir: dir}}
	var err error
	if p.comp, err = flate.NewWriter(&p.out, packLevel); err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	return p, nil
}

// flush packs what waits in the buffer, as the member's end if last is set.
func (p *press) flush(m *member, last bool) error {
	m.sum.Write(m.buf)
	m.crc = crc32.Update(m.crc, crc32.IEEETable, m.buf)
	m.size += uint64(len(m.buf))
	p.out.Reset()
	p.comp.Reset(&p.out)
	_, err := p.comp.Write(m.buf) // into memory: what follows tells of errors too
	if last {
		err = p.comp.Close()
	} else if err == nil {
		err = p.comp.Flush()
	}
	if err != nil {
		return fmt.Errorf("export: pack: %w", err)
	}
	m.buf = m.buf[:0]
	e, err := p.spool.put(p.out.Bytes())
	if err != nil {
		return err
	}
	m.pieces = append(m.pieces, e)
	m.packed += uint64(e.size)
	return nil
}

// emit ends the member and writes it to the archive.
func (p *press) emit(m *member, to *packer) (hash Hash, err error) {
	if err := p.flush(m, true); err != nil {
		return hash, err
	}
	m.buf = nil
	m.sum.Sum(hash[:0])
	if err := to.begin(entry{path: m.path, method: methodDeflated, crc: m.crc, size: m.size, packed: m.packed}); err != nil {
		return hash, err
	}
	for _, e := range m.pieces {
		b, err := p.spool.get(e)
		if err != nil {
			return hash, err
		}
		if _, err := to.Write(b); err != nil {
			return hash, err
		}
	}
	return hash, nil
}
