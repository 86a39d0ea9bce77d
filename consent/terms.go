package consent

import (
	"slices"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/deadline"
)

// Terms are one version of a purpose: what people are told that they agree to.
// A version that was published never changes.
type Terms struct {
	Tenant  troth.Tenant
	Purpose troth.Purpose
	// Version counts from 1 within the purpose; [Ledger.Publish] gives it.
	Version uint32
	// Title is the purpose in the host's words to people.
	Title string
	Basis Basis
	// DirectMarketing makes every objection absolute (GDPR Article 21(2) and (3)).
	DirectMarketing bool
	// Data are categories of data, Recipients those to whom it goes; sorted by
	// Publish. They name no person.
	Data, Recipients []string
	// StoredIn is where the data is kept, by country's codes as a rule, sorted by
	// Publish, and Retention for how long. Both may be empty; receipts say them.
	StoredIn  []string
	Retention deadline.Period
	// Validity is for how long a grant is good; zero is until it is withdrawn.
	Validity deadline.Period
	// Refresh is after which time people are asked again, which ends nothing;
	// zero is never.
	Refresh deadline.Period
	// Age is what is demanded of a person's age; [AnyAge] if empty.
	Age AgeRule
	// MinimumAge is for [NotForChildren], in years.
	MinimumAge int
	// AfterMajority is for how long a guardian's leave still carries when the
	// child is of age. Zero asks the grown person's own consent at once.
	AfterMajority deadline.Period
	// Requires are purposes without which this one is denied.
	Requires []troth.Purpose
	// DoubleOptIn demands that a grant is confirmed by who holds the address.
	DoubleOptIn bool
	// Retired ends the purpose.
	Retired bool
	// Change is what this version changes; [NewPurpose] in the first one.
	Change Change
	// Grace is for how long grants of versions before stay good after a
	// [Material] change takes effect. Zero ends them at once.
	Grace deadline.Period
	// EffectiveAt is when the version begins to bind; Publish takes the zero time
	// for now. Before it there is time to ask people.
	EffectiveAt time.Time
	// PublishedAt is when the ledger learnt of it; Publish sets it.
	PublishedAt time.Time
}

// MaxTitle is the longest title of a purpose, in bytes.
const MaxTitle = 1024

// maxNames bounds the lists of a version.
const maxNames = 256

// validate holds a version to the rules that need no other version.
func (t *Terms) validate() error {
	wrong := func(reason string) error { return &TermsError{Purpose: t.Purpose, Version: t.Version, Reason: reason} }
	if err := t.Tenant.Validate(); err != nil {
		return err
	}
	if err := t.Purpose.Validate(); err != nil {
		return err
	}
	if t.Basis.Article() == "" {
		return wrong("has no lawful basis")
	}
	if !validText(t.Title) {
		return wrong("has no title, or one that is too long or not plain text")
	}
	for _, names := range [][]string{t.Data, t.Recipients, t.StoredIn} {
		if len(names) > maxNames {
			return wrong("has too many data categories, recipients or places")
		}
		for _, n := range names {
			if troth.Purpose(n).Validate() != nil {
				return wrong("has a data category, recipient or place that is no identifier")
			}
		}
	}
	if reason := t.faults(); reason != "" {
		return wrong(reason)
	}
	return nil
}

// faults names what does not fit together.
func (t *Terms) faults() string {
	for _, p := range []deadline.Period{t.Validity, t.Refresh, t.Grace, t.AfterMajority, t.Retention} {
		if p.Validate() != nil || p.BusinessDays != 0 {
			return "has a period that is not one of calendar or clock"
		}
	}
	switch t.Age {
	case AnyAge, DigitalConsent, NotForChildren:
	default:
		return "has an unknown age rule"
	}
	switch t.Change {
	case NewPurpose, Editorial, Material, NewRecipient:
	default:
		return "has no class of change that is known: Change is material, new-recipient or editorial"
	}
	switch {
	case t.MinimumAge < 0 || t.MinimumAge > 150 || t.MinimumAge > 0 && t.Age != NotForChildren:
		return "has a minimum age that its age rule does not use"
	case len(t.Requires) > maxNames || slices.Contains(t.Requires, t.Purpose):
		return "requires itself, or too much"
	case t.DoubleOptIn && t.Basis != Consent:
		return "asks for a confirmation where it asks for no consent"
	case t.Basis == Consent && t.Change != NewPurpose && t.Change != Material && !t.Grace.IsZero():
		return "has a grace that its class of change does not use"
	}
	return ""
}

// succeed holds a version to the rules of the one before it. The basis stays: who
// consented would otherwise be moved silently to something that they cannot
// withdraw from.
func (t *Terms) succeed(before *Terms) error {
	wrong := func(reason string) error { return &TermsError{Purpose: t.Purpose, Version: t.Version, Reason: reason} }
	switch {
	case t.Change == NewPurpose:
		return wrong("says that it is the first one, and is not")
	case t.Basis != before.Basis:
		return wrong("changes the lawful basis: that is another purpose")
	case t.EffectiveAt.Before(before.EffectiveAt):
		return wrong("takes effect before the version that it follows")
	case t.Change == Editorial && !t.sameProcessing(before):
		return wrong("changes processing and says that it is editorial")
	case t.Change == NewRecipient && !t.onlyAddsRecipients(before):
		return wrong("changes more than its recipients")
	case before.Retired:
		return wrong("follows a version that ended the purpose")
	}
	return nil
}

// sameProcessing reports whether nothing changed that people agreed to. Less is
// not a change that they must be asked about: fewer data, fewer recipients, a
// shorter life, or the purpose's end.
func (t *Terms) sameProcessing(before *Terms) bool {
	return t.onlyAddsRecipients(before) && subset(t.Recipients, before.Recipients)
}

func (t *Terms) onlyAddsRecipients(before *Terms) bool {
	return subset(t.Data, before.Data) && // What was not told before is told now, and is no change.
		(len(before.StoredIn) == 0 || subset(t.StoredIn, before.StoredIn)) &&
		(before.Retention.IsZero() || t.Retention == before.Retention) &&
		t.Age == before.Age && t.MinimumAge == before.MinimumAge &&
		t.DirectMarketing == before.DirectMarketing &&
		(t.DoubleOptIn || !before.DoubleOptIn)
}

func subset(a, b []string) bool {
	return !slices.ContainsFunc(a, func(s string) bool { return !slices.Contains(b, s) })
}

// Catalogue is all versions of a tenant's purposes, oldest first. It must not be
// changed once decisions are made with it.
type Catalogue map[troth.Purpose][]Terms

// InForce returns the version that binds at the instant, as it was known then;
// nil if none does.
func (c Catalogue) InForce(p troth.Purpose, at, knownAt time.Time) *Terms {
	return inForce(c[p], micros(at), micros(knownAt))
}

// Version returns one version, nil if there is no such one.
func (c Catalogue) Version(p troth.Purpose, version uint32) *Terms {
	all := c[p]
	if version == 0 || int(version) > len(all) {
		return nil
	}
	return &all[version-1]
}

// inForce is the highest version that has taken effect and was known.
func inForce(versions []Terms, at, knownAt int64) *Terms {
	for i := len(versions) - 1; i >= 0; i-- {
		if t := &versions[i]; t.EffectiveAt.UnixMicro() <= at && t.PublishedAt.UnixMicro() <= knownAt {
			return t
		}
	}
	return nil
}
