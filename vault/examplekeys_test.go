package vault_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tink-crypto/tink-go/v2/keyset"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/vaultmem"
	"github.com/trothdev/troth/vault"
	"github.com/trothdev/troth/vault/vaulttest"
)

var adasEmail = troth.Context{
	Subject:     troth.Subject{Tenant: "shop-17", ID: "42"},
	Compartment: troth.DefaultCompartment,
	Cell:        troth.Cell{Table: "customer", Column: "email", Row: "42"},
}

// exampleVault is a vault in memory, for examples only.
func exampleVault(keks vault.KEKResolver) (context.Context, *vault.Vault) {
	ctx := troth.WithActor(context.Background(), troth.Actor{Kind: troth.Service, ID: "example"})
	db := memory.Open()
	v, err := vault.Open(ctx, vault.Config{
		Store: vaultmem.New(db), KEK: vaulttest.InsecureKEK(), KEKs: keks, Recorder: troth.UnsafeNoEvidence(db),
	}, vault.Unmanaged("example"))
	if err != nil {
		panic(err)
	}
	return ctx, v
}

func ExampleVault_Reencrypt() {
	ctx, v := exampleVault(nil)
	table := map[string][]byte{} // the host's own
	sealed, _ := v.AppendSeal(ctx, nil, adasEmail, []byte("ada@example.org"))
	table[adasEmail.Cell.Row] = sealed

	renewed, err := v.RenewKeys(ctx, "shop-17", vault.Renewal{OlderThan: time.Now().Add(time.Second)})
	fmt.Println(renewed.Keys, "renewed", err)
	did, err := v.Reencrypt(ctx, vault.Reencryption{
		Purpose: "key-renewal",
		Page: func(_ context.Context, after string) ([]vault.Item, string, error) {
			if after != "" {
				return nil, "", nil
			}
			return []vault.Item{{At: adasEmail, Data: table["42"]}}, "42", nil
		},
		WriteBack: func(_ context.Context, at troth.Context, old, anew []byte) (bool, error) {
			if !bytes.Equal(table[at.Cell.Row], old) {
				return false, nil
			}
			table[at.Cell.Row] = anew
			return true, nil
		},
	})
	fmt.Println(did.Written, "written", did.Done, err)
	old, err := v.Outdated(ctx, adasEmail, table["42"])
	fmt.Println(old, err)
	// Output:
	// 1 renewed <nil>
	// 1 written true <nil>
	// false <nil>
}

// resolver stands for the host's, which makes clients of KMSes.
type resolver map[string]vault.KEK

func (r resolver) KEK(_ context.Context, uri string) (vault.KEK, error) {
	if kek, ok := r[uri]; ok {
		return kek, nil
	}
	return nil, errors.New("the tenant has taken its key away")
}

func ExampleVault_MoveTenant() {
	keks := resolver{"kms://shop-17/key-1": vaulttest.InsecureKEK()}
	ctx, v := exampleVault(keks)
	sealed, _ := v.AppendSeal(ctx, nil, adasEmail, []byte("ada@example.org"))

	roots, err := v.MoveTenant(ctx, "shop-17", "kms://shop-17/key-1")
	fmt.Println(roots, "roots", err)
	plain, err := v.AppendOpen(ctx, nil, adasEmail, "order-fulfilment", sealed)
	fmt.Println(string(plain), err)
	// Output:
	// 2 roots <nil>
	// ada@example.org <nil>
}

func ExampleVault_ExportKeyset() {
	ctx, v := exampleVault(nil)
	sealed, _ := v.AppendSeal(ctx, nil, adasEmail, []byte("ada@example.org"))

	theirs := vaulttest.InsecureKEK() // a key of whoever gets the keyset
	out, err := v.ExportKeyset(ctx, vault.SecretAccess{}, vault.KeysetExport{
		Tenant: "shop-17", SubjectID: "42", Ground: "portability", Under: theirs,
	})
	fmt.Println(out.Keys, "key", err)

	// Elsewhere, with Tink and nothing else. aead.New(h) opens what the vault
	// sealed, given what AssociatedData returns for its place.
	h, err := keyset.ReadWithContext(ctx, keyset.NewBinaryReader(bytes.NewReader(out.Bytes)), theirs, nil)
	if err != nil {
		panic(err)
	}
	id, _ := vault.KeyID(sealed)
	fmt.Println(h.Len(), h.KeysetInfo().GetPrimaryKeyId() == id)
	// Output:
	// 1 key <nil>
	// 1 true
}
