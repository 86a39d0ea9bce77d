package rights

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

const (
	claimDomain = "troth.rights.claim/1"
	// claimOwner is whose claims are: no request's, so that two of them meet.
	claimOwner = "~open"
)

// claimKey names the one open request of a person for a right, with the same purposes
// and fields; false if there may be several.
func (c *change) claimKey() (ItemKey, bool) {
	if c.q.subject == "" || c.q.right.Effect() == Answers {
		return ItemKey{}, false
	}
	b := canon.AppendDomain(nil, claimDomain)
	b = canon.AppendText(b, c.q.subject)
	b = canon.AppendText(b, c.q.right)
	b = appendTexts(b, slices.Sorted(slices.Values(c.q.purposes)))
	b = appendTexts(b, slices.Sorted(slices.Values(c.q.fields)))
	sum := sha256.Sum256(b)
	return ItemKey{Tenant: c.tenant, Owner: claimOwner, Kind: ItemClaim, ID: hex.EncodeToString(sum[:])}, true
}

// claim makes this the one open request of its kind, and returns the one that is
// instead. Only who is identified claims: otherwise a stranger could keep a person from
// asking.
func (c *change) claim(ctx context.Context) (other string, err error) {
	key, ok := c.claimKey()
	if !ok {
		return "", nil
	}
	record, err := c.d.seal(ctx, itemPlace(key), canon.AppendText(canon.AppendDomain(nil, claimDomain), c.id))
	if err != nil {
		return "", err
	}
	for range 3 {
		inserted, err := c.d.store.InsertItem(ctx, ItemRow{ItemKey: key, Record: record})
		if err != nil || inserted {
			return "", wrap("claim", err)
		}
		other, found, err := c.claimant(ctx, key)
		switch {
		case err != nil || other == c.id:
			return "", err
		case found:
			able, err := c.goesOn(ctx, other)
			if err != nil || able {
				return other, err
			}
			if _, err := c.d.store.DeleteItem(ctx, key); err != nil {
				return "", wrap("drop claim", err)
			}
		}
		// It was given up between the two.
	}
	return "", fmt.Errorf("rights: claim: %w", troth.ErrBusy)
}

// goesOn reports whether another request of the same person can be carried out. One that somebody
// deleted, changed or put back never is, and must not keep its person from asking again. It may
// move meanwhile: the trail is read first, and what it tells then the request knows.
func (c *change) goesOn(ctx context.Context, other string) (able bool, err error) {
	began := c.d.micros()
	var told map[string][]troth.EntryID
	if c.d.opt.evidence != nil {
		if told, err = c.d.toldOf(ctx, c.tenant, c.q.subject); err != nil {
			return false, err
		}
	}
	f, found, err := c.d.store.File(ctx, c.tenant, other, nil)
	if err != nil || !found {
		return false, wrap("read another request", err)
	}
	q, err := c.d.openRequest(ctx, f.Request)
	if err == nil && !q.state.Final() {
		var events []Event
		events, err = c.d.eventsOf(ctx, stepKey(c.tenant, other), q, f.Events)
		able = err == nil && (told == nil || covers(events, told[other]) && !untold(events, told[other], began))
	}
	if errors.Is(err, ErrRecord) {
		return false, nil
	}
	return able, err
}

// claimant is whose a claim is.
func (c *change) claimant(ctx context.Context, key ItemKey) (id string, found bool, err error) {
	row, found, err := c.d.store.Item(ctx, key)
	if err != nil || !found {
		return "", false, wrap("read claim", err)
	}
	message, err := c.d.open(ctx, itemPlace(key), row.Record)
	if err != nil {
		return "", false, err
	}
	r := reader{Walker: canon.Walk(message, claimDomain)}
	if id = r.text(); !r.done() {
		return "", false, ErrRecord
	}
	return id, true, nil
}

// unclaim lets others be made, if the claim was this one's.
func (c *change) unclaim(ctx context.Context) error {
	key, ok := c.claimKey()
	if !ok {
		return nil
	}
	id, found, err := c.claimant(ctx, key)
	if err != nil || !found || id != c.id {
		return err
	}
	_, err = c.d.store.DeleteItem(ctx, key)
	return wrap("drop claim", err)
}
