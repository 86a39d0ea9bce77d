package unsubscribe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
)

// thresholds are how much of the time has passed when there is an alarm, in percent.
var thresholds = []uint32{50, 80, 100}

// threshold is when so many percent of the time will have passed.
func (d *DeliveryRow) threshold(percent uint32) int64 {
	return d.NotedAt + (d.DueAt-d.NotedAt)/100*int64(percent) + (d.DueAt-d.NotedAt)%100*int64(percent)/100
}

func (d *DeliveryRow) alarm() *Alarm {
	return &Alarm{
		Registry: d.Tenant, Event: d.EventID, Provider: d.Provider, Rule: d.Rule, DueAt: timeOf(d.DueAt),
		Percent: int(d.Alarmed), Attempts: int(d.Attempts), Failed: d.State == DeliveryFailed,
	}
}

// sound tells of an alarm that is stored.
func (r *Registry) sound(a *Alarm) {
	if a == nil {
		return
	}
	r.log.Warn("a provider is not told of an opt-out",
		zap.String("registry", string(a.Registry)), zap.String("event", a.Event), zap.String("provider", a.Provider),
		zap.String("rule", a.Rule), zap.Time("due", a.DueAt), zap.Int("percent", a.Percent), zap.Int("attempts", a.Attempts))
	if r.opt.alarm != nil {
		r.opt.alarm(*a)
	}
}

// late records once that the deadline passed.
func (r *Registry) late(ctx context.Context, e Event, row *DeliveryRow) (*Alarm, error) {
	row.Alarmed = 100
	err := r.record(ctx, troth.Entry{Act: actLate, Tenant: row.Tenant, Facts: deliveryFacts(&e, row)})
	return row.alarm(), err
}

// Sweep raises the alarms that are due, at 50 and 80 percent of the time and when it
// is over, each once for all processes; and prunes the feed. [Registry.Run] does so
// again and again.
func (r *Registry) Sweep(ctx context.Context) error {
	if _, err := troth.ActorFrom(ctx); errors.Is(err, troth.ErrNoActor) {
		ctx = troth.WithActor(ctx, self)
	}
	const page = 100
	for {
		rows, err := r.store.DueDeliveries(ctx, r.micros(), page)
		if err != nil {
			return fmt.Errorf("unsubscribe: read what is due: %w", err)
		}
		for _, row := range rows {
			if err := r.alarmFor(ctx, row); err != nil {
				return err
			}
		}
		if len(rows) < page {
			break
		}
	}
	if err := r.store.PruneFeed(ctx, r.now().Add(-r.opt.feedKept).UnixMicro()); err != nil {
		return fmt.Errorf("unsubscribe: prune feed: %w", err)
	}
	return nil
}

func (r *Registry) alarmFor(ctx context.Context, due DeliveryRow) error {
	var raised *Alarm
	err := r.tx.Atomically(ctx, func(ctx context.Context) error {
		row, found, err := r.store.LockDelivery(ctx, due.Tenant, due.EventID, due.Provider)
		now := r.micros()
		if err != nil || !found || row.NextAlarm == 0 || row.NextAlarm > now {
			return err // somebody else was here
		}
		reached := row.Alarmed
		row.NextAlarm = 0
		for _, t := range thresholds {
			switch {
			case row.threshold(t) <= now:
				reached = max(reached, t)
			case row.NextAlarm == 0:
				row.NextAlarm = row.threshold(t)
			}
		}
		if reached > row.Alarmed {
			row.Alarmed, raised = reached, row.alarm()
			raised.Percent = int(reached)
		}
		if reached == 100 && raised != nil {
			late, err := r.lateRow(ctx, &row)
			switch {
			case errors.Is(err, ErrRecord):
				// Somebody was at the event: the alarm sounds all the same, and no other
				// waits behind it.
				r.log.Error("unsubscribe: the event of a late delivery is not usable",
					zap.String("registry", string(row.Tenant)), zap.String("event", row.EventID))
			case err != nil:
				return err
			default:
				raised = late
			}
		}
		return r.putDelivery(ctx, row)
	})
	if err != nil {
		return fmt.Errorf("unsubscribe: alarm: %w", err)
	}
	r.sound(raised)
	return nil
}

func (r *Registry) lateRow(ctx context.Context, row *DeliveryRow) (*Alarm, error) {
	event, found, err := r.store.Event(ctx, row.Tenant, row.EventID)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, ErrRecord
	}
	e, err := openEvent(&event)
	if err != nil {
		return nil, err
	}
	return r.late(ctx, e, row)
}

// Run sweeps every minute until ctx ends, and returns its error. What fails is
// logged and tried again.
func (r *Registry) Run(ctx context.Context) error {
	tick := time.NewTicker(r.opt.sweepEvery)
	defer tick.Stop()
	for {
		if err := r.Sweep(ctx); err != nil && ctx.Err() == nil {
			r.log.Error("sweep of opt-outs", zap.Error(err))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
