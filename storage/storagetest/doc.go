// Package storagetest is the conformance suite of [troth.Transactor]: one
// sub-test for each sentence of its contract. An adapter gives it a small table
// of two text columns to look through:
//
//	func TestTransactor(t *testing.T) {
//		storagetest.Run(t, func(t *testing.T) storagetest.Harness { … })
//	}
//
// The suite asks for what every adapter promises, and no more: where databases
// differ, such as in whether a refused statement spoils its transaction, it
// demands only that the answer is true, so that acknowledged work is there and
// refused work is not.
package storagetest
