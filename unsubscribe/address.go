package unsubscribe

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// maxAddress is the longest address in bytes.
const maxAddress = 1024

// Address is an address in its two forms. Exact is the address in one way of
// writing it, and names one mailbox for sure; Mailbox is where it leads by the rules
// of its provider. Who is blocked under either is blocked; who is let in, is let in
// under Exact alone: to block too much is the safe error.
type Address struct {
	Exact, Mailbox string
}

// Normalise gives the forms of an address.
//
// E-mail: white space around it, "mailto:" and angle brackets go; the domain loses
// dots at its end and becomes an A-label (IDNA, or its own bytes where that fails);
// the local part becomes NFC. Of letters only A to Z are folded: nothing makes two
// mailboxes one. Dots and tags stay in Exact.
//
// SMS, and telephone numbers on a messenger: E.164 with its plus sign; national
// numbers are refused. Push tokens stay as they are. Post: NFC, A to Z folded, white
// space collapsed.
//
// It returns [ErrAddress] for what cannot be read.
func Normalise(c Channel, address string) (Address, error) {
	exact, at, err := appendExact(nil, c, address)
	if err != nil {
		return Address{}, err
	}
	a := Address{Exact: string(exact), Mailbox: string(exact)}
	if c == Email {
		if mailbox, differs := appendMailbox(nil, exact, at); differs {
			a.Mailbox = string(mailbox)
		}
	}
	return a, nil
}

// appendExact appends the exact form; at is where its @ stands in it.
func appendExact(dst []byte, c Channel, address string) (out []byte, at int, err error) {
	if len(address) > maxAddress {
		return dst, 0, ErrAddress
	}
	switch c {
	case Email:
		return appendEmail(dst, address)
	case SMS:
		out, ok := appendPhone(dst, trim(address))
		if !ok {
			return dst, 0, ErrAddress
		}
		return out, 0, nil
	case Messenger:
		address = trim(address)
		if out, ok := appendPhone(dst, address); ok {
			return out, 0, nil
		}
		return appendText(dst, address)
	case Push:
		if address = trim(address); address == "" || !utf8.ValidString(address) {
			return dst, 0, ErrAddress
		}
		return append(dst, address...), 0, nil
	case Post:
		return appendText(dst, strings.Join(strings.Fields(address), " "))
	}
	return dst, 0, ErrChannel
}

const space = " \t\r\n\f\v"

func trim(s string) string { return strings.Trim(s, space) }

// appendText is for what is compared by its letters.
func appendText(dst []byte, s string) ([]byte, int, error) {
	if s == "" || !clean(s) {
		return dst, 0, ErrAddress
	}
	if !ascii(s) {
		s = norm.NFC.String(s)
	}
	return appendLower(dst, s), 0, nil
}

func appendEmail(dst []byte, s string) (out []byte, at int, err error) {
	s = unwrap(s)
	at = strings.LastIndexByte(s, '@')
	if at <= 0 || !clean(s) || strings.ContainsAny(s, "<>") {
		return dst, 0, ErrAddress
	}
	local, domain := s[:at], strings.TrimRight(s[at+1:], ". ")
	if !ascii(s) {
		local, domain = norm.NFC.String(local), foldDomain(domain)
	}
	if domain == "" {
		return dst, 0, ErrAddress
	}
	out = appendLower(dst, local)
	at = len(out) - len(dst)
	out = append(out, '@')
	return appendLower(out, domain), at, nil
}

// unwrap takes off what stands around an address where it is copied from.
func unwrap(s string) string {
	const mailto = "mailto:"
	for {
		s = trim(s)
		switch {
		case len(s) >= len(mailto) && strings.EqualFold(s[:len(mailto)], mailto) && ascii(s[:len(mailto)]):
			s, _, _ = strings.Cut(s[len(mailto):], "?")
		case len(s) >= 2 && s[0] == '<' && s[len(s)-1] == '>':
			s = s[1 : len(s)-1]
		default:
			return s
		}
	}
}

func foldDomain(domain string) string {
	if ascii(domain) {
		return domain
	}
	folded, err := idna.Lookup.ToASCII(domain)
	if err != nil || strings.ContainsAny(folded, "@<>") {
		return norm.NFC.String(domain)
	}
	return strings.TrimRight(folded, ". ")
}

// appendPhone appends a number in E.164, if it is one with its country code.
func appendPhone(dst []byte, s string) (out []byte, ok bool) {
	switch {
	case strings.HasPrefix(s, "+"):
		s = s[1:]
	case strings.HasPrefix(s, "00"):
		s = s[2:]
	default:
		return dst, false
	}
	dst, start := append(dst, '+'), len(dst)
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			dst = append(dst, byte(r))
		case strings.ContainsRune(" -().\u00a0/", r):
		default:
			return dst[:start], false
		}
	}
	// Country codes begin with 1 to 9; 15 digits at most (ITU-T E.164, section 6).
	n := len(dst) - start - 1
	if n < 7 || n > 15 || dst[start+1] == '0' {
		return dst[:start], false
	}
	return dst, true
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// clean reports whether s is UTF-8 without control characters.
func clean(s string) bool {
	for i, r := range s {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD") {
			return false
		}
	}
	return true
}

// appendLower folds A to Z and nothing else.
func appendLower(dst []byte, s string) []byte {
	for i := range len(s) {
		b := s[i]
		if b >= 'A' && b <= 'Z' {
			b += 'a' - 'A'
		}
		dst = append(dst, b)
	}
	return dst
}
