package vault

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/trothdev/troth"
)

// Reencryption is the host's side of [Vault.Reencrypt]: only the host knows
// where its sealed values stand.
type Reencryption struct {
	// Purpose is why values are opened, as evidence has it.
	Purpose troth.Purpose
	// Page returns the next sealed values behind a cursor of the host's own,
	// which is empty at first, and the cursor behind them. No items end the run.
	// It is called outside of any transaction.
	Page func(ctx context.Context, after string) (items []Item, next string, err error)
	// WriteBack puts anew in the place of old, in ctx's transaction. It returns
	// false, and changes nothing, if another value stands there by now: compare
	// and set.
	WriteBack func(ctx context.Context, at troth.Context, old, anew []byte) (written bool, err error)
	// InsecureForeign tells which values Tink sealed, with a key that was taken in
	// and associated data of its own, and how they open; see
	// [Vault.InsecureOpenForeign]. All of these are sealed anew. Nil says that
	// there are none.
	InsecureForeign func(at troth.Context, sealed []byte) (f Foreign, foreign bool)
	// Skipped hears of values that do not open: [ErrShredded] for those of
	// people who are gone, [ErrRestricted] where a restriction does not except
	// Purpose, [ErrOpen] for what is damaged or foreign. Nil hears nothing; they
	// are counted all the same.
	Skipped func(at troth.Context, err error)
	// After is where an earlier run stopped; Pages ends this one after so many,
	// at the end of the values if it is 0.
	After string
	Pages int
}

// Reencrypted is what a run did. Its counts are of pages that are done.
type Reencrypted struct {
	// Values is how many values the host gave; of these Written were sealed
	// anew and written back, Newest were of the newest generation before, Lost
	// were changed by somebody else meanwhile, and Shredded, Restricted and
	// Unopened did not open.
	Values, Written, Newest, Lost, Shredded, Restricted, Unopened int
	// Next is the cursor behind the last page that is done.
	Next string
	// Done says that the host's values were at their end.
	Done bool
}

// Reencrypt opens the host's values that an old generation sealed, seals them
// with the newest, and gives them back to be written, page by page. Which are of
// an old generation their key ids tell. Each page is one transaction, with its
// evidence; the openings themselves are recorded as [Vault.AppendOpen] records
// them. It returns [ErrOpenInTx] inside a transaction.
//
// It can be broken off and repeated at any time, and run in two processes at
// once: a value that was written back is of the newest generation, and is
// written once. What began before the call is known to it. Plaintext is not kept
// longer than a page takes. With an error it returns what it had done.
func (v *Vault) Reencrypt(ctx context.Context, r Reencryption) (Reencrypted, error) {
	did := Reencrypted{Next: r.After}
	if r.Page == nil || r.WriteBack == nil {
		return did, fmt.Errorf("%w: no pages or no way to write back", ErrTarget)
	}
	if err := r.Purpose.Validate(); err != nil {
		return did, err
	}
	if v.tx.Scope(ctx) != nil {
		return did, ErrOpenInTx
	}
	if v.closed.Load() {
		return did, ErrClosed
	}
	if err := v.lookAhead(ctx); err != nil { // no cached key hides a newer one
		return did, err
	}
	for pages := 0; !did.Done && (r.Pages == 0 || pages < r.Pages); pages++ {
		items, next, err := r.Page(ctx, did.Next)
		if err != nil {
			return did, fmt.Errorf("vault: reencrypt: page: %w", err)
		}
		if len(items) == 0 {
			did.Done = true
			break
		}
		page, err := v.reencryptPage(ctx, &r, items)
		if err != nil {
			return did, err
		}
		did.add(page)
		did.Next = next
	}
	return did, nil
}

func (d *Reencrypted) add(p Reencrypted) {
	d.Values += p.Values
	d.Written += p.Written
	d.Newest += p.Newest
	d.Lost += p.Lost
	d.Shredded += p.Shredded
	d.Restricted += p.Restricted
	d.Unopened += p.Unopened
}

// resealed is a value that is to be written back.
type resealed struct {
	at        troth.Context
	old, anew []byte
}

func (v *Vault) reencryptPage(ctx context.Context, r *Reencryption, items []Item) (Reencrypted, error) {
	page := Reencrypted{Values: len(items)}
	var jobs []resealed
	for i := range items {
		at := items[i].At
		sealed, err := v.reseal(ctx, r, at, items[i].Data)
		switch {
		case err == nil && sealed == nil:
			page.Newest++
		case err == nil:
			jobs = append(jobs, resealed{at: at, old: items[i].Data, anew: sealed})
		case errors.Is(err, ErrShredded):
			page.Shredded++
		case errors.Is(err, ErrRestricted):
			page.Restricted++
		case errors.Is(err, ErrOpen):
			page.Unopened++
		default:
			return page, &BatchError{Index: i, Err: err}
		}
		if err != nil && r.Skipped != nil {
			r.Skipped(at, err)
		}
	}
	if len(jobs) == 0 {
		return page, nil
	}
	err := v.tx.Atomically(ctx, func(ctx context.Context) (err error) {
		page.Written, err = v.writeBack(ctx, r, jobs)
		return err
	})
	page.Lost = len(jobs) - page.Written
	return page, err
}

// reseal returns the value under the newest generation, nil if it is.
func (v *Vault) reseal(ctx context.Context, r *Reencryption, at troth.Context, old []byte) ([]byte, error) {
	if r.InsecureForeign != nil {
		if f, foreign := r.InsecureForeign(at, old); foreign {
			plain, err := v.InsecureOpenForeign(ctx, nil, at, r.Purpose, f)
			if err != nil {
				return nil, err
			}
			defer clear(plain)
			return v.AppendSeal(ctx, nil, at, plain)
		}
	}
	outdated, err := v.Outdated(ctx, at, old)
	if err != nil || !outdated {
		return nil, err
	}
	plain, err := v.AppendOpen(ctx, nil, at, r.Purpose, old)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	return v.AppendSeal(ctx, nil, at, plain)
}

// Outdated reports whether a value was sealed by an older generation than the
// one that seals now, so that a host which reads it anyway may seal it anew. It
// looks at the key id and opens nothing. It returns [ErrOpen] where no key of
// the person's compartment has that id, and what [Vault.AppendOpen] returns for
// keys that cannot be used.
func (v *Vault) Outdated(ctx context.Context, at troth.Context, sealed []byte) (bool, error) {
	if err := at.Validate(); err != nil {
		return false, err
	}
	q := v.cache.seek(nameOf(&at))
	s, err := v.locateKey(ctx, &q, sealed)
	if err != nil {
		return false, err
	}
	return s.find(sealed) != &s.keys[0], nil
}

// writeBack has the host write a page, and records how much of it.
func (v *Vault) writeBack(ctx context.Context, r *Reencryption, jobs []resealed) (written int, err error) {
	of := map[troth.Tenant]int{}
	for _, j := range jobs {
		is, err := r.WriteBack(ctx, j.at, j.old, j.anew)
		if err != nil {
			return 0, fmt.Errorf("vault: reencrypt: write back: %w", err)
		}
		if is {
			of[j.at.Subject.Tenant]++
			written++
		}
	}
	for _, tenant := range slices.Sorted(maps.Keys(of)) {
		err := v.record(ctx, troth.Entry{
			Act: actReencrypt, Tenant: tenant, Purpose: r.Purpose,
			Facts: troth.Facts{"values": troth.Count(of[tenant])},
		})
		if err != nil {
			return 0, err
		}
	}
	return written, nil
}
