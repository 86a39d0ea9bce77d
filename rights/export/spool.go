package export

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
)

// spool keeps packed pieces of members until these are whole: two files grow at the
// same time, and an archive takes one after the other. What does not fit into memory
// lies in a temporary file under a key that is nowhere else, so that no personal data
// stays on a disk in the clear, and none can be read after the process is gone.
type spool struct {
	dir   string
	mem   []byte
	end   int64 // addresses from 0: first memory, then the file
	file  *os.File
	aead  cipher.AEAD
	count uint64
	box   []byte
}

// spoolMemory is how much is kept in memory.
const spoolMemory = 4 << 20

// extent is where a piece lies.
type extent struct {
	at    int64
	size  int
	nonce uint64
}

func (s *spool) put(b []byte) (extent, error) {
	if s.end+int64(len(b)) <= spoolMemory {
		e := extent{at: s.end, size: len(b)}
		s.mem = append(s.mem[:s.end], b...)
		s.end += int64(len(b))
		return e, nil
	}
	if err := s.open(); err != nil {
		return extent{}, err
	}
	s.end = max(s.end, spoolMemory)
	s.count++ // never twice, though places are used again
	e := extent{at: s.end, size: len(b), nonce: s.count}
	s.box = s.aead.Seal(s.box[:0], spoolNonce(e.nonce), b, nil)
	if _, err := s.file.WriteAt(s.box, s.end-spoolMemory); err != nil {
		return extent{}, fmt.Errorf("export: write temporary file: %w", err)
	}
	s.end += int64(len(s.box))
	return e, nil
}

// get reads a piece, which is good until the next call of a method.
func (s *spool) get(e extent) ([]byte, error) {
	if e.at < spoolMemory {
		return s.mem[e.at : e.at+int64(e.size)], nil
	}
	size := e.size + s.aead.Overhead()
	if cap(s.box) < size {
		s.box = make([]byte, size)
	}
	s.box = s.box[:size]
	if _, err := s.file.ReadAt(s.box, e.at-spoolMemory); err != nil {
		return nil, fmt.Errorf("export: read temporary file: %w", err)
	}
	b, err := s.aead.Open(s.box[:0], spoolNonce(e.nonce), s.box, nil)
	if err != nil {
		return nil, fmt.Errorf("export: read temporary file: %w", err)
	}
	return b, nil
}

// release gives back all that was put since end was at.
func (s *spool) release(at int64) { s.end = at }

func (s *spool) open() error {
	if s.file != nil {
		return nil
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails, crypto/rand documents
	block, err := aes.NewCipher(key)
	if err != nil {
		return fmt.Errorf("export: temporary file: %w", err)
	}
	if s.aead, err = cipher.NewGCM(block); err != nil {
		return fmt.Errorf("export: temporary file: %w", err)
	}
	clear(key)
	if s.file, err = os.CreateTemp(s.dir, "troth-export-*.tmp"); err != nil {
		return fmt.Errorf("export: create temporary file: %w", err)
	}
	if runtime.GOOS != "windows" { // which keeps the name of an open file
		_ = os.Remove(s.file.Name())
	}
	return nil
}

func (s *spool) close() {
	clear(s.mem[:cap(s.mem)])
	if s.file == nil {
		return
	}
	_ = s.file.Close()
	_ = os.Remove(s.file.Name()) // gone already, but on Windows
	s.file = nil
}

func spoolNonce(n uint64) []byte { return binary.BigEndian.AppendUint64(make([]byte, 4, 12), n) }
