// Package faultstore makes stores fail on purpose, for tests: a [Plan] says at
// which call what goes wrong, and a thin wrapper around a Store asks it at every
// method, in one line each:
//
//	func (s *store) Put(ctx context.Context, k key) (bool, error) {
//		return faultstore.Do(ctx, s.plan, "Put", func() (bool, error) { return s.inner.Put(ctx, k) })
//	}
//
// What a call does under each fault, with E standing for an error that is
// [ErrInjected]:
//
//	fault          a method                   Begin, Savepoint          Commit, Release
//	FailBefore     nothing; E                 closure not run; E        undone; E
//	FailAfter      done; E if it succeeded    closure not run; E        committed; E
//	Delay          waits, then as usual       waits, then as usual      waits, then as usual
//	CancelBefore   ctx cancelled, then done   ctx cancelled, then begun ctx cancelled, then committed
//	CancelAfter    done, then ctx cancelled   begun, then ctx cancelled committed, then ctx cancelled
//
// Begin and Commit are the calls of [Transactor] for a transaction, Savepoint
// and Release for one inside another. The contexts that are cancelled are those
// that [Plan.Context] gave out. What a store makes of a cancelled context is its
// own business; the wrapper hands on its answer.
//
// To try every call of an operation with every fault, run it once under an empty
// plan and then once for each injection of [Each]:
//
//	calls := faultstore.NewPlan() // … run the operation, then:
//	for injection := range faultstore.Each(calls.Calls(), faultstore.Faults()...) {
//		plan := faultstore.NewPlan(injection)
//		// … run it under plan, look for half-done work, retry, look for one effect
//	}
//
// # Concurrency
//
// A plan may be used by any number of goroutines. Which call is the nth is then
// up to them.
package faultstore
