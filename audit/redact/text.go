package redact

import "strings"

// maxPasses bounds how often one text is looked at again. Masking changes what
// stands beside a shape and so may uncover another; honest text needs two.
const maxPasses = 8

// span is a place in a text that is to be replaced.
type span struct {
	start, end int
	marker     string
	value      string // what the token stands for
}

// text masks all shapes in s. Its result has none: masked again it stays as it
// is. A text that does not come to rest is replaced whole.
func (r *rules) text(s string) string {
	for range maxPasses {
		next := r.pass(s)
		if next == s {
			return s
		}
		s = next
	}
	return Unreadable
}

// pass looks for each kind of shape once. Addresses come before numbers, of
// which they are made.
func (r *rules) pass(s string) string {
	has := count(s)
	if has.ats > 0 {
		s = r.replace(s, emails(s))
	}
	if has.colons > 1 || has.escapes > 1 {
		s = r.replace(s, addresses6(s))
	}
	if has.dots > 2 && has.digits > 3 {
		s = r.replace(s, addresses4(s))
	}
	if has.digits >= minPhone {
		s = r.replace(s, numbers(s))
	}
	return s
}

// census counts the bytes without which there is no shape: most text has too
// few of them to be looked at any further.
type census struct{ ats, escapes, colons, dots, digits int }

func count(s string) (c census) {
	for i := range len(s) {
		switch b := s[i]; {
		case b > 'z' && b != wideAt[0] || b > '@' && b <= 'z' || b == ' ':
		case isDigit(b):
			c.digits++
		case b == '.':
			c.dots++
		case b == ':':
			c.colons++
		case b == '%':
			c.escapes++
			c.ats++
		case b == '@' || b == wideAt[0]:
			c.ats++
		}
	}
	return c
}

// replace puts markers in the place of spans, which are in order.
func (r *rules) replace(s string, spans []span) string {
	if len(spans) == 0 {
		return s
	}
	var b strings.Builder
	done := 0
	for _, p := range spans {
		b.WriteString(s[done:p.start])
		b.WriteString(r.mark(p.marker, p.value))
		done = p.end
	}
	b.WriteString(s[done:])
	return b.String()
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

func isLetter(b byte) bool { return 'a' <= b|0x20 && b|0x20 <= 'z' }

func isHex(b byte) bool { return isDigit(b) || 'a' <= b|0x20 && b|0x20 <= 'f' }

// isWord tells whether b continues a word. Letters beyond ASCII do not count:
// scripts without spaces put numbers directly beside them.
func isWord(b byte) bool { return isDigit(b) || isLetter(b) || b == '_' }

// at returns the byte of s at i, 0 outside of it.
func at(s string, i int) byte {
	if i < 0 || i >= len(s) {
		return 0
	}
	return s[i]
}
