package troth

import (
	"fmt"
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
// characters (Unicode category Cc). It runs on the hot path of sealing, so the
// common case, printable ASCII, takes one pass and no allocation.
func checkIdentifier(kind, id string) error {
	if id == "" {
		return &IdentifierError{Kind: kind, Reason: "is empty"}
	}
	if len(id) > MaxIdentifier {
		return &IdentifierError{Kind: kind, Reason: fmt.Sprintf("is longer than %d bytes", MaxIdentifier)}
	}
	for i := range len(id) {
		if id[i]-' ' > '~'-' ' { // neither printable nor, by wrapping round, above
			return checkUnusual(kind, id)
		}
	}
	return nil
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
	if strings.HasPrefix(id, reserved) {
		for _, o := range ours {
			if id == o {
				return nil
			}
		}
		return &IdentifierError{Kind: kind, Reason: "is reserved"}
	}
	return nil
}
