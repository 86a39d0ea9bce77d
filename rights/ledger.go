package rights

import (
	"context"
	"encoding/hex"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// ItemErased is that somebody who was found by an identifier was erased. It belongs to no
// request, outlives the one that it came from, and holds a keyed hash and nothing else.
const ItemErased ItemKind = "erased"

const (
	erasedDomain = "troth.rights.erased/1"
	erasedOwner  = "~erased"
	erasedUse    = "rights.erased"
)

// erasedKey names an identifier in the ledger of erasures, by a keyed hash. It is still
// personal data in law: it is kept to keep people erased (11 CCR §7022(f)), under a key
// that serves for nothing else.
func (d *Desk) erasedKey(ctx context.Context, tenant troth.Tenant, kind, value string) (ItemKey, error) {
	m := canon.AppendDomain(nil, erasedDomain)
	m = canon.AppendText(m, kind)
	m = canon.AppendText(m, value)
	mac, err := d.keys.MAC(ctx, troth.KeyRef{Tenant: tenant, Use: erasedUse, ID: "ledger"}, m)
	if err != nil {
		return ItemKey{}, wrap("key of the ledger", err)
	}
	return ItemKey{Tenant: tenant, Owner: erasedOwner, Kind: ItemErased, ID: hex.EncodeToString(mac[:])}, nil
}

// subjectKind is the kind of identifier that a person's id is in the ledger of erasures.
const subjectKind = "subject"

// enter enters everything that the person is found by into the ledger of erasures, in the
// transaction that begins to destroy. Who is in it already was erased once more.
func (c *change) enter(ctx context.Context) error {
	all := slices.Clone(c.by)
	if all == nil {
		var err error
		if all, err = c.d.found(ctx, c.tenant, c.id); err != nil {
			return err
		}
	}
	if c.q.subject != "" {
		all = append(all, plainIdentifier{subjectKind, c.q.subject})
	}
	c.q.entered = uint32(len(all))
	for _, p := range all {
		key, err := c.d.erasedKey(ctx, c.tenant, p.Kind, p.Value)
		if err != nil {
			return err
		}
		message := canon.AppendText(canon.AppendInt(canon.AppendDomain(nil, erasedDomain), c.now), c.id)
		if err := c.putLater(ctx, ItemRow{ItemKey: key}, message); err != nil {
			return err
		}
	}
	return nil
}

// Erased reports of each identifier whether a person who was found by it was erased. Ask
// before data is imported: from a partner, an old backup, a list that was bought. What is
// erased is not to come back. A person's id is asked for by the kind "subject".
//
// Identifiers are compared as they are: give them in the form in which sources name them.
func (d *Desk) Erased(ctx context.Context, tenant troth.Tenant, ids []Identifier) ([]bool, error) {
	if err := tenant.Validate(); err != nil {
		return nil, err
	}
	answers := make([]bool, len(ids))
	for i, id := range ids {
		value, err := id.Value.Reveal(findingPurpose)
		if err != nil {
			return nil, err
		}
		key, err := d.erasedKey(ctx, tenant, id.Kind, value)
		if err != nil {
			return nil, err
		}
		if _, _, answers[i], err = d.item(ctx, key); err != nil {
			return nil, err
		}
	}
	return answers, nil
}

// Return lets somebody come back who was erased, as a new subject: their own act, which
// evidence shows, lifts the block of the identifiers that they come with, and of no
// others. It reports how many were blocked. The id of the old subject stays blocked for
// ever.
func (d *Desk) Return(ctx context.Context, as troth.Subject, ids []Identifier) (lifted int, err error) {
	if err := as.Validate(); err != nil {
		return 0, err
	}
	if err := within(ctx, as.Tenant); err != nil {
		return 0, err
	}
	blocked, err := d.Erased(ctx, as.Tenant, []Identifier{{Kind: subjectKind, Value: troth.Protect(as.ID)}})
	if err != nil {
		return 0, err
	}
	if blocked[0] {
		return 0, ErrConflict
	}
	err = d.tx.Atomically(ctx, func(ctx context.Context) error {
		for _, id := range ids {
			if id.Kind == subjectKind {
				return ErrConflict
			}
			value, err := id.Value.Reveal(findingPurpose)
			if err != nil {
				return err
			}
			key, err := d.erasedKey(ctx, as.Tenant, id.Kind, value)
			if err != nil {
				return err
			}
			deleted, err := d.store.DeleteItem(ctx, key)
			if err != nil {
				return wrap("lift block", err)
			}
			if deleted {
				lifted++
			}
		}
		_, err := d.record(ctx, troth.Entry{
			Act: actReturn, Tenant: as.Tenant, SubjectID: as.ID, Facts: troth.Facts{"lifted": troth.Count(lifted)},
		})
		return err
	})
	if err != nil {
		return 0, err
	}
	return lifted, nil
}
