package consent

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/trothdev/troth"
)

// validText accepts one to [MaxTitle] bytes of UTF-8 without control characters.
func validText(s string) bool {
	return s != "" && len(s) <= MaxTitle && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// checkID holds an identifier of ours to the rules of all identifiers, and keeps
// the names that begin with "~" for the ledger.
func checkID(kind, id string, most int) error {
	if err := troth.Purpose(id).Validate(); err != nil {
		return identifierError(kind, err)
	}
	if len(id) > most {
		return &troth.IdentifierError{Kind: kind, Reason: "is too long"}
	}
	return nil
}

// forever is an instant after every other.
const forever = int64(1<<63 - 1)

// micros is an instant as it is stored; the zero time is 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// instant is the inverse of micros.
func instant(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// plainInstant is an instant for people.
func plainInstant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }
