// Package vault seals personal data under a key of its own for each tenant,
// person and compartment, and destroys those keys.
//
// Destroying a key is how data is erased where deleting cannot reach: in
// replicas, logs and archives every copy becomes unreadable at once. A host
// keeps sealed values in its own tables and asks the vault for them:
//
//	v, err := vault.Open(ctx, vault.Config{Store: store, KEK: kek, Recorder: trail},
//		vault.Unmanaged("no retention keeper yet"))
//	at := troth.Context{
//		Subject:     troth.Subject{Tenant: "shop-17", ID: "42"},
//		Compartment: troth.DefaultCompartment,
//		Cell:        troth.Cell{Table: "customer", Column: "email", Row: "42"},
//	}
//	sealed, err := v.AppendSeal(ctx, nil, at, []byte("ada@example.org"))
//	plain, err := v.AppendOpen(ctx, nil, at, "order-fulfilment", sealed)
//	receipt, err := v.Shred(ctx, troth.UnmanagedPermit("erasure-request"),
//		vault.Target{Tenant: "shop-17", SubjectID: "42"})
//
// Keys form a hierarchy. A key-encryption key, in a KMS or a local file, wraps
// a random root for each tenant; what is derived from the root seals data keys;
// data keys are random, never derived, one for each tenant, person, compartment
// and generation, and seal the values with AES-256-GCM. Everything is bound to
// its names by associated data: a value or a key record that was moved, swapped
// or changed does not open.
//
// Opening names a purpose and is recorded: a person's before they see anything,
// a service's by windows that are committed before their first opening and tell
// the counts when they close.
//
// With a [Journal] of erasures outside the database a vault does not open a store
// that was restored from before one, and [Vault.Replay] erases again;
// docs/restore.md has the steps.
//
// [Vault.Restrict] keeps a person's data where it is and closes it to all but some
// purposes (GDPR Article 18), until [Vault.Lift]. [Vault.Reconcile] compares what
// the rows say of shreddings and restrictions with the trail.
//
// With an [EpochStore] roots lie under the key of an epoch too, which is held
// outside of the database and its backups. [Vault.Advance] opens the next epoch,
// [Vault.Rewrap] moves all tenants there without touching a value, and
// [Vault.Retire] destroys the keys of epochs that nothing lies under any more.
// From then on no older copy of the database opens what was shredded, not even
// for who has the key-encryption key. [Vault.Horizon] tells when that is for a
// shredding, and why.
//
// [Vault.NewGeneration] and [Vault.RenewKeys] begin new keys, [Vault.Reencrypt]
// brings values to them, [Vault.RetireKey] lets old ones go. [Vault.MoveTenant]
// puts a tenant under a key-encryption key of its own, which it can take away.
// [Vault.ExportKeyset] and [Vault.ImportKeyset] speak Tink.
//
// # What it does not promise
//
// Whoever can write to the database can put back an older row, of a key that was
// shredded or restricted since: that key opens until [Vault.Reconcile] names it.
//
// A backup of the key tables from before a shredding still holds the key for
// whoever has the key-encryption key, until the horizon: with epochs until their
// keys are destroyed, without until that backup expires. Until then the data is
// erased here and not there. Whoever is inside the process has won, and so has
// who holds the database and the key-encryption key. Sealed values show their
// length. What was exported is out of reach of any shredding. Regulators may
// call ciphertext personal data as long as its key exists anywhere.
// docs/threats.md has the whole list.
//
// # Errors
//
// Expected states are sentinels: [ErrShredded], [ErrShredPending],
// [ErrFenceStale], [ErrJournalAhead], [ErrRestricted], [ErrOpen] … [ErrOpen] never
// tells which check failed. No error holds plaintext or names a person.
//
// # Concurrency
//
// A [Vault] and its [Handle]s are safe for concurrent use. [Vault.Run] blocks;
// constructors start no goroutine. After [Vault.Shred] returns this process
// refuses the dead keys; every other process does within the bound that
// [WithFenceAge] sets there, 5 seconds by default, or refuses everything.
//
// # Storage
//
// Rows go through a [Store], in the host's transaction where it has one. Keys
// made in a transaction live and die with it. vaulttest has the suite that
// every Store must pass.
//
// # Compatibility
//
// Values are Tink's AES-GCM format with the associated data that
// [AssociatedData] returns. docs/formats.md specifies every byte that is
// stored.
package vault
