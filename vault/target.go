package vault

import (
	"fmt"
	"slices"

	"github.com/trothdev/troth"
)

// Target is what to shred: a tenant; or a person; or some of a person's
// compartments.
type Target struct {
	Tenant troth.Tenant
	// SubjectID is the person. Without one nothing is shredded, unless
	// WholeTenant says that everybody's data is meant.
	SubjectID   string
	WholeTenant bool
	// Compartments are shredded by name. If there are none the whole person is:
	// every compartment but those in Except and [troth.PseudonymCompartment],
	// which dies only by name. Then the person is closed to new compartments
	// for ever, even while spared ones live.
	Compartments []troth.Compartment
	// Except are compartments that a hold or the law keeps alive. It goes with
	// a whole person only.
	Except []troth.Compartment
}

// kind names what the target is, as evidence does.
func (t Target) kind() string {
	switch {
	case t.SubjectID == "":
		return "tenant"
	case len(t.Compartments) == 0:
		return "subject"
	default:
		return "compartments"
	}
}

func (t Target) validate() error {
	if err := t.Tenant.Validate(); err != nil {
		return err
	}
	if t.Tenant == troth.Platform && t.SubjectID == "" {
		return fmt.Errorf("%w: the platform tenant outlives all others", ErrTarget)
	}
	if t.WholeTenant != (t.SubjectID == "") {
		return fmt.Errorf("%w: neither a person nor the whole tenant, or both", ErrTarget)
	}
	if t.SubjectID == "" {
		if len(t.Compartments)+len(t.Except) > 0 {
			return fmt.Errorf("%w: compartments without a person", ErrTarget)
		}
		return nil
	}
	if err := (troth.Subject{Tenant: t.Tenant, ID: t.SubjectID}).Validate(); err != nil {
		return err
	}
	if len(t.Compartments) > 0 && len(t.Except) > 0 {
		return fmt.Errorf("%w: compartments both named and excepted", ErrTarget)
	}
	for _, c := range slices.Concat(t.Compartments, t.Except) {
		if err := c.Validate(); err != nil {
			return err
		}
	}
	return nil
}

// names are the patterns of keys that the target covers.
func (t Target) names() []KeyName {
	whole := KeyName{Tenant: t.Tenant, SubjectID: t.SubjectID}
	if len(t.Compartments) == 0 {
		return []KeyName{whole}
	}
	names := make([]KeyName, len(t.Compartments))
	for i, c := range t.Compartments {
		names[i] = whole
		names[i].Compartment = c
	}
	return names
}

// spared are the compartments that outlive the shredding of a whole person.
func (t Target) spared() []troth.Compartment {
	if t.SubjectID == "" || len(t.Compartments) > 0 {
		return nil
	}
	return append(slices.Clone(t.Except), troth.PseudonymCompartment)
}
