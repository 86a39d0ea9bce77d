package consent

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/trothdev/troth"
)

// LinkParams say that a device is a person's.
type LinkParams struct {
	Tenant troth.Tenant
	// Device and Account are the ids of subjects, as events were recorded under
	// them.
	Device, Account string
}

// Link makes what an anonymous device has said until now count for an account, as
// when somebody logs in. No event is changed: decisions about the account take the
// device's into account from now on, and decisions as known before do not.
//
// A device's yes counts where the account has not said no itself, or said yes
// later: logging in upgrades nobody. What the device says after the link is not
// the account's. A device is linked once; to the same account again is no error,
// to another is [ErrLinked], and so is linking what is an account already, or to
// what is a device. There is no way back, and erasing the account erases the device:
// link what the person has shown to be theirs, such as the browser that they log in
// with.
func (l *Ledger) Link(ctx context.Context, p LinkParams) error {
	device := troth.Subject{Tenant: p.Tenant, ID: p.Device}
	account := troth.Subject{Tenant: p.Tenant, ID: p.Account}
	for _, who := range []troth.Subject{device, account} {
		if err := who.Validate(); err != nil {
			return err
		}
		if reserved(who.ID) || device == account {
			return &troth.IdentifierError{Kind: "subject", Reason: "is reserved"}
		}
	}
	d, err := l.tenant(ctx, p.Tenant)
	if err != nil {
		return err
	}
	err = l.tx.Atomically(ctx, func(ctx context.Context) error { return l.link(ctx, d, device, account) })
	l.settleEnded(account)
	l.settleEnded(device)
	return err
}

func (l *Ledger) link(ctx context.Context, d *tenantData, device, account troth.Subject) error {
	from, to, err := l.lockBoth(ctx, d, device, account)
	if err != nil {
		return err
	}
	row, found, err := l.store.Link(ctx, device.Tenant, device.ID)
	if err != nil {
		return fmt.Errorf("consent: read link: %w", err)
	}
	if found {
		if row.Account != account.ID {
			return ErrLinked
		}
		return nil
	}
	if err := l.unchained(ctx, device, account); err != nil {
		return err
	}
	now := max(from.now, to.now)
	from.now, to.now = now, now
	message := (&link{device: from.person.pseudonym, account: to.person.pseudonym, at: now, recorded: now}).append(nil)
	digest := sha256.Sum256(message)
	_, err = l.store.InsertLink(ctx, LinkRow{
		Tenant: device.Tenant, Device: device.ID, Account: account.ID, Record: d.key.seal(linkTable, "", "", message),
	})
	if err != nil {
		return fmt.Errorf("consent: link: %w", err)
	}
	for _, of := range from.states {
		s := *to.states.of(of.purpose)
		s.adopt(&of.state, now, now)
		if err := to.put(ctx, of.purpose, s); err != nil {
			return err
		}
		to.denyLinked(of.purpose, &of.state)
	}
	_, err = l.record(ctx, troth.Entry{
		Act: actLink, Tenant: account.Tenant, SubjectID: account.ID,
		Facts: troth.Facts{"at": troth.Instant(instant(now)), "link": troth.Digest(digest)},
	})
	if err != nil {
		return err
	}
	return from.closeLink(ctx, to)
}

// unchained refuses to make an account a device of another one, or a device an
// account: what others have said would change hands twice, and an erasure reach
// people whom it does not concern.
func (l *Ledger) unchained(ctx context.Context, device, account troth.Subject) error {
	devices, err := l.store.Links(ctx, device.Tenant, device.ID)
	if err != nil {
		return fmt.Errorf("consent: read links: %w", err)
	}
	_, linked, err := l.store.Link(ctx, account.Tenant, account.ID)
	if err != nil {
		return fmt.Errorf("consent: read link: %w", err)
	}
	if len(devices) > 0 || linked {
		return ErrLinked
	}
	return nil
}

// lockBoth locks two people in the order of their ids, so that no two links wait
// for each other.
func (l *Ledger) lockBoth(ctx context.Context, d *tenantData, device, account troth.Subject) (from, to *writing, err error) {
	if device.ID < account.ID {
		if from, err = l.lock(ctx, d, device); err != nil {
			return nil, nil, err
		}
		to, err = l.lock(ctx, d, account)
		return from, to, err
	}
	if to, err = l.lock(ctx, d, account); err != nil {
		return nil, nil, err
	}
	from, err = l.lock(ctx, d, device)
	return from, to, err
}

// denyLinked lets the account deny at once what the device has said no to.
func (w *writing) denyLinked(p troth.Purpose, device *state) {
	for i := range device.own {
		if m := &device.own[i]; m.exists() && m.kind().Denies() && w.states.of(p).last(m.code.nature().track).id == m.id {
			w.nos = append(w.nos, no{purpose: p, event: m.id, reason: reasonOf(m.kind()), given: w.now})
		}
	}
}

// closeLink writes both clocks, so that nothing recorded later counts as from
// before the link.
func (w *writing) closeLink(ctx context.Context, account *writing) error {
	for _, one := range []*writing{w, account} {
		one.person.clock = one.now
		if err := one.putPerson(ctx); err != nil {
			return err
		}
		if err := w.l.raise(ctx, one.who.Tenant, one.who.ID); err != nil {
			return err
		}
		w.l.pendings.add(&pending{
			who: one.who, scope: w.l.tx.Scope(ctx), nos: one.nos, until: w.l.mono() + int64(pendingLife),
		})
		w.l.cache.evict(one.who)
	}
	return nil
}

// devicesOf reads the links of an account whose rows stand under an id.
func (l *Ledger) devicesOf(ctx context.Context, t *tenantData, under troth.Subject, account Pseudonym) ([]LinkRow, []link, error) {
	rows, err := l.store.Links(ctx, under.Tenant, under.ID)
	if err != nil {
		return nil, nil, fmt.Errorf("consent: read links: %w", err)
	}
	links := make([]link, len(rows))
	for i, row := range rows {
		message, err := t.key.open(linkTable, "", "", row.Record)
		if err != nil {
			return nil, nil, err
		}
		if links[i], err = parseLink(message); err != nil || links[i].account != account {
			return nil, nil, ErrRecord
		}
	}
	return rows, links, nil
}

// claims marks an event of the device as one of the account's; false if it came
// after the link.
func (l *link) claims(e *Event) bool {
	e.Link = Link{At: instant(l.at), RecordedAt: instant(l.recorded)}
	return micros(e.RecordedAt) <= l.recorded
}

// linkedEvents reads the events of devices that became a person's.
func (l *Ledger) linkedEvents(ctx context.Context, t *tenantData, who troth.Subject, account Pseudonym) ([]Event, error) {
	rows, links, err := l.devicesOf(ctx, t, who, account)
	if err != nil {
		return nil, err
	}
	var all []Event
	for i := range rows {
		events, err := l.eventsUnder(ctx, t, troth.Subject{Tenant: who.Tenant, ID: rows[i].Device}, links[i].device)
		if err != nil {
			return nil, err
		}
		for _, e := range events {
			if links[i].claims(&e) {
				all = append(all, e)
			}
		}
	}
	return all, nil
}
