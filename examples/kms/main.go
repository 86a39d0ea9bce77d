// Kms puts a tenant under a key of its own, in the tenant's KMS: AWS, Google
// Cloud or HashiCorp Vault, through tink's modules.
//
//	go run ./kms aws-kms://arn:aws:kms:eu-central-1:111122223333:key/1234abcd-…
//	go run ./kms gcp-kms://projects/p/locations/europe/keyRings/r/cryptoKeys/k
//	go run ./kms hcvault://vault.example/transit/keys/shop-17
//
// Credentials come from where each client looks for them: the AWS environment and
// profile, Google's application default credentials, VAULT_ADDR and VAULT_TOKEN.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/hashicorp/vault/api"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/vaultmem"
	"github.com/trothdev/troth/vault"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: kms <URI of a key>")
	}
	if err := start(context.Background(), os.Args[1], os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func start(ctx context.Context, uri string, out io.Writer) (err error) {
	r := &resolver{}
	defer func() { err = errors.Join(err, r.close()) }()
	if r.aws, err = config.LoadDefaultConfig(ctx); err != nil {
		return err
	}
	if r.transit, err = api.NewClient(nil); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "kms")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	kek, err := platformKey(filepath.Join(dir, "kek"))
	if err != nil {
		return err
	}
	db := memory.Open()
	v, err := open(ctx, db, vaultmem.New(db), kek, r)
	if err != nil {
		return err
	}
	ctx = troth.WithActor(ctx, troth.Actor{Kind: troth.Service, ID: "example"})
	if _, err := move(ctx, v, uri, out); err != nil {
		return err
	}
	return v.Close(ctx)
}

// platformKey is the key of everybody who does not bring one.
func platformKey(path string) (vault.KEK, error) {
	if err := vault.CreateKEKFile(path, "a passphrase"); err != nil {
		return nil, err
	}
	return vault.OpenKEKFile(path, "a passphrase")
}

func open(ctx context.Context, db *memory.DB, s *vaultmem.Store, kek vault.KEK, r vault.KEKResolver) (*vault.Vault, error) {
	return vault.Open(ctx, vault.Config{Store: s, KEK: kek, KEKs: r, Recorder: troth.UnsafeNoEvidence(db)},
		vault.Unmanaged("example"))
}

// email is where one value stands.
var email = troth.Context{
	Subject:     troth.Subject{Tenant: "shop-17", ID: "42"},
	Compartment: troth.DefaultCompartment,
	Cell:        troth.Cell{Table: "customer", Column: "email", Row: "42"},
}

// move seals a value, moves its tenant under the key, and opens it again: the
// value is the same, only who must be asked for it is another.
func move(ctx context.Context, v *vault.Vault, uri string, out io.Writer) (sealed []byte, err error) {
	sealed, err = v.AppendSeal(ctx, nil, email, []byte("ada@shop-17.example"))
	if err != nil {
		return nil, err
	}
	roots, err := v.MoveTenant(ctx, email.Subject.Tenant, uri)
	if err != nil {
		return nil, err
	}
	plain, err := v.AppendOpen(ctx, nil, email, "order-fulfilment", sealed)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(out, "%d roots moved; opened: %s\n", roots, plain)
	return sealed, nil
}
