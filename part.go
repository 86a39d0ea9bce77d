package troth

import "fmt"

// Bounds of the payload of one entry.
const (
	// MaxParts is how many parts an entry may carry.
	MaxParts = 16
	// MaxPart is the longest content of a part, in bytes.
	MaxPart = 64 << 10
)

// ShredAct names the act by which keys are destroyed, and with them what was
// sealed: the vault records it, and the trail tells by it why a part no longer
// opens.
const ShredAct = "vault.shred"

// PartSpec declares one part that the payload of an act may have.
type PartSpec struct {
	Name string
	Doc  string
}

// Part is a piece of the payload of an entry: what may be personal and so has
// no place among the facts, such as a difference between two states, a network
// address or free text. It is sealed under the key of the person whom it
// concerns, and erased with that key; the entry commits to the sealed bytes and
// stays as it is.
type Part struct {
	// Name is one of those that the act declares. An entry has at most one part
	// of a name for each person.
	Name string
	// SubjectID is the person under the entry's tenant whom it concerns; empty
	// is the entry's own subject.
	SubjectID string
	// Compartment is the class of data whose fate it shares;
	// [DefaultCompartment] if empty.
	Compartment Compartment
	// Content is at most [MaxPart] bytes.
	Content Sensitive[[]byte]
}

// About is whom the part of e concerns, by id under e's tenant.
func (p Part) About(e Entry) string {
	if p.SubjectID != "" {
		return p.SubjectID
	}
	return e.SubjectID
}

// Class is the compartment that the part is sealed in.
func (p Part) Class() Compartment {
	if p.Compartment == "" {
		return DefaultCompartment
	}
	return p.Compartment
}

func (p Part) size() int {
	if p.Content.reveal == nil {
		return 0
	}
	return len(p.Content.reveal())
}

// checkParts holds the declared parts to the rules of their names.
func (a *Act) checkParts() error {
	if len(a.Parts) == 0 { // as most have, and this runs with every entry
		return nil
	}
	seen := make(map[string]bool, len(a.Parts))
	for _, p := range a.Parts {
		if p.Name == "" || seen[p.Name] {
			return &ActError{Act: a.Name, Part: p.Name, Reason: "is unnamed or declared twice"}
		}
		if err := checkIdentifier("part", p.Name); err != nil {
			return err
		}
		seen[p.Name] = true
	}
	return nil
}

// checkParts returns an error unless every given part fits the act. None is
// required: no act may depend on a payload, since every payload may have to
// go.
func (e Entry) checkParts() error {
	if len(e.Parts) == 0 {
		return nil
	}
	if len(e.Parts) > MaxParts {
		return &ActError{Act: e.Act.Name, Reason: fmt.Sprintf("has more than %d parts", MaxParts)}
	}
	declared := make(map[string]bool, len(e.Act.Parts))
	for _, p := range e.Act.Parts {
		declared[p.Name] = true
	}
	type given struct{ name, about string }
	seen := make(map[given]bool, len(e.Parts))
	for _, p := range e.Parts {
		if !declared[p.Name] {
			// Its name is not told: it may have been made of data.
			return &ActError{Act: e.Act.Name, Reason: "does not declare a part that was given"}
		}
		if err := e.checkPart(p); err != nil {
			return err
		}
		g := given{p.Name, p.About(e)}
		if seen[g] {
			return &ActError{Act: e.Act.Name, Part: p.Name, Reason: "is given twice for one person"}
		}
		seen[g] = true
	}
	return nil
}

func (e Entry) checkPart(p Part) error {
	wrong := func(reason string) error { return &ActError{Act: e.Act.Name, Part: p.Name, Reason: reason} }
	about := p.About(e)
	if about == "" {
		return wrong("concerns nobody, and so has no key that it could be sealed under")
	}
	if err := checkIdentifier("subject", about); err != nil {
		return err
	}
	if err := p.Class().Validate(); err != nil {
		return err
	}
	if p.Compartment == PseudonymCompartment {
		return wrong("is in the compartment of the pseudonyms, which holds nothing else")
	}
	if p.size() > MaxPart {
		return wrong(fmt.Sprintf("is longer than %d bytes", MaxPart))
	}
	return nil
}
