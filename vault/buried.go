package vault

import (
	"context"
	"errors"
	"fmt"

	"github.com/trothdev/troth"
)

// checkBuried returns ErrShredded for a name that died in a part of the history
// which this store does not have: a replay told so, and the store may hold no
// tombstone for want of the name itself. Only vaults with a journal have such
// names.
func (v *Vault) checkBuried(ctx context.Context, name KeyName) error {
	if v.journal == nil || name.Tenant == troth.Platform && name.SubjectID == "" {
		return nil
	}
	n, err := v.names(ctx)
	if err != nil {
		return err
	}
	return v.anyBuried(ctx, n.covering(name))
}

// covering are the names by whose death the given one is dead: as in closedTo,
// the pseudonym outlives the person's other data.
func (n *names) covering(name KeyName) [][32]byte {
	var sums [][32]byte
	if name.Tenant != troth.Platform {
		sums = append(sums, n.tenant(name.Tenant))
	}
	if name.SubjectID == "" {
		return sums
	}
	if name.Compartment != troth.PseudonymCompartment {
		sums = append(sums, n.person(name.Tenant, name.SubjectID))
	}
	return append(sums, n.compartment(name))
}

func (v *Vault) anyBuried(ctx context.Context, sums [][32]byte) error {
	buried, err := v.store.Buried(ctx, sums)
	if err != nil {
		return fmt.Errorf("vault: look for buried names: %w", err)
	}
	if len(buried) > 0 {
		return ErrShredded
	}
	return nil
}

// anyOfBuried reports whether one of the names is known to have died elsewhere.
func (v *Vault) anyOfBuried(ctx context.Context, names []KeyName) (bool, error) {
	for _, n := range names {
		if err := v.checkBuried(ctx, n); errors.Is(err, ErrShredded) {
			return true, nil
		} else if err != nil {
			return false, err
		}
	}
	return false, nil
}
