// Package sealedfile keeps one 32-byte secret in a file under a passphrase:
// the local key that encrypts keys, the master secret of storage/keyfile, and the
// seed of the key that signs the trail's log.
//
// The passphrase is stretched by Argon2id (RFC 9106) with parameters that
// stand in the file; the secret is sealed with AES-256-GCM, and everything in
// front of it is authenticated. docs/formats.md gives the bytes.
//
// A wrong passphrase and a damaged file are told apart, because they ask for
// different help: typing again, or a copy of the file. For that the file ends
// in a checksum of all its bytes, and carries a value by which a passphrase is
// recognised before the secret is opened. Neither tells a thief of the file
// more than the sealed secret itself would: guesses at the passphrase can be
// tried offline in any such format, at the price of one Argon2id run each. Who
// can write to the file can of course make either error appear.
//
// Passphrases are taken byte for byte, without Unicode normalisation.
package sealedfile
