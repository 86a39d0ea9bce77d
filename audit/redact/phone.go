package redact

import "strings"

// minPhone is the number of digits below which nothing is a telephone number.
// E.164 has at most 15.
const (
	minPhone = 7
	maxPhone = 15
)

// phone returns the candidate's place if it is written as telephone numbers
// are: internationally, or in the ways of common national plans.
func (c candidate) phone(digits []byte) (span, bool) {
	start, end := c.groups[c.first].start, c.groups[c.last].end
	plus := c.plus()
	if followed(c.text, end, plus > 0) || plus == 0 && strings.IndexByte(c.text[start:end], '+') >= 0 {
		return span{}, false
	}
	start -= plus
	open := at(c.text, start-1) == '(' && strings.IndexByte(c.text[start:end], ')') >= 0
	if open {
		start--
	}
	found := false
	switch {
	case plus > 0:
		found = !isWord(at(c.text, start-1)) && digits[0] != '0' && len(digits) >= 8 && len(digits) <= maxPhone+1
	case preceded(c.text, start):
	case afterLabel(c.text[:start]):
		found = len(digits) <= maxPhone
	default:
		area := open && at(c.text, c.groups[c.first].end) == ')'
		found = c.prefixed(digits) || c.trunk(digits) || c.area(digits, area) || c.northAmerican() || c.spaced()
	}
	if !found {
		return span{}, false
	}
	return span{start, end, Phone, strings.TrimPrefix(string(digits), "00")}, true
}

// plus returns the width of the plus sign before the number, also as URLs
// escape it, or 0. A space may follow it, where it does not add one number to
// another.
func (c candidate) plus() int {
	s, start := c.text, c.groups[c.first].start
	switch {
	case at(s, start-1) == '+':
		return 1
	case start >= 3 && strings.EqualFold(s[start-3:start], "%2B"):
		return 3
	case at(s, start-1) == ' ' && at(s, start-2) == '+' && c.parts() > 1:
		before := strings.TrimRight(s[:start-2], " ")
		if last := at(before, len(before)-1); !isDigit(last) && last != ')' {
			return 2
		}
	}
	return 0
}

// preceded tells whether what stands before a number makes it part of a word, a
// sum of money, a fraction, a time or a path.
func preceded(s string, start int) bool {
	before, further := at(s, start-1), at(s, start-2)
	switch before {
	case '+', '$', '/', '\\':
		return true
	case '-', '.':
		return isWord(further)
	case ':':
		return isDigit(further)
	}
	return isWord(before)
}

// followed is the like for what stands behind a number. An extension is none of
// it ("x12"), nor is what follows in a URL. An international number may be a part
// of a path.
func followed(s string, end int, international bool) bool {
	after, further := at(s, end), at(s, end+1)
	switch after {
	case '-', '/':
		return isWord(further) && !international
	case ':', '.':
		return isDigit(further)
	case 'x':
		return !isDigit(further)
	case '%':
		return !isHex(further) || !isHex(at(s, end+2))
	}
	return isWord(after)
}

// prefixed knows the international prefix 00.
func (c candidate) prefixed(digits []byte) bool {
	if digits[0] != '0' || digits[1] != '0' || digits[2] == '0' || c.groups[c.first].len() < 2 {
		return false
	}
	if c.first == c.last {
		return len(digits) >= 12 && len(digits) <= maxPhone+2
	}
	return len(digits) >= 10 && len(digits) <= maxPhone+2
}

// trunk knows national numbers with the trunk prefix 0, as most of Europe, Japan
// and Australia write them.
func (c candidate) trunk(digits []byte) bool {
	head := c.groups[c.first].len()
	if digits[0] != '0' || digits[1] == '0' || head < 2 || c.isDate() {
		return false
	}
	if c.first == c.last {
		return len(digits) == 10 || len(digits) == 11
	}
	if head > 5 || c.parts() > 6 || len(digits) < 9 || len(digits) > 12 {
		return false
	}
	pairs := head == 2
	for i := c.first; i < c.last; i++ {
		if i > c.first && strings.Contains(c.between(i), "/") {
			return false
		}
		size := c.groups[i+1].len()
		if size < 2 {
			return false
		}
		pairs = pairs && size == 2
	}
	if pairs { // French style; other rows of pairs are dates and times
		return len(digits) == 10 && c.uniform()
	}
	return c.parts() != 2 || c.between(c.first) != "." // a decimal fraction
}

// isDate tells whether the candidate begins as day, month and year do.
func (c candidate) isDate() bool {
	if c.parts() < 3 {
		return false
	}
	head := candidate{run: c.run, first: c.first, last: c.first + 2}
	year := c.digits(head.last)
	return head.lengths(2, 2, 4) && (year[:2] == "19" || year[:2] == "20")
}

// area knows numbers whose area code stands in parentheses, at the front or
// behind a trunk prefix of one digit.
func (c candidate) area(digits []byte, front bool) bool {
	if c.parts() < 2 || c.parts() > 5 {
		return false
	}
	code := c.groups[c.first].len()
	if front {
		return code >= 2 && code <= 5 && len(digits) >= 9 && len(digits) <= 12
	}
	return code == 1 && len(digits) == 11 && c.groups[c.first+1].len() == 3 &&
		strings.HasSuffix(c.between(c.first), "(") && strings.HasPrefix(c.between(c.first+1), ")")
}

// northAmerican knows the North American Numbering Plan: area code and exchange
// begin with 2 to 9.
func (c candidate) northAmerican() bool {
	if strings.Contains(c.text[c.groups[c.first].start:c.groups[c.last].end], "/") {
		return false
	}
	local := c
	if c.lengths(1, 3, 3, 4) && c.digits(c.first) == "1" {
		local.first++
	}
	return local.lengths(3, 3, 4) && c.digits(local.first)[0] >= '2' && c.digits(local.first + 1)[0] >= '2'
}

// spaced knows plans without a trunk prefix by their groups: Spain, Poland,
// China, India. The groups must stand alone, because rows of small numbers look
// alike.
func (c candidate) spaced() bool {
	if c.first != 0 || c.last != c.n-1 || !c.uniform() || strings.ContainsAny(c.between(c.first), "./") {
		return false
	}
	head := c.digits(c.first)
	switch {
	case c.lengths(3, 3, 3), c.lengths(3, 2, 2, 2), c.lengths(5, 5):
		return head[0] >= '6'
	case c.lengths(2, 3, 2, 2):
		return head[0] >= '2'
	case c.lengths(3, 4, 4):
		return head[0] == '1' && head[1] >= '3'
	}
	return false
}

// uniform tells whether all separators are the same.
func (c candidate) uniform() bool {
	if c.first == c.last {
		return false
	}
	for i := c.first; i < c.last; i++ {
		if c.between(i) != c.between(c.first) {
			return false
		}
	}
	return true
}

// labels are words that announce a telephone number; longer words may end with
// one of those in labelEnds.
var (
	labels    = []string{"tel", "fax", "gsm", "mob", "handy", "msisdn", "whatsapp"}
	labelEnds = []string{"phone", "mobile", "telefon", "telefono", "teléfono", "téléphone"}
)

// afterLabel tells whether text ends with a word that announces a number.
func afterLabel(before string) bool {
	const reach = 40
	before = strings.ToLower(before[max(0, len(before)-reach):])
	before = strings.TrimRight(before, " :=\"'.#\\([{\u00A0")
	for _, ending := range []string{"number", "no", "nr", "_", "-", " "} {
		before = strings.TrimSuffix(before, ending)
	}
	for _, label := range labelEnds {
		if strings.HasSuffix(before, label) {
			return true
		}
	}
	for _, label := range labels {
		if head, ok := strings.CutSuffix(before, label); ok && !isLetter(at(head, len(head)-1)) {
			return true
		}
	}
	return false
}
