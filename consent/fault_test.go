package consent_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/internal/faulttest"
	"github.com/trothdev/troth/internal/seamtest"
	"github.com/trothdev/troth/storage/faultstore"
	"github.com/trothdev/troth/storage/faultstore/consentfault"
)

// faulty is a world whose ledger has a plan between it and its store, and an honest
// ledger beside it to look with.
type faulty struct {
	*world
	plan   *faultstore.Plan
	faulty *consent.Ledger
}

func (f *faulty) Plan() *faultstore.Plan  { return f.plan }
func (f *faulty) Acting() context.Context { return f.ctx }

func newFaulty(t *testing.T) *faulty {
	t.Helper()
	w := newWorld(t, consent.Unmanaged("test"), consent.WithProcessor("mailer",
		consent.ProcessorFunc(func(context.Context, consent.Withdrawal) error { return nil })))
	f := &faulty{world: w, plan: faultstore.NewPlan()}
	w.publish(consent.Terms{Purpose: letter, DirectMarketing: true, Refresh: years(1)})
	w.publish(consent.Terms{Purpose: stats, DoubleOptIn: true})
	tx := faultstore.Transactor(w.db, f.plan)
	var err error
	f.faulty, err = consent.New(t.Context(), consent.Config{
		Store: consentfault.New(w.store, tx, f.plan), Recorder: shared{w.trail, tx}, Keys: w.keys,
	}, consent.WithClock(w.clock.Now), consent.WithSealer(w.sealer), consent.WithEnqueuer(sharedQueue{w.queue, tx}), consent.Unmanaged("test"),
		consent.WithFeedAge(time.Hour), consent.WithProcessor("mailer", consent.ProcessorFunc(func(context.Context, consent.Withdrawal) error { return nil })))
	require.NoError(t, err)
	return f
}

// shared records in the honest trail under another transactor.
type shared struct {
	*seamtest.Recorder
	tx troth.Transactor
}

func (s shared) Transactor() troth.Transactor { return s.tx }

type sharedQueue struct {
	*seamtest.Queue
	tx troth.Transactor
}

func (s sharedQueue) Transactor() troth.Transactor { return s.tx }

// operation is what is tried with every fault in every call.
type operation struct {
	name    string
	prepare func(f *faulty)
	do      func(f *faulty, ctx context.Context) error
	// effect counts what was done: 0 before, 1 after, in every part alike.
	effect func(f *faulty) []int
}

var operations = []operation{
	{"grant", func(*faulty) {}, func(f *faulty, ctx context.Context) error {
		form := f.fixed(consent.Granted)
		_, err := f.faulty.Record(ctx, form)
		return err
	}, func(f *faulty) []int { return []int{f.stored(), len(f.trail.Of("consent.event")), f.allowed()} }},
	{"withdraw", func(f *faulty) { f.say(ada, letter, consent.Granted) }, func(f *faulty, ctx context.Context) error {
		_, err := f.faulty.Record(ctx, f.fixed(consent.Withdrawn))
		return err
	}, func(f *faulty) []int {
		return []int{f.stored() - 1, len(f.trail.Of("consent.event")) - 1, 1 - f.allowed(), len(f.queue.Pending(consent.WorkWithdraw))}
	}},
	{"link", func(f *faulty) { f.say(subject("device"), letter, consent.Granted) }, func(f *faulty, ctx context.Context) error {
		return f.faulty.Link(ctx, consent.LinkParams{Tenant: acme, Device: "device", Account: ada.ID})
	}, func(f *faulty) []int { return []int{len(f.trail.Of("consent.link")), f.allowed()} }},
	{"erase", func(f *faulty) { f.full(ada, consent.Granted) }, func(f *faulty, ctx context.Context) error {
		_, err := f.faulty.Erase(ctx, ada, "erasure-request")
		return err
	}, func(f *faulty) []int { return []int{1 - f.stored(), len(f.trail.Of("consent.erase")), 1 - f.allowed()} }},
}

// fixed is a form whose id is always the same.
func (f *faulty) fixed(k consent.Kind) consent.Form {
	form := f.form(ada, letter, k)
	form.ID = "fixed"
	form.Evidence.Note = troth.Protect("a note")
	return form
}

func (f *faulty) stored() int {
	f.Helper()
	rows, err := f.store.Events(f.ctx, acme, ada.ID, "")
	require.NoError(f, err)
	return len(rows)
}

func (f *faulty) allowed() int {
	f.Helper()
	d, err := f.open().Check(f.ctx, ada, letter, time.Time{})
	require.NoError(f, err)
	if d.Allowed {
		return 1
	}
	return 0
}

// TestFault_EverythingOrNothing fails each call of each operation in each way: what
// is there then is all of it or none, and trying again makes it all, once.
func TestFault_EverythingOrNothing(t *testing.T) {
	s := faulttest.Suite[*faulty]{New: newFaulty, Calls: 7, FailedIsNothing: true}
	for _, o := range operations {
		t.Run(o.name, func(t *testing.T) {
			s.EverythingOrNothing(t, faulttest.Operation[*faulty]{Prepare: o.prepare, Do: o.do, Effect: o.effect})
		})
	}
}
