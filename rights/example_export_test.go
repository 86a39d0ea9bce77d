package rights_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"iter"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/rights/export"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/rightsmem"
)

// diary is where a host keeps notes of people. A real one is in the desk's database.
type diary map[string][]string

func (d diary) Locate(_ context.Context, q rights.Inquiry) (rights.Located, error) {
	return rights.Located{Records: uint64(len(d[q.SubjectID]))}, nil
}

func (d diary) Types() []export.Type {
	return []export.Type{{Name: "note", Title: "Your notes", About: export.Person}}
}

func (d diary) Export(_ context.Context, q rights.Inquiry) iter.Seq2[export.Record, error] {
	return func(yield func(export.Record, error) bool) {
		for _, note := range d[q.SubjectID] {
			if !yield(export.Record{Type: "note", Fields: []export.Field{export.Text("text", note)}}, nil) {
				return
			}
		}
	}
}

func (d diary) Erase(_ context.Context, q rights.Inquiry) (rights.Report, error) {
	n := len(d[q.SubjectID])
	if n == 0 {
		return rights.Report{Outcome: rights.NothingFound, Asked: []string{"subject"}}, nil
	}
	delete(d, q.SubjectID)
	return rights.Report{Outcome: rights.Done, Method: rights.Deleted, Records: uint64(n), Asked: []string{"subject"}}, nil
}

// Somebody who is logged in asks for their data, gets it, and asks for its end. A host that
// runs the desk, see [rights.Desk.Run], calls no Step.
func ExampleDesk() {
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	notes := diary{"ada": {"Buy milk", "Call Charles"}}
	signer, err := export.NewSigner("shop.example/exports", ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))) // for a test
	must(err)
	db := memory.Open()
	ctx := troth.WithActor(context.Background(), troth.Actor{Kind: troth.Person, ID: "staff-4"})
	desk, err := rights.New(ctx, rights.Config{Store: rightsmem.New(db), Recorder: troth.UnsafeNoEvidence(db), Keys: keys{}},
		rights.WithSealer(newSealer()), rights.Unmanaged("no-keeper"), rights.WithRegimes("gdpr"), rights.WithCoolingOff(0),
		rights.WithController("Shop Ltd."), rights.WithExports(rights.Exports{Signer: signer}),
		rights.WithSource(rights.Source{
			Name: "notes", Title: "Your notes", Order: rights.Primary, Records: []string{"note"},
			For:     []rights.Right{rights.Access, rights.Erase},
			Locator: notes, Exporter: notes, Eraser: notes,
		}))
	must(err)

	approved := func(id string, right rights.Right) {
		_, err := desk.Submit(ctx, rights.Submission{Tenant: "acme", ID: id, Right: right, Via: rights.ViaAccount, SubjectID: "ada"})
		must(err)
		proof, err := desk.Attest(ctx, rights.Attestation{
			Tenant: "acme", Request: id, SubjectID: "ada", Method: rights.ByReauthentication,
		})
		must(err)
		_, err = desk.Accept(ctx, "acme", id, proof)
		must(err)
		must(desk.Step(ctx, "acme", id)) // every source says what it has
		_, err = desk.Approve(ctx, "acme", id)
		must(err)
		must(desk.Step(ctx, "acme", id))
	}

	approved("access-1", rights.Access)
	lock, _, err := export.FreshPassphrase() // the passphrase is for the person
	must(err)
	var archive bytes.Buffer
	receipt, err := desk.Export(ctx, "acme", "access-1", &archive, lock)
	must(err)
	r, err := desk.Deliver(ctx, "acme", "access-1", time.Time{}) // they have it, as of now
	fmt.Println(receipt.Records, "records;", r.State, err)

	approved("erase-1", rights.Erase)
	work, err := desk.Work(ctx, "acme", "erase-1")
	must(err)
	for _, w := range work {
		fmt.Println(w.Source, w.Outcome, w.Records, w.Method)
	}
	r, err = desk.Deliver(ctx, "acme", "erase-1", time.Time{})
	fmt.Println(len(notes), "people left;", r.State, err)
	c, err := desk.Certify(ctx, "acme", "erase-1")
	fmt.Println(c.Stage, err)

	// Output:
	// 2 records; fulfilled <nil>
	// notes done 2 deleted
	// 0 people left; fulfilled <nil>
	// final <nil>
}
