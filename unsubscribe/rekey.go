package unsubscribe

import (
	"context"
	"fmt"

	"github.com/trothdev/troth"
)

// Rekey changes the keys that a registry's addresses stand under, without the
// addresses: every stored key is hashed once more under the new one, in one
// transaction, in which nobody writes to the registry. registry is a client, or
// troth.Platform for everything. It takes a statement for each address.
//
// The old keys are still needed, to make the first steps of the chain: what is won
// is that a copy of the rows from before, or of an old key alone, no longer matches
// anything. Gates read the registry again; keys that a host keeps beside its
// contacts are brought up by [Hasher.Rewrap].
func (r *Registry) Rekey(ctx context.Context, registry troth.Tenant) (epoch uint32, err error) {
	if err := registry.Validate(); err != nil {
		return 0, err
	}
	err = r.tx.Atomically(ctx, func(ctx context.Context) error {
		from, err := r.store.Epoch(ctx, registry)
		if err != nil {
			return fmt.Errorf("unsubscribe: read epoch: %w", err)
		}
		epoch = from + 1
		ring, err := newRing(ctx, r.keys, registry, epoch)
		if err != nil {
			return err
		}
		entries, err := r.store.Rekey(ctx, RekeyParams{
			Tenant: registry, From: from, To: epoch, Wrap: func(k Key) Key { return ring.wrap(k, from) },
		})
		if err != nil {
			return fmt.Errorf("unsubscribe: change keys: %w", err)
		}
		if err := r.raise(ctx, registry, Key{}); err != nil {
			return err
		}
		return r.record(ctx, troth.Entry{
			Act: actRekey, Tenant: registry,
			Facts: troth.Facts{"epoch": troth.Count(epoch), "entries": troth.Count(entries)},
		})
	})
	if err != nil {
		return 0, err
	}
	return epoch, nil
}
