package vault_test

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/vaultmem"
	"github.com/trothdev/troth/vault"
	"github.com/trothdev/troth/vault/vaulttest"
)

func ExampleVault_Horizon() {
	ctx := troth.WithActor(context.Background(), troth.Actor{Kind: troth.Service, ID: "example"})
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	db := memory.Open()
	store := vaultmem.New(db)
	// Of a host that has no KMS: vault.OpenEpochFolder. This one is for examples.
	epochs := &vaulttest.EpochStore{Declared: vault.EpochPlace{Name: "example", Apart: true}}
	v, err := vault.Open(ctx, vault.Config{
		Store: store, KEK: vaulttest.InsecureKEK(), Epochs: epochs, Recorder: troth.UnsafeNoEvidence(db),
	}, vault.Unmanaged("example"), vault.WithClock(func() time.Time { return at }), vault.WithBackupLife(90*24*time.Hour))
	if err != nil {
		panic(err)
	}
	_, _ = v.AppendSeal(ctx, nil, adasEmail, []byte("ada@example.org"))
	receipt, _ := v.Shred(ctx, erasure, vault.Target{Tenant: "shop-17", SubjectID: "42"})
	h, err := v.Horizon(ctx, receipt)
	fmt.Println(h.At.Format(time.DateOnly), h.Final, err) // when the last backup expires

	// Once a week or so:
	_, _ = v.Advance(ctx)
	for done := false; !done; {
		r, err := v.Rewrap(ctx, vault.RewrapParams{})
		if err != nil {
			panic(err)
		}
		done = r.Done
	}
	_, _ = v.Retire(ctx) // closes the old epoch
	// A key backup of after that, opened as a test where it lies; then:
	var backup bytes.Buffer
	_, _ = v.BackupKeys(ctx, &backup)
	_, _ = v.VerifyKeyBackup(ctx, &backup)
	at = at.Add(time.Hour)
	retired, err := v.Retire(ctx)
	fmt.Println(retired.Destroyed, err)

	h, err = v.Horizon(ctx, receipt)
	fmt.Println(h, err)
	// Output:
	// 2027-02-20 false <nil>
	// [1] <nil>
	// final since 2026-11-22T11:00:00Z
	// - shredded at 2026-11-22T10:00:00Z; processes let go of the key within 5s
	// - the key of epoch 1 was destroyed in example by 2026-11-22T11:00:00Z <nil>
}
