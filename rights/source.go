package rights

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"unicode/utf8"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights/export"
)

// Order is when a source has its turn where something is changed or destroyed. All
// sources of one order are settled before the next order begins: what is made of other
// data goes before it, and what people are found by goes last.
type Order string

// The orders, in their order.
const (
	// Derived is made of what other sources hold: search indexes, analytics, caches.
	Derived Order = "derived"
	// Remote is held by somebody else: processors, and recipients who are to be told
	// (GDPR Article 19).
	Remote Order = "remote"
	// Primary is the host's own data.
	Primary Order = "primary"
	// Identity is what people are found by: accounts, directories.
	Identity Order = "identity"
)

var orders = []Order{Derived, Remote, Primary, Identity}

// Orders returns every order, the first first.
func Orders() []Order { return slices.Clone(orders) }

// Source is one place where data about people lies, and what can be done there. What it
// has no part for is reported as [Unsupported], and never as done.
//
// Where one fails, the log has its name, the type of the error, and a word where there is one:
// that of a [SafeError], "deadline" or "busy", or a database's "sqlstate-40001". What an error
// says is logged nowhere, since it may name people: a source that wants to be understood wraps
// its errors in a SafeError, or logs by itself.
type Source struct {
	// Name tells it from the others, in evidence and certificates too; it is the host's
	// and stays the same. Title is what people read.
	Name, Title string
	Order       Order
	// For are the rights that it has to do with; none is all of them. It is not asked for
	// others: what nobody writes to people from has nothing to do with objections. Where
	// another source erases the same records, such as that of a retention keeper, Erase
	// is not among them: this one would report [Unsupported] for ever.
	For []Right
	// Records are the host's record types that it holds.
	Records []string
	// Policy says by which version of what rules it works, such as the hash of a
	// retention policy; optional. It is noted with each request when that is accepted.
	Policy string

	Locator    Locator
	Exporter   Exporter
	Eraser     Eraser
	Corrector  Corrector
	Restrictor Restrictor
	Objector   Objector
	Prober     Prober
}

// Inquiry is about whom a source is asked, and for what.
type Inquiry struct {
	Tenant troth.Tenant
	// Request is the id of the request; it is not about a person.
	Request string
	Right   Right
	// SubjectID is the person, Identifiers everything that they can be found by: what
	// the request came with, and what sources added. They are the same whenever a
	// request is carried out again, also after sources lost them.
	SubjectID   string
	Identifiers []Identifier
	// Purposes and Fields narrow what is asked for.
	Purposes []troth.Purpose
	Fields   []string
	// Key is the same whenever the source is asked the same, and different otherwise: an
	// idempotency key for those elsewhere.
	Key string
}

// Subject is the person as the seams of package troth name them.
func (q Inquiry) Subject() troth.Subject { return troth.Subject{Tenant: q.Tenant, ID: q.SubjectID} }

// Locator finds out what there is of a person, and by what else they can be found.
type Locator interface {
	// Locate changes nothing. It is called again when other sources have added
	// identifiers.
	Locate(ctx context.Context, q Inquiry) (Located, error)
}

// Located is what a source holds of a person.
type Located struct {
	// Records is how many.
	Records uint64
	// Identifiers are those that others may find more by.
	Identifiers []Identifier
}

// Exporter hands out what a source holds of a person. Whom fields are about is said by
// the field, its column or its type; what is about others, or about nobody knows whom, is
// kept back, see package export.
type Exporter interface {
	// Types describe the types of records that Export gives.
	Types() []export.Type
	// Export gives every record once. An error ends it, and what was given before
	// stays in the archive, which says so.
	Export(ctx context.Context, q Inquiry) iter.Seq2[export.Record, error]
}

// Eraser destroys what a source holds of a person.
//
// One that is not [Remote] is called in a transaction, which commits together with what
// it reports; it may be called again for what is left, see [Report.More]. Other sources may
// have worked in the same transaction before, and what it did is undone and asked for again
// where one after it fails: it writes by the context that it is given, or it is Remote. One
// that is Remote is called outside of any transaction, and may be called again with the same
// key: it reports everything that was done under that key.
type Eraser interface {
	Erase(ctx context.Context, q Inquiry) (Report, error)
}

// Corrector puts right what the request says is wrong. It is called as an [Eraser] is.
type Corrector interface {
	Correct(ctx context.Context, q Inquiry) (Report, error)
}

// Restrictor has data kept and not used (Article 18), for all but the purposes that the
// law leaves, until that is lifted. It is called as an [Eraser] is.
type Restrictor interface {
	Restrict(ctx context.Context, q Inquiry) (Report, error)
	// Lift ends what was restricted for the request of q, and no other restriction. That
	// there is none any more is no error. It may be called again.
	Lift(ctx context.Context, q Inquiry, l Lifted) error
}

// Objector ends processing for purposes: an objection (Article 21), an opt-out of sale or
// sharing, a limit to sensitive data, consent taken back. It is called as an [Eraser] is.
type Objector interface {
	Object(ctx context.Context, q Inquiry) (Report, error)
}

// Prober looks again at what is [Pending], or at when copies are gone, and changes
// nothing. Records are those of a [Remote] source; of others none.
type Prober interface {
	Probe(ctx context.Context, q Inquiry) (Report, error)
}

// acting is what a source does for a right; nil if it cannot.
func (s *Source) acting(r Right) func(ctx context.Context, q Inquiry) (Report, error) {
	switch r {
	case Erase:
		if s.Eraser != nil {
			return s.Eraser.Erase
		}
	case Correct:
		if s.Corrector != nil {
			return s.Corrector.Correct
		}
	case Restrict:
		if s.Restrictor != nil {
			return s.Restrictor.Restrict
		}
	case Object, OptOut, LimitSensitive, WithdrawConsent:
		if s.Objector != nil {
			return s.Objector.Object
		}
	case Know, Access, Portability, Recipients, HumanReview, Complaint, Appeal: // are answered
	}
	return nil
}

// asked reports whether it is asked for a right.
func (s *Source) asked(r Right) bool { return len(s.For) == 0 || slices.Contains(s.For, r) }

func (s *Source) validate() error {
	if err := checkID("source", s.Name); err != nil {
		return err
	}
	if !slices.Contains(orders, s.Order) {
		return fmt.Errorf("rights: source %s has no order", s.Name)
	}
	if len(s.Title) > maxLine || !utf8.ValidString(s.Title) {
		return fmt.Errorf("rights: the title of source %s is too long, or not UTF-8", s.Name)
	}
	for _, r := range s.For {
		if !r.Valid() {
			return ErrRight
		}
	}
	for _, r := range s.Records {
		if err := checkID("record type", r); err != nil {
			return err
		}
	}
	if s.Policy != "" {
		return checkID("policy of a source", s.Policy)
	}
	return nil
}

// WithSource registers a source, beside those of earlier calls. Requests that were accepted
// before do not know it; one that no source is for becomes a task for a person.
func WithSource(s Source) Option {
	return func(o *options) error {
		if err := s.validate(); err != nil {
			return err
		}
		if slices.ContainsFunc(o.sources, func(t Source) bool { return t.Name == s.Name }) {
			return fmt.Errorf("rights: source %s is registered twice", s.Name)
		}
		o.sources = append(o.sources, s)
		return nil
	}
}

// Sources returns what is registered, in the order of registration.
func (d *Desk) Sources() []Source { return slices.Clone(d.opt.sources) }

// source finds a source by name; nil if it is not registered any more.
func (d *Desk) source(name string) *Source {
	for i := range d.opt.sources {
		if d.opt.sources[i].Name == name {
			return &d.opt.sources[i]
		}
	}
	return nil
}
