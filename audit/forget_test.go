package audit_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/internal/permit"
)

var (
	ada   = troth.Subject{Tenant: "acme", ID: "17"}
	leave = troth.UnmanagedPermit("erasure-request")
)

func TestForgetPseudonym_CutsTheLinkAndLeavesTheEntries(t *testing.T) {
	w := newWorld(t, audit.Unmanaged("test"))
	ctx := w.as(kim)
	old := w.aboutSubject(ctx, "acme", "17")
	other := w.aboutSubject(ctx, "acme", "18")
	w.tick()
	require.NoError(t, w.trail.ForgetPseudonym(ctx, leave, ada))

	_, found, err := w.trail.Pseudonym(ctx, ada)
	require.NoError(t, err)
	require.False(t, found)
	records := w.records("acme")
	require.Len(t, records, 3)
	last := records[2]
	require.Equal(t, "audit.pseudonym-forget", last.Act)
	require.Equal(t, old, last.Subject, "the evidence names what was forgotten")
	require.Equal(t, "role=subject ground=erasure-request permit=unmanaged", facts(last))
	require.NotEqual(t, old, w.aboutSubject(ctx, "acme", "17"), "later acts do not continue the old pseudonym")
	require.Equal(t, other, w.aboutSubject(ctx, "acme", "18"))
}

func facts(r audit.Record) (text string) {
	for i, f := range r.Facts {
		if i > 0 {
			text += " "
		}
		text += f.String()
	}
	return text
}

func TestForgetPseudonym_IsIdempotent(t *testing.T) {
	w := newWorld(t, audit.Unmanaged("test"))
	ctx := w.as(kim)
	require.NoError(t, w.trail.ForgetPseudonym(ctx, leave, ada))
	require.Empty(t, w.records("acme"), "there was nothing to forget")
	w.aboutSubject(ctx, "acme", "17")
	require.NoError(t, w.trail.ForgetPseudonym(ctx, leave, ada))
	require.NoError(t, w.trail.ForgetPseudonym(ctx, leave, ada))
	require.Len(t, w.records("acme"), 2)
}

func TestForgetPseudonym_ForgetsThePersonAsActorToo(t *testing.T) {
	w := newWorld(t, audit.Unmanaged("test"))
	self := w.as(troth.Actor{Kind: troth.Person, ID: "17", Tenant: "acme"})
	w.aboutSubject(self, "acme", "17")
	require.NoError(t, w.trail.ForgetPseudonym(w.as(kim), leave, ada))
	_, subject, err := w.trail.Pseudonym(t.Context(), ada)
	require.NoError(t, err)
	_, actor, err := w.trail.ActorPseudonym(t.Context(), ada)
	require.NoError(t, err)
	require.False(t, subject || actor)
	require.Len(t, w.records("acme"), 3)
}

func TestForgetPseudonym_SeenAtOnceInItsTransaction(t *testing.T) {
	w := newWorld(t, audit.Unmanaged("test"))
	old := w.aboutSubject(w.as(kim), "acme", "17")
	require.NoError(t, w.db.Atomically(w.as(kim), func(ctx context.Context) error {
		require.NoError(t, w.trail.ForgetPseudonym(ctx, leave, ada))
		w.record(ctx, touch("acme", "17"))
		ps, found, err := w.trail.Pseudonym(ctx, ada)
		require.NoError(t, err)
		require.True(t, found)
		require.NotEqual(t, old, ps)
		return nil
	}))
}

func TestForgetPseudonym_RolledBackLeavesEverything(t *testing.T) {
	w := newWorld(t, audit.Unmanaged("test"))
	old := w.aboutSubject(w.as(kim), "acme", "17")
	require.ErrorIs(t, w.db.Atomically(w.as(kim), func(ctx context.Context) error {
		require.NoError(t, w.trail.ForgetPseudonym(ctx, leave, ada))
		return errUndo
	}), errUndo)
	require.Equal(t, old, w.aboutSubject(w.as(kim), "acme", "17"))
	require.Len(t, w.records("acme"), 2, "and no evidence of what was not done")
}

func TestForgetPseudonym_NeedsAPermit(t *testing.T) {
	w := newWorld(t)
	old := w.aboutSubject(w.as(kim), "acme", "17")
	ctx := w.as(kim)
	require.ErrorIs(t, w.trail.ForgetPseudonym(ctx, troth.Permit{}, ada), troth.ErrNotPermitted)
	require.ErrorIs(t, w.trail.ForgetPseudonym(ctx, leave, ada), troth.ErrNotPermitted, "the trail was not made for it")
	require.ErrorIs(t, w.trail.ForgetPseudonym(t.Context(), leave, ada), troth.ErrNoActor)
	var ie *troth.IdentifierError
	require.ErrorAs(t, w.trail.ForgetPseudonym(ctx, leave, troth.Subject{}), &ie)
	unmanaged := w.another(audit.Unmanaged("test"))
	require.ErrorAs(t, unmanaged.ForgetPseudonym(ctx, troth.UnmanagedPermit(""), ada), &ie, "a ground is recorded")
	require.Equal(t, old, w.aboutSubject(ctx, "acme", "17"))
}

func TestForgetPseudonym_TakesAKeepersPermitForThisPersonInThisTransaction(t *testing.T) {
	ref := troth.PermitRef{Tenant: "acme", Subject: "17", Compartment: string(troth.PseudonymCompartment)}
	whole := troth.PermitRef{Tenant: "acme", Subject: "17"}
	for name, c := range map[string]struct {
		ref   troth.PermitRef
		stale bool
		fits  bool
	}{
		"the compartment":       {ref: ref, fits: true},
		"the whole person":      {ref: whole, fits: true},
		"another compartment":   {ref: troth.PermitRef{Tenant: "acme", Subject: "17", Compartment: "orders"}},
		"another person":        {ref: troth.PermitRef{Tenant: "acme", Subject: "18"}},
		"another tenant":        {ref: troth.PermitRef{Tenant: "bolt", Subject: "17"}},
		"of an old transaction": {ref: ref, stale: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.aboutSubject(w.as(kim), "acme", "17")
			var minted troth.Permit
			mint := func(ctx context.Context) error {
				minted = permit.Managed(c.ref, "expired", [32]byte{7}, w.db.Scope(ctx))
				return nil
			}
			require.NoError(t, w.db.Atomically(t.Context(), mint))
			err := w.db.Atomically(w.as(kim), func(ctx context.Context) error {
				if !c.stale {
					require.NoError(t, mint(ctx))
				}
				return w.trail.ForgetPseudonym(ctx, minted, ada)
			})
			if !c.fits {
				require.ErrorIs(t, err, troth.ErrNotPermitted)
				return
			}
			require.NoError(t, err)
			records := w.records("acme")
			require.Contains(t, facts(records[len(records)-1])+facts(records[0]), "permit=managed policy=07000000")
		})
	}
}

func TestUnmanaged_IsRecordedAndRefusedOnceThereIsAKeeper(t *testing.T) {
	w := newWorld(t, audit.Unmanaged("small-shop"))
	records := w.records(troth.Platform)
	require.Len(t, records, 1)
	require.Equal(t, "audit.unmanaged", records[0].Act)
	require.Equal(t, "ground=small-shop", facts(records[0]))
	require.Equal(t, "troth.audit", records[0].Actor.Service)

	w.aboutSubject(w.as(kim), "acme", "17")
	require.NoError(t, w.store.SetManaged(t.Context()))
	require.ErrorIs(t, w.trail.ForgetPseudonym(w.as(kim), leave, ada), audit.ErrUnmanaged)
	_, err := audit.New(t.Context(), w.store, w.keys, w.sealer, audit.Unmanaged("small-shop"))
	require.ErrorIs(t, err, audit.ErrUnmanaged)
	require.Len(t, w.records(troth.Platform), 1)
	_, err = audit.New(t.Context(), w.store, w.keys, w.sealer, audit.Unmanaged(""))
	var ie *troth.IdentifierError
	require.ErrorAs(t, err, &ie)
}

func TestActs_AreWellDeclared(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range audit.Acts() {
		require.NoError(t, a.Validate())
		require.False(t, seen[a.Name], "%s is declared twice", a.Name)
		seen[a.Name] = true
		for _, f := range a.Fields {
			require.NotEmpty(t, f.Doc, "%s.%s", a.Name, f.Name)
		}
	}
	require.NotEmpty(t, seen)
}
