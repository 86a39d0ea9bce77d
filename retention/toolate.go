package retention

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/trothdev/troth"
)

// Late is a record that a hold came too late for: it was destroyed when the hold was
// placed, and a copy of it may still be there.
type Late struct {
	// Handle is the record's name in evidence.
	Handle string
	Type   string
	Class  string
	// Since is when its destruction was committed.
	Since time.Time
	// Waits are copies that wait to be told, and will be. Leaves are those that are left
	// to expire, and Until when the last of them has, if that is known: who keeps a set of
	// backups can keep it longer.
	Waits, Leaves []string
	Until         time.Time
}

// String says it in one line.
func (l Late) String() string {
	text := fmt.Sprintf("%s/%s: too late since %s", l.Type, l.Handle, instant(l.Since))
	if len(l.Waits) > 0 {
		text += fmt.Sprintf(", going from %v", l.Waits)
	}
	if len(l.Leaves) > 0 {
		text += fmt.Sprintf(", left in %v", l.Leaves)
		if !l.Until.IsZero() {
			text += " until " + instant(l.Until)
		}
	}
	return text
}

const latePage = 200

// TooLate walks over what an active hold covers and cannot keep, because the transaction
// that destroyed it had committed when the hold was placed: that commit is the cut-off.
// What is gone from every copy is not in it any more. Ask it after [Keeper.Place]; how
// much it was is on the trail when the walk has come to its end. Only counsel may.
func (k *Keeper) TooLate(ctx context.Context, tenant troth.Tenant, id string) iter.Seq2[Late, error] {
	return func(yield func(Late, error) bool) {
		if err := k.tooLate(ctx, tenant, id, yield); err != nil {
			yield(Late{}, err)
		}
	}
}

func (k *Keeper) tooLate(ctx context.Context, tenant troth.Tenant, id string, yield func(Late, error) bool) error {
	if err := k.person(ctx, tenant, k.opt.counsel); err != nil {
		return err
	}
	hold, found, err := k.store.Hold(ctx, tenant, id)
	switch {
	case err != nil:
		return fmt.Errorf("retention: read hold: %w", err)
	case !found || hold.ReleasedAt != 0:
		return ErrNotFound
	}
	h, err := k.history(ctx)
	if err != nil {
		return err
	}
	records, first := 0, time.Time{}
	q := WarrantQuery{Tenant: tenant, SubjectID: hold.SubjectID, Limit: latePage}
	for {
		rows, err := k.store.Warrants(ctx, q)
		if err != nil {
			return fmt.Errorf("retention: read warrants: %w", err)
		}
		for i := range rows {
			row := &rows[i]
			if row.End == "" || !hold.covers(row.Class, timeOf(row.Created)) {
				continue
			}
			p, err := k.progress(ctx, h, row)
			if errors.Is(err, ErrTampered) || errors.Is(err, ErrRecord) {
				if !yield(Late{Handle: row.Handle, Type: row.Type, Class: row.Class}, err) {
					return nil
				}
				continue // one row keeps nobody from hearing of the others
			}
			if err != nil {
				return err
			}
			l, is := p.late(k.now())
			if !is {
				continue
			}
			records++
			first = earlier(first, l.Since)
			if !yield(l, nil) {
				return nil
			}
		}
		if len(rows) < latePage {
			break
		}
		q.After = rows[len(rows)-1].ID
	}
	e := hold.entry(actTooLate)
	e.Facts["records"] = troth.Count(records)
	if !first.IsZero() {
		e.Facts["since"] = troth.Instant(first)
	}
	return k.record(ctx, e)
}

// late is what is left of a record that was destroyed; false if nothing is.
func (p *progress) late(now time.Time) (l Late, is bool) {
	l = Late{Handle: p.row.Handle, Type: p.row.Type, Class: p.row.Class, Since: timeOf(p.row.At)}
	for i := range p.copies {
		c := &p.copies[i]
		at := p.goneAt(c, time.Time{})
		switch {
		case c.waits():
			l.Waits = append(l.Waits, c.Copy)
		case at.IsZero() || at.After(now):
			l.Leaves = append(l.Leaves, c.Copy)
		}
	}
	l.Until = p.lastGone(time.Time{})
	return l, len(l.Waits)+len(l.Leaves) > 0
}
