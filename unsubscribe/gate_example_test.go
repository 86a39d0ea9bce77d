package unsubscribe_test

import (
	"context"
	"fmt"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/unsubscribemem"
	"github.com/trothdev/troth/unsubscribe"
)

// A campaign is filtered, and each message is asked about again before it goes out.
func ExampleGate() {
	db := memory.Open()
	ctx := troth.WithActor(context.Background(), troth.Actor{Kind: troth.Service, ID: "mailer"})
	registry, err := unsubscribe.New(ctx, unsubscribe.Config{
		Store: unsubscribemem.New(db), Recorder: troth.UnsafeNoEvidence(db), Keys: gateKeys{"of an example"},
	})
	gateMust(err)
	gate, err := unsubscribe.NewGate(registry)
	gateMust(err)
	gateMust(gate.Load(ctx)) // and gate.Run(ctx) for as long as the program lives

	_, err = registry.OptOut(ctx, unsubscribe.OptOutParams{
		Tenant: "acme", Channel: unsubscribe.Email, Address: troth.Protect("ada@example.org"),
		Scope: unsubscribe.Client, Method: unsubscribe.ByPage,
	})
	gateMust(err)

	campaign := unsubscribe.Campaign{Tenant: "acme", List: "letter", Channel: unsubscribe.Email, Class: unsubscribe.Marketing}
	people := []unsubscribe.Recipient{
		{SubjectID: "c-1", Address: troth.Protect("Ada@Example.org")},
		{SubjectID: "c-2", Address: troth.Protect("bob@example.org")},
		{SubjectID: "c-3", Address: troth.Protect("nobody")},
	}
	var queue []unsubscribe.Permit
	for v, err := range gate.Filter(ctx, campaign, unsubscribe.Recipients(people)) {
		gateMust(err)
		fmt.Println(v.Recipient.SubjectID, v.Send, v.Reason)
		if v.Send {
			queue = append(queue, v.Permit())
		}
	}
	decisions, err := gate.Confirm(ctx, queue...)
	gateMust(err)
	fmt.Println(decisions[0].Send)
	// Output:
	// c-1 false opt_out
	// c-2 true clear
	// c-3 false address
	// true
}

func gateMust(err error) {
	if err != nil {
		panic(err)
	}
}
