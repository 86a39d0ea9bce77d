package unsubscribe

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// The names of the header fields, as written.
const (
	listUnsubscribe     = "List-Unsubscribe"
	listUnsubscribePost = "List-Unsubscribe-Post"
	listIDField         = "List-Id"
)

// oneClickName and oneClickValue are the whole of List-Unsubscribe-Post and of
// the body that is posted in answer (RFC 8058, 3.1).
const (
	oneClickName  = "List-Unsubscribe"
	oneClickValue = "One-Click"
)

// maxLine is how long a line of a message may be without its end (RFC 5322,
// 2.1.1). A URI cannot be folded.
const maxLine = 998

// HeaderError says why a header field is not made. It quotes nothing.
type HeaderError struct {
	Field  string
	Reason string
}

func (e *HeaderError) Error() string { return fmt.Sprintf("unsubscribe: %s: %s", e.Field, e.Reason) }

// HeaderField is a field of a message's header. Value has no line break: it is
// for libraries that fold themselves.
type HeaderField struct {
	Name, Value string
	folded      string
}

// String is the field as it stands in a message, folded, with its line ends.
func (f HeaderField) String() string {
	value := f.folded
	if value == "" {
		value = f.Value
	}
	return f.Name + ": " + value + "\r\n"
}

// ListHeaders say how a recipient leaves a list.
type ListHeaders struct {
	// URL is where a mailbox provider posts: a link of [Links.URL].
	URL string
	// Mailto may stand beside: the address to which a message asks the same. It
	// must lead to somebody, or something, who records it.
	Mailto string
	// List is the list's name for filters; the zero ListID gives no List-Id.
	List ListID
}

// Fields gives List-Unsubscribe (RFC 2369, 3.2) with one https URI in it,
// List-Unsubscribe-Post (RFC 8058, 3.1), and List-Id (RFC 2919) if there is a
// list. All must be in the message before it is signed, and one DKIM signature
// must cover the first two: see [CheckSigned]. The error is a *[HeaderError].
func (h ListHeaders) Fields() ([]HeaderField, error) {
	uris := make([]string, 0, 2)
	if err := checkOneClickURL(h.URL); err != nil {
		return nil, err
	}
	uris = append(uris, "<"+h.URL+">")
	if h.Mailto != "" {
		uri, err := mailto(h.Mailto)
		if err != nil {
			return nil, err
		}
		uris = append(uris, "<"+uri+">")
	}
	fields := []HeaderField{
		{Name: listUnsubscribe, Value: strings.Join(uris, ", "), folded: strings.Join(uris, ",\r\n ")},
		{Name: listUnsubscribePost, Value: oneClickName + "=" + oneClickValue},
	}
	if h.List != (ListID{}) {
		f, err := h.List.Field()
		if err != nil {
			return nil, err
		}
		fields = append(fields, f)
	}
	return fields, nil
}

// checkOneClickURL accepts a URL that stands in the field as it is: of https,
// absolute, with a path and nothing behind it, in the characters of a URI.
func checkOneClickURL(s string) error {
	refuse := func(reason string) error { return &HeaderError{Field: listUnsubscribe, Reason: reason} }
	if len(s) > maxLine-len(listUnsubscribe)-len(": <>,") {
		return refuse("the URL is too long for a line")
	}
	if !uriText(s) {
		return refuse("the URL holds a character that a header cannot carry")
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return refuse("the URL cannot be read")
	case u.Scheme != "https" || !strings.HasPrefix(s, "https://"):
		return refuse("the URL is not of https")
	case u.Host == "" || u.Hostname() == "":
		return refuse("the URL names no host")
	case u.User != nil:
		return refuse("the URL names a user")
	case u.RawQuery != "" || u.ForceQuery || strings.ContainsAny(s, "?#&;"):
		return refuse("the URL has more than a path, which mail programs damage")
	}
	return nil
}

// uriText accepts what can stand between angle brackets in a list of URIs: no
// space, no control, nothing outside of ASCII, no bracket, quote, comma,
// backslash or anything else that RFC 3986 does not allow in a URI.
func uriText(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case strings.IndexByte("-._~:/?#@!$&'*+;=%[]", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}

var errMailto = &HeaderError{Field: listUnsubscribe, Reason: "the mailto address is not a plain one"}

// mailto makes the URI of an address (RFC 6068), which must be a dot-atom of
// ASCII at a domain.
func mailto(address string) (string, error) {
	local, domain, ok := strings.Cut(address, "@")
	if !ok || !dotAtom(local) || !dotAtom(domain) || len(address) > 254 {
		return "", errMailto
	}
	return "mailto:" + escapeMailto(local) + "@" + escapeMailto(domain), nil
}

// escapeMailto writes everything but letters, digits and "-._~" in percents.
func escapeMailto(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if alphanumeric(c) || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func alphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// dotAtom reports whether s is a dot-atom-text (RFC 5322, 3.2.3).
func dotAtom(s string) bool {
	for atom := range strings.SplitSeq(s, ".") {
		if atom == "" {
			return false
		}
		for i := range len(atom) {
			if c := atom[i]; !alphanumeric(c) && strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) < 0 {
				return false
			}
		}
	}
	return true
}

// errNoHTTPS is what a configuration is refused with.
var errNoHTTPS = errors.New("unsubscribe: the base of links is not an https URL with a host and no query")
