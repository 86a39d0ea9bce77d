package export_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights/export"
)

// A person gets a copy of what two sources hold, one of which cannot export, and it is
// opened and verified again.
func Example() {
	ctx := context.Background()
	public, private, _ := ed25519.GenerateKey(rand.Reader)
	signer, _ := export.NewSigner("example.com/exports", private)
	key, _ := export.VerifierKey("example.com/exports", public)
	lock, passphrase, _ := export.FreshPassphrase() // handed out apart from the file

	var file bytes.Buffer
	w, err := export.NewWriter(&file, export.Config{
		Subject: troth.Subject{Tenant: "acme", ID: "subject-1"}, Request: "request-17", Controller: "Acme",
		Created: time.Date(2026, 11, 24, 9, 30, 0, 0, time.UTC), Signer: signer, Lock: lock,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	shop := export.Source{Name: "shop", Types: []export.Type{{
		Name: "order", Columns: []export.Column{
			{Name: "number", About: export.Person},
			{Name: "total", About: export.Person},
			{Name: "packed by", About: export.Others},
		},
	}}}
	orders := func(yield func(export.Record, error) bool) {
		yield(export.Record{Type: "order", ID: "1", Fields: []export.Field{
			export.Text("number", "2026-1"), export.Float("total", 12.5), export.Text("packed by", "Bob"),
		}}, nil)
	}
	if err := w.Copy(ctx, shop, orders); err != nil {
		fmt.Println(err)
		return
	}
	_ = w.Missing(export.Source{Name: "paper files"}, export.Unsupported)
	receipt, err := w.Close()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("records:", receipt.Records, "kept back:", receipt.Redactions)

	unlock, _ := export.UnlockWithPassphrase(passphrase)
	a, err := export.Open(bytes.NewReader(file.Bytes()), int64(file.Len()), export.OpenConfig{
		Unlock: unlock, Key: key, Tenant: "acme",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for r, err := range a.Records(ctx) {
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, f := range r.Record.Fields {
			fmt.Printf("%s/%s %s: %s %s%s\n", r.Source, r.Record.Type, f.Name, f.Value.Kind(), f.Value.Text(), f.Value.Redacted())
		}
	}
	for _, s := range a.Manifest.Missing() {
		fmt.Printf("missing: %s (%s)\n", s.Name, s.Reason)
	}
	// Output:
	// records: 1 kept back: 1
	// shop/order number: text 2026-1
	// shop/order total: number 12.5
	// shop/order packed by: redacted third_party
	// missing: paper files (unsupported)
}
