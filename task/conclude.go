package task

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
)

// conclude ends claims, puts on the trail what belongs there, and hands the
// host's queue what is due. It works in the transaction of ctx, or in one of its
// own; ctx carries the engine as actor.
func (e *Engine) conclude(ctx context.Context, es []Ending) (freed []Freed, lost []Name, err error) {
	if e.plain(es) {
		out, err := e.store.End(ctx, es)
		if err != nil {
			return nil, nil, wrap("end", err)
		}
		// Who was freed by a completion has nothing to put on the trail.
		return out.Freed, out.Lost, nil
	}
	err = e.tx.Atomically(ctx, func(ctx context.Context) error {
		freed, lost = nil, nil
		for _, ending := range es {
			out, err := e.store.End(ctx, []Ending{ending})
			if err != nil {
				return wrap("end", err)
			}
			if len(out.Lost) > 0 {
				lost = append(lost, out.Lost...)
				continue
			}
			freed = append(freed, out.Freed...)
			if err := e.follow(ctx, ending, out.Freed); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	return freed, lost, nil
}

// plain reports whether endings need nothing but the store.
func (e *Engine) plain(es []Ending) bool {
	if e.opt.dispatcher != nil {
		return false
	}
	for _, ending := range es {
		if ending.To == Failed || ending.To == Manual {
			return false
		}
	}
	return true
}

// follow does what goes with one ending.
func (e *Engine) follow(ctx context.Context, ending Ending, freed []Freed) error {
	var err error
	switch ending.To {
	case Failed:
		err = e.recordEnded(ctx, actFail, ending)
	case Manual:
		err = e.recordParked(ctx, ending.Name, ending.Owner)
	case Delayed:
		err = e.dispatch(ctx, ending.Name, e.opt.now().Add(ending.By))
	case Waiting:
		err = e.dispatch(ctx, ending.Name, time.Time{})
	case Completed, Cancelled, Running, Blocked:
	}
	if err != nil {
		return err
	}
	return e.settleFreed(ctx, freed, ending.Owner)
}

// recordEnded puts on the trail that work was given up.
func (e *Engine) recordEnded(ctx context.Context, act *troth.Act, ending Ending) error {
	row, _, err := e.store.Task(ctx, ending.Name)
	if err != nil {
		return wrap("look at a task", err)
	}
	facts := about(row.Name, row.Kind)
	facts["attempts"] = troth.Count(row.Attempt)
	facts["reason"] = troth.Word(word(row.Reason))
	return e.record(ctx, troth.Entry{Act: act, Tenant: row.Tenant, Facts: facts})
}

// recordParked puts on the trail that work waits for a person.
func (e *Engine) recordParked(ctx context.Context, n Name, owner string) error {
	row, _, err := e.store.Task(ctx, n)
	if err != nil {
		return wrap("look at a task", err)
	}
	facts := about(row.Name, row.Kind)
	facts["attempts"] = troth.Count(row.Attempt)
	facts["reason"] = troth.Word(word(row.Reason))
	facts["owner"] = troth.Word(owner)
	return e.record(acting(ctx), troth.Entry{Act: actPark, Tenant: row.Tenant, Facts: facts})
}

// word is a reason that may be empty as a fact, which may not.
func word(reason string) string {
	if reason == "" {
		return ReasonError
	}
	return reason
}

// persist concludes one ending, again and again where that fails, for as long as
// a lease lasts: after that others have the task.
func (e *Engine) persist(ctx context.Context, ending Ending) ([]Freed, error) {
	giveUp := time.Now().Add(e.opt.lease)
	ctx, cancel := context.WithDeadline(ctx, giveUp)
	defer cancel()
	for failures := 1; ; failures++ {
		freed, lost, err := e.conclude(ctx, []Ending{ending})
		pause := pauseAfter(failures)
		if err == nil || hopeless(err) || time.Now().Add(pause).After(giveUp) {
			e.logLost(lost)
			return freed, err
		}
		timer := time.NewTimer(pause)
		<-timer.C
	}
}

func (e *Engine) logLost(lost []Name) {
	for _, n := range lost {
		e.log.Warn("task: the lease was lost: the task runs again",
			zap.String("tenant", string(n.Tenant)), zap.String("task", n.ID.String()))
	}
}
