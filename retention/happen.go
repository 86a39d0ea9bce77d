package retention

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"github.com/trothdev/troth"
)

// NewRecord is a record that came to be.
type NewRecord struct {
	RecordKey
	// SubjectID is the person whom it is about. Empty says that this is not known, or
	// not one person: holds that are limited to a person cover it then.
	SubjectID string
	// AccountID is the account that it belongs to, Purpose the one purpose that it is kept
	// for; empty is none of its own. Events of them are events of the record, see
	// [Keeper.HappenedTo]. What is kept for several purposes names none: report what
	// happened when the last of them ended.
	AccountID string
	Purpose   troth.Purpose
	// Labels are those of the policy that it carries.
	Labels []string
	// At is when it came to be; zero is now.
	At time.Time
}

// Created reports a record that the host has written, in the host's transaction: it is
// kept by the policy from now on. What happened to its account, its subject or its purpose
// counts for it too. Reporting the same again changes nothing.
func (k *Keeper) Created(ctx context.Context, n NewRecord) error {
	if err := n.validate(); err != nil {
		return err
	}
	h, err := k.history(ctx)
	if err != nil {
		return err
	}
	now := k.now()
	at := n.At
	if at.IsZero() {
		at = now
	}
	if at = timeOf(at.UnixMicro()); at.After(now) {
		return ErrFuture
	}
	class, ok := h.ClassOf(n.Type, now)
	if _, known := k.opt.types[n.Type]; !ok || !known {
		return ErrUnregistered
	}
	s, cohort, ok := h.Begin(class, at)
	if !ok {
		return fmt.Errorf("%w: class %q", ErrNotKept, class)
	}
	d := detail{Labels: slices.Compact(slices.Sorted(slices.Values(n.Labels))), own: 1, Events: []Occurrence{{Event: Created, At: at}}}
	row := RecordRow{
		RecordKey: n.RecordKey, Handle: rand.Text(), Class: class, Stage: s.Stage, Cohort: cohort,
		Since: s.Since.UnixMicro(), Visible: VisibleAll, SubjectID: n.SubjectID, AccountID: n.AccountID, Purpose: string(n.Purpose),
		Created: at.UnixMicro(), Version: 1,
	}
	if row.Detail, err = d.encode(); err != nil {
		return err
	}
	decided := h.Evaluate((&holdIndex{}).facts(h, &row, &d, now), now)
	row.Visible = decided.Visible // as the host made it
	k.schedule(h, &row, &decided, len(d.Labels) > 0, now, false)
	return k.tx.Atomically(ctx, func(ctx context.Context) error {
		inserted, err := k.store.InsertRecord(ctx, row)
		if err != nil {
			return fmt.Errorf("retention: write record: %w", err)
		}
		if inserted {
			return k.belate(ctx, h, &row, &d, now)
		}
		old, _, err := k.store.Record(ctx, n.RecordKey)
		if err != nil {
			return fmt.Errorf("retention: read record: %w", err)
		}
		if old.Class != row.Class || old.SubjectID != row.SubjectID || old.AccountID != row.AccountID || old.Purpose != row.Purpose ||
			!n.At.IsZero() && old.Created != row.Created {
			return ErrConflict
		}
		return nil
	})
}

func (n *NewRecord) validate() error {
	if err := n.RecordKey.validate(); err != nil {
		return err
	}
	if n.AccountID != "" {
		if err := checkName("account", n.AccountID); err != nil {
			return err
		}
	}
	if n.Purpose != "" {
		if err := n.Purpose.Validate(); err != nil {
			return err
		}
	}
	for _, label := range n.Labels {
		if err := checkName("label", label); err != nil {
			return err
		}
	}
	if n.SubjectID != "" {
		return troth.Subject{Tenant: n.Tenant, ID: n.SubjectID}.Validate()
	}
	return nil
}

func (key RecordKey) validate() error {
	if err := key.Tenant.Validate(); err != nil {
		return err
	}
	if err := checkName("record type", key.Type); err != nil {
		return err
	}
	return checkName("record", key.ID)
}

// Happened reports an event of one record, in the host's transaction: it moves the
// record, and the handler hides or restores it, in the same transaction. Reporting the
// same again changes nothing. Events may be reported in any order: the record stands
// where their times say. A record takes some 1,300 of its own, and then [ErrFull]. An event of an account, a subject or a purpose counts for that one
// record: [Keeper.HappenedTo] reports it for all.
func (k *Keeper) Happened(ctx context.Context, key RecordKey, o Occurrence) error {
	now := k.now()
	if err := o.settle(now); err != nil {
		return err
	}
	return k.tx.Atomically(ctx, func(ctx context.Context) error {
		h, err := k.history(ctx)
		if err != nil {
			return err
		}
		if _, ok := h.ScopeOf(o.Event, now); !ok || o.Event == Created {
			return ErrEvent
		}
		row, found, err := k.store.LockRecord(ctx, key, true)
		if err != nil {
			return fmt.Errorf("retention: lock record: %w", err)
		}
		if !found {
			return ErrNotFound
		}
		return k.happened(ctx, h, &row, o, now)
	})
}

func (k *Keeper) happened(ctx context.Context, h *History, row *RecordRow, o Occurrence, now time.Time) error {
	d, err := row.detail()
	if err != nil {
		return err
	}
	events, err := k.eventsFor(ctx, *row)
	if err != nil {
		return err
	}
	added := d.fold(row, events)
	if !d.has(o) {
		d.add(o)
		added = true
	}
	if !added {
		return nil
	}
	return k.settleIn(ctx, h, row, &d, now)
}

func (k *Keeper) put(ctx context.Context, row *RecordRow) error {
	if err := k.store.PutRecord(ctx, *row); err != nil {
		return fmt.Errorf("retention: write record: %w", err)
	}
	return nil
}

// enter tells the handler what a stage means for a record that came to it: who sees
// it, and which copies lose it. It records a move.
func (k *Keeper) enter(ctx context.Context, h *History, row *RecordRow, before string, d *Decision) error {
	shed := &parting{}
	if row.Stage != before {
		shed = k.sheds(h, row, d.At)
	}
	sheds := shed.host()
	visible := d.Visible
	if visible == "" {
		visible = row.Visible // nobody knows what the policy says: it stays as it is
	}
	was := row.Visible
	row.Visible = visible
	if visible != was || len(sheds) > 0 {
		reg, ok := k.opt.types[row.Type]
		if !ok {
			return ErrUnregistered
		}
		o := orderOf(row, d)
		o.Copies = sheds
		tell := reg.Handler.Hide
		if visible.rank() > was.rank() {
			tell = reg.Handler.Restore
		}
		if err := gone(k.guarded(ctx, o, tell)); err != nil {
			return err
		}
	}
	if row.Stage == before {
		return nil
	}
	entry, err := k.recorded(actorOr(ctx), troth.Entry{Act: actMove, Tenant: row.Tenant, SubjectID: row.SubjectID, Facts: troth.Facts{
		"record": troth.ID(row.Handle), "type": troth.Word(row.Type), "class": troth.Word(row.Class),
		"stage": troth.Word(before), "next": troth.Word(row.Stage), "since": troth.Instant(timeOf(row.Since)),
		"visible": troth.Word(string(visible)),
	}})
	if err != nil {
		return err
	}
	return k.issue(ctx, h, row, d, "", shed, entry)
}
