package audit_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
	"github.com/trothdev/troth/storage/faultstore"
	"github.com/trothdev/troth/storage/faultstore/auditfault"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/auditmem"
)

// faulty is a trail on a store under a plan, beside a table in which acts take
// effect.
type faulty struct {
	*testing.T
	db    *memory.DB
	store *auditmem.Store
	plan  *faultstore.Plan
	tx    troth.Transactor
	acts  *memory.Table[string, int]
	trail *audit.Trail
	// honest reads what is there, without faults.
	honest *audit.Trail
	keys   troth.Keys
	sealer troth.Sealer
	signer audit.Signer
}

func newFaulty(t *testing.T, injections ...faultstore.Injection) *faulty {
	t.Helper()
	db := memory.Open()
	f := &faulty{T: t, db: db, store: auditmem.New(db), plan: faultstore.NewPlan(), acts: memory.NewTable[string, int](db, func(a, b string) int { return len(a) - len(b) })}
	f.tx = faultstore.Transactor(db, f.plan)
	store, keys, sealer := f.store, audittest.NewKeys(), audittest.NewSealer()
	signer, err := audit.GenerateSigningKey(origin)
	require.NoError(t, err)
	f.keys, f.sealer, f.signer = keys, sealer, signer
	f.trail, err = audit.New(t.Context(), auditfault.New(store, f.tx, f.plan), keys, sealer,
		audit.Unmanaged("test"), audit.WithSigner(signer))
	require.NoError(t, err)
	f.honest, err = audit.New(t.Context(), store, keys, sealer, audit.WithSigner(signer))
	require.NoError(t, err)
	for _, i := range injections {
		f.plan.Add(i)
	}
	return f
}

// act does something once, with evidence: what every service does.
func (f *faulty) act(ctx context.Context) error {
	return f.tx.Atomically(ctx, func(ctx context.Context) error {
		if inserted, err := f.acts.Insert(ctx, "act", 1); err != nil || !inserted {
			return err
		}
		_, err := f.trail.Record(ctx, touch("acme", "17"))
		return err
	})
}

// alone records what needs no act.
func (f *faulty) alone(ctx context.Context) error {
	_, err := f.trail.Record(ctx, touch("acme", "17"))
	return err
}

func (f *faulty) count() (acts, entries int) {
	f.Helper()
	rows, err := f.acts.Scan(f.Context(), nil, 0, nil)
	require.NoError(f, err)
	for r, err := range f.honest.Entries(f.Context(), "acme", audit.Query{}) {
		require.NoError(f, err)
		require.NotEqual(f, audit.Pseudonym{}, r.Subject)
		entries++
	}
	return len(rows), entries
}

// eachFault runs test once for each call that operation makes and each fault.
func eachFault(t *testing.T, operation func(f *faulty, ctx context.Context) error, test func(f *faulty, ctx context.Context, i faultstore.Injection)) {
	t.Helper()
	dry := newFaulty(t)
	before := len(dry.plan.Calls())
	require.NoError(t, operation(dry, troth.WithActor(t.Context(), kim)))
	calls := dry.plan.Calls()[before:]
	require.Greater(t, len(calls), 3)
	for i := range faultstore.Each(calls, faultstore.Faults()...) {
		t.Run(fmt.Sprintf("%s %d %s", i.Method, i.Nth, i.Fault), func(t *testing.T) {
			f := newFaulty(t, i)
			ctx, cancel := f.plan.Context(troth.WithActor(t.Context(), kim))
			defer cancel()
			test(f, ctx, i)
			require.Equal(t, 1, f.plan.Injected())
		})
	}
}

func TestTrail_NoActWithoutEvidenceNorEvidenceWithoutTheAct(t *testing.T) {
	eachFault(t, (*faulty).act, func(f *faulty, ctx context.Context, i faultstore.Injection) {
		err := f.act(ctx)
		acts, entries := f.count()
		require.Equal(f, acts, entries, "after the fault: %v", err)
		if err == nil {
			require.Equal(f, 1, acts)
		}
		if i.Method != faultstore.Commit {
			require.True(f, err == nil || acts == 0, "an act that failed took effect")
		}
		require.NoError(f, f.act(troth.WithActor(f.Context(), kim)), "retry")
		acts, entries = f.count()
		require.Equal(f, 1, acts)
		require.Equal(f, 1, entries)
	})
}

func TestTrail_RecordAloneIsStoredOrFails(t *testing.T) {
	eachFault(t, (*faulty).alone, func(f *faulty, ctx context.Context, i faultstore.Injection) {
		err := f.alone(ctx)
		_, entries := f.count()
		switch {
		case err == nil:
			require.Equal(f, 1, entries)
		case i.Method != faultstore.Commit:
			require.Zero(f, entries)
		}
		require.NoError(f, f.alone(troth.WithActor(f.Context(), kim)), "retry")
		_, after := f.count()
		require.Equal(f, entries+1, after)
	})
}

// TestTrail_ForgettingIsRecordedOrUndone also shows that pseudonyms survive
// what fails: the entries before and after name the same person.
func TestTrail_ForgettingIsRecordedOrUndone(t *testing.T) {
	forget := func(f *faulty, ctx context.Context) error { return f.trail.ForgetPseudonym(ctx, leave, ada) }
	prepared := func(f *faulty) {
		_, err := f.honest.Record(troth.WithActor(f.Context(), kim), touch("acme", "17"))
		require.NoError(f, err)
	}
	eachFault(t, func(f *faulty, ctx context.Context) error { prepared(f); return forget(f, ctx) },
		func(f *faulty, ctx context.Context, _ faultstore.Injection) {
			prepared(f)
			_ = forget(f, ctx) // judged by what it left
			_, linked, err := f.honest.Pseudonym(f.Context(), ada)
			require.NoError(f, err)
			_, entries := f.count()
			require.Equal(f, linked, entries == 1, "evidence and link disagree")
			require.NoError(f, forget(f, troth.WithActor(f.Context(), kim)), "retry")
			_, entries = f.count()
			require.Equal(f, 2, entries)
		})
}

func TestTrail_ForgettingThatFailedLeavesNoEvidenceThoughTheErrorIsSwallowed(t *testing.T) {
	f := newFaulty(t, faultstore.Injection{Method: "DeletePseudonym", Fault: faultstore.FailBefore})
	ctx := troth.WithActor(t.Context(), kim)
	require.NoError(t, f.alone(ctx))
	require.NoError(t, f.tx.Atomically(ctx, func(ctx context.Context) error {
		require.ErrorIs(t, f.trail.ForgetPseudonym(ctx, leave, ada), faultstore.ErrInjected)
		return nil
	}))
	_, entries := f.count()
	require.Equal(t, 1, entries)
	_, linked, err := f.honest.Pseudonym(t.Context(), ada)
	require.NoError(t, err)
	require.True(t, linked)
}
