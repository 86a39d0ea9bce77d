package rights

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/trothdev/troth"
)

// findingPurpose is why the desk opens what people are found by.
const findingPurpose troth.Purpose = "rights-find"

func foundKey(tenant troth.Tenant, request string) ItemKey {
	return ItemKey{Tenant: tenant, Owner: request, Kind: ItemFound, ID: "found"}
}

// found is what a person is found by in a request: what it came with, and what sources
// added. It is kept under the request's seal, so that a request can be carried on
// when the sources have lost it.
func (d *Desk) found(ctx context.Context, tenant troth.Tenant, request string) ([]plainIdentifier, error) {
	rows, err := d.store.ItemsAt(ctx, []ItemKey{foundKey(tenant, request), contentsKey(tenant, request)})
	if err != nil {
		return nil, wrap("read what somebody is found by", err)
	}
	return d.foundIn(ctx, rows)
}

// foundIn is what a person is found by, by the first of the rows that says so.
func (d *Desk) foundIn(ctx context.Context, rows []ItemRow) ([]plainIdentifier, error) {
	for _, row := range rows {
		if row.Kind != ItemFound && row.Kind != ItemContents {
			continue
		}
		if _, err := d.open(ctx, itemPlace(row.ItemKey), row.Record); err != nil {
			return nil, err
		}
		text, err := d.unseal(ctx, row, findingPurpose)
		if err != nil {
			return nil, err
		}
		var p plain
		if row.Kind == ItemFound {
			err = json.Unmarshal(text, &p.Identifiers)
		} else {
			err = json.Unmarshal(text, &p)
		}
		if err != nil {
			return nil, ErrRecord
		}
		return p.Identifiers, nil
	}
	return nil, nil
}

// ErrTooManyIdentifiers says that sources go on and on to name other identifiers: they
// tell of more than one person, or do not stop.
var ErrTooManyIdentifiers = errors.New("rights: sources name too many identifiers")

// maxFound bounds what one person is found by.
const maxFound = 1000

// merged is what a person is found by, with what a source named.
func merged(all []plainIdentifier, more []Identifier) ([]plainIdentifier, error) {
	before := all
	for _, id := range more {
		value, err := id.Value.Reveal(findingPurpose)
		if err != nil {
			return before, err
		}
		if err := checkID("kind of identifier", id.Kind); err != nil {
			return before, err
		}
		p := plainIdentifier{id.Kind, value}
		if value != "" && len(value) <= maxLine && !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	if len(all) > maxFound {
		return before, ErrTooManyIdentifiers
	}
	return all, nil
}

// addFound adds identifiers that sources named in a search, which had begun with so many, and
// returns how many there are: another process may have added others.
func (c *change) addFound(ctx context.Context, r *search, began int) (int, error) {
	if r.fresh && len(r.by) == began {
		return began, nil
	}
	all, err := c.d.found(ctx, c.tenant, c.id)
	if err != nil {
		return 0, err
	}
	before := len(all)
	for _, p := range r.by[began:] {
		if !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	if len(all) > maxFound {
		return 0, ErrTooManyIdentifiers
	}
	if len(all) == before {
		return before, nil
	}
	return len(all), c.putFound(ctx, all)
}

func (c *change) putFound(ctx context.Context, all []plainIdentifier) error {
	if c.d.opt.sealer == nil {
		return needs("WithSealer, for personal data")
	}
	text, err := json.Marshal(all)
	if err != nil {
		return fmt.Errorf("rights: encode identifiers: %w", err)
	}
	key := foundKey(c.tenant, c.id)
	sealed, err := c.d.opt.sealer.Seal(ctx, nil, cell(key), text)
	if err != nil {
		return fmt.Errorf("rights: seal: %w", err)
	}
	if len(sealed) > MaxSealed {
		return ErrTooManyIdentifiers
	}
	return c.putLater(ctx, ItemRow{ItemKey: key, Sealed: sealed}, nil)
}

// inquiry is what a source is asked.
func (c *change) inquiry(source string, by []plainIdentifier) Inquiry {
	q := Inquiry{
		Tenant: c.tenant, Request: c.id, Right: c.q.right, SubjectID: c.q.subject,
		Purposes: slices.Clone(c.q.purposes), Fields: slices.Clone(c.q.fields), Key: c.id + "/" + source,
	}
	for _, p := range by {
		q.Identifiers = append(q.Identifiers, Identifier{p.Kind, troth.Protect(p.Value)})
	}
	return q
}
