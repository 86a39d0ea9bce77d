package rights_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/storage/faultstore"
	"github.com/trothdev/troth/storage/faultstore/rightsfault"
)

// faulty is a world whose second desk has a plan between it and its store; the first one
// looks.
type faulty struct {
	*world
	plan *faultstore.Plan
	bad  *rights.Desk
	id   string
	code string
}

type sharedTrail struct {
	trail
	tx troth.Transactor
}

func (s sharedTrail) Transactor() troth.Transactor { return s.tx }

func newFaulty(t *testing.T) *faulty {
	t.Helper()
	album := &shelf{house: &house{}, name: "album", order: rights.Primary, by: "subject", held: map[string]uint64{ada.ID: 1}}
	source := rights.WithSource(album.source())
	f := &faulty{world: newWorld(t, source), plan: faultstore.NewPlan()}
	tx := faultstore.Transactor(f.db, f.plan)
	var err error
	f.bad, err = rights.New(t.Context(), rights.Config{
		Store: rightsfault.New(f.store, tx, f.plan), Recorder: sharedTrail{f.trail, tx}, Keys: keys{},
	}, rights.WithClock(f.clock.Now), rights.WithSealer(f.sealer), rights.WithNotifier(f.post), rights.WithAlarms(f.bells),
		rights.WithShredder(f.sealer.Shred), rights.Unmanaged("test"), rights.WithRegimes("gdpr"), rights.WithDirectory(book{canary: {ada}}), source)
	require.NoError(t, err)
	return f
}

func count(is bool) int {
	if is {
		return 1
	}
	return 0
}

// has counts the events of a kind, in the rows and on the trail: they must agree.
func (f *faulty) has(k rights.Kind) []int {
	events, err := f.desk.Events(f.ctx, acme, f.id)
	if !errors.Is(err, rights.ErrNotFound) {
		require.NoError(f, err)
	}
	n := 0
	for _, e := range events {
		n += count(e.Kind == k)
	}
	return []int{n, len(f.trail.events(k))}
}

func (f *faulty) submission() rights.Submission {
	return rights.Submission{Tenant: acme, ID: f.id, Right: rights.Access, Via: rights.ViaAccount, SubjectID: ada.ID, Contents: contents()}
}

func taken(f *faulty) {
	f.id = "r"
	f.submit(rights.Access, func(s *rights.Submission) { s.ID = f.id })
}

// hushed is a restriction that has been answered.
func hushed(f *faulty) {
	f.id = f.approved(rights.Restrict).ID
	f.step(f.id)
	_, err := f.desk.Deliver(f.ctx, acme, f.id, time.Time{})
	require.NoError(f, err)
	f.sweep()
	f.clock.Move(time.Minute)
}

func done(err error) error {
	if _, state := errors.AsType[*rights.StateError](err); state || errors.Is(err, rights.ErrNotFound) {
		return nil // it was done by the attempt that failed after
	}
	return err
}

var faultyOperations = []struct {
	name    string
	prepare func(f *faulty)
	do      func(f *faulty, ctx context.Context) error
	effect  func(f *faulty) []int
}{
	{"submit", func(f *faulty) { f.id = "r" }, func(f *faulty, ctx context.Context) error {
		_, err := f.bad.Submit(ctx, f.submission())
		return err
	}, func(f *faulty) []int {
		_, err := f.desk.Contents(f.ctx, acme, f.id, "test")
		return append(f.has(rights.Submitted), count(err == nil))
	}},
	{"accept", func(f *faulty) { taken(f); f.prove(f.id) }, func(f *faulty, ctx context.Context) error {
		p, err := f.desk.Proof(f.ctx, acme, f.id)
		require.NoError(f, err)
		_, err = f.bad.Accept(ctx, acme, f.id, p)
		return done(err)
	}, func(f *faulty) []int {
		return append(f.has(rights.WasAccepted), count(f.get(f.id).State == rights.StateAccepted))
	}},
	{"refuse", taken, func(f *faulty, ctx context.Context) error {
		_, err := f.bad.Refuse(ctx, refusal(f.world, f.id, rights.LegalClaims))
		return done(err)
	}, func(f *faulty) []int {
		all, err := f.desk.Refusals(f.ctx, acme, f.id)
		require.NoError(f, err)
		open, err := f.desk.Obligations(f.ctx, acme, f.id)
		require.NoError(f, err)
		return append(f.has(rights.WasRefused), len(all), len(open), count(f.get(f.id).State == rights.StateRefused))
	}},
	{"check a code", func(f *faulty) {
		f.id = "r"
		f.submit(rights.Erase, func(s *rights.Submission) { s.ID, s.SubjectID = f.id, "" })
		require.NoError(f, f.sendCode(f.id, canary))
		f.code = f.world.code()
	}, func(f *faulty, ctx context.Context) error {
		_, err := f.bad.CheckCode(ctx, acme, f.id, troth.Protect(f.code))
		if errors.Is(err, rights.ErrCode) && f.get(f.id).SubjectID != "" {
			return nil // it was right the first time
		}
		return err
	}, func(f *faulty) []int {
		return append(f.has(rights.Identified), count(f.get(f.id).SubjectID == ada.ID))
	}},
	{"alarm", func(f *faulty) { taken(f); f.sweep(); f.clock.Move(20 * 24 * time.Hour) }, func(f *faulty, ctx context.Context) error {
		return f.bad.Sweep(ctx)
	}, func(f *faulty) []int { return f.has(rights.Alarmed) }},
	{"once", taken, func(f *faulty, ctx context.Context) error {
		_, err := f.bad.Once(ctx, callUnder(f.id, 1, 1), func(ctx context.Context) ([]byte, error) {
			_, err := f.bad.AskFee(ctx, acme, f.id, "excessive", time.Time{})
			return []byte("asked"), err
		})
		return err
	}, func(f *faulty) []int {
		items, err := f.store.Items(f.ctx, rights.ItemQuery{Tenant: acme, Owner: f.id, Kind: rights.ItemAnswer, Limit: 10})
		require.NoError(f, err)
		return append(f.has(rights.FeeAsked), len(items))
	}},
	{"destroy contents", func(f *faulty) {
		taken(f)
		f.sweep()
		f.fire(f.id, rights.WasWithdrawn)
		f.clock.Move(91 * 24 * time.Hour)
	}, func(f *faulty, ctx context.Context) error { return f.bad.Sweep(ctx) }, func(f *faulty) []int {
		items, err := f.store.Items(f.ctx, rights.ItemQuery{Tenant: acme, Owner: f.id, Kind: rights.ItemContents, Limit: 1})
		require.NoError(f, err)
		return append(f.has(rights.ContentsDestroyed), count(len(items) == 0))
	}},
	{"decide to lift", hushed, func(f *faulty, ctx context.Context) error {
		_, err := f.bad.Lift(ctx, rights.Lifting{Tenant: acme, Request: f.id, Ground: "verified"})
		return err
	}, func(f *faulty) []int {
		items, err := f.store.Items(f.ctx, rights.ItemQuery{Tenant: acme, Owner: f.id, Kind: rights.ItemLifting, Limit: 5})
		require.NoError(f, err)
		letters, err := f.store.Items(f.ctx, rights.ItemQuery{Tenant: acme, Owner: f.id, Kind: rights.ItemMessage, Limit: 5})
		require.NoError(f, err)
		return append(f.has(rights.ObligationOpened), len(items), len(letters))
	}},
	{"lift", func(f *faulty) {
		hushed(f)
		_, err := f.desk.Lift(f.ctx, rights.Lifting{Tenant: acme, Request: f.id, Ground: "verified", ToldAt: f.clock.Now()})
		require.NoError(f, err)
		f.clock.Move(time.Minute)
	}, func(f *faulty, ctx context.Context) error { return f.bad.Sweep(ctx) }, func(f *faulty) []int {
		return append(f.has(rights.RestrictionLifted), count(f.work(f.id)["album"].Method == rights.Unrestricted))
	}},
}

func TestFault_TheDeskDoesEverythingOrNothing(t *testing.T) {
	for _, o := range faultyOperations {
		t.Run(o.name, func(t *testing.T) {
			dry := newFaulty(t)
			o.prepare(dry)
			before := len(dry.plan.Calls())
			require.NoError(t, o.do(dry, dry.ctx))
			calls := dry.plan.Calls()[before:]
			require.GreaterOrEqual(t, len(calls), 4)
			for i := range faultstore.Each(calls, faultstore.Faults()...) {
				t.Run(fmt.Sprintf("%s %d %s", i.Method, i.Nth, i.Fault), func(t *testing.T) {
					t.Parallel()
					f := newFaulty(t)
					o.prepare(f)
					f.plan.Add(i)
					ctx, cancel := f.plan.Context(f.ctx)
					defer cancel()
					err := o.do(f, ctx)
					effect := o.effect(f)
					for _, n := range effect {
						require.Equal(t, effect[0], n, "parts disagree: %v, after %v", effect, err)
					}
					if err == nil {
						require.Equal(t, 1, effect[0])
					}
					f.clock.Move(2 * time.Hour) // what failed was put off
					if o.name == "check a code" && effect[0] == 0 {
						f.clock.Move(-2 * time.Hour)
					}
					require.NoError(t, o.do(f, f.ctx), "retry")
					for _, n := range o.effect(f) {
						require.Equal(t, 1, n, "after the retry: %v", o.effect(f))
					}
					require.Equal(t, 1, f.plan.Injected())
				})
			}
		})
	}
}
