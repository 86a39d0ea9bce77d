package rights

import (
	"errors"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/trothdev/troth/internal/canon"
)

// Outcome is what became of a request at one source. The list is closed.
type Outcome string

// The outcomes.
const (
	// Done: everything that the source held was dealt with.
	Done Outcome = "done"
	// NothingFound: the source was asked, and holds nothing.
	NothingFound Outcome = "nothing-found"
	// Retained: something is kept, and said why; the rest was dealt with.
	Retained Outcome = "retained"
	// Pending: the source took it on, and has not confirmed it.
	Pending Outcome = "pending"
	// Unsupported: the source cannot do it.
	Unsupported Outcome = "unsupported"
	// Failed: the source could not do it, however often it was tried, or is not
	// registered any more. Somebody has to see to it.
	Failed Outcome = "failed"
)

var outcomes = []Outcome{Done, NothingFound, Retained, Pending, Unsupported, Failed}

// Outcomes returns the closed list.
func Outcomes() []Outcome { return slices.Clone(outcomes) }

// Complete reports whether nothing is left of what was asked for.
func (o Outcome) Complete() bool { return o == Done || o == NothingFound }

// ActionMethod is how a source dealt with data. The list is closed, and every word is
// true or not used: what is only hidden was not deleted.
type ActionMethod string

// The methods.
const (
	// Deleted: taken out of the live system; copies go with their rotation.
	Deleted ActionMethod = "deleted"
	// Anonymised: nothing in it leads to a person any more.
	Anonymised ActionMethod = "anonymised"
	// KeyDestroyed: the key under which it is sealed is destroyed.
	KeyDestroyed ActionMethod = "key-destroyed"
	// Overwritten: other data stands in its place.
	Overwritten ActionMethod = "overwritten"
	// ExpiresWithBackup: nothing was done but to wait for copies to go.
	ExpiresWithBackup ActionMethod = "expires-with-backup"
	// Corrected: it was put right.
	Corrected ActionMethod = "corrected"
	// Restricted: it is kept and not used.
	Restricted ActionMethod = "restricted"
	// Unrestricted: the restriction was lifted; it is used again.
	Unrestricted ActionMethod = "unrestricted"
	// Ended: processing for the purpose has ended.
	Ended ActionMethod = "ended"
	// Disclosed: it was handed out.
	Disclosed ActionMethod = "disclosed"
)

var actionMethods = []ActionMethod{
	Deleted, Anonymised, KeyDestroyed, Overwritten, ExpiresWithBackup, Corrected, Restricted, Unrestricted, Ended, Disclosed,
}

// Report is what a source says that it did.
type Report struct {
	Outcome Outcome
	// Method is how; empty where nothing was done.
	Method ActionMethod
	// Records is how many records this call dealt with; of a [Remote] source how many
	// were dealt with under the inquiry's key so far.
	Records uint64
	// More says that there is more to do: the source is called again at once.
	More bool
	// Asked are the kinds of identifiers that were looked for; [NothingFound] without any
	// is no answer. The person's id is "subject".
	Asked []string
	// Kept is what is kept, for [Retained].
	Kept []Kept
	// Keyed is how many keyed hashes stay that tell nothing but that somebody is to be left
	// alone: opt-outs outlive the person (GDPR Article 21(3), 11 CCR §7022(f)).
	Keyed uint64
	// Until is, for [Pending], when the source should have confirmed.
	Until time.Time
	// CopiesUntil is when the last copy that nobody deletes one by one is gone, such as a
	// backup; zero where there are none.
	CopiesUntil time.Time
	// Ref is the source's own reference, such as a ticket; it is not about a person.
	Ref string
}

// Kept is something that a source keeps, and why.
type Kept struct {
	// Basis is [LegalClaims] for a legal hold and [LegalObligation] for a duty to keep, or
	// another of the reasons.
	Basis   Reason
	Records uint64
	// Until is when it goes at the latest, Review when somebody looks at it again; one
	// of them must be given. UTC.
	Until, Review time.Time
	// Cite is the law, such as "§ 147(3) AO".
	Cite string
}

// ErrReport says that a source reported something that cannot be: an outcome without what
// belongs to it. What is missing stands in its text, and as a word in the log.
var ErrReport = errors.New("rights: report of a source is not complete")

const maxKept = 50

// reportError is [ErrReport] and says what is missing, in words of the desk's own: nothing
// of a report stands in it.
type reportError struct{ word, text string }

func (e *reportError) Error() string { return ErrReport.Error() + ": " + e.text }
func (*reportError) Unwrap() error   { return ErrReport }

// SafeWord is for the log.
func (e *reportError) SafeWord() string { return "incomplete-report-" + e.word }

// What reports lack.
var (
	errReportWord    = &reportError{"word", "an outcome, method or basis that is not in the list"}
	errReportLength  = &reportError{"length", "something is too long, or too many"}
	errReportText    = &reportError{"text", "something is not UTF-8"}
	errReportInstant = &reportError{"instant", "an instant that no calendar has: before the year 1 or after 9999"}
	errReportUntil   = &reportError{"until", "what is kept has neither Until nor Review"}
	errReportMethod  = &reportError{"method", "Done without a Method"}
	errReportAsked   = &reportError{"asked", "NothingFound without what was Asked"}
	errReportKept    = &reportError{"kept", "Retained without anything Kept"}
	errReportRef     = &reportError{"ref", "what somebody settles needs a Ref of what shows it, and has no More"}
	errReportOutcome = &reportError{"outcome", "Records, Method, Kept or More do not go with the Outcome"}
)

// exact makes a report what will be read of it: instants in whole microseconds, UTC, of which
// 1970 itself is none. What differs by less says nothing new.
func (r *Report) exact() error {
	r.Kept = slices.Clone(r.Kept)
	instants, texts := []*time.Time{&r.Until, &r.CopiesUntil}, []string{r.Ref}
	for i := range r.Kept {
		k := &r.Kept[i]
		instants, texts = append(instants, &k.Until, &k.Review), append(texts, k.Cite)
	}
	for _, at := range instants {
		if year := at.UTC().Year(); year < 1 || year > 9999 {
			return errReportInstant
		}
		*at = instant(micros(*at))
	}
	if slices.ContainsFunc(texts, func(s string) bool { return !utf8.ValidString(s) }) {
		return errReportText
	}
	return nil
}

// validate holds a report to what its outcome needs, and makes it exact.
func (r *Report) validate() error {
	if err := r.exact(); err != nil {
		return err
	}
	switch {
	case !slices.Contains(outcomes, r.Outcome) || r.Method != "" && !slices.Contains(actionMethods, r.Method):
		return errReportWord
	case len(r.Asked) > maxList || len(r.Kept) > maxKept || len(r.Ref) > maxLine:
		return errReportLength
	}
	for _, kind := range r.Asked {
		if err := checkID("kind of identifier", kind); err != nil {
			return err
		}
	}
	for _, k := range r.Kept {
		switch {
		case !slices.Contains(reasonOrder, k.Basis):
			return errReportWord
		case k.Until.IsZero() && k.Review.IsZero():
			return errReportUntil
		case len(k.Cite) > maxLine:
			return errReportLength
		}
	}
	return r.fits()
}

// fits holds the rest of a report to its outcome.
func (r *Report) fits() error {
	kept, did := len(r.Kept) > 0, r.Records > 0 || r.Method != ""
	switch r.Outcome {
	case Done:
		if r.Method == "" {
			return errReportMethod
		}
		if kept {
			return errReportOutcome
		}
	case NothingFound:
		if len(r.Asked) == 0 {
			return errReportAsked
		}
		if did || kept || r.More {
			return errReportOutcome
		}
	case Retained:
		if !kept {
			return errReportKept
		}
	case Pending:
		if r.More || kept {
			return errReportOutcome
		}
	case Unsupported, Failed:
		if did || kept || r.More {
			return errReportOutcome
		}
	}
	return nil
}

func (k *Kept) append(dst []byte) []byte {
	dst = canon.AppendText(dst, k.Basis)
	dst = canon.AppendUint(dst, k.Records)
	dst = canon.AppendInt(dst, micros(k.Until))
	dst = canon.AppendInt(dst, micros(k.Review))
	return canon.AppendText(dst, k.Cite)
}

func (r *reader) kept() Kept {
	return Kept{
		Basis: Reason(r.text()), Records: r.Uint(), Until: instant(r.Int()), Review: instant(r.Int()), Cite: r.text(),
	}
}
