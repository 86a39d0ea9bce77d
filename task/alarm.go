package task

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
)

// Stage is how near a deadline is.
type Stage string

const (
	// Half: half of the time between enqueuing and deadline has passed.
	Half Stage = "half"
	// Most: 80 % of it have.
	Most Stage = "most"
	// Late: the deadline has passed.
	Late Stage = "late"
)

// stages are how stages are stored, from 1.
var stages = []Stage{"", Half, Most, Late}

// Notice tells of a deadline.
type Notice struct {
	Ref   troth.WorkRef
	Kind  string
	Stage Stage
	State State
	// Owner is the role that a task in state [Manual] waits for.
	Owner    string
	Deadline time.Time
	// At is now, by the database's clock.
	At time.Time
}

// stageAt is when a stage begins.
func stageAt(stage int, created, deadline int64) int64 {
	switch left := max(deadline-created, 0); stage {
	case 1:
		return created + left/2
	case 2:
		return created + left/10*8
	default:
		return deadline
	}
}

// nextAlarm is the alarm after a stage, the zero Alarm if there is none. Stages
// that have been overtaken by now are passed over.
func nextAlarm(stage int, created, deadline, now int64) Alarm {
	if deadline == 0 {
		return Alarm{}
	}
	for next := stage + 1; next < len(stages); next++ {
		if at := stageAt(next, created, deadline); at > now || next == len(stages)-1 {
			return Alarm{Stage: next, At: at}
		}
	}
	return Alarm{}
}

// Alarm tells once of the deadlines that came near or passed, as [Engine.Run] does
// at every poll, and returns how many it told of.
func (e *Engine) Alarm(ctx context.Context) (told int, err error) {
	ctx = acting(e.tx.Detach(ctx))
	for {
		more, did, err := e.alarmOne(ctx)
		if did {
			told++
		}
		if err != nil || !more {
			return told, err
		}
	}
}

// alarmOne looks at the alarm that is due first. What goes wrong with one must not
// keep the others from being told: it is put off, in a transaction of its own.
func (e *Engine) alarmOne(ctx context.Context) (more, told bool, err error) {
	var due []DueAlarm
	err = e.tx.Atomically(ctx, func(ctx context.Context) (err error) {
		if due, err = e.store.Alarms(ctx, 1); err != nil || len(due) == 0 {
			return wrap("alarms", err)
		}
		return e.tell(ctx, due[0])
	})
	if err == nil || len(due) == 0 || ctx.Err() != nil {
		return len(due) > 0, err == nil && len(due) > 0 && due[0].State.Open(), err
	}
	e.log.Warn("task: alarm: will try again in a minute", zap.String("kind", due[0].Kind), zap.Error(err))
	return true, false, e.tx.Atomically(ctx, func(ctx context.Context) error {
		again, err := e.store.Alarms(ctx, 1)
		if err != nil || len(again) == 0 || again[0].Name != due[0].Name || again[0].Alarm != due[0].Alarm {
			return wrap("alarms", err) // it was told after all, or somebody else is at it
		}
		later := Alarm{Stage: again[0].Stage, At: again[0].Now + time.Minute.Microseconds()}
		return wrap("put off an alarm", e.store.SetAlarm(ctx, again[0].Name, later))
	})
}

// alarmError is a failure of the host's alarm. It is logged, and what the host says
// may name a person: that is for who unwraps it.
type alarmError struct{ err error }

func (*alarmError) Error() string { return "task: the host's alarm failed" }

func (e *alarmError) Unwrap() error { return e.err }

// tell puts an alarm on the trail, tells the host, and sets the next one.
func (e *Engine) tell(ctx context.Context, a DueAlarm) error {
	next := Alarm{}
	if a.State.Open() {
		// Nobody may have looked for a while: the latest stage is told.
		stage := a.Stage
		for stage+1 < len(stages) && stageAt(stage+1, a.CreatedAt, a.Deadline) <= a.Now {
			stage++
		}
		if stage < 1 || stage >= len(stages) {
			return fmt.Errorf("task: alarm of a task has a stage out of range")
		}
		n := Notice{
			Ref: a.Ref(), Kind: a.Kind, Stage: stages[stage], State: a.State, Owner: a.Owner,
			Deadline: instant(a.Deadline), At: instant(a.Now),
		}
		facts := about(a.Name, a.Kind)
		facts["stage"], facts["state"] = troth.Word(string(n.Stage)), troth.Word(string(a.State))
		facts["deadline"] = troth.Instant(n.Deadline)
		if err := e.record(ctx, troth.Entry{Act: actAlarm, Tenant: a.Tenant, Facts: facts}); err != nil {
			return err
		}
		if err := e.opt.alarms.Alarm(ctx, n); err != nil {
			return &alarmError{err}
		}
		next = nextAlarm(stage, a.CreatedAt, a.Deadline, a.Now)
	}
	return wrap("set alarm", e.store.SetAlarm(ctx, a.Name, next))
}
