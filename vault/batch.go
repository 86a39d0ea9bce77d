package vault

import (
	"context"

	"github.com/trothdev/troth"
)

// Item is one value of a batch: plaintext to seal, or a sealed value to open,
// and where it stands.
type Item struct {
	At   troth.Context
	Data []byte
}

// SealBatch seals all items, in one transaction where keys must be made, and
// returns the sealed values in order. On an error nothing is returned, and an
// item that cannot be sealed is a [*BatchError].
func (v *Vault) SealBatch(ctx context.Context, items []Item) ([][]byte, error) {
	out := make([][]byte, len(items))
	sealAll := func(ctx context.Context) error {
		for i := range items {
			var err error
			if out[i], err = v.AppendSeal(ctx, nil, items[i].At, items[i].Data); err != nil {
				return &BatchError{Index: i, Err: err}
			}
		}
		return nil
	}
	if v.allCached(items) {
		return finish(out, sealAll(ctx))
	}
	return finish(out, v.tx.Atomically(ctx, sealAll))
}

// OpenBatch opens all items for one purpose and returns the plaintexts in
// order, under the rules of [Vault.AppendOpen]. A person's openings are
// recorded by one entry for each data subject, in one transaction. On an error
// nothing is returned, and an item that does not open is a [*BatchError].
func (v *Vault) OpenBatch(ctx context.Context, p troth.Purpose, items []Item) ([][]byte, error) {
	actor, err := troth.ActorFrom(ctx)
	if err != nil {
		return nil, err
	}
	if actor.Kind == troth.Person {
		return v.openBatchForPerson(ctx, p, items)
	}
	out := make([][]byte, len(items))
	for i := range items {
		if out[i], err = v.AppendOpen(ctx, nil, items[i].At, p, items[i].Data); err != nil {
			return nil, &BatchError{Index: i, Err: err}
		}
	}
	return out, nil
}

func (v *Vault) openBatchForPerson(ctx context.Context, p troth.Purpose, items []Item) ([][]byte, error) {
	if err := v.admitPerson(ctx, p); err != nil {
		return nil, err
	}
	out := make([][]byte, len(items))
	seen := newSightings()
	for i := range items {
		at := &items[i].At
		if err := at.Validate(); err != nil {
			return nil, &BatchError{Index: i, Err: err}
		}
		q := v.cache.seek(nameOf(at))
		s, err := v.resolveKey(ctx, &q, items[i].Data, p)
		if err == nil {
			out[i], err = s.openPooled(nil, &at.Cell, items[i].Data)
		}
		if err != nil {
			return nil, &BatchError{Index: i, Err: err}
		}
		seen.add(&s.name, &at.Cell)
	}
	if err := v.recordSightings(ctx, p, seen); err != nil {
		return nil, err
	}
	for i := range items { // as in openForPerson
		q := v.cache.seek(nameOf(&items[i].At))
		if _, err := v.resolveKey(ctx, &q, items[i].Data, p); err != nil {
			return nil, &BatchError{Index: i, Err: err}
		}
	}
	return out, nil
}

func (v *Vault) allCached(items []Item) bool {
	for i := range items {
		q := v.cache.seek(nameOf(&items[i].At))
		if v.hit(&q) == nil {
			return false
		}
	}
	return true
}

func finish(out [][]byte, err error) ([][]byte, error) {
	if err != nil {
		return nil, err
	}
	return out, nil
}
