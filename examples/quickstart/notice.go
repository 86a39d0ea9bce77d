package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/task"
)

// notice tells a customer that their order has left. It may hold personal data:
// the payload of work is sealed, and gone when the work has ended.
type notice struct {
	Customer, Text string
}

// tellNotice enqueues a notice in a transaction of the shop's own and lets the
// engine deliver it. A program that stays leaves that to kit.Run.
func (s *story) tellNotice(ctx context.Context) error {
	delivered := make(chan string, 1)
	arrived := map[string]int{} // what a mail service does with an idempotency key
	err := task.Register(s.kit.Tasks, task.Kind{Name: "shop.notice", Backoff: 10 * time.Millisecond},
		func(_ context.Context, j task.Job[notice]) error {
			if j.Attempt < 3 {
				s.say("attempt %d: the mail service does not answer", j.Attempt)
				return errors.New("no answer")
			}
			arrived[j.EffectKey]++
			s.say("attempt %d: delivered", j.Attempt)
			delivered <- j.EffectKey
			return nil
		})
	if err != nil {
		return err
	}
	w, err := task.NewWork(ours, "shop.notice", notice{Customer: shown, Text: "Your order has left."})
	if err != nil {
		return err
	}
	w.Key = "order-4711-shipped" // enqueued twice it is enqueued once
	err = s.inTx(ctx, func(ctx context.Context, _ *sql.Tx) error {
		for range 2 {
			if _, err := s.kit.Tasks.Enqueue(ctx, w); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	open, err := s.toDo(ctx, "shop.notice")
	if err != nil {
		return err
	}
	if open == 0 {
		s.say("the notice arrived in an earlier run, and is not sent again")
		return nil
	}
	s.say("a notice was enqueued twice under one key, in one transaction of the shop's: %d to do", open)
	if err := s.work(ctx, delivered, "shop.notice"); err != nil {
		return err
	}
	if len(arrived) != 1 {
		return fmt.Errorf("%d notices arrived", len(arrived))
	}
	s.say("it arrived once; its payload and the key of that are gone")
	return nil
}

// work runs the engine until something was delivered, if that is not nil, and nothing of
// some kinds is left to do now, nor anything of what was done.
func (s *story) work(ctx context.Context, delivered <-chan string, kinds ...string) error {
	running, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- s.kit.Tasks.Run(running) }()
	if delivered != nil {
		select {
		case <-delivered:
		case <-running.Done():
		}
	}
	looks := time.NewTicker(10 * time.Millisecond)
	defer looks.Stop()
	var left int
	for running.Err() == nil {
		var err error
		if left, err = s.left(ctx, kinds); err != nil {
			return err
		}
		if left == 0 {
			break
		}
		<-looks.C
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		return err
	}
	if left > 0 {
		return troth.ErrPending
	}
	return nil
}

// toDo counts what is to do of some kinds, now or within a minute: the desk has things to
// do on other days, too. Of other kinds a run that was killed may have left something,
// which has its turn later.
func (s *story) toDo(ctx context.Context, kinds ...string) (n int, err error) {
	for t, err := range s.kit.Tasks.Tasks(ctx, task.Query{Tenant: ours}) {
		if err != nil {
			return 0, err
		}
		if slices.Contains(kinds, t.Kind) && t.State.Open() && time.Until(t.Due) < time.Minute {
			n++
		}
	}
	return n, nil
}

// left counts what the engine still has to do of some kinds, or to destroy of what it did.
func (s *story) left(ctx context.Context, kinds []string) (int, error) {
	n, err := s.toDo(ctx, kinds...)
	if err != nil {
		return 0, err
	}
	for _, err := range s.kit.Tasks.Undisposed(ctx, ours) {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}
