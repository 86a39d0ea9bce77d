// Package vaultfault makes the vault's storage fail on purpose, for tests: a
// [vault.Backend] under a [faultstore.Plan]. The plan knows the calls by the
// names of the methods.
package vaultfault
