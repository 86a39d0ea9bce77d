package audit

import (
	"encoding/hex"
	"errors"
	"iter"
	"strings"
	"time"

	"github.com/trothdev/troth"
)

// States of an entry in [WriteJSONL] and [WriteCSV].
const (
	stateLogged     = "logged"
	statePending    = "pending"
	stateRedacted   = "redacted"
	stateUnreadable = "unreadable"
)

// listed is an entry as it is written for people and their tools.
type listed struct {
	Record
	state string
	// problem says why the entry cannot be read.
	problem string
}

// eachListed calls write for every entry, also for those that cannot be read, and
// ends with any other error of the sequence.
func eachListed(entries iter.Seq2[Record, error], write func(listed) error) error {
	for r, err := range entries {
		l := listed{Record: r, state: stateOf(r)}
		if err != nil {
			unreadable, ok := errors.AsType[*EntryError](err)
			if !ok {
				return err
			}
			l.state, l.problem = stateUnreadable, unreadable.Err.Error()
			l.ID = unreadable.ID
		}
		if err := write(l); err != nil {
			return err
		}
	}
	return nil
}

func stateOf(r Record) string {
	switch {
	case r.Pending:
		return statePending
	case !r.RedactedBy.IsZero() && len(r.Raw) == 0:
		return stateRedacted
	default:
		return stateLogged
	}
}

// placed reports whether the entry stands in a log.
func (l listed) placed() bool { return l.Log > 0 }

// said reports whether there is an envelope to tell of.
func (l listed) said() bool { return l.state == stateLogged || l.state == statePending }

// actor is the id of a service, or the pseudonym of a person.
func (l listed) actor() string {
	if l.Actor.Kind == troth.Person {
		return l.Actor.Person.String()
	}
	return l.Actor.Service
}

func (l listed) subject() string {
	if l.Subject.IsZero() {
		return ""
	}
	return l.Subject.String()
}

func (l listed) redactedBy() string {
	if l.RedactedBy.IsZero() {
		return ""
	}
	return l.RedactedBy.String()
}

// factTexts are the facts as name=value, with a space between: what would not
// read as one word is quoted, words have commas between them, digests are whole.
func factTexts(facts []NamedFact) string {
	texts := make([]string, len(facts))
	for i, f := range facts {
		texts[i] = f.String()
		if f.Kind() == troth.DigestFact {
			texts[i] = word(f.Name) + "=" + hex.EncodeToString([]byte(f.Text()))
		}
	}
	return strings.Join(texts, " ")
}

// factValue is a fact as JSON has it.
func factValue(f troth.Fact) any {
	switch f.Kind() {
	case troth.WordsFact:
		return append([]string{}, f.Words()...)
	case troth.CountFact:
		return f.Number()
	case troth.InstantFact:
		return instant(time.UnixMicro(f.Number()))
	case troth.DigestFact:
		return hex.EncodeToString([]byte(f.Text()))
	default: // a word or an id
		return f.Text()
	}
}
