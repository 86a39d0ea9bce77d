package audit_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/auditmem"
)

var errUndo = errors.New("undo")

func TestPseudonym_OnePerPersonTenantAndRole(t *testing.T) {
	w := newWorld(t)
	ctx := w.as(kim)
	seen := map[audit.Pseudonym]string{}
	add := func(ps audit.Pseudonym, who string) {
		t.Helper()
		require.False(t, ps.IsZero(), who)
		require.Empty(t, seen[ps], "%s has the pseudonym of another", who)
		seen[ps] = who
	}
	first := w.aboutSubject(ctx, "acme", "17")
	add(first, "17 of acme")
	add(w.aboutSubject(ctx, "acme", "18"), "18 of acme")
	add(w.aboutSubject(ctx, "bolt", "17"), "17 of bolt")
	require.Equal(t, first, w.aboutSubject(ctx, "acme", "17"))

	staff := w.the("acme", w.record(ctx, touch("acme", "17"))).Actor.Person
	add(staff, "kim of the platform")
	add(w.the("acme", w.record(w.as(troth.Actor{Kind: troth.Person, ID: "kim", Tenant: "acme"}), touch("acme", "17"))).Actor.Person, "kim of acme")
	customer := w.the("acme", w.record(w.as(troth.Actor{Kind: troth.Person, ID: "17", Tenant: "acme"}), touch("acme", "17")))
	require.Equal(t, first, customer.Subject)
	add(customer.Actor.Person, "17 of acme as actor")
	require.Equal(t, staff, w.the("bolt", w.record(ctx, touch("bolt", "17"))).Actor.Person, "staff are known by one pseudonym in all tenants")
}

func TestPseudonym_FoundByWhoHasTheKeys(t *testing.T) {
	w := newWorld(t)
	ps := w.aboutSubject(w.as(kim), "acme", "17")
	other := w.another()
	got, found, err := other.Pseudonym(t.Context(), troth.Subject{Tenant: "acme", ID: "17"})
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, ps, got)
	_, found, err = other.ActorPseudonym(t.Context(), troth.Subject{Tenant: troth.Platform, ID: "kim"})
	require.NoError(t, err)
	require.True(t, found)
	for _, s := range []troth.Subject{{Tenant: "acme", ID: "18"}, {Tenant: "bolt", ID: "17"}} {
		_, found, err = other.Pseudonym(t.Context(), s)
		require.NoError(t, err)
		require.False(t, found)
	}
	_, _, err = other.Pseudonym(t.Context(), troth.Subject{Tenant: "acme"})
	var ie *troth.IdentifierError
	require.ErrorAs(t, err, &ie)

	stranger, err := audit.New(t.Context(), w.store, audittest.NewKeys(), w.sealer)
	require.NoError(t, err)
	_, found, err = stranger.Pseudonym(t.Context(), troth.Subject{Tenant: "acme", ID: "17"})
	require.NoError(t, err)
	require.False(t, found)
}

func TestPseudonym_IdentityIsSealedInItsOwnCompartment(t *testing.T) {
	w := newWorld(t)
	ps := w.aboutSubject(w.as(kim), "acme", "17")
	row := w.store.rows[len(w.store.rows)-1]
	require.Equal(t, ps, row.Pseudonym)
	at := troth.Context{
		Subject:     troth.Subject{Tenant: "acme", ID: "17"},
		Compartment: troth.PseudonymCompartment,
		Cell:        troth.Cell{Table: "troth_audit_pseudonym", Column: "identity", Row: ps.String()},
	}
	plain, err := w.sealer.Open(t.Context(), nil, at, "test", row.Identity)
	require.NoError(t, err)
	require.True(t, contains(plain, "17"))
	at.Cell.Row = audit.Pseudonym{1}.String()
	_, err = w.sealer.Open(t.Context(), nil, at, "test", row.Identity)
	require.Error(t, err, "it is bound to its row")
}

func TestPseudonym_OfARolledBackTransactionIsNeverUsed(t *testing.T) {
	w := newWorld(t)
	var undone audit.Pseudonym
	err := w.db.Atomically(w.as(kim), func(ctx context.Context) error {
		w.record(ctx, touch("acme", "17"))
		var found bool
		var err error
		undone, found, err = w.trail.Pseudonym(ctx, troth.Subject{Tenant: "acme", ID: "17"})
		require.NoError(t, err)
		require.True(t, found)
		return errUndo
	})
	require.ErrorIs(t, err, errUndo)
	require.NotEqual(t, undone, w.aboutSubject(w.as(kim), "acme", "17"))
}

func TestPseudonym_OfARolledBackSavepointIsNeverUsed(t *testing.T) {
	w := newWorld(t)
	err := w.db.Atomically(w.as(kim), func(ctx context.Context) error {
		require.ErrorIs(t, w.db.Atomically(ctx, func(ctx context.Context) error {
			w.record(ctx, touch("acme", "17"))
			return errUndo
		}), errUndo)
		undone := w.store.rows[len(w.store.rows)-1].Pseudonym
		w.record(ctx, touch("acme", "17"))
		kept, found, err := w.trail.Pseudonym(ctx, troth.Subject{Tenant: "acme", ID: "17"})
		require.NoError(t, err)
		require.True(t, found)
		require.NotEqual(t, undone, kept)
		return nil
	})
	require.NoError(t, err)
}

func TestPseudonym_OfTheHostsRolledBackTransactionIsNeverUsed(t *testing.T) {
	w := newWorld(t)
	tx, err := w.db.Begin(t.Context())
	require.NoError(t, err)
	ctx := w.db.WithTx(w.as(kim), tx)
	w.record(ctx, touch("acme", "17"))
	undone := w.store.rows[len(w.store.rows)-1].Pseudonym
	w.record(ctx, touch("acme", "17"))
	require.Len(t, w.store.rows, 2, "the transaction sees what it created")
	require.NoError(t, tx.Rollback())
	require.NotEqual(t, undone, w.aboutSubject(w.as(kim), "acme", "17"))
}

func TestPseudonym_ForgottenByAnotherProcessIsNotUsedAgain(t *testing.T) {
	w := newWorld(t, audit.Unmanaged("test"))
	old := w.aboutSubject(w.as(kim), "acme", "17")
	other := w.another(audit.Unmanaged("test"))
	require.NoError(t, other.ForgetPseudonym(w.as(kim), leave, ada))
	require.NotEqual(t, old, w.aboutSubject(w.as(kim), "acme", "17"))
}

func TestPseudonym_ShreddedPersonIsNamedByAFreshOneEachTime(t *testing.T) {
	w := newWorld(t)
	subject := troth.Subject{Tenant: "acme", ID: "17"}
	w.sealer.Shred(subject, troth.PseudonymCompartment)
	one := w.aboutSubject(w.as(kim), "acme", "17")
	two := w.aboutSubject(w.as(kim), "acme", "17")
	require.False(t, one.IsZero())
	require.NotEqual(t, one, two)
	_, found, err := w.trail.Pseudonym(t.Context(), subject)
	require.NoError(t, err)
	require.False(t, found)
}

func TestPseudonym_SecondProcessUsesTheFirstOnes(t *testing.T) {
	w := newWorld(t)
	ps := w.aboutSubject(w.as(kim), "acme", "17")
	id, err := w.another().Record(w.as(kim), touch("acme", "17"))
	require.NoError(t, err)
	require.Equal(t, ps, w.the("acme", id).Subject)
}

// raced is a store in which somebody else records each person first, or takes
// the name and gives it up again.
type raced struct {
	*auditmem.Store
	rival *audit.Trail
}

func (s raced) InsertPseudonym(ctx context.Context, row audit.PseudonymRow) (bool, error) {
	if s.rival == nil {
		return false, nil
	}
	if _, err := s.rival.Record(ctx, touch("acme", "17")); err != nil {
		return false, err
	}
	return s.Store.InsertPseudonym(ctx, row)
}

func TestPseudonym_LoserOfARaceUsesTheWinners(t *testing.T) {
	w := newWorld(t)
	store := w.store.Backend.(*auditmem.Store)
	trail, err := audit.New(t.Context(), raced{Store: store, rival: w.trail}, w.keys, w.sealer)
	require.NoError(t, err)
	ctx := w.as(kim)
	_, err = trail.Record(ctx, touch("acme", "17"))
	require.NoError(t, err)
	records := w.records("acme")
	require.Len(t, records, 2)
	require.Equal(t, records[0].Subject, records[1].Subject)
	require.Equal(t, records[0].Actor, records[1].Actor)

	_, err = audittest.NewTrail(t, raced{Store: auditmem.New(memory.Open())}).Record(ctx, touch("acme", "17"))
	require.ErrorIs(t, err, troth.ErrBusy)
	require.True(t, troth.Retryable(err))
}
