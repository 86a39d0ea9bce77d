package export

import (
	"context"
	"errors"
)

// Redactor decides what of a record may be handed out. It is asked about every
// field, and whatever goes wrong keeps the field back:
//
//   - no decision about a field about [Person] hands it out;
//   - no decision about any other field redacts it, as [ThirdParty] or
//     [NotClassified];
//   - an error, or a panic, redacts the field as [Undecided], whatever it is about.
//
// Without a Redactor nothing decides.
type Redactor func(ctx context.Context, q Question) (Decision, error)

// Question is one field of one record.
type Question struct {
	Source string
	Record *Record
	// Field is that of the record, with About as it was resolved.
	Field Field
}

// Decision is what becomes of a field. The zero Decision is none.
type Decision struct {
	verdict verdict
	reason  Reason
	instead string
}

type verdict uint8

const (
	undecided verdict = iota
	disclose
	withhold
)

// Disclose hands the field out as it is.
func Disclose() Decision { return Decision{verdict: disclose} }

// Withhold keeps the field back, for that reason. A reason that is not in the list
// keeps it back as [Undecided].
func Withhold(r Reason) Decision { return Decision{verdict: withhold, reason: r} }

// Replace keeps the field back and writes a short text in its place, such as "another
// person": one line of at most 255 bytes. Anything else is left out.
func Replace(r Reason, instead string) Decision {
	return Decision{verdict: withhold, reason: r, instead: instead}
}

var errPanicked = errors.New("export: the redactor panicked")

// asked asks a redactor, whose panic is an error.
func asked(ctx context.Context, ask Redactor, q Question) (d Decision, err error) {
	defer func() {
		if recover() != nil {
			d, err = Decision{}, errPanicked
		}
	}()
	return ask(ctx, q)
}

// decide is the one place where a field passes or not.
func decide(ctx context.Context, ask Redactor, q Question) Value {
	var d Decision
	if ask != nil {
		var err error
		if d, err = asked(ctx, ask, q); err != nil {
			return redactedValue(Undecided, "")
		}
	}
	switch d.verdict {
	case disclose:
		return q.Field.Value
	case withhold:
		return RedactedValue(d.reason, d.instead)
	case undecided:
	}
	switch q.Field.About {
	case Person:
		return q.Field.Value
	case Others:
		return redactedValue(ThirdParty, "")
	default:
		return redactedValue(NotClassified, "")
	}
}
