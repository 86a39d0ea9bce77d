package faultstore

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"time"
)

// ErrInjected is in every error that a plan made up.
var ErrInjected = errors.New("faultstore: injected")

// Fault is what goes wrong; the package comment has the table.
type Fault string

const (
	// FailBefore fails a call instead of doing it.
	FailBefore Fault = "fail before"
	// FailAfter does the call and then says that it failed.
	FailAfter Fault = "fail after"
	// Delay does the call later.
	Delay Fault = "delay"
	// CancelBefore cancels the plan's contexts and then does the call.
	CancelBefore Fault = "cancel before"
	// CancelAfter does the call and then cancels the plan's contexts.
	CancelAfter Fault = "cancel after"
)

// Faults returns all of them but Delay, which needs a duration.
func Faults() []Fault { return []Fault{FailBefore, FailAfter, CancelBefore, CancelAfter} }

// Injection says where and what.
type Injection struct {
	// Method is the name that the wrapper gives; empty counts all methods.
	Method string
	// Nth is which call of the method it is, from 1; zero is every call.
	Nth int
	// Fault is what happens then.
	Fault Fault
	// Err is joined to [ErrInjected], for errors that callers tell apart.
	Err error
	// Wait is how long [Delay] takes.
	Wait time.Duration
}

// Call is one call that a plan saw.
type Call struct {
	Method string
	// Nth counts the calls of the method, from 1.
	Nth int
	// Fault is what was injected, empty for none.
	Fault Fault
}

// Plan decides which calls fail, and counts all.
type Plan struct {
	mu         sync.Mutex
	injections []Injection
	calls      []Call
	count      map[string]int
	cancels    []context.CancelFunc
}

// NewPlan returns a plan with these injections. Where several fit one call, the
// first counts.
func NewPlan(injections ...Injection) *Plan {
	return &Plan{injections: slices.Clone(injections), count: map[string]int{}}
}

// Add adds an injection. Calls that were made before count.
func (p *Plan) Add(i Injection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.injections = append(p.injections, i)
}

// Context returns a context that the plan's cancelling faults cancel.
func (p *Plan) Context(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cancels = append(p.cancels, cancel)
	return ctx, cancel
}

// Calls returns what was called so far, in the order in which calls began.
func (p *Plan) Calls() []Call {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.calls)
}

// Injected returns how many calls were given a fault. A test that wants to see
// one should demand that there was one.
func (p *Plan) Injected() int {
	injected := 0
	for _, c := range p.Calls() {
		if c.Fault != "" {
			injected++
		}
	}
	return injected
}

// Each yields one injection for every call and every fault.
func Each(calls []Call, faults ...Fault) iter.Seq[Injection] {
	return func(yield func(Injection) bool) {
		for _, c := range calls {
			for _, f := range faults {
				if !yield(Injection{Method: c.Method, Nth: c.Nth, Fault: f}) {
					return
				}
			}
		}
	}
}

// call counts a call and returns what shall happen to it.
func (p *Plan) call(method string) strike {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count[method]++
	call := Call{Method: method, Nth: p.count[method]}
	s := strike{plan: p}
	for _, i := range p.injections {
		if i.fits(call, len(p.calls)+1) {
			s.Injection, call.Fault = i, i.Fault
			break
		}
	}
	p.calls = append(p.calls, call)
	return s
}

// fits reports whether the injection is for the call, the overall-th of all.
func (i Injection) fits(c Call, overall int) bool {
	switch {
	case i.Method != "" && i.Method != c.Method:
		return false
	case i.Nth == 0:
		return true
	case i.Method == "":
		return i.Nth == overall
	}
	return i.Nth == c.Nth
}

func (p *Plan) cancel() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.cancels) == 0 {
		return errNothingToCancel
	}
	for _, cancel := range p.cancels {
		cancel()
	}
	return nil
}

// errNothingToCancel is a mistake in a test, which must not pass unseen.
var errNothingToCancel = errors.New("faultstore: the plan gave out no context to cancel")
