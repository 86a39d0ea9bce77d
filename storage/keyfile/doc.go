// Package keyfile gives a host the keyed hashes and encryption that troth's
// services need for their own bookkeeping, from one file under a passphrase:
// troth.Keys without a vault and without a KMS.
//
// All keys are derived from a random 32-byte master secret: losing the file or
// its passphrase loses them all, and with them every link, token and look-up
// made under them. Keep a copy apart from the database. Nothing derived can be
// destroyed alone; what must be shredded belongs in the vault.
//
//	err := keyfile.Create("/etc/shop/troth.keys", passphrase) // once
//	keys, err := keyfile.Open("/etc/shop/troth.keys", passphrase)
//	trail, err := audit.New(ctx, store, keys, sealer)
//
// # Errors
//
// Sentinels for a wrong passphrase and a damaged file; they never carry key
// material. File system errors are wrapped, so fs.ErrExist and fs.ErrNotExist
// are matched with errors.Is.
//
// # Concurrency
//
// Keys is safe for concurrent use and holds no locks.
//
// # Storage
//
// One file of about 200 bytes, never rewritten. docs/formats.md gives its
// bytes and the derivation.
//
// # Compatibility
//
// The same file gives the same keys in every later version.
package keyfile
