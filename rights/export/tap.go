package export

import (
	"crypto/sha256"
	"hash"
	"io"
)

// tap reads through a buffer, and hashes what was taken from it, not what lies in it.
type tap struct {
	r      io.Reader
	buf    []byte
	at     int // of the next byte
	hashed int // what is before was hashed
	n      uint64
	sum    hash.Hash
	err    error
}

// tapSize is the most that can be peeked at.
const tapSize = 16 << 10

func newTap(r io.Reader) *tap {
	return &tap{r: r, buf: make([]byte, 0, tapSize), sum: sha256.New()}
}

// settle hashes what was taken.
func (t *tap) settle() {
	t.sum.Write(t.buf[t.hashed:t.at])
	t.hashed = t.at
}

// fill makes sure that n bytes are there, if they come at all.
func (t *tap) fill(n int) {
	if len(t.buf)-t.at >= n || t.err != nil {
		return
	}
	t.settle()
	t.buf = t.buf[:copy(t.buf, t.buf[t.at:])]
	t.at, t.hashed = 0, 0
	for empty := 0; len(t.buf) < n && t.err == nil; {
		got, err := t.r.Read(t.buf[len(t.buf):cap(t.buf)])
		t.buf = t.buf[:len(t.buf)+got]
		t.err = err
		if got > 0 {
			empty = 0
		} else if empty++; empty > 100 && err == nil {
			t.err = io.ErrNoProgress
		}
	}
}

// peek returns the next n bytes, or fewer and why.
func (t *tap) peek(n int) ([]byte, error) {
	t.fill(n)
	if have := t.buf[t.at:]; len(have) < n {
		return have, t.err
	}
	return t.buf[t.at : t.at+n], nil
}

func (t *tap) skip(n int) {
	t.at += n
	t.n += uint64(n)
}

func (t *tap) ReadByte() (byte, error) {
	if t.at == len(t.buf) {
		t.fill(1)
		if t.at == len(t.buf) {
			return 0, t.err
		}
	}
	c := t.buf[t.at]
	t.at++
	t.n++
	return c, nil
}

func (t *tap) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	t.fill(1)
	n := copy(b, t.buf[t.at:])
	t.skip(n)
	if n == 0 {
		return 0, t.err
	}
	return n, nil
}

// digest is the hash of all that was taken so far.
func (t *tap) digest() (sum [32]byte) {
	t.settle()
	t.sum.Sum(sum[:0])
	return sum
}
