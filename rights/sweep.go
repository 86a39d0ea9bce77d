package rights

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
)

// WorkDue is the kind of works that the desk enqueues, see [WithEnqueuer].
const WorkDue = "rights.due"

// dueKinds are the kinds of items that the desk looks at by itself, in this order, and
// what it does then.
var dueKinds = []struct {
	kind ItemKind
	do   func(d *Desk, ctx context.Context, key ItemKey) error
}{
	{ItemMessage, (*Desk).send},
	{ItemAlarm, (*Desk).ring},
	{ItemStep, (*Desk).step},
	{ItemWake, (*Desk).wake},
	{ItemCheck, (*Desk).recheck},
	{ItemLifting, (*Desk).lift},
	{ItemObligation, (*Desk).overdue},
	{ItemLapse, (*Desk).lapse},
	{ItemEnd, (*Desk).end},
}

// Run does what is due until ctx ends: it sends messages, tells of deadlines, lets
// requests lapse and destroys what is over. It returns the context's error.
func (d *Desk) Run(ctx context.Context) error {
	tick := time.NewTicker(d.opt.poll)
	defer tick.Stop()
	for {
		if err := d.Sweep(ctx); err != nil && ctx.Err() == nil {
			d.log.Warn("rights: run: will try again", zap.Error(err))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// sweepPage is how many items one look takes.
const sweepPage = 100

// Sweep does once what is due now. What goes wrong with one request keeps no other from
// its turn, is put off by an hour, and is in the error.
func (d *Desk) Sweep(ctx context.Context) error {
	ctx = troth.WithActor(d.tx.Detach(ctx), self)
	var failed []error
	for _, k := range dueKinds {
		err := d.sweepKind(ctx, k.kind, func(key ItemKey) error { return k.do(d, ctx, key) })
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

func (d *Desk) sweepKind(ctx context.Context, kind ItemKind, do func(key ItemKey) error) error {
	if kind == ItemMessage && d.opt.notifier == nil || kind == ItemEnd && d.opt.disposer == nil && d.opt.unmanaged == "" {
		return nil // they wait for a desk that can
	}
	var failed []error
	seen := map[ItemKey]bool{}
	for {
		keys, err := d.store.DueItems(ctx, kind, d.micros(), sweepPage)
		if err != nil {
			return errors.Join(append(failed, wrap("look for what is due", err))...)
		}
		fresh := 0
		for _, key := range keys {
			if seen[key] {
				continue // it was done, and is due again at once: next time
			}
			seen[key] = true
			fresh++
			if err := do(key); err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				failed = append(failed, err)
				if err := d.putOff(ctx, key, time.Hour); err != nil {
					failed = append(failed, err)
				}
			}
		}
		if fresh == 0 || len(keys) < sweepPage {
			return errors.Join(failed...)
		}
	}
}

// putOff has an item looked at later.
func (d *Desk) putOff(ctx context.Context, key ItemKey, by time.Duration) error {
	return d.tx.Atomically(ctx, func(ctx context.Context) error {
		if _, _, err := d.store.LockRequest(ctx, key.Tenant, key.Owner); err != nil {
			return wrap("lock request", err)
		}
		row, found, err := d.store.Item(ctx, key)
		now := d.micros()
		if err != nil || !found || row.DueAt > now {
			return wrap("read item", err)
		}
		row.DueAt = now + by.Microseconds()
		return wrap("put off", d.store.PutItem(ctx, row))
	})
}

// dueWork is the payload of a work.
type dueWork struct {
	Owner string   `json:"owner"`
	Kind  ItemKind `json:"kind"`
	ID    string   `json:"id"`
}

// schedule has what is due of an item done by the host's queue, if there is one.
func (d *Desk) schedule(ctx context.Context, row ItemRow) error {
	if d.opt.enqueuer == nil || row.DueAt == 0 {
		return nil
	}
	payload, err := json.Marshal(dueWork{row.Owner, row.Kind, row.ID})
	if err != nil {
		return fmt.Errorf("rights: encode work: %w", err)
	}
	_, err = d.opt.enqueuer.Enqueue(ctx, troth.Work{
		Tenant: row.Tenant, Kind: WorkDue, Payload: payload, NotBefore: instant(row.DueAt),
		Key: workKey(row),
	})
	if err != nil {
		return fmt.Errorf("rights: enqueue: %w", err)
	}
	return nil
}

// workKey names what is due of an item at one instant.
func workKey(row ItemRow) string {
	return row.Owner + "/" + string(row.Kind) + "/" + row.ID + "/" + strconv.FormatInt(row.DueAt, 36)
}

var errEarly = errors.New("rights: not due yet by this clock, will try again")

// tooEarly reports whether a queue, whose clock is not the desk's, brings work before its
// time: done with now, it would never come again. Work of another instant than the item's is
// out of date, and another is on its way.
func (d *Desk) tooEarly(ctx context.Context, key ItemKey, work string) (bool, error) {
	row, found, err := d.store.Item(ctx, key)
	return found && row.DueAt > d.micros() && work == workKey(row), wrap("read item", err)
}

// Do carries out what the desk enqueued, see [WithEnqueuer].
func (d *Desk) Do(ctx context.Context, j troth.Job) (troth.Outcome, error) {
	var w dueWork
	if j.Kind != WorkDue || json.Unmarshal(j.Payload, &w) != nil {
		return troth.Failed, ErrRecord
	}
	ctx = troth.WithActor(ctx, self)
	key := ItemKey{Tenant: j.Ref.Tenant, Owner: w.Owner, Kind: w.Kind, ID: w.ID}
	for _, k := range dueKinds {
		if k.kind != w.Kind {
			continue
		}
		early, err := d.tooEarly(ctx, key, j.Key)
		if err != nil || early {
			return troth.Retry, errors.Join(err, errEarly)
		}
		if err := k.do(d, ctx, key); err != nil && !errors.Is(err, ErrNotFound) {
			return troth.Retry, err
		}
		return troth.Completed, nil
	}
	return troth.Failed, ErrRecord
}
