// Package tasktest is what tests of and around tasks need: a sealer and an
// engine that is ready, and the conformance suite of [task.Backend], with a
// sub-test for each sentence of its contract:
//
//	func TestBackend(t *testing.T) {
//		tasktest.Run(t, func(t *testing.T) tasktest.Harness {
//			clock := tasktest.NewClock()
//			s := taskmem.New(memory.Open(), taskmem.WithClock(clock.Now))
//			return tasktest.Harness{Backend: s, Advance: clock.Advance}
//		})
//	}
//
// The suite asks for what every adapter promises, and no more. What only some
// can do is declared in the [Harness]; what a harness does not declare is named
// in the log.
package tasktest
