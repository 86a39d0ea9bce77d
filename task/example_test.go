package task_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/taskmem"
	"github.com/trothdev/troth/task"
	"github.com/trothdev/troth/task/tasktest"
)

// shipped is the payload of the example: what the notice is about.
type shipped struct {
	Email string `json:"email"`
}

// A notice that fails twice is tried again, and arrives once.
func Example() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	db := memory.Open()
	sealer := tasktest.NewSealer(db) // a host's is its vault
	e, err := task.New(ctx, task.Config{
		Store: taskmem.New(db), Recorder: troth.UnsafeNoEvidence(db), Sealer: sealer, DestroyKey: sealer.Destroy,
	}, task.Unmanaged("example"), task.WithPoll(time.Millisecond))
	if err != nil {
		fmt.Println(err)
		return
	}
	err = task.Register(e, task.Kind{Name: "shop.notice", Backoff: time.Millisecond}, func(_ context.Context, j task.Job[shipped]) error {
		if j.Attempt < 3 {
			fmt.Println("attempt", j.Attempt, "fails")
			return errors.New("the provider does not answer")
		}
		fmt.Println("attempt", j.Attempt, "arrives at", j.Value.Email)
		stop() // an example ends here; a host's program goes on
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	// The order and its notice are there together, or neither is.
	err = db.Atomically(ctx, func(ctx context.Context) error {
		w, err := task.NewWork("shop-17", "shop.notice", shipped{Email: "ada@shop-17.example"})
		if err != nil {
			return err
		}
		w.Key = "order-4711"
		_, err = e.Enqueue(ctx, w)
		return err
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(e.Run(ctx))
	// Output:
	// attempt 1 fails
	// attempt 2 fails
	// attempt 3 arrives at ada@shop-17.example
	// context canceled
}

// What only a person can do waits for one of the role, who confirms it with evidence.
func ExampleEngine_Confirm() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	db := memory.Open()
	e, err := task.New(ctx, task.Config{Store: taskmem.New(db), Recorder: troth.UnsafeNoEvidence(db)},
		task.Unmanaged("example"), task.WithPoll(time.Millisecond))
	if err != nil {
		fmt.Println(err)
		return
	}
	handed := make(chan struct{})
	err = task.Register(e, task.Kind{Name: "shop.letter", Owner: "support"}, func(context.Context, task.Job[struct{}]) error {
		close(handed)
		return task.ManualNeeded("", troth.Sensitive[string]{})
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	id, err := e.Enqueue(ctx, troth.Work{Tenant: "shop-17", Kind: "shop.letter", Key: "order-4711"})
	if err != nil {
		fmt.Println(err)
		return
	}
	running := make(chan error)
	go func() { running <- e.Run(ctx) }()
	<-handed
	stop()
	<-running // everything is written

	ctx = context.Background()
	ref := troth.WorkRef{Tenant: "shop-17", ID: id}
	sales := troth.WithActor(ctx, troth.Actor{Kind: troth.Person, ID: "max", Tenant: "shop-17", Roles: []string{"sales"}})
	fmt.Println(e.Confirm(sales, ref, task.Evidence{Name: "ticket-93"}))
	support := troth.WithActor(ctx, troth.Actor{Kind: troth.Person, ID: "kim", Tenant: "shop-17", Roles: []string{"support"}})
	for t, err := range e.Tasks(ctx, task.Query{Tenant: "shop-17", State: task.Manual, Owner: "support"}) {
		fmt.Println(t.Kind, t.Key, err)
		fmt.Println(e.Confirm(support, t.Ref, task.Evidence{Name: "ticket-93"}))
	}
	p, err := e.Progress(ctx, "shop-17")
	fmt.Println(p.Open, p.Ended, err)
	// Output:
	// task: actor is not the owner of the task
	// shop.letter order-4711 <nil>
	// <nil>
	// 0 1 <nil>
}
