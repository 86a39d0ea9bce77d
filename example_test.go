package troth_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
)

func ExampleProtect() {
	email := troth.Protect("anna@example.org")
	fmt.Printf("%v %+v\n", email, struct{ Email troth.Sensitive[string] }{email})

	plain, err := email.Reveal("order-fulfilment")
	fmt.Println(plain, err)
	// Output:
	// [sensitive] {Email:[sensitive]}
	// anna@example.org <nil>
}

func ExampleTransactor() {
	ctx := context.Background()
	db := memory.Open()
	notes := memory.NewTable[string, string](db, strings.Compare)

	err := db.Atomically(ctx, func(ctx context.Context) error {
		if err := notes.Put(ctx, "order", "paid"); err != nil {
			return err
		}
		// A savepoint: its error undoes its own work and no more.
		err := db.Atomically(ctx, func(ctx context.Context) error {
			return errors.Join(notes.Put(ctx, "newsletter", "subscribed"), errors.New("no consent"))
		})
		fmt.Println("inner:", err)
		return nil
	})
	fmt.Println("outer:", err)

	rows, err := notes.Scan(ctx, nil, 0, nil)
	fmt.Println(rows, err)
	// Output:
	// inner: no consent
	// outer: <nil>
	// [{order paid}] <nil>
}

func ExampleWithActor() {
	// In the host's middleware, once per request:
	ctx := troth.WithActor(context.Background(), troth.Actor{
		Kind: troth.Person, ID: "staff-7", Roles: []string{"support"}, Tenant: "acme",
	})

	// Wherever something is done that must be accounted for:
	actor, err := troth.ActorFrom(ctx)
	fmt.Println(actor.Kind, actor.ID, actor.HasRole("support"), err)
	_, err = troth.ActorFrom(context.Background())
	fmt.Println(err)
	// Output:
	// person staff-7 true <nil>
	// troth: no actor in context: put one there with troth.WithActor
}
