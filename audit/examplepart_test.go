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

// A payload is erased with the key of the person whom it concerns; the entry
// stays.
func ExampleTrail_OpenPart() {
	ctx := troth.WithActor(context.Background(), troth.Actor{Kind: troth.Service, ID: "shop"})
	sealer := audittest.NewSealer() // a host takes its vault
	trail, err := audit.New(ctx, auditmem.New(memory.Open()), audittest.NewKeys(), sealer)
	if err != nil {
		fmt.Println(err)
		return
	}
	moved := &troth.Act{
		Name: "shop.move", Version: 1, Doc: "A customer gave a new address.",
		Parts: []troth.PartSpec{{Name: "address", Doc: "the new one"}},
	}
	id, err := trail.Record(ctx, troth.Entry{
		Act: moved, Tenant: "acme", SubjectID: "17",
		Parts: []troth.Part{{Name: "address", Content: troth.Protect([]byte("1 Main Street"))}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ref := audit.PartRef{Tenant: "acme", Entry: id, Part: 0, SubjectID: "17"}
	content, err := trail.OpenPart(ctx, ref, "support-case")
	fmt.Println(string(content), err)

	sealer.Shred(troth.Subject{Tenant: "acme", ID: "17"}, troth.DefaultCompartment)
	_, err = trail.OpenPart(ctx, ref, "support-case")
	fmt.Println(err)
	// Output:
	// 1 Main Street <nil>
	// audit: part was erased, by an entry that is not known
}
