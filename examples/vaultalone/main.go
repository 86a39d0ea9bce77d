// Vaultalone wires the vault and nothing else: no SQL, no trail. It seals one
// value, opens it, shreds its key and shows that it is gone.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/vaultmem"
	"github.com/trothdev/troth/vault"
)

func main() {
	dir, err := os.MkdirTemp("", "vaultalone")
	if err != nil {
		log.Fatal(err)
	}
	err = run(context.Background(), filepath.Join(dir, "kek"), os.Stdout)
	if rm := os.RemoveAll(dir); err == nil {
		err = rm
	}
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, kekFile string, out io.Writer) error {
	if err := vault.CreateKEKFile(kekFile, "a passphrase"); err != nil {
		return err
	}
	kek, err := vault.OpenKEKFile(kekFile, "a passphrase")
	if err != nil {
		return err
	}
	db := memory.Open()
	v, err := vault.Open(ctx, vault.Config{Store: vaultmem.New(db), KEK: kek, Recorder: troth.UnsafeNoEvidence(db)},
		vault.Unmanaged("example"))
	if err != nil {
		return err
	}
	return use(troth.WithActor(ctx, troth.Actor{Kind: troth.Service, ID: "example"}), v, out)
}

func use(ctx context.Context, v *vault.Vault, out io.Writer) error {
	ada := troth.Subject{Tenant: "shop-17", ID: "42"}
	at := troth.Context{
		Subject:     ada,
		Compartment: troth.DefaultCompartment,
		Cell:        troth.Cell{Table: "customer", Column: "email", Row: "42"},
	}
	sealed, err := v.AppendSeal(ctx, nil, at, []byte("ada@shop-17.example"))
	if err != nil {
		return err
	}
	plain, err := v.AppendOpen(ctx, nil, at, "order-fulfilment", sealed)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "opened: %s\n", plain)
	if _, err := v.Shred(ctx, troth.UnmanagedPermit("erasure-request"), vault.Target{Tenant: ada.Tenant, SubjectID: ada.ID}); err != nil {
		return err
	}
	_, err = v.AppendOpen(ctx, nil, at, "order-fulfilment", sealed)
	fmt.Fprintf(out, "after shredding: %v\n", err)
	return v.Close(ctx)
}
