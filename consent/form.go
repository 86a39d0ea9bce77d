package consent

import (
	"crypto/sha256"
	"net/netip"
	"time"

	"github.com/trothdev/troth"
)

// Form is what a person said in one act: one choice or several at once, each for
// a purpose of its own.
type Form struct {
	// ID is the host's, at most [MaxFormID] bytes. Recording the same form again
	// is recording it once. It does not begin with "~" and is not about a person.
	ID      string
	Subject troth.Subject
	Choices []Choice
	// GivenAt is when it was said, as on a paper form; zero is now. A no from the
	// future counts from now, anything else from there is refused.
	GivenAt time.Time
	Method  Method
	Channel Channel
	// Notice is what the person was shown: its ID, and Version and Language. Its
	// Text is looked up.
	Notice NoticeRef
	// Age is what is known of the person's age; purposes with an age rule need it.
	Age *Age
	// Guardian is who gives leave, for [GuardianAuthorised].
	Guardian *Guardian
	// Import is where a form that is imported comes from, with [ByImport]; consent
	// that is [Imported] needs it.
	Import   *Import
	Evidence Evidence
}

// Choice is what was said about one purpose.
type Choice struct {
	Purpose troth.Purpose
	Kind    Kind
	// Version is the version of the purpose that it is about; 0 is the one that was
	// in force when it was said. One that was published later can only be imported.
	Version uint32
	// Wording are the words beside the control that was used, at most
	// [MaxWording] bytes. The ledger keeps them under their SHA-256.
	Wording string
}

// Age is what is known of a person's age. Nothing of it is kept but what the age
// rule made of it.
type Age struct {
	// Country is the ISO 3166-1 code of two letters whose limit applies.
	Country string
	// Years is the age in completed years.
	Years int
	// ComesOfAge is when a child reaches the limit. If it is zero, or later than
	// Years let it be, it is the latest that these do. It is rounded to the first day
	// of the month after, so that it is no date of birth.
	ComesOfAge time.Time
}

// Guardian is a holder of parental responsibility.
type Guardian struct {
	// ID is the host's opaque id of them.
	ID string
	// Relation and Method are words of the host's vocabulary: "mother",
	// "card-check". They are recorded in the clear and name nobody.
	Relation, Method string
}

// Evidence is what shows how a choice was made. It is sealed under the person's
// own keys; all of it is optional.
type Evidence struct {
	// IP is cut to /24, or /48, before it is sealed: it is proof of little and
	// personal.
	IP troth.Sensitive[netip.Addr]
	// UserAgent is reduced to the names and first numbers of its products.
	UserAgent troth.Sensitive[string]
	// Page is a path; a query is cut off.
	Page troth.Sensitive[string]
	// Address is where a confirmation went to. Note is free text. Both are content:
	// they go when the person is erased.
	Address, Note troth.Sensitive[string]
}

// draft is an event on its way into the ledger.
type draft struct {
	event   Event
	wording string
	terms   *Terms // nil where no version is in force
	// tooYoung is whether the purpose is not for somebody of that age.
	tooYoung bool
}

func (f *Form) validate() error {
	if err := checkID("form", f.ID, MaxFormID); err != nil {
		return err
	}
	if err := f.Subject.Validate(); err != nil {
		return err
	}
	if reserved(f.Subject.ID) {
		return &troth.IdentifierError{Kind: "subject", Reason: "is reserved"}
	}
	if len(f.Choices) == 0 || len(f.Choices) > maxNames {
		return &troth.IdentifierError{Kind: "choice", Reason: "is empty"}
	}
	if !f.Method.valid() {
		return &troth.IdentifierError{Kind: "method", Reason: "is unknown"}
	}
	if !f.Channel.valid() {
		return &troth.IdentifierError{Kind: "channel", Reason: "is unknown"}
	}
	if err := f.checkImport(); err != nil {
		return err
	}
	seen := map[troth.Purpose]bool{}
	for i, c := range f.Choices {
		if err := c.validate(); err != nil {
			return &ChoiceError{Index: i, Purpose: c.Purpose, Err: err}
		}
		if seen[c.Purpose] {
			return &ChoiceError{Index: i, Purpose: c.Purpose, Err: ErrConflict}
		}
		seen[c.Purpose] = true
	}
	return nil
}

func (f *Form) checkImport() error {
	if f.Import == nil {
		return nil
	}
	if f.Method != ByImport {
		return &troth.IdentifierError{Kind: "method", Reason: "is not that of an import"}
	}
	for _, word := range []string{f.Import.From, f.Import.By} {
		if err := checkID("import", word, 100); err != nil {
			return err
		}
	}
	return nil
}

func (c *Choice) validate() error {
	if err := c.Purpose.Validate(); err != nil {
		return err
	}
	if _, known := codeOf(c.Kind); !known {
		return &troth.IdentifierError{Kind: "kind", Reason: "is unknown"}
	}
	if c.Wording != "" && len(c.Wording) > MaxWording {
		return &troth.IdentifierError{Kind: "wording", Reason: "is too long"}
	}
	return nil
}

// reserved reports whether an id begins as those of the ledger do.
func reserved(id string) bool { return len(id) > 0 && id[0] == '~' }

// eventID is the id of the event of a form about a purpose.
func eventID(form string, p troth.Purpose) string {
	if id := form + "/" + string(p); len(id) <= troth.MaxIdentifier {
		return id
	}
	h := sha256.Sum256([]byte(p))
	return form + "/~" + hexOf(h[:16])
}

// drafts makes the events of a form, but for what only the transaction knows.
func (l *Ledger) drafts(d *tenantData, f *Form, n *Notice, now int64, inside bool) ([]draft, error) {
	all := make([]draft, len(f.Choices))
	for i, c := range f.Choices {
		one, err := l.draft(d, f, c, n, now, inside)
		if err != nil {
			return nil, &ChoiceError{Index: i, Purpose: c.Purpose, Err: err}
		}
		all[i] = one
	}
	return all, nil
}

func (l *Ledger) draft(d *tenantData, f *Form, c Choice, n *Notice, now int64, inside bool) (draft, error) {
	one := draft{event: Event{
		ID: eventID(f.ID, c.Purpose), Tenant: f.Subject.Tenant, Purpose: c.Purpose, Kind: c.Kind,
		Method: f.Method, Channel: f.Channel,
	}, wording: c.Wording}
	e := &one.event
	if f.Import != nil {
		e.Import = *f.Import
	}
	if c.Wording != "" {
		e.Wording = sha256.Sum256([]byte(c.Wording))
	}
	one.terms = d.catalogue.asked(f, &c, now)
	if one.terms != nil {
		e.Version = one.terms.Version
	} else if !c.Kind.Denies() {
		return draft{}, ErrVersion
	}
	if n != nil {
		if c.Kind.consents() && !n.asks(c.Purpose) {
			return draft{}, ErrNotice
		}
		e.Notice = f.Notice
		e.Notice.Text, _ = n.Hash(f.Notice.Language)
	}
	if err := one.sayable(f, inside); err != nil {
		return draft{}, err
	}
	err := one.judgeAge(f.Age, l.opt.ages, f.saidAt(now))
	return one, err
}

// asked is the version that a choice is about, nil if there is none: where the form
// does not say which, the one that was in force when it was said. Nobody has said yes
// to a version that was published later, except to who collected it elsewhere.
func (c Catalogue) asked(f *Form, choice *Choice, now int64) *Terms {
	versions := c[choice.Purpose]
	at, known := max(now, c.latest(choice.Purpose)), forever
	if !f.GivenAt.IsZero() && !choice.Kind.Denies() {
		at = f.GivenAt.UnixMicro()
		if choice.Kind != Imported {
			known = at
		}
	}
	if choice.Version == 0 {
		return inForce(versions, at, known)
	}
	t := c.Version(choice.Purpose, choice.Version)
	if t != nil && t.PublishedAt.UnixMicro() > known {
		return nil
	}
	return t
}

// saidAt is when the form was filled in.
func (f *Form) saidAt(now int64) time.Time {
	if f.GivenAt.IsZero() {
		return instant(now)
	}
	return f.GivenAt
}

// sayable refuses what a kind may not say, about the purpose or in this way. What
// denies is never refused.
func (one *draft) sayable(f *Form, inside bool) error {
	e := &one.event
	if e.Kind.Denies() {
		return nil
	}
	switch {
	case f.Method == ByGPC:
		return ErrSignal
	case e.Kind == Imported && f.Method != ByImport:
		return &troth.IdentifierError{Kind: "method", Reason: "is not that of an import"}
	case e.Kind == Imported && f.Import == nil:
		return &troth.IdentifierError{Kind: "import", Reason: "is empty"}
	case e.Kind == GuardianAuthorised && f.Guardian == nil:
		return &troth.IdentifierError{Kind: "guardian", Reason: "is empty"}
	case e.Kind == ObjectionOverruled && one.terms.DirectMarketing:
		return ErrMarketing
	case (e.Kind == Requested || e.Kind == Confirmed) && !inside:
		return ErrUnconfirmed
	case e.Kind == Granted && one.terms.DoubleOptIn:
		return ErrUnconfirmed
	case (e.Kind.consents() || e.Kind == Requested) && one.terms.Basis != Consent:
		return ErrBasis
	case e.Kind.consents() && one.terms.Retired:
		return ErrVersion
	}
	return nil
}
