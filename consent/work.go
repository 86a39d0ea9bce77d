package consent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/trothdev/troth"
)

// notification is the payload of WorkNotify.
type notification struct {
	Subject string
	Purpose troth.Purpose
	Version uint32
	Why     Why
	By      int64
}

// enqueueNotify enqueues that somebody is to be asked. cause tells publications
// and dates apart; nobody is asked twice for one.
func (l *Ledger) enqueueNotify(ctx context.Context, n Notification, cause string) error {
	payload := notification{n.Subject.ID, n.Purpose, n.Version, n.Why, micros(n.By)}
	key := fmt.Sprintf("%s/%s/%d/%s/%s", n.Why, n.Purpose, n.Version, n.Subject.ID, cause)
	if n.Why == WhyMaterial || n.Why == WhyNewRecipient || n.Why == WhyNewPurpose || n.Why == WhyChanged {
		key = fmt.Sprintf("%s/%s/%d/%s", n.Why, n.Purpose, n.Version, n.Subject.ID)
	}
	return l.enqueue(ctx, n.Subject.Tenant, WorkNotify, key, payload, time.Time{}, n.By)
}

// Do does one piece of work that the ledger enqueued, of one of the kinds of
// [Works]. A host's queue calls it, or the task engine's handler; doing the same
// again has no other effect. The context carries the actor of the queue, or none:
// then the ledger itself acts.
//
// [troth.Failed] comes with work that is not the ledger's, or cannot be read.
func (l *Ledger) Do(ctx context.Context, w troth.Work) (troth.Outcome, error) {
	if _, err := troth.ActorFrom(ctx); errors.Is(err, troth.ErrNoActor) {
		ctx = troth.WithActor(ctx, self)
	}
	var err error
	switch w.Kind {
	case WorkWithdraw:
		err = decodeAnd(w, func(p delivery) error { return l.doWithdraw(ctx, w.Tenant, p) })
	case WorkAnnounce:
		err = decodeAnd(w, func(a announcement) error {
			if a.Tenant != w.Tenant {
				return errPayload
			}
			return l.doAnnounce(ctx, a)
		})
	case WorkNotify:
		err = decodeAnd(w, func(n notification) error { return l.doNotify(ctx, w.Tenant, n) })
	default:
		return troth.Failed, errPayload
	}
	switch {
	case err == nil:
		return troth.Completed, nil
	case errors.Is(err, errPayload):
		return troth.Failed, err
	}
	return troth.Retry, err
}

var errPayload = errors.New("consent: not work of the ledger's")

func decodeAnd[T any](w troth.Work, do func(T) error) error {
	var payload T
	if json.Unmarshal(w.Payload, &payload) != nil {
		return errPayload
	}
	return do(payload)
}

// doWithdraw tells a processor, and notes that it knows.
func (l *Ledger) doWithdraw(ctx context.Context, tenant troth.Tenant, p delivery) error {
	d, err := l.tenant(ctx, tenant)
	if err != nil {
		return err
	}
	row, found, err := l.store.Event(ctx, tenant, p.Event)
	if err != nil {
		return fmt.Errorf("consent: read event: %w", err)
	}
	if !found || row.SubjectID != p.Subject {
		return nil // erased since: what tells processors of an erasure is not the ledger's
	}
	e, err := d.openEvent(row)
	if err != nil {
		return err
	}
	to := l.processor(p.Processor)
	if to == nil {
		return needs("WithProcessor, of one that was registered when the person said no")
	}
	err = to.Withdraw(ctx, Withdrawal{
		Subject: troth.Subject{Tenant: tenant, ID: p.Subject}, Purpose: e.Purpose, Kind: e.Kind, Event: e.ID, GivenAt: e.GivenAt,
	})
	if err != nil {
		return fmt.Errorf("consent: processor %s: %w", p.Processor, err)
	}
	return l.tx.Atomically(ctx, func(ctx context.Context) error {
		acked, err := l.store.Acknowledge(ctx, tenant, e.ID, p.Processor, l.micros())
		if err != nil || !acked {
			return err
		}
		_, err = l.record(ctx, troth.Entry{
			Act: actTold, Tenant: tenant, SubjectID: p.Subject, Purpose: e.Purpose,
			Facts: troth.Facts{"processor": troth.Word(p.Processor), "event": troth.Digest(e.Hash())},
		})
		return err
	})
}

func (l *Ledger) processor(name string) Processor {
	for i := range l.opt.processors {
		if l.opt.processors[i].name == name {
			return l.opt.processors[i].p
		}
	}
	return nil
}

// doNotify asks or tells somebody, unless they have answered since.
func (l *Ledger) doNotify(ctx context.Context, tenant troth.Tenant, n notification) error {
	if l.opt.notifier == nil {
		return needs("WithNotifier")
	}
	d, err := l.tenant(ctx, tenant)
	if err != nil {
		return err
	}
	who := troth.Subject{Tenant: tenant, ID: n.Subject}
	all, err := l.readStates(ctx, d, who)
	if err != nil {
		return err
	}
	if !stillConcerns(d, all, who, n) {
		return nil
	}
	err = l.opt.notifier.Notify(ctx, Notification{
		Subject: who, Purpose: n.Purpose, Version: n.Version, Why: n.Why, By: instant(n.By),
	})
	if err != nil {
		return fmt.Errorf("consent: notify: %w", err)
	}
	return nil
}

func stillConcerns(d *tenantData, all states, who troth.Subject, n notification) bool {
	s := all.of(n.Purpose)
	switch n.Why {
	case WhyNewPurpose:
		return len(all) > 0 && !all.has(n.Purpose)
	case WhyRefresh, WhyMajority:
		choice := s.last(choiceTrack)
		return choice.exists() && !choice.code.nature().no
	case WhyMaterial, WhyNewRecipient, WhyChanged: // see below
	}
	t := d.catalogue.Version(n.Purpose, n.Version)
	if t == nil || !all.has(n.Purpose) {
		return false
	}
	_, is := concerns(t, d.catalogue[n.Purpose], s, who)
	return is
}
