package redact

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// wideAt is the at sign of East Asian keyboards, escapedAt that of URLs, and
// escapedTwice that of URLs in URLs.
const (
	wideAt       = "\uFF20"
	escapedAt    = "%40"
	escapedTwice = "%2540"
)

// maxLocal bounds how far an address is followed to the left, in bytes: RFC
// 5321 section 4.5.3.1.1 allows 64, and each may be escaped as three.
const maxLocal = 192

// emails finds addresses by their at signs. The shape is wider than RFC 5321:
// scripts of all languages (RFC 6531), quoted local parts, domains that are
// addresses, at signs as URLs escape them. A domain of one label ("root@host")
// is left, because images, modules and versions are written like that.
func emails(s string) (found []span) {
	done := 0
	for i := 0; i < len(s); {
		width := atSign(s[i:])
		if width == 0 {
			i++
			continue
		}
		start, end := localStart(s, done, i), domainEnd(s, i+width)
		if start == i || end == 0 {
			i += width
			continue
		}
		found = append(found, span{start, end, Email, s[start:i] + "@" + s[i+width:end]})
		done, i = end, end
	}
	return found
}

// atSign returns the width of the at sign that s begins with, or 0.
func atSign(s string) int {
	switch {
	case s[0] == '@':
		return 1
	case s[0] == '%' && strings.HasPrefix(s, escapedAt):
		return len(escapedAt)
	case s[0] == '%' && strings.HasPrefix(s, escapedTwice):
		return len(escapedTwice)
	case s[0] == wideAt[0] && strings.HasPrefix(s, wideAt):
		return len(wideAt)
	}
	return 0
}

// localStart returns where the local part that ends at end begins, at from or
// behind it; end if there is none.
func localStart(s string, from, end int) int {
	floor := max(from, end-maxLocal)
	if quote := openingQuote(s[floor:end]); quote >= 0 {
		return floor + quote
	}
	start := end
	for start > floor {
		r, size := utf8.DecodeLastRuneInString(s[floor:start])
		if !isLocal(r) && (r != '=' || !isReturnPath(s[floor:start-size], s[start:end])) {
			break
		}
		start -= size
	}
	// What quotes, lists and emphasises is not part of the address.
	for start < end && strings.IndexByte(".'-*!#^$~", s[start]) >= 0 {
		start++
	}
	return start
}

// openingQuote returns where the quoted part begins with which s ends, -1 if
// there is none. A quote behind a backslash is part of what is quoted, unless the
// whole text is quoted once more.
func openingQuote(s string) int {
	last := len(s) - 1
	if at(s, last) != '"' {
		return -1
	}
	again := at(s, last-1) == '\\'
	for i := last - 1; i >= 0; i-- {
		if s[i] == '"' && (again || at(s, i-1) != '\\') {
			return i
		}
	}
	return -1
}

func isLocal(r rune) bool {
	if r < utf8.RuneSelf {
		return isWord(byte(r)) || strings.IndexByte(".+-%'~!#$*^", byte(r)) >= 0
	}
	return isForeign(r)
}

// isForeign tells whether a character beyond ASCII may stand in an address: RFC
// 6531 allows all, pictures and what is not seen included. Spaces and punctuation
// stand beside addresses.
func isForeign(r rune) bool {
	return r != utf8.RuneError && !unicode.IsSpace(r) && !unicode.IsPunct(r) && !unicode.IsControl(r)
}

// isReturnPath tells whether what stands before an equals sign is the head of a
// return path that names its recipient ("bounce+anna=example.com@..." or
// "bounces-7-anna=example.com@..."), not a key ("email=anna@...").
func isReturnPath(head, domain string) bool {
	for i := len(head); i > 0; i-- {
		switch b := head[i-1]; {
		case b == '+', b == '-' && strings.Contains(domain, "."):
			return true
		case !isWord(b) && b != '.' && b != '-':
			return false
		}
	}
	return false
}

// domainEnd returns where the domain that starts at start ends, 0 if there is
// none with a dot in it.
func domainEnd(s string, start int) int {
	if at(s, start) == '[' {
		return literalEnd(s, start)
	}
	end := start
	for end < len(s) {
		r, size := utf8.DecodeRuneInString(s[end:])
		if !isDomain(r) && !isDot(r) {
			break
		}
		end += size
	}
	run := strings.TrimRight(s[start:end], "-_.\u3002\uFF0E\uFF61")
	if !hasTopLevel(run) {
		return 0
	}
	return start + len(run)
}

// hasTopLevel tells whether a label but the first begins with two letters, as
// top-level domains do and the parts of versions do not.
func hasTopLevel(run string) bool {
	labels, length, letters := 0, 0, 0
	for _, r := range run {
		if isDot(r) {
			if length > 0 {
				labels++
			}
			length, letters = 0, 0
			continue
		}
		length++
		if unicode.IsLetter(r) || letters > 0 && unicode.IsMark(r) {
			letters++
		}
		if labels > 0 && length == 2 && letters == 2 {
			return true
		}
	}
	return false
}

// literalEnd returns the end of a domain that is an address in brackets (RFC
// 5321 section 4.1.3), 0 if it is none.
func literalEnd(s string, start int) int {
	const longest = 64
	digit := false // a marker in brackets has none
	for i := start + 1; i < len(s) && i < start+longest; i++ {
		switch b := s[i]; {
		case b == ']' && digit:
			return i + 1
		case !isWord(b) && b != '.' && b != ':':
			return 0
		}
		digit = digit || isDigit(s[i])
	}
	return 0
}

func isDomain(r rune) bool {
	if r < utf8.RuneSelf {
		return isWord(byte(r)) || r == '-'
	}
	return isForeign(r)
}

// isDot knows the dots that RFC 3490 section 3.1 takes for one.
func isDot(r rune) bool {
	return r == '.' || r == '\u3002' || r == '\uFF0E' || r == '\uFF61'
}
