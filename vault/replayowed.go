package vault

import (
	"context"
	"errors"
	"slices"

	"github.com/trothdev/troth"
)

// owed is what a replay could not do because a tenant's own key-encryption key
// failed: restrictions of people whose keys could not be sealed anew. It is never
// changed once the vault has it.
type owed struct {
	people map[PersonName][]*readLine
	// entries are those of lines that the store must not seem to know of.
	entries map[troth.EntryID]bool
}

func (o *owed) add(p PersonName, lines []*readLine, missing map[troth.EntryID]bool) {
	if o.people == nil {
		o.people, o.entries = make(map[PersonName][]*readLine), make(map[troth.EntryID]bool)
	}
	o.people[p] = append(o.people[p], lines...)
	for _, l := range lines {
		if missing[l.entry] {
			o.entries[l.entry] = true
		}
	}
}

func (o *owed) orNil() *owed {
	if o == nil || len(o.people) == 0 {
		return nil
	}
	return o
}

func (o *owed) tenants() []troth.Tenant {
	var tenants []troth.Tenant
	for p := range o.people {
		tenants = append(tenants, p.Tenant)
	}
	slices.Sort(tenants)
	return slices.Compact(tenants)
}

// part tells whether owed lines are among those that the store does not hold, and
// how many of the others there are. It may be called on nil.
func (o *owed) part(missing []readLine) (owes bool, unknown int) {
	for i := range missing {
		if o != nil && o.entries[missing[i].entry] {
			owes = true
		} else {
			unknown++
		}
	}
	return owes, unknown
}

// checkOwed returns ErrJournalAhead for people whose restriction is owed.
func (v *Vault) checkOwed(n *KeyName) error {
	o := v.owed.Load()
	if o == nil || n.Compartment == troth.PseudonymCompartment {
		return nil
	}
	if n.SubjectID != "" {
		if _, owes := o.people[PersonName{n.Tenant, n.SubjectID}]; owes {
			return ErrJournalAhead
		}
		return nil
	}
	for p := range o.people {
		if p.Tenant == n.Tenant {
			return ErrJournalAhead
		}
	}
	return nil
}

// payOwed does what was left undone, as far as the keys answer by now.
func (v *Vault) payOwed(ctx context.Context) error {
	o := v.owed.Load()
	if o == nil {
		return nil
	}
	ctx = troth.WithActor(ctx, self)
	n, err := v.names(ctx)
	if err != nil {
		return err
	}
	left := &owed{}
	w := newWalk(&replay{v: v, names: n, owed: &owed{}}, nil, nil)
	w.missing = o.entries
	for p, lines := range o.people {
		err := w.personLimited(ctx, p, lines)
		if err == nil { // of a tenant that was shredded meanwhile
			err = v.tx.Atomically(ctx, func(ctx context.Context) error { return w.keepRest(ctx, lines) })
		}
		switch {
		case err == nil:
		case errors.Is(err, ErrKEK) && ctx.Err() == nil:
			left.add(p, lines, o.entries)
		default:
			return err
		}
	}
	if len(left.people) < len(o.people) {
		v.owed.CompareAndSwap(o, left.orNil())
		v.forgetAll()
	}
	return nil
}
