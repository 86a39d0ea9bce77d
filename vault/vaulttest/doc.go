// Package vaulttest is what tests of and around the vault need: the suite that
// every vault.Backend must pass, and a key-encryption key that is not secret.
package vaulttest
