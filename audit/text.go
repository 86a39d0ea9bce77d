package audit

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/trothdev/troth"
)

// String returns the entry in one line, for people: time, act, outcome, who,
// about whom, why, facts. Pseudonyms and digests are shortened to eight digits.
// Of an entry that was redacted or cannot be read it gives the id and says so.
// The form may change; the envelope's bytes are the record.
func (r Record) String() string {
	switch {
	case !r.RedactedBy.IsZero():
		return "entry " + r.ID.String() + " redacted, see entry " + r.RedactedBy.String()
	case r.Act == "":
		return "entry " + r.ID.String() + " unreadable"
	}
	parts := []string{
		instant(r.RecordedAt), r.Act, string(r.Outcome), "by", r.Actor.String(),
	}
	if !r.Subject.IsZero() {
		parts = append(parts, "about", r.Subject.Short())
	}
	if r.Purpose != "" {
		parts = append(parts, "for", word(string(r.Purpose)))
	}
	for _, f := range r.Facts {
		parts = append(parts, f.String())
	}
	return strings.Join(parts, " ")
}

// String returns kind and id of a service, or kind and short pseudonym of a
// person.
func (a ActorRef) String() string {
	if a.Kind == troth.Person {
		return string(a.Kind) + " " + a.Person.Short()
	}
	return string(a.Kind) + " " + word(a.Service)
}

// String returns name=value.
func (f NamedFact) String() string { return word(f.Name) + "=" + f.value() }

func (f NamedFact) value() string {
	switch f.Kind() {
	case troth.WordsFact:
		words := make([]string, len(f.Words()))
		for i, w := range f.Words() {
			words[i] = word(w)
		}
		return strings.Join(words, ",")
	case troth.CountFact:
		return strconv.FormatInt(f.Number(), 10)
	case troth.InstantFact:
		return instant(time.UnixMicro(f.Number()))
	case troth.DigestFact:
		return hex.EncodeToString([]byte(f.Text()))[:8]
	default: // a word or an id
		return word(f.Text())
	}
}

func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

// word quotes what would not read as one word.
func word(s string) string {
	odd := func(r rune) bool {
		return !unicode.IsGraphic(r) || unicode.IsSpace(r) || strings.ContainsRune(`"=,`, r)
	}
	if s == "" || strings.ContainsFunc(s, odd) {
		return strconv.Quote(s)
	}
	return s
}
