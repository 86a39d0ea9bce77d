package vault

import "sync"

// scratch is a reused buffer for associated data: an array on the stack would
// escape through the cipher.AEAD interface and cost an allocation per value.
type scratch struct{ b []byte }

var scratches = sync.Pool{New: func() any { return &scratch{b: make([]byte, 0, 512)} }}

// getScratch returns a buffer that begins with the slot's prefix.
func getScratch(s *slot) *scratch {
	aad := scratches.Get().(*scratch)
	aad.b = append(aad.b[:0], s.prefix...)
	return aad
}

func (s *scratch) release() { scratches.Put(s) }
