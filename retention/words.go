package retention

import (
	"slices"
	"strings"
	"unicode"

	"github.com/trothdev/troth/deadline"
)

// The closed lists. Visibilities rise.
var (
	applies      = []Apply{EarlierOnly, ApplyNew, ApplyAll}
	scopes       = []Scope{OfRecord, OfAccount, OfSubject, OfPurpose}
	ends         = []End{Destroy, Anonymise}
	visibilities = []Visibility{VisibleNone, VisibleStaff, VisibleOwner, VisibleAll}
	copyKinds    = []CopyKind{Primary, SearchIndex, Analytics, Provider, Logs, WALArchive, Backup, Paper}
	goals        = []Goal{Gone, Hidden}
)

// listed reports whether a word stands in its list; absent words mean the
// default.
func listed[T ~string](word T, list []T) bool { return word == "" || slices.Contains(list, word) }

// oneOf says what a word must be.
func oneOf[T ~string](list []T) string {
	words := make([]string, len(list))
	for i, word := range list {
		words[i] = string(word)
	}
	return "want one of " + strings.Join(words, ", ")
}

const (
	maxID   = 64
	maxLine = 1000
)

// isID reports whether s is an id: lower-case letters, digits, dots and hyphens,
// with a letter in front and no sign at the end.
func isID(s string) bool {
	if s == "" || len(s) > maxID || !letter(s[0]) || !letter(s[len(s)-1]) && !digit(s[len(s)-1]) {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !letter(c) && !digit(c) && c != '.' && c != '-' {
			return false
		}
	}
	return true
}

func letter(c byte) bool { return 'a' <= c && c <= 'z' }

func digit(c byte) bool { return '0' <= c && c <= '9' }

// isLine reports whether s is one line of text, with nothing blank around it.
func isLine(s string) bool {
	if s == "" || len(s) > maxLine {
		return false
	}
	runes := []rune(s)
	if unicode.IsSpace(runes[0]) || unicode.IsSpace(runes[len(runes)-1]) {
		return false
	}
	return !slices.ContainsFunc(runes, func(r rune) bool {
		return r == unicode.ReplacementChar || unicode.IsControl(r) || r == 0x2028 || r == 0x2029
	})
}

// maxYears bounds periods: nothing that is promised about people lasts longer,
// and every sum stays within the years that there are.
const maxYears = 150

// isSpan reports whether a period is one that policies have: not zero, at most
// 150 years, of days and more or of hours alone, and not of business days.
func isSpan(p deadline.Period) bool {
	days, ok := p.MaxDays()
	return ok && !p.IsZero() && days <= maxYears*366 && (p.Hours == 0 || p == deadline.Period{Hours: p.Hours})
}
