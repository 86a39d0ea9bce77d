package task

import (
	"context"
	"errors"
	"reflect"
	"runtime"
	"runtime/debug"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
)

// errPanic stands for a handler that did not return.
var errPanic = errors.New("task: handler panicked")

// errExhausted stands for work that was tried too often before this attempt
// began: its process died each time.
var errExhausted = errors.New("task: too many attempts")

// errStray stands for work whose handler still runs in this process, although its
// lease has ended.
var errStray = errors.New("task: an earlier attempt goes on without its lease")

// attempt runs the handler once, judges what came of it, and hands that on. It does
// so too where the handler panicked or ended the goroutine, which is therefore one of
// the engine's own.
func (c *claimed) attempt(end func(*claimed, Ending)) {
	began := time.Now()
	err := errPanic // stands unless the handler returns
	defer func() {
		if p := recover(); p != nil {
			c.logPanic(p)
		}
		end(c, c.judged(began, err))
	}()
	err = c.run()
}

// judged tells whoever watches what came of the attempt.
func (c *claimed) judged(began time.Time, err error) Ending {
	ending := c.judge(err)
	c.e.opt.observe(Attempt{
		Ref: c.ref, Kind: c.row.Kind, Attempt: c.row.Attempt, To: ending.To, Took: time.Since(began), Err: err,
	})
	if err != nil {
		c.e.log.Info("task: attempt did not succeed", append(c.fields(),
			zap.String("to", string(ending.To)), zap.String("reason", ending.Reason))...)
	}
	return ending
}

// fields name an attempt in the log.
func (c *claimed) fields() []zap.Field {
	return []zap.Field{
		zap.String("tenant", string(c.row.Tenant)), zap.String("task", c.ref.ID),
		zap.String("kind", c.row.Kind), zap.Int("attempt", c.row.Attempt),
	}
}

func (c *claimed) run() error {
	if c.row.Attempt > c.kind.MaxAttempts {
		return errExhausted
	}
	payload, err := c.openPayload()
	if err != nil {
		return err
	}
	ctx := c.ctx
	if c.kind.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.kind.Timeout)
		defer cancel()
		// Whoever does not heed it loses the lease, some time after.
		stop := time.AfterFunc(c.kind.Timeout+c.e.opt.lease, func() { c.cancel(ErrLeaseLost) })
		defer stop.Stop()
	}
	return c.kind.run(ctx, troth.Job{
		Ref: c.ref, Kind: c.row.Kind, Key: c.row.Key, Payload: payload, Attempt: c.row.Attempt,
		EffectKey: EffectKey(c.row.Name), Deadline: instant(c.row.Deadline), Complete: c.complete,
	})
}

// logPanic logs where it happened. Of the value the text is told if it is the
// runtime's own: a host's may hold anything, also one that calls itself a
// runtime.Error.
func (c *claimed) logPanic(p any) {
	text := "a value of the handler's"
	if err, ok := p.(runtime.Error); ok && ofRuntime(reflect.TypeOf(p)) {
		text = err.Error()
	}
	c.e.log.Error("task: handler panicked", append(c.fields(),
		zap.String("panic", text), zap.ByteString("stack", debug.Stack()))...)
}

func ofRuntime(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.PkgPath() == "runtime"
}

// judge makes an ending of what the handler returned.
func (c *claimed) judge(err error) Ending {
	end := Ending{Held: c.held(), To: Completed}
	if err == nil {
		return end
	}
	if asked, ok := errors.AsType[*ManualError](err); ok {
		return c.toPerson(end, asked)
	}
	_, permanent := errors.AsType[*PermanentError](err)
	end.Reason = reason(err)
	end.Owner = c.kind.Owner
	switch {
	case permanent:
		end.To = Failed
	case c.ctx.Err() != nil && !c.lost(): // told to end: it is not the work's fault
		end.To, end.Reason = Waiting, ""
	case c.row.Attempt >= c.kind.MaxAttempts:
		end.Reason = ReasonExhausted
		end.To, end.Due = Manual, c.row.Deadline
		if c.kind.FailExhausted {
			end.To = Failed
		}
	default:
		end.To, end.By = Delayed, c.kind.wait(c.row.Attempt)
		if later, ok := errors.AsType[interface {
			error
			RetryIn() (time.Duration, bool)
		}](err); ok {
			if after, says := later.RetryIn(); says {
				end.By = max(after, 0)
			}
		}
	}
	return end
}

func reason(err error) string {
	_, permanent := errors.AsType[*PermanentError](err)
	switch {
	case errors.Is(err, ErrPayload), errors.Is(err, ErrNoSealer):
		return ReasonPayload
	case permanent:
		return ReasonPermanent
	case errors.Is(err, errPanic):
		return ReasonPanic
	default:
		return ReasonError
	}
}

// toPerson hands the work over, with instructions if there are any.
func (c *claimed) toPerson(end Ending, asked *ManualError) Ending {
	end.To, end.Reason, end.Owner, end.Due = Manual, ReasonManual, asked.Owner, c.row.Deadline
	if end.Owner == "" || (troth.Actor{Kind: troth.Person, ID: "owner", Roles: []string{end.Owner}}).Validate() != nil {
		end.Owner = c.kind.Owner
	}
	if due, err := stored(asked.Due); err == nil && due != 0 {
		end.Due = due
	}
	text, err := asked.Instructions.Reveal(purpose)
	if err == nil && text != "" {
		end.Instructions, err = c.e.seal(c.ctx, place(c.ref, c.row.Kind, instructionsColumn, c.row.Group), []byte(text))
	}
	if err != nil {
		// Without what it is to do the person is no help. It is tried again.
		end.To, end.Reason, end.By = Delayed, ReasonError, c.kind.wait(c.row.Attempt)
		c.e.log.Warn("task: instructions could not be sealed", c.fields()...)
	}
	return end
}
