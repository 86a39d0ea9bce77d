package unsubscribe

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"strings"
)

// maxHeader is how much of a message is looked at for the end of its header.
const maxHeader = 1 << 20

// maxSignatures is how many signatures of a message are looked at.
const maxSignatures = 32

// ErrUnsigned says that no DKIM signature of a message covers both header fields,
// so that mailbox providers do not offer one-click (RFC 8058, section 4).
var ErrUnsigned = errors.New("unsubscribe: no DKIM signature covers List-Unsubscribe and List-Unsubscribe-Post")

// Signature is what one DKIM signature of a message says that it covers.
type Signature struct {
	// Domain and Selector are those that signed, d= and s=.
	Domain, Selector string
	// Covers is whether every occurrence of both fields is signed.
	Covers bool
	// OverSigned is whether both fields are also named once more than they occur,
	// so that nobody on the way can add one without breaking the signature (RFC
	// 6376, 8.15).
	OverSigned bool
}

// CheckSigned looks at a finished message, as it is handed to a mail server, and
// tells what its DKIM signatures cover. A tool that adds the fields after
// signing, or signs a fixed list of others, is the usual reason why a mailbox
// provider does not offer one-click; run this in a test of the host, or for one
// message in a thousand.
//
// It returns [ErrUnsigned] unless one signature covers all there is of both, and
// a *[HeaderError] where one of the fields is missing, stands twice, or does not
// say what RFC 8058 wants. It does not verify signatures, which needs the
// signer's key from the DNS: examples/dkimcheck does both.
func CheckSigned(message io.Reader) ([]Signature, error) {
	head, err := textproto.NewReader(bufio.NewReader(io.LimitReader(message, maxHeader))).ReadMIMEHeader()
	if err != nil {
		// The reader's own error quotes the line that it did not like.
		return nil, errors.New("unsubscribe: the message's header cannot be read")
	}
	var all []Signature
	found := ErrUnsigned
	values := head["Dkim-Signature"]
	for _, value := range values[:min(len(values), maxSignatures)] {
		s := coverageOf(value, head)
		all = append(all, s)
		if s.Covers {
			found = nil
		}
	}
	if err := checkFinished(head); err != nil {
		return all, err
	}
	return all, found
}

// checkFinished demands one of each field, and in them what RFC 8058 wants.
func checkFinished(head textproto.MIMEHeader) error {
	for _, name := range []string{listUnsubscribe, listUnsubscribePost} {
		if n := len(head[name]); n != 1 {
			return &HeaderError{Field: name, Reason: fmt.Sprintf("it stands in the message %d times, not once", n)}
		}
	}
	if head[listUnsubscribePost][0] != oneClickName+"="+oneClickValue {
		return &HeaderError{Field: listUnsubscribePost, Reason: "it is not List-Unsubscribe=One-Click"}
	}
	https := 0
	for part := range strings.SplitSeq(head[listUnsubscribe][0], ",") {
		uri, ok := strings.CutPrefix(strings.TrimSpace(part), "<")
		if !ok || !strings.HasSuffix(uri, ">") {
			return &HeaderError{Field: listUnsubscribe, Reason: "it is not a list of URIs in angle brackets"}
		}
		if len(uri) > 8 && strings.EqualFold(uri[:8], "https://") {
			https++
		}
	}
	if https != 1 {
		return &HeaderError{Field: listUnsubscribe, Reason: fmt.Sprintf("it has %d https URIs, not one", https)}
	}
	return nil
}

// coverageOf counts: h= names a field once for each occurrence that is signed,
// the last one first (RFC 6376, 5.4.2).
func coverageOf(value string, head textproto.MIMEHeader) Signature {
	tags := dkimTags(value)
	named := make(map[string]int)
	for name := range strings.SplitSeq(tags["h"], ":") {
		named[textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name))]++
	}
	s := Signature{Domain: tags["d"], Selector: tags["s"], Covers: true, OverSigned: true}
	for _, name := range []string{listUnsubscribe, listUnsubscribePost} {
		there := len(head[name])
		s.Covers = s.Covers && there > 0 && named[name] >= there
		s.OverSigned = s.OverSigned && there > 0 && named[name] > there
	}
	return s
}

// dkimTags reads a tag list (RFC 6376, 3.2). A tag that stands twice makes the
// whole list void.
func dkimTags(value string) map[string]string {
	tags := make(map[string]string)
	for part := range strings.SplitSeq(value, ";") {
		name, v, ok := strings.Cut(part, "=")
		if !ok {
			continue
		}
		name = strings.TrimSpace(name)
		if _, twice := tags[name]; twice {
			return nil
		}
		tags[name] = strings.TrimSpace(v)
	}
	return tags
}
