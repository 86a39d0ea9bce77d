package redact

import (
	"strings"
	"unicode/utf8"
)

const (
	maxGroups    = 24 // of one run; a longer one is read in parts
	maxPartsEach = 8  // groups of one number
)

// run is a row of groups of digits with short separators between them.
type run struct {
	text   string
	groups [maxGroups]group
	n      int
}

type group struct{ start, end int }

func (g group) len() int { return g.end - g.start }

// numbers finds cards and telephone numbers. A number may begin and end only
// where a run does or at a space: hyphens and dots tie groups together, so that
// no part of an identifier or a date is taken for a number.
func numbers(s string) (found []span) {
	done := 0
	var r run
	for i := 0; i < len(s); {
		if !isDigit(s[i]) {
			i++
			continue
		}
		r.read(s, i)
		for first := 0; first < r.n; {
			p, last, ok := r.number(first, done)
			if !ok {
				first++
				continue
			}
			found = append(found, p)
			done, first = p.end, last+1
		}
		i = r.groups[r.n-1].end
		if r.n == maxGroups { // a number may lie across the end of what was read
			i = max(done, r.groups[r.n-maxPartsEach].start)
		}
	}
	return found
}

// read reads the run of s that begins at i.
func (r *run) read(s string, i int) {
	r.text, r.n = s, 0
	for r.n < maxGroups {
		end := i
		for isDigit(at(s, end)) {
			end++
		}
		r.groups[r.n] = group{i, end}
		r.n++
		i = end + separator(s[end:])
		if i == end || !isDigit(at(s, i)) {
			break
		}
	}
}

// separator returns the width of up to three separators that s begins with.
func separator(s string) int {
	width := 0
	for range 3 {
		r, size := utf8.DecodeRuneInString(s[width:])
		switch {
		case strings.HasPrefix(s[width:], escapedSpace):
			size = len(escapedSpace)
		case r == '+' && width == 0 && isDigit(at(s, 1)):
		case !isSpace(r) && !isHyphen(r) && !strings.ContainsRune("./()", r):
			return width
		}
		width += size
	}
	return width
}

// escapedSpace is the space of URLs; in their queries a plus sign is one too.
const escapedSpace = "%20"

func isSpace(r rune) bool {
	return r == ' ' || r == '\u00A0' || r == '\u2007' || r == '\u2009' || r == '\u202F'
}

func isHyphen(r rune) bool { return r == '-' || r >= '\u2010' && r <= '\u2014' || r == '\u2212' }

// spaces tells whether there is a space among separators.
func spaces(s string) bool {
	return s == "+" || strings.IndexFunc(s, isSpace) >= 0 || strings.Contains(s, escapedSpace)
}

// between returns the separators behind group i.
func (r *run) between(i int) string { return r.text[r.groups[i].end:r.groups[i+1].start] }

// digits returns the text of group i.
func (r *run) digits(i int) string { return r.text[r.groups[i].start:r.groups[i].end] }

// cut tells whether a number may end with group i and another begin behind it.
func (r *run) cut(i int) bool {
	return i < 0 || i >= r.n-1 || spaces(r.between(i))
}

// number returns the longest number that begins with the group first, and its
// last group. It begins at done or behind it.
func (r *run) number(first, done int) (p span, last int, ok bool) {
	if g := r.groups[first]; isCard(r.digits(first)) && !inDecimal(r.text, g) && !inHash(r.text, g) {
		return span{g.start, g.end, Card, r.digits(first)}, first, true
	}
	if !r.cut(first - 1) {
		return span{}, 0, false
	}
	var buf [maxCard]byte
	for last = min(r.n, first+maxPartsEach) - 1; last >= first; last-- {
		c := candidate{run: r, first: first, last: last}
		if n := c.size(); n < minPhone || n > maxCard || !r.cut(last) {
			continue
		}
		digits := c.joined(buf[:0])
		if c.grouped() && isCard(digits) && c.freeOfDigits() {
			return span{r.groups[first].start, r.groups[last].end, Card, string(digits)}, last, true
		}
		if p, ok := c.phone(digits); ok && p.start >= done {
			return p, last, true
		}
	}
	return span{}, 0, false
}

// candidate are the groups of a run that may be one number.
type candidate struct {
	*run
	first, last int
}

func (c candidate) parts() int { return c.last - c.first + 1 }

// size returns how many digits there are.
func (c candidate) size() (n int) {
	for i := c.first; i <= c.last; i++ {
		n += c.groups[i].len()
	}
	return n
}

// joined appends the digits of all groups to buf.
func (c candidate) joined(buf []byte) []byte {
	for i := c.first; i <= c.last; i++ {
		buf = append(buf, c.digits(i)...)
	}
	return buf
}

// lengths tells whether the groups have these lengths.
func (c candidate) lengths(want ...int) bool {
	if c.parts() != len(want) {
		return false
	}
	for i, n := range want {
		if c.groups[c.first+i].len() != n {
			return false
		}
	}
	return true
}
