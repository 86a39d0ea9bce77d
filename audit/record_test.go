package audit_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/auditmem"
)

func TestTrail_RecordStoresWhatTheEntrySays(t *testing.T) {
	w := newWorld(t)
	id := w.record(w.as(kim), touch("acme", "17"))
	r := w.the("acme", id)
	require.True(t, r.Pending)
	require.Equal(t, time.Date(2026, 11, 22, 9, 0, 0, 123_456_000, time.UTC), r.RecordedAt)
	require.Equal(t, "test.touch", r.Act)
	require.Equal(t, 2, r.ActVersion)
	require.Equal(t, troth.Done, r.Outcome)
	require.Equal(t, troth.Purpose("support-case"), r.Purpose)
	require.Equal(t, []audit.NamedFact{
		{Name: "class", Fact: troth.Word("orders")}, {Name: "n", Fact: troth.Count(3)},
	}, r.Facts, "in the order of the schema")
	require.Equal(t, troth.Person, r.Actor.Kind)
	require.Equal(t, troth.Platform, r.Actor.Home)
	require.False(t, r.Actor.Person.IsZero())
	require.False(t, r.Subject.IsZero())
	require.NotEqual(t, [32]byte{}, r.Nonce)

	again := w.the("acme", w.record(w.as(kim), touch("acme", "17")))
	require.NotEqual(t, r.Nonce, again.Nonce, "two equal acts have different bytes")
}

func TestTrail_RecordNamesServicesInClear(t *testing.T) {
	w := newWorld(t)
	e := touch("acme", "")
	e.Outcome = troth.Refused
	r := w.the("acme", w.record(w.as(troth.Actor{Kind: troth.Service, ID: "importer", Tenant: "acme"}), e))
	require.Equal(t, audit.ActorRef{Kind: troth.Service, Service: "importer", Home: "acme"}, r.Actor)
	require.True(t, r.Subject.IsZero())
	require.Equal(t, troth.Refused, r.Outcome)
}

func TestTrail_RecordRefusesWithoutTrace(t *testing.T) {
	w := newWorld(t)
	_, err := w.trail.Record(t.Context(), touch("acme", "17"))
	require.ErrorIs(t, err, troth.ErrNoActor)

	bad := touch("acme", "17")
	bad.Facts["email"] = troth.Word("ada@example.org")
	_, err = w.trail.Record(w.as(kim), bad)
	var ae *troth.ActError
	require.ErrorAs(t, err, &ae)
	require.Equal(t, "test.touch", ae.Act)

	_, err = w.trail.Record(w.as(troth.Actor{Kind: "robot", ID: "x"}), touch("acme", "17"))
	var ie *troth.IdentifierError
	require.ErrorAs(t, err, &ie)
	_, err = w.trail.Record(w.as(kim), touch("", "17"))
	require.ErrorAs(t, err, &ie)

	require.Empty(t, w.records("acme"))
	_, found, err := w.trail.Pseudonym(t.Context(), troth.Subject{Tenant: "acme", ID: "17"})
	require.NoError(t, err)
	require.False(t, found)
}

func TestTrail_RecordLivesAndDiesWithTheTransaction(t *testing.T) {
	w := newWorld(t)
	errUndo := errors.New("undo")
	err := w.db.Atomically(w.as(kim), func(ctx context.Context) error {
		w.record(ctx, touch("acme", "17"))
		return errUndo
	})
	require.ErrorIs(t, err, errUndo)
	require.Empty(t, w.records("acme"))

	tx, err := w.db.Begin(t.Context())
	require.NoError(t, err)
	w.record(w.db.WithTx(w.as(kim), tx), touch("acme", "17"))
	require.Empty(t, w.records("acme"))
	require.NoError(t, tx.Commit())
	require.Len(t, w.records("acme"), 1)
}

func TestTrail_RecordFailsIfTheSealerOrTheKeysFail(t *testing.T) {
	w := newWorld(t)
	broken := errors.New("kms is away")
	for name, trail := range map[string]func() (*audit.Trail, error){
		"keys": func() (*audit.Trail, error) {
			return audit.New(t.Context(), w.store, failing{w.keys, broken}, w.sealer)
		},
		"sealer": func() (*audit.Trail, error) { return audit.New(t.Context(), w.store, w.keys, failingSealer{broken}) },
	} {
		trail, err := trail()
		require.NoError(t, err)
		_, err = trail.Record(w.as(kim), touch("acme", "17"))
		require.ErrorIs(t, err, broken, name)
		require.Empty(t, w.records("acme"))
	}
}

// undecided is the error of a sealer whose shredding may still be undone.
type undecided struct{ error }

func (undecided) Shredded() bool { return false }

func TestTrail_RecordFailsWhileTheShreddingIsUndecided(t *testing.T) {
	w := newWorld(t)
	pending := undecided{errors.New("shredding is not decided yet")}
	trail, err := audit.New(t.Context(), w.store, w.keys, failingSealer{fmt.Errorf("sealer: %w", pending)})
	require.NoError(t, err)
	_, err = trail.Record(w.as(kim), touch("acme", "17"))
	require.ErrorIs(t, err, pending)
	require.Empty(t, w.records("acme"))
}

type failing struct {
	troth.Keys
	err error
}

func (f failing) MAC(context.Context, troth.KeyRef, []byte) ([32]byte, error) {
	return [32]byte{}, f.err
}

type failingSealer struct{ err error }

func (f failingSealer) Seal(context.Context, []byte, troth.Context, []byte) ([]byte, error) {
	return nil, f.err
}

func (f failingSealer) Open(context.Context, []byte, troth.Context, troth.Purpose, []byte) ([]byte, error) {
	return nil, f.err
}

// taken is a store in which every id is taken.
type taken struct{ audit.Backend }

func (taken) Append(context.Context, audit.InboxRow) (bool, error) { return false, nil }

func TestTrail_RecordFailsIfTheIDIsTaken(t *testing.T) {
	trail := audittest.NewTrail(t, taken{auditmem.New(memory.Open())})
	_, err := trail.Record(troth.WithActor(t.Context(), kim), touch("acme", "17"))
	require.ErrorIs(t, err, audit.ErrDuplicate)
}

func TestNew_RefusesWhatCannotWork(t *testing.T) {
	w := newWorld(t)
	_, err := audit.New(t.Context(), nil, w.keys, w.sealer)
	require.Error(t, err)
	_, err = audit.New(t.Context(), w.store, w.keys, w.sealer, audit.WithClock(nil))
	require.Error(t, err)
	_, err = audit.New(t.Context(), w.store, w.keys, w.sealer, audit.WithLogger(nil))
	require.Error(t, err)
	_, err = audit.New(t.Context(), w.store, w.keys, apart{w.sealer, memory.Open()})
	require.ErrorIs(t, err, troth.ErrNotShared)
	_, err = audit.New(t.Context(), w.store, w.keys, apart{w.sealer, w.db})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = audit.New(ctx, w.store, w.keys, w.sealer)
	require.ErrorIs(t, err, context.Canceled, "the store is asked")
}

type apart struct {
	troth.Sealer
	tx troth.Transactor
}

func (a apart) Transactor() troth.Transactor { return a.tx }

// TestTrail_Canary sends made-up personal data through every call and looks for
// it where it must not be.
func TestTrail_Canary(t *testing.T) {
	const person, staff = "canary-person@example.org", "canary-staff@example.org"
	core, logs := observer.New(zap.DebugLevel)
	w := newWorld(t, audit.WithLogger(zap.New(core)), audit.Unmanaged("test"))
	ctx := w.as(troth.Actor{Kind: troth.Person, ID: staff})
	subject := troth.Subject{Tenant: "acme", ID: person}
	var told []string
	tell := func(v any, err error) { told = append(told, fmt.Sprintf("%+v %v %#v %v", v, v, v, err)) }

	tell(w.trail.Record(ctx, touch("acme", person)))
	ps, _, err := w.trail.Pseudonym(ctx, subject)
	tell(ps, err)
	tell(nil, w.trail.ForgetPseudonym(ctx, troth.Permit{}, subject))
	tell(nil, w.trail.ForgetPseudonym(ctx, troth.UnmanagedPermit("test"), subject))
	tell(w.trail.Record(ctx, troth.Entry{Act: actTouch, Tenant: "acme", SubjectID: person + "\n"}))
	tell(w.trail.Record(ctx, touch("acme", person)))
	w.sealer.Shred(troth.Subject{Tenant: "acme", ID: person + "2"}, troth.PseudonymCompartment)
	tell(w.trail.Record(ctx, touch("acme", person+"2")))
	tell(w.trail.Backlog(ctx))
	e := letter("acme")
	e.SubjectID = person
	id, err := w.trail.Record(ctx, e)
	tell(id, err)
	tell(e.Parts, nil)
	tell(w.trail.Parts(ctx, "acme", id))
	_, err = w.trail.OpenPart(ctx, audit.PartRef{Tenant: "acme", Entry: id, SubjectID: person + "2"}, "test")
	tell(nil, err)
	opening, err := w.trail.Opening(ctx, subject, "test")
	tell(opening, err)
	w.sealer.Shred(subject, "letters")
	_, err = w.trail.OpenPart(ctx, audit.PartRef{Tenant: "acme", Entry: id, SubjectID: person}, "test")
	tell(nil, err)
	rows, err := w.store.Parts(ctx, "acme", id)
	require.NoError(t, err)
	for _, r := range rows {
		told = append(told, fmt.Sprintf("%s %s %s", r.Box, r.Name, r.Subject))
	}
	for _, tenant := range []troth.Tenant{"acme", troth.Platform} {
		for _, r := range w.records(tenant) {
			tell(r, nil)
			told = append(told, r.String(), string(r.Raw))
		}
	}
	for _, l := range logs.All() {
		told = append(told, fmt.Sprintf("%+v", l))
	}
	told = append(told, stored(w)...)
	require.Greater(t, len(told), 25)
	for _, text := range told {
		require.False(t, contains([]byte(text), "canary", "example.org"), "%q", text)
	}
}

// stored is everything that the store holds of the person and the staff.
func stored(w *world) (rows []string) {
	for _, tenant := range []troth.Tenant{"acme", troth.Platform} {
		found, err := w.store.Entries(w.Context(), audit.EntriesPage{Tenant: tenant, Limit: 1000})
		require.NoError(w, err)
		for _, r := range found {
			rows = append(rows, fmt.Sprintf("%s %s", r.ID, r.Envelope))
		}
	}
	for _, p := range w.store.rows {
		rows = append(rows, fmt.Sprintf("%s %s %s", p.Lookup[:], p.Pseudonym[:], p.Identity))
	}
	return rows
}
