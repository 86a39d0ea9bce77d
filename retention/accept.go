package retention

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/trothdev/troth"
)

// acceptance is the body of the row of the first half.
type acceptance struct {
	Proposer []byte   `json:"proposer"`
	Roles    []string `json:"roles"`
	Rows     []byte   `json:"rows"`
}

// AcceptControls takes the tenant's holds and exceptions, and for the platform the
// policies, as they are now for right, after somebody changed them past the keeper and
// people looked: see [TamperedError]. It takes two calls, by counsel and by the
// data-protection officer, who are two persons, while the rows are the same; accepted says
// that this was the second. Both are recorded, with what was found.
func (k *Keeper) AcceptControls(ctx context.Context, tenant troth.Tenant) (accepted bool, err error) {
	halves, err := k.halves(ctx, tenant)
	if err != nil {
		return false, err
	}
	if k.opt.keys == nil {
		return false, ErrNotFound
	}
	err = k.tx.Atomically(ctx, func(ctx context.Context) error {
		if err := k.store.LockTenant(ctx, tenant, true); err != nil {
			return fmt.Errorf("retention: lock tenant: %w", err)
		}
		accepted, err = k.accept(ctx, tenant, halves)
		return err
	})
	return accepted && err == nil, err
}

func (k *Keeper) accept(ctx context.Context, tenant troth.Tenant, halves []string) (bool, error) {
	rows, err := k.sealable(ctx, tenant)
	if err != nil {
		return false, err
	}
	found, err := k.disagreements(ctx, tenant, rows)
	if err != nil {
		return false, err
	}
	text, err := json.Marshal(rows)
	if err != nil {
		return false, fmt.Errorf("retention: accept: %w", err)
	}
	first, err := k.firstHalf(ctx, tenant)
	if err != nil {
		return false, err
	}
	salt := []byte(nil)
	if first != nil {
		salt = first.Proposer[:saltSize]
	}
	me, err := proposerOf(ctx, salt)
	if err != nil {
		return false, err
	}
	second := first != nil && bytes.Equal(first.Rows, digest(text)) && subtle.ConstantTimeCompare(me, first.Proposer) == 0 &&
		(slices.Contains(first.Roles, halfOfficer) && slices.Contains(halves, halfCounsel) ||
			slices.Contains(first.Roles, halfCounsel) && slices.Contains(halves, halfOfficer))
	half := acceptance{Proposer: me, Roles: halves, Rows: digest(text)}
	if err := k.putHalf(ctx, tenant, half, !second); err != nil {
		return false, err
	}
	if second {
		if err := k.sealAnew(ctx, tenant, rows, found); err != nil {
			return false, err
		}
	}
	word := "first"
	if second {
		word = "second"
	}
	return second, k.record(ctx, troth.Entry{Act: actAccept, Tenant: tenant, Facts: troth.Facts{
		"half": troth.Word(word), "found": troth.Count(len(found)), "rows": troth.Digest([32]byte(digest(text))),
	}})
}

// sealable are the rows that a seal of the tenant is to be over.
func (k *Keeper) sealable(ctx context.Context, tenant troth.Tenant) (rows []sealedRow, err error) {
	holds, err := k.store.ActiveHolds(ctx, tenant)
	if err != nil {
		return nil, fmt.Errorf("retention: read holds: %w", err)
	}
	for i := range holds {
		rows = append(rows, holds[i].sealed())
	}
	exceptions, err := k.store.OpenControls(ctx, tenant, ControlException)
	if err != nil {
		return nil, fmt.Errorf("retention: read exceptions: %w", err)
	}
	for i := range exceptions {
		rows = append(rows, exceptions[i].sealed())
	}
	policies, err := k.store.Policies(ctx, tenant, 0)
	if err != nil {
		return nil, fmt.Errorf("retention: read policies: %w", err)
	}
	for i := range policies {
		rows = append(rows, policies[i].sealed())
	}
	slices.SortFunc(rows, sealedRow.compare)
	return rows, nil
}

// disagreements are what is wrong with the rows, by the seal and by the trail.
func (k *Keeper) disagreements(ctx context.Context, tenant troth.Tenant, rows []sealedRow) (found []Tampering, err error) {
	err = k.checkSeal(ctx, tenant, rows, sealedHold, ControlException, sealedPolicy)
	if bad, is := errors.AsType[*TamperedError](err); is {
		found, err = bad.Found, nil
	}
	if err != nil || k.opt.evidence == nil {
		return found, err
	}
	told, err := k.compareTrail(ctx, tenant)
	return append(found, told...), err
}

// sealAnew seals the rows, whatever was sealed before. Nobody knows the number of a seal that was
// forged or is gone: it counts from the first one on again, and so behind what is kept outside.
func (k *Keeper) sealAnew(ctx context.Context, tenant troth.Tenant, rows []sealedRow, found []Tampering) error {
	s, stored, there, err := k.readSeal(ctx, tenant)
	if _, bad := errors.AsType[*TamperedError](err); err != nil && !bad {
		return err
	}
	s.Rows = rows
	for _, f := range found {
		if f.What == EntryMissing || f.What == RowUnknown {
			s.Accepted = append(s.Accepted, f.String())
		}
	}
	s.Accepted = slices.Compact(slices.Sorted(slices.Values(s.Accepted)))
	return k.putSeal(ctx, s, &stored, there)
}

func halfKey(tenant troth.Tenant) ControlKey { return ControlKey{tenant, controlAccept, "1"} }

// firstHalf reads the first half of an acceptance; nil where there is none that counts.
func (k *Keeper) firstHalf(ctx context.Context, tenant troth.Tenant) (*acceptance, error) {
	row, found, err := k.store.LockControl(ctx, halfKey(tenant))
	if err != nil {
		return nil, fmt.Errorf("retention: read acceptance: %w", err)
	}
	if !found || !row.Open {
		return nil, nil //nolint:nilnil // there is none
	}
	fits, err := k.authentic(ctx, row.message(), row.MAC)
	var a acceptance
	if err != nil || !fits || decodeStored(&row, &a) != nil || len(a.Proposer) != saltSize+sha256.Size {
		return nil, err
	}
	return &a, nil
}

func (k *Keeper) putHalf(ctx context.Context, tenant troth.Tenant, a acceptance, open bool) (err error) {
	row := ControlRow{ControlKey: halfKey(tenant), Open: open}
	if row.Body, err = json.Marshal(a); err != nil {
		return fmt.Errorf("retention: accept: %w", err)
	}
	if row.MAC, err = k.tag(ctx, row.message()); err != nil {
		return err
	}
	inserted, err := k.store.InsertControl(ctx, row)
	if err == nil && !inserted {
		err = k.store.PutControl(ctx, row)
	}
	if err != nil {
		return fmt.Errorf("retention: write acceptance: %w", err)
	}
	return nil
}
