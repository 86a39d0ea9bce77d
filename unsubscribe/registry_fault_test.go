package unsubscribe_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/faulttest"
	"github.com/trothdev/troth/internal/seamtest"
	"github.com/trothdev/troth/storage/faultstore"
	"github.com/trothdev/troth/storage/faultstore/unsubscribefault"
	"github.com/trothdev/troth/unsubscribe"
)

// regFaulty is a world whose registry has a plan between it and its store, and an
// honest registry beside it to look with.
type regFaulty struct {
	*regWorld
	plan   *faultstore.Plan
	faulty *unsubscribe.Registry
	peer   *regPeer
	p      *regProvider
}

func (f *regFaulty) Plan() *faultstore.Plan  { return f.plan }
func (f *regFaulty) Acting() context.Context { return f.ctx }

type regSharedTrail struct {
	*seamtest.Recorder
	tx troth.Transactor
}

func (s regSharedTrail) Transactor() troth.Transactor { return s.tx }

type regSharedQueue struct {
	*seamtest.Queue
	tx troth.Transactor
}

func (s regSharedQueue) Transactor() troth.Transactor { return s.tx }

func newRegFaulty(t *testing.T) *regFaulty {
	t.Helper()
	w := newRegWorld(t)
	f := &regFaulty{regWorld: w, plan: faultstore.NewPlan(), peer: &regPeer{}, p: &regProvider{}}
	w.directory.add(regC17, regAda)
	tx := faultstore.Transactor(w.db, f.plan)
	var err error
	f.faulty, err = unsubscribe.New(t.Context(), unsubscribe.Config{
		Store: unsubscribefault.New(w.store, tx, f.plan), Recorder: regSharedTrail{w.trail, tx}, Keys: w.keys,
	}, unsubscribe.WithClock(w.clock.Now), unsubscribe.WithSealer(w.sealer), unsubscribe.WithEnqueuer(regSharedQueue{w.queue, tx}),
		unsubscribe.WithDirectory(w.directory), unsubscribe.WithObjections(f.peer), unsubscribe.WithProvider("mailer", f.p),
		unsubscribe.Unmanaged("test"))
	require.NoError(t, err)
	return f
}

func (f *regFaulty) fixed() unsubscribe.OptOutParams {
	p := regOut(regAda, unsubscribe.Client)
	p.ID = "fixed"
	p.Evidence.Note = troth.Protect("a note")
	return p
}

func (f *regFaulty) stopped() int {
	if f.check(regLetter(regAcme), regAda).Send {
		return 0
	}
	return 1
}

func (f *regFaulty) kinds(kind unsubscribe.Kind) (n int) {
	f.Helper()
	h, err := f.r.History(f.ctx, regAcme, unsubscribe.Email, troth.Protect(regAda), "test")
	require.NoError(f, err)
	for _, e := range h.Events {
		if e.Event.Kind == kind {
			n++
		}
	}
	return n
}

// regOperations are tried with every fault in every call. effect counts what was
// done: 0 before, 1 after, in every part alike.
var regOperations = []struct {
	name    string
	prepare func(f *regFaulty)
	do      func(f *regFaulty, ctx context.Context) error
	effect  func(f *regFaulty) []int
}{
	{"opt out", func(*regFaulty) {}, func(f *regFaulty, ctx context.Context) error {
		_, err := f.faulty.OptOut(ctx, f.fixed())
		return err
	}, func(f *regFaulty) []int {
		return []int{f.stopped(), f.kinds(unsubscribe.KindOptOut), len(f.trail.Of("unsubscribe.event")), len(f.queue.Pending(""))}
	}},
	{"opt in", func(f *regFaulty) { f.optOut(regAda, unsubscribe.Client); f.clock.Move(1e9) }, func(f *regFaulty, ctx context.Context) error {
		p := regIn(regAda, unsubscribe.Client)
		p.ID = "fixed"
		_, err := f.faulty.OptIn(ctx, p)
		return err
	}, func(f *regFaulty) []int {
		return []int{1 - f.stopped(), f.kinds(unsubscribe.KindOptIn), len(f.trail.Of("unsubscribe.event")) - 1}
	}},
	{"erase", func(f *regFaulty) {
		_, err := f.r.OptOut(f.ctx, f.fixed())
		require.NoError(f, err)
	}, func(f *regFaulty, ctx context.Context) error {
		_, err := f.faulty.Erase(ctx, unsubscribe.EraseParams{Tenant: regAcme, SubjectID: "c-17", Ground: "request"})
		return err
	}, func(f *regFaulty) []int {
		return []int{f.kinds(unsubscribe.KindErase), min(len(f.trail.Of("unsubscribe.erase")), 1)}
	}},
	{"rekey", func(f *regFaulty) { f.optOut(regAda, unsubscribe.Client) }, func(f *regFaulty, ctx context.Context) error {
		if epoch, err := f.r.Hasher(f.ctx, regAcme); err != nil {
			return err
		} else if client, _ := epoch.Epochs(); client == 2 {
			return nil
		}
		_, err := f.faulty.Rekey(ctx, regAcme)
		return err
	}, func(f *regFaulty) []int {
		h, err := f.r.Hasher(f.ctx, regAcme)
		require.NoError(f, err)
		client, _ := h.Epochs()
		return []int{int(client) - 1, len(f.trail.Of("unsubscribe.rekey")), int(client) - 2 + f.stopped()}
	}},
	{"tell", func(f *regFaulty) {
		_, err := f.faulty.OptOut(f.ctx, f.fixed())
		require.NoError(f, err)
	}, func(f *regFaulty, ctx context.Context) error {
		outcome, err := f.faulty.Do(ctx, regJob(f.queue.Pending("")[0], 2))
		if err == nil {
			require.Equal(f, troth.Completed, outcome)
		}
		return err
	}, func(f *regFaulty) []int {
		rows, err := f.r.Deliveries(f.ctx, regAcme, "fixed")
		require.NoError(f, err)
		told := 0
		if rows[0].State == unsubscribe.DeliveryTold {
			told = 1
		}
		return []int{told, len(f.trail.Of("unsubscribe.told")), f.kinds(unsubscribe.KindPropagated)}
	}},
}

// TestFault_RegistryDoesEverythingOrNothing fails each call of each operation in each
// way: what is there then is all of it or none, and trying again makes it all, once.
func TestFault_RegistryDoesEverythingOrNothing(t *testing.T) {
	s := faulttest.Suite[*regFaulty]{New: newRegFaulty, Calls: 5, FailedIsNothing: true, Finally: func(f *regFaulty) {
		require.LessOrEqual(f, f.p.suppressed[regAda], 1, "told twice")
	}}
	for _, o := range regOperations {
		t.Run(o.name, func(t *testing.T) {
			s.EverythingOrNothing(t, faulttest.Operation[*regFaulty]{Prepare: o.prepare, Do: o.do, Effect: o.effect})
		})
	}
}
