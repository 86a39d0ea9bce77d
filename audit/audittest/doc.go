// Package audittest helps to test what works with the trail: the conformance
// suite of audit.Backend, for who writes a store; and for who calls services
// that record evidence, a [Recorder] that keeps entries to be looked at; a
// real trail in one line, [NewTrail]; and a witness of its log, [NewWitness].
//
//	func TestStore(t *testing.T) {
//		audittest.Run(t, func(t *testing.T) audit.Backend { return mystore.New(…) })
//	}
//
// Nothing here is for production: its keys are gone when the process ends.
package audittest
