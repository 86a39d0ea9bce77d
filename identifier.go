package troth

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// MaxIdentifier is the longest identifier in bytes of UTF-8: of a tenant, a
// person, an actor, a purpose, a compartment, a table, a column or a row.
const MaxIdentifier = 255

// reserved begins the names that troth keeps for itself.
const reserved = "~"

// IdentifierError says that an identifier was refused where it entered. It
// describes the fault and never quotes the identifier, which may be personal.
type IdentifierError struct {
	// Kind is what the identifier names: "tenant", "subject", "purpose" …
	Kind string
	// Reason is a phrase of a closed list: "is empty", "is longer than 255
	// bytes", "is not UTF-8", "holds a control character", "is reserved".
	Reason string
}

func (e *IdentifierError) Error() string {
	return fmt.Sprintf("troth: %s identifier %s", e.Kind, e.Reason)
}

// checkIdentifier accepts one to [MaxIdentifier] bytes of UTF-8 without control
// characters (Unicode category Cc).
func checkIdentifier(kind, id string) error {
	switch {
	case plain(id):
		return nil
	case id == "":
		return &IdentifierError{Kind: kind, Reason: "is empty"}
	case len(id) > MaxIdentifier:
		return &IdentifierError{Kind: kind, Reason: fmt.Sprintf("is longer than %d bytes", MaxIdentifier)}
	}
	return checkUnusual(kind, id)
}

// plain reports whether id is a valid identifier of printable ASCII only. It
// looks at eight or four bytes at a time, the last ones overlapping: it runs on
// three short identifiers with every value that is sealed.
func plain(id string) bool {
	n := len(id)
	switch {
	case n > MaxIdentifier:
		return false
	case n >= 8:
		for i := 0; i < n-8; i += 8 {
			if odd(load8(id[i:])) {
				return false
			}
		}
		return !odd(load8(id[n-8:]))
	case n >= 4:
		return !odd(load4(id)<<32 | load4(id[n-4:]))
	case n > 0:
		return !odd(0x2020202020<<24 | uint64(id[0])<<16 | uint64(id[n/2])<<8 | uint64(id[n-1]))
	}
	return false
}

// odd reports whether any of eight bytes lies outside of ' ' to '~'.
func odd(x uint64) bool {
	const ones = 0x0101010101010101
	return ((x-' '*ones)&^x|(x+ones)|x)&(0x80*ones) != 0
}

func load8(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

func load4(s string) uint64 {
	_ = s[3]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24
}

// checkUnusual is checkIdentifier for what is not printable ASCII throughout.
func checkUnusual(kind, id string) error {
	if !utf8.ValidString(id) {
		return &IdentifierError{Kind: kind, Reason: "is not UTF-8"}
	}
	for _, r := range id {
		if r < ' ' || (r >= 0x7f && r <= 0x9f) {
			return &IdentifierError{Kind: kind, Reason: "holds a control character"}
		}
	}
	return nil
}

// checkName is checkIdentifier for names that hosts may choose freely except
// for those that troth reserves.
func checkName(kind, id string, ours ...string) error {
	if err := checkIdentifier(kind, id); err != nil {
		return err
	}
	if strings.HasPrefix(id, reserved) && !slices.Contains(ours, id) {
		return &IdentifierError{Kind: kind, Reason: "is reserved"}
	}
	return nil
}
