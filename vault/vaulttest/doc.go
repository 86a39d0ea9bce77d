// Package vaulttest is what tests of and around the vault need: a key-encryption
// key that is not secret, and the conformance suite of [vault.Backend], with a
// sub-test for each sentence of its contract:
//
//	func TestBackend(t *testing.T) {
//		vaulttest.Run(t, func(t *testing.T) vaulttest.Harness {
//			return vaulttest.Harness{Backend: vaultmem.New(memory.Open())}
//		})
//	}
//
// The suite asks for what every adapter promises, and no more. What only some
// can do is declared in the [Harness]; what a harness does not declare is named
// in the log.
package vaulttest
