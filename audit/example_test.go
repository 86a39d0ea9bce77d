package audit_test

import (
	"context"
	"fmt"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/auditmem"
)

func Example() {
	ctx := context.Background()
	db := memory.Open()
	// A host takes keys and sealer from its vault.
	trail, err := audit.New(ctx, auditmem.New(db), audittest.NewKeys(), audittest.NewSealer())
	if err != nil {
		fmt.Println(err)
		return
	}
	exported := &troth.Act{
		Name: "shop.export", Version: 1, Doc: "A customer's orders were exported.",
		Fields: []troth.Field{{Name: "orders", Kind: troth.CountFact, Doc: "how many"}},
	}

	ctx = troth.WithActor(ctx, troth.Actor{Kind: troth.Person, ID: "kim"})
	err = db.Atomically(ctx, func(ctx context.Context) error {
		// The act itself comes here; both commit or neither does.
		_, err := trail.Record(ctx, troth.Entry{
			Act: exported, Tenant: "acme", SubjectID: "17", Purpose: "access-request",
			Facts: troth.Facts{"orders": troth.Count(3)},
		})
		return err
	})
	fmt.Println("recorded:", err == nil)

	who, _, err := trail.Pseudonym(ctx, troth.Subject{Tenant: "acme", ID: "17"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for r, err := range trail.Entries(ctx, "acme", audit.Query{}) {
		fmt.Println(r.Act, r.Outcome, r.Facts[0], r.Subject == who, err)
	}
	// Output:
	// recorded: true
	// shop.export done orders=3 true <nil>
}
