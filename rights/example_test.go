package rights_test

import (
	"context"
	"fmt"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/rightsmem"
)

func Example() {
	db := memory.Open()
	ctx := troth.WithActor(context.Background(), troth.Actor{Kind: troth.Service, ID: "shop"})
	desk, err := rights.New(ctx, rights.Config{
		Store:    rightsmem.New(db),
		Recorder: troth.UnsafeNoEvidence(db), // a program that accounts for what it does has a trail
		Keys:     keys{},
	}, rights.WithRegimes("gdpr"), rights.WithClock(func() time.Time { return time.Date(2026, 3, 5, 10, 0, 0, 0, time.UTC) }))
	if err != nil {
		fmt.Println(err)
		return
	}
	request, err := desk.Submit(ctx, rights.Submission{
		Tenant: "acme", ID: "form-17", Right: rights.Access, Via: rights.ViaAccount, SubjectID: "c-17",
	})
	fmt.Println(request.State, request.DueRule, request.DueAt.Format(time.DateOnly), err)

	_, err = desk.Accept(ctx, "acme", request.ID, rights.Proof{})
	fmt.Println(err)

	proof, err := desk.Attest(ctx, rights.Attestation{
		Tenant: "acme", Request: request.ID, SubjectID: "c-17", Method: rights.ByReauthentication,
	})
	fmt.Println(proof.Level(), err)
	request, err = desk.Accept(ctx, "acme", request.ID, proof)
	fmt.Println(request.State, err)

	// Output:
	// received gdpr.access.respond 2026-04-07 <nil>
	// rights: identity or authority is not proven
	// high <nil>
	// accepted <nil>
}
