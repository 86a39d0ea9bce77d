package redact

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"strings"
)

// Markers stand in the place of what was masked. With [WithTokens] a token
// follows behind a colon, except in Unreadable.
const (
	// Redacted replaces the value of a declared field.
	Redacted = "[redacted]"
	// Unreadable replaces a value that could not be inspected.
	Unreadable = "[unreadable]"
	// Email replaces an e-mail address.
	Email = "[email]"
	// Phone replaces a telephone number.
	Phone = "[phone]"
	// Card replaces the number of a payment card.
	Card = "[card]"
	// IP replaces an IPv4 or IPv6 address; its port stays.
	IP = "[ip]"
)

// rules are what a core masks. They do not change once they are made.
type rules struct {
	names map[string]struct{} // in lower case
	key   []byte              // none: no tokens
	trace func(context.Context) (traceID, spanID string)
}

func newRules(opts []Option) (*rules, error) {
	r := &rules{names: map[string]struct{}{}}
	for _, o := range opts {
		if err := o(r); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (r *rules) declared(name string) bool {
	if len(r.names) == 0 {
		return false
	}
	name = strings.ToLower(name)
	if _, ok := r.names[name]; ok {
		return true
	}
	for _, more := range moreOfErrors {
		if head, ok := strings.CutSuffix(name, more); ok {
			if _, ok := r.names[head]; ok {
				return true
			}
		}
	}
	return false
}

// moreOfErrors end the names, in lower case, under which zap writes what else an
// error says when it is a field of an object.
var moreOfErrors = [...]string{"verbose", "causes"}

// alphabet has neither digits nor vowels: no token looks like a number, and
// none like a word.
const alphabet = "bcdfghjklmnpqrst"

// mark returns the marker for a value, with its token if there are tokens.
func (r *rules) mark(marker, value string) string {
	if r.key == nil {
		return marker
	}
	mac := hmac.New(sha256.New, r.key)
	mac.Write([]byte(strings.ToLower(strings.TrimSpace(value))))
	token := make([]byte, 0, 12)
	for _, b := range mac.Sum(nil)[:6] {
		token = append(token, alphabet[b>>4], alphabet[b&15])
	}
	return strings.TrimSuffix(marker, "]") + ":" + string(token) + "]"
}
