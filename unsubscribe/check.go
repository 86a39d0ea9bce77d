package unsubscribe

import (
	"context"
	"fmt"
	"slices"

	"github.com/trothdev/troth"
)

// Check asks the database about one address: for a single message, and for whoever
// wants to know why. Campaigns ask the gate.
//
// It knows of no objections in other ledgers.
func (r *Registry) Check(ctx context.Context, c Campaign, address troth.Sensitive[string]) (Decision, error) {
	if err := c.Validate(); err != nil {
		return Decision{}, err
	}
	_, rows, err := r.known(ctx, c.Tenant, c.Channel, address)
	if err != nil {
		return Decision{}, err
	}
	if scope := r.tx.Scope(ctx); scope != nil && !scope.Current() {
		// Its snapshot may be older than a no.
		_, now, err := r.known(r.tx.Detach(ctx), c.Tenant, c.Channel, address)
		if err != nil {
			return Decision{}, err
		}
		rows = append(rows, now...)
	}
	return Decide(c, rows), nil
}

// known reads what stands under an address. A change of keys between making them and
// reading would hide rows, so it is looked for and everything done again.
func (r *Registry) known(ctx context.Context, tenant troth.Tenant, c Channel, address troth.Sensitive[string]) (Keys, []EntryRow, error) {
	plain, err := address.Reveal(purpose)
	if err != nil {
		return Keys{}, nil, err
	}
	for range 3 {
		h, err := r.Hasher(ctx, tenant)
		if err != nil {
			return Keys{}, nil, err
		}
		keys, err := h.Keys(c, plain)
		if err != nil {
			return Keys{}, nil, err
		}
		rows, err := r.rowsOf(ctx, tenant, keys)
		if err != nil {
			return Keys{}, nil, err
		}
		same, err := r.inForce(ctx, tenant, keys)
		if err != nil || same {
			return keys, rows, err
		}
	}
	return Keys{}, nil, ErrEpoch
}

func (r *Registry) inForce(ctx context.Context, tenant troth.Tenant, k Keys) (bool, error) {
	for registry, pair := range map[troth.Tenant]Pair{tenant: k.Client, troth.Platform: k.Everything} {
		epoch, err := r.store.Epoch(ctx, registry)
		if err != nil {
			return false, fmt.Errorf("unsubscribe: read epoch: %w", err)
		}
		if epoch != pair.Epoch {
			return false, nil
		}
	}
	return true, nil
}

// Generation is that of the address's entry in a place: how often the person came
// back. A link carries it, see [Link].
func (r *Registry) Generation(ctx context.Context, p Place, c Channel, address troth.Sensitive[string]) (uint32, error) {
	if err := p.Validate(); err != nil {
		return 0, err
	}
	keys, rows, err := r.known(ctx, p.Tenant, c, address)
	if err != nil {
		return 0, err
	}
	exact := keys.Client.Exact
	if p.Scope == Everything {
		exact = keys.Everything.Exact
	}
	i := slices.IndexFunc(rows, func(row EntryRow) bool {
		return row.Key == exact && row.Tenant == p.registry() && row.Channel == c && row.List == p.List
	})
	if i < 0 {
		return 0, nil
	}
	return rows[i].Generation, nil
}
