package vault

import "sync"

// scratch is a reused buffer for associated data: an array on the stack would
// escape through the cipher.AEAD interface and cost an allocation per value.
type scratch struct{ b []byte }

var scratches = sync.Pool{New: func() any { return &scratch{b: make([]byte, 0, 512)} }}

func getScratch() *scratch { return scratches.Get().(*scratch) }

func (s *scratch) release() { scratches.Put(s) }
