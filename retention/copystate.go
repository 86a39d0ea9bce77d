package retention

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/trothdev/troth"
)

// CopyStatus is how far a copy of a record is.
type CopyStatus string

const (
	// CopyPresent: nothing was ordered. The copy may have the record.
	CopyPresent CopyStatus = "present"
	// CopyWaiting: a connector or a person is to see to it.
	CopyWaiting CopyStatus = "waiting"
	// CopyLeaving: it goes by itself, at By at the latest.
	CopyLeaving CopyStatus = "leaving"
	// CopyGone: it is gone, since At.
	CopyGone CopyStatus = "gone"
)

// CopyState is where a copy of a record stands.
type CopyState struct {
	Copy   string
	Kind   CopyKind
	Of     string
	Status CopyStatus
	// Ordered is when the transaction committed that rests on: the cut-off for holds.
	Ordered time.Time
	// By is when it is gone at the latest; zero while that waits for somebody. Planned is
	// when it was to be gone when it was ordered.
	By, Planned time.Time
	// At is since when it is gone, Method how.
	At     time.Time
	Method Method
	// Shown says that the copy showed it. Evidence and Digest are what a person showed,
	// Entry is what the trail has of it.
	Shown    bool
	Evidence string
	Digest   string
	Entry    troth.EntryID
	// Tries counts orders that failed.
	Tries uint32
}

// String says it in one line.
func (s CopyState) String() string {
	text := s.Copy + ": " + string(s.Status)
	switch {
	case s.Status == CopyGone:
		text += fmt.Sprintf(" since %s, %s", instant(s.At), s.Method)
	case !s.By.IsZero():
		text += " by " + instant(s.By)
	case s.Tries > 0:
		text += fmt.Sprintf(", tried %d times", s.Tries)
	}
	return text
}

// Copies returns where a record's copies stand that is still there: present, or leaving
// with the stage that it is in.
func (k *Keeper) Copies(ctx context.Context, key RecordKey) ([]CopyState, error) {
	row, found, err := k.store.Record(ctx, key)
	switch {
	case err != nil:
		return nil, fmt.Errorf("retention: read record: %w", err)
	case !found:
		return nil, ErrNotFound
	}
	h, err := k.history(ctx)
	if err != nil {
		return nil, err
	}
	now := k.now()
	var states []CopyState
	for _, c := range k.partings(h, row.Class, now).copies {
		states = append(states, CopyState{Copy: c.Copy, Kind: c.Kind, Of: c.Of, Status: CopyPresent})
	}
	rows, err := k.store.WarrantsOf(ctx, key.Tenant, row.Handle)
	if err != nil {
		return nil, fmt.Errorf("retention: read warrants: %w", err)
	}
	sheds := h.Sheds(row.Class, row.Cohort, row.Stage)
	for i := range rows {
		p, err := k.progress(ctx, h, &rows[i])
		if err != nil {
			return nil, err
		}
		if rows[i].End != "" {
			continue // of a record of that name before
		}
		for _, s := range p.states(now) {
			n := slices.IndexFunc(states, func(o CopyState) bool { return o.Copy == s.Copy })
			if n >= 0 && slices.Contains(sheds, s.Copy) {
				states[n] = s
			}
		}
	}
	return states, nil
}

// Gone returns where the copies stand of a record that was destroyed, by its name in
// evidence: [Order.Handle]. It returns [ErrNotFound] for one that was not, and when the
// last copy is gone and nothing of it is kept any more; see [WithCertificates].
func (k *Keeper) Gone(ctx context.Context, tenant troth.Tenant, handle string) ([]CopyState, error) {
	p, err := k.destroyed(ctx, tenant, handle)
	if err != nil {
		return nil, err
	}
	return p.states(k.now()), nil
}

// destroyed reads the warrant of a record that was destroyed.
func (k *Keeper) destroyed(ctx context.Context, tenant troth.Tenant, handle string) (*progress, error) {
	rows, err := k.store.WarrantsOf(ctx, tenant, handle)
	if err != nil {
		return nil, fmt.Errorf("retention: read warrants: %w", err)
	}
	h, err := k.history(ctx)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		if rows[i].End != "" {
			return k.progress(ctx, h, &rows[i])
		}
	}
	return nil, ErrNotFound
}

// states are the copies as they stand at an instant.
func (p *progress) states(now time.Time) (all []CopyState) {
	for i := range p.copies {
		c := &p.copies[i]
		if c.State == stateVoid {
			continue
		}
		s := CopyState{
			Copy: c.Copy, Kind: c.Kind, Of: c.Of, Status: CopyLeaving, Ordered: timeOf(p.row.At), Planned: timeOf(c.By),
			By: p.goneAt(c, time.Time{}), Method: p.method(c), Shown: c.Shown, Evidence: c.Evidence, Digest: c.Digest, Tries: c.Tries,
		}
		s.Entry, _ = troth.ParseEntryID(c.Entry) // empty is none
		if s.Entry.IsZero() && c.How == byHost {
			s.Entry = p.row.Entry
		}
		switch {
		case c.waits() || s.By.IsZero():
			s.Status = CopyWaiting
		case !s.By.After(now):
			s.Status, s.At = CopyGone, s.By
		}
		all = append(all, s)
	}
	return all
}

// method is how a copy goes.
func (p *progress) method(c *warrantCopy) Method {
	switch {
	case c.Method != "":
		return c.Method
	case c.How == byRotation:
		return MethodExpired
	case p.row.End == Anonymise:
		return MethodAnonymised
	}
	return MethodDeleted
}
