package unsubscribe

import (
	"encoding/base64"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxListID is the longest identifier of a list (RFC 2919, section 3).
const maxListID = 255

// ListID names a list to the programs of its readers, which sort by it (RFC
// 2919). It stays the same for as long as the list lives; programs compare it
// without regard to case.
type ListID struct {
	// Title is for people to read; it may be empty, and may change.
	Title string
	// Label and Domain identify the list: "weekly" at "news.shop.example". The
	// domain is the sender's.
	Label, Domain string
}

// Field gives the field List-Id.
func (l ListID) Field() (HeaderField, error) {
	refuse := func(reason string) (HeaderField, error) {
		return HeaderField{}, &HeaderError{Field: listIDField, Reason: reason}
	}
	id := l.Label + "." + l.Domain
	switch {
	case !dotAtom(l.Label):
		return refuse("the label is not a dot-atom of ASCII")
	case !dotAtom(l.Domain) || !strings.Contains(l.Domain, "."):
		return refuse("the domain is not one of ASCII")
	case strings.EqualFold(l.Domain, "localhost") || strings.HasSuffix(strings.ToLower(l.Domain), ".localhost"):
		return refuse("names under localhost are not unique without randomness")
	case len(id) > maxListID:
		return refuse("the identifier is longer than 255 bytes")
	case l.Title == "":
		return HeaderField{Name: listIDField, Value: "<" + id + ">"}, nil
	}
	title, ok := phrase(l.Title)
	if !ok {
		return refuse("the title is too long, not UTF-8, or holds a control character")
	}
	words := slices.Concat(title, []string{"<" + id + ">"})
	return HeaderField{Name: listIDField, Value: strings.Join(words, " "), folded: strings.Join(words, "\r\n ")}, nil
}

// maxTitle keeps a title on one line.
const maxTitle = 200

// phrase writes text as a quoted string if it is ASCII, else in encoded words
// (RFC 2047).
func phrase(s string) ([]string, bool) {
	if len(s) > maxTitle || !utf8.ValidString(s) || strings.ContainsFunc(s, breaksLine) {
		return nil, false
	}
	if !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII }) && !strings.Contains(s, "=?") {
		return []string{`"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`}, true
	}
	return encodedWords(s), true
}

// encodedWords encodes in words of at most 75 bytes that each hold whole
// characters. All of the text is encoded: the spaces between words, which readers
// drop, are never part of it.
func encodedWords(s string) []string {
	const most = 42 // of UTF-8: 56 in base64, 68 with what stands around it
	var words []string
	for s != "" {
		n := min(len(s), most)
		for n < len(s) && !utf8.RuneStart(s[n]) {
			n--
		}
		words = append(words, "=?utf-8?b?"+base64.StdEncoding.EncodeToString([]byte(s[:n]))+"?=")
		s = s[n:]
	}
	return words
}

// breaksLine is what a header must not carry: controls, and the separators that
// some programs take for the end of a line.
func breaksLine(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029'
}
