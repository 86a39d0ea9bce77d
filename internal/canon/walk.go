package canon

// Walker reads the fields of a message one after the other, without taking
// memory: for those who need a few fields of many messages. It is less strict
// than [Parse]: text is not checked to be UTF-8. After the first field that does
// not fit it gives zeros, and Done is false.
type Walker struct{ r reader }

// Walk begins a message of the given domain.
func Walk(b []byte, domain string) Walker {
	w := Walker{reader{rest: b, left: MaxFields}}
	if w.r.byte() != version || string(w.r.sized()) != domain {
		w.r.failed = true
	}
	return w
}

func (w *Walker) expect(tag byte) bool {
	if w.r.byte() != tag {
		w.r.failed = true
	}
	return !w.r.failed
}

// Bytes reads a field of bytes, which it does not copy.
func (w *Walker) Bytes() []byte { return w.sized(TagBytes) }

// Text reads a field of text, which it does not copy.
func (w *Walker) Text() []byte { return w.sized(TagText) }

func (w *Walker) sized(tag byte) []byte {
	if !w.expect(tag) {
		return nil
	}
	return w.r.sized()
}

// Uint reads an unsigned number.
func (w *Walker) Uint() uint64 {
	if !w.expect(TagUint) {
		return 0
	}
	return w.r.uint64()
}

// Int reads a signed number.
func (w *Walker) Int() int64 {
	if !w.expect(TagInt) {
		return 0
	}
	return int64(w.r.uint64())
}

// List begins a list and returns how many fields it has.
func (w *Walker) List() int {
	if !w.expect(TagList) {
		return 0
	}
	n := w.r.uint32()
	if uint64(n) > uint64(len(w.r.rest)) {
		w.r.failed = true
		return 0
	}
	return int(n)
}

// None passes a field that is absent, and reports whether the next one is.
func (w *Walker) None() bool {
	if w.r.failed || len(w.r.rest) == 0 || w.r.rest[0] != TagNone {
		return false
	}
	w.r.rest = w.r.rest[1:]
	return true
}

// Skip passes n fields, with what is in them.
func (w *Walker) Skip(n int) {
	for left := uint64(n); left > 0 && !w.r.failed; left-- {
		switch w.r.byte() {
		case TagBytes, TagText:
			w.r.sized()
		case TagUint, TagInt:
			w.r.take(8)
		case TagList:
			left += uint64(w.r.uint32())
		case TagNone:
		default:
			w.r.failed = true
		}
	}
}

// Done reports whether every field fitted and none is left.
func (w *Walker) Done() bool { return !w.r.failed && len(w.r.rest) == 0 }
