// Package faulttest fails the calls of services to their stores, one after the other
// and in every way, and looks at what is left.
package faulttest

import (
	"context"
	"fmt"
	"testing"

	"github.com/trothdev/troth/storage/faultstore"
)

// Operation is one thing that a service does.
type Operation[W any] struct {
	// Prepare does what comes before it, Do the operation on the faulty service.
	Prepare func(w W)
	Do      func(w W, ctx context.Context) error
	// Effect counts the parts of what it did, each of which is there once or not.
	Effect func(w W) []int
}

// World is a service whose store follows a plan of faults.
type World interface {
	Plan() *faultstore.Plan
	Acting() context.Context
}

// Suite is what operations of one service have in common.
type Suite[W World] struct {
	New func(t *testing.T) W
	// Calls is how many calls each operation makes at least.
	Calls int
	// FailedIsNothing says that what failed took no effect, unless it was the answer
	// to a commit that was lost.
	FailedIsNothing bool
	// Later, where there is one, is done before what failed is tried again, and Finally
	// after that.
	Later, Finally func(w W)
}

// EverythingOrNothing fails each call of an operation in each way, in a sub-test of its
// own: what is there then is all of it or none, and trying again makes it all, once.
func (s Suite[W]) EverythingOrNothing(t *testing.T, o Operation[W]) {
	t.Helper()
	dry := s.New(t)
	o.Prepare(dry)
	before := len(dry.Plan().Calls())
	if err := o.Do(dry, dry.Acting()); err != nil {
		t.Fatalf("without a fault: %v", err)
	}
	calls := dry.Plan().Calls()[before:]
	if len(calls) < s.Calls {
		t.Fatalf("%d calls, want %d at least", len(calls), s.Calls)
	}
	for i := range faultstore.Each(calls, faultstore.Faults()...) {
		t.Run(fmt.Sprintf("%s %d %s", i.Method, i.Nth, i.Fault), func(t *testing.T) { s.fail(t, o, i) })
	}
}

func (s Suite[W]) fail(t *testing.T, o Operation[W], i faultstore.Injection) {
	t.Helper()
	w := s.New(t)
	o.Prepare(w)
	w.Plan().Add(i)
	ctx, cancel := w.Plan().Context(w.Acting())
	defer cancel()
	err := o.Do(w, ctx)
	effect := o.Effect(w)
	for _, n := range effect {
		if n != effect[0] {
			t.Fatalf("parts disagree: %v, after %v", effect, err)
		}
	}
	switch {
	case err == nil && effect[0] != 1:
		t.Fatalf("it says that it succeeded, and has %d effects", effect[0])
	case err != nil && s.FailedIsNothing && i.Method != faultstore.Commit && effect[0] != 0:
		t.Fatalf("what failed took effect: %v", err)
	}
	if s.Later != nil {
		s.Later(w)
	}
	if err := o.Do(w, w.Acting()); err != nil {
		t.Fatalf("retry: %v", err)
	}
	for _, n := range o.Effect(w) {
		if n != 1 {
			t.Fatalf("after the retry: %v", o.Effect(w))
		}
	}
	if n := w.Plan().Injected(); n != 1 {
		t.Fatalf("%d faults were injected", n)
	}
	if s.Finally != nil {
		s.Finally(w)
	}
}
