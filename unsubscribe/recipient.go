package unsubscribe

import (
	"iter"

	"github.com/trothdev/troth"
)

// Recipient is somebody whom a campaign would write to.
type Recipient struct {
	// SubjectID is the person as the client knows them. Where other ledgers are asked
	// (see [WithObjections]) it must be given, unless a [WithDirectory] knows whose
	// the address is.
	SubjectID string
	// Address is where to; or else Keys, which a host may keep beside a contact. Where
	// both are given Keys count. They must be those of this address: under any others
	// nothing is found, and nobody stopped. Those of another channel or client are
	// refused, see [ReasonKeys].
	Address troth.Sensitive[string]
	Keys    Keys
}

// Recipients gives the members of a list to [Gate.Filter].
func Recipients(all []Recipient) iter.Seq2[Recipient, error] {
	return func(yield func(Recipient, error) bool) {
		for _, r := range all {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// ReasonPerson is that of decisions where other ledgers had to be asked about a
// person, and nobody said who it is.
const ReasonPerson Reason = "person"

// Verdict is what the gate says of one recipient.
type Verdict struct {
	Decision
	// Recipient is who it is, with the keys of the address that are in force: a host
	// may keep them.
	Recipient Recipient
	// asked is how the batch was asked, nil if it was not; made is the count of
	// changes of keys at which those of the recipient were made.
	asked *asked
	made  uint64
}

// asked is what the verdicts of one batch have in common.
type asked struct {
	gate     *Gate
	campaign Campaign
	// generation is that of the gate before it was asked.
	generation uint64
}

// Permit is leave to write to the recipient, to be shown to [Gate.Confirm] just
// before the message is handed over.
func (v *Verdict) Permit() Permit { return Permit{*v} }

// Permit is leave to write to one recipient of a campaign. It holds for as long as
// nothing changed about the recipient, which [Gate.Confirm] finds out. The zero value
// permits nothing.
type Permit struct{ verdict Verdict }
