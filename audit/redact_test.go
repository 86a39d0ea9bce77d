package audit_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/faultstore"
)

func (w *world) redact(tenant troth.Tenant, id troth.EntryID) (troth.EntryID, error) {
	return w.trail.Redact(w.as(kim), leave, tenant, id)
}

// row is an entry in the log.
func (w *world) row(tenant troth.Tenant, id troth.EntryID) audit.LogRow {
	w.Helper()
	row, found, err := w.store.LogEntry(w.Context(), tenant, id)
	require.NoError(w, err)
	require.True(w, found)
	return row
}

func TestRedact_LeavesTheHashAndSaysSo(t *testing.T) {
	w := newWorld(t, audit.Unmanaged("test"))
	id := w.record(w.as(kim), letter("acme"))
	w.tick()
	next := w.record(w.as(kim), letter("acme"))
	_, err := w.redact("acme", id)
	require.ErrorIs(t, err, troth.ErrPending)
	w.toLog()
	before, neighbour := w.row("acme", id), w.row("acme", next)
	w.tick()
	by, err := w.redact("acme", id)
	require.NoError(t, err)

	after := w.row("acme", id)
	require.Equal(t, audit.LogRow{
		Log: before.Log, Index: before.Index, Tenant: "acme", ID: id, Number: before.Number, Hash: before.Hash, RedactedBy: by,
	}, after)
	require.Equal(t, neighbour, w.row("acme", next))
	for range 2 {
		require.Equal(t, "dropped by / dropped by / dropped by", w.states("acme", id))
		_, err = w.open("acme", id, 0, "17")
		require.Equal(t, by, w.gone(err).By)
		require.Equal(t, "present / present / present", w.states("acme", next))
		w.toLog()
	}
	told := w.envelope("acme", by)
	require.Equal(t, "audit.redact", told.Act)
	require.True(t, told.Subject.IsZero(), "it names nobody")
	require.Equal(t, []audit.NamedFact{
		{Name: "entry", Fact: troth.ID(id.String())},
		{Name: "hash", Fact: troth.Digest(before.Hash)},
		{Name: "index", Fact: troth.Count(before.Index)},
		{Name: "number", Fact: troth.Count(before.Number)},
		{Name: "log", Fact: troth.Count(1)},
	}, told.Facts[:5])

	again, err := w.redact("acme", id)
	require.NoError(t, err)
	require.Equal(t, by, again)
	require.Empty(t, w.waitingOf("acme"), "it is told once")
}

func TestRedact_RefusesWhatMustStayOrIsNotThere(t *testing.T) {
	w := newWorld(t, audit.Unmanaged("test"))
	id := w.record(w.as(kim), letter("acme"))
	w.toLog()
	by, err := w.redact("acme", id)
	require.NoError(t, err)
	w.tick()
	old := w.record(w.as(kim), letter("acme"))
	w.tick()
	_, err = w.trail.DropParts(w.as(kim), leave, audit.OldParts{Tenant: "acme", Before: w.at})
	require.NoError(t, err)
	w.toLog()
	stay := []troth.EntryID{by, w.parts("acme", old)[0].By}
	for _, name := range []string{"audit.log-open", "audit.key-rotate", "audit.prune"} {
		stay = append(stay, w.record(w.as(kim), troth.Entry{Act: &troth.Act{Name: name, Version: 1, Doc: "x"}, Tenant: "acme"}))
		w.tick()
	}
	w.toLog()
	for _, id := range stay {
		before := w.row("acme", id)
		_, err = w.redact("acme", id)
		require.ErrorIs(t, err, audit.ErrStructure)
		require.Equal(t, before, w.row("acme", id))
	}
	_, err = w.redact("bolt", old)
	require.ErrorIs(t, err, audit.ErrNoEntry, "another tenant's")
	_, err = w.redact("acme", troth.NewEntryID(w.at))
	require.ErrorIs(t, err, audit.ErrNoEntry)
	var ie *troth.IdentifierError
	_, err = w.redact("", old)
	require.ErrorAs(t, err, &ie)
	require.Empty(t, w.waitingOf("acme"))
}

func TestRedact_HidesNoTampering(t *testing.T) {
	w := newWorld(t)
	id := w.record(w.as(kim), letter("acme"))
	w.toLog()
	store := forgedLog{w.store, func(row *audit.LogRow) {
		if len(row.Leaf) > 0 {
			row.Leaf[len(row.Leaf)-1] ^= 1
		}
	}}
	trail, err := audit.New(t.Context(), store, w.keys, w.sealer, audit.Unmanaged("test"))
	require.NoError(t, err)
	_, err = trail.Redact(w.as(kim), leave, "acme", id)
	_, ok := errors.AsType[*audit.EntryError](err)
	require.True(t, ok, "%v", err)
	require.NotNil(t, w.row("acme", id).Leaf)
}

// faster is a store in which somebody else redacts each entry first.
type faster struct {
	audit.Backend
	rival func(ctx context.Context) error
}

func (s faster) Redact(ctx context.Context, r audit.Redaction) (bool, error) {
	if err := s.rival(ctx); err != nil {
		return false, err
	}
	return s.Backend.Redact(ctx, r)
}

func TestRedact_OfTwoAtOnceOneIsTold(t *testing.T) {
	w := newWorld(t, audit.Unmanaged("test"))
	id := w.record(w.as(kim), letter("acme"))
	w.toLog()
	var by troth.EntryID
	store := faster{w.store, func(ctx context.Context) (err error) {
		if by.IsZero() {
			by = troth.NewEntryID(w.at)
			_, err = w.store.Redact(ctx, audit.Redaction{Tenant: "acme", ID: id, By: by})
		}
		return err
	}}
	trail, err := audit.New(t.Context(), store, w.keys, w.sealer, audit.Unmanaged("test"))
	require.NoError(t, err)
	got, err := trail.Redact(w.as(kim), leave, "acme", id)
	require.NoError(t, err)
	require.Equal(t, by, got)
	require.Empty(t, w.waitingOf("acme"))
}

func TestRedact_NeedsAPermit(t *testing.T) {
	var id troth.EntryID
	deedRefused(t, troth.PermitRef{Tenant: "acme", Record: "audit.entry/01234567-89ab-7cde-8fab-0123456789ab"}, []troth.PermitRef{
		{Tenant: "acme"},
		{},
		{Tenant: "acme", Subject: "17"},
		audit.PartsRef("acme"), audit.LogRef(1),
		{Tenant: "bolt", Record: "audit.entry/01234567-89ab-7cde-8fab-0123456789ab"},
		audit.EntryRef("acme", troth.EntryID{1}),
	}, func(w *world, trail *audit.Trail, ctx context.Context, p troth.Permit) error {
		if id.IsZero() {
			var err error
			id, err = troth.ParseEntryID("01234567-89ab-7cde-8fab-0123456789ab")
			require.NoError(t, err)
			w.logAs(id, touch("acme", "17"))
		}
		_, err := trail.Redact(ctx, p, "acme", id)
		return err
	}, func(w *world) {
		require.NotNil(t, w.row("acme", id).Leaf)
		require.Empty(t, w.waitingOf("acme"))
	})
}

// logAs puts an entry of that id into the log.
func (w *world) logAs(id troth.EntryID, e troth.Entry) {
	w.Helper()
	w.record(w.as(kim), e)
	taken, err := w.store.TakeInbox(w.Context(), 1<<20)
	require.NoError(w, err)
	env, err := audit.ParseEnvelope(taken[len(taken)-1].Envelope)
	require.NoError(w, err)
	env.ID = id
	row := w.next(audit.InboxRow{Tenant: e.Tenant, ID: id, RecordedAt: taken[len(taken)-1].RecordedAt, Envelope: env.Append(nil)})
	require.NoError(w, w.store.AppendLog(w.Context(), []audit.LogRow{row}))
}

func TestRedact_IsRecordedOrUndone(t *testing.T) {
	var id troth.EntryID
	redact := func(f *faulty, ctx context.Context) error {
		_, err := f.trail.Redact(ctx, leave, "acme", id)
		return err
	}
	prepared := func(f *faulty) {
		var err error
		id, err = f.honest.Record(troth.WithActor(f.Context(), kim), letter("acme"))
		require.NoError(f, err)
		f.world().toLog()
	}
	eachFault(t, func(f *faulty, ctx context.Context) error { prepared(f); return redact(f, ctx) },
		func(f *faulty, ctx context.Context, _ faultstore.Injection) {
			prepared(f)
			_ = redact(f, ctx) // judged by what it left
			require.Equal(f, f.toldOrUndone(id, "audit.redact") == 1, f.redacted(id))
			require.NoError(f, redact(f, troth.WithActor(f.Context(), kim)), "retry")
			require.Equal(f, 1, f.toldOrUndone(id, "audit.redact"))
			require.True(f, f.redacted(id))
		})
}

func (f *faulty) redacted(id troth.EntryID) bool {
	f.Helper()
	row, found, err := f.store.LogEntry(f.Context(), "acme", id)
	require.NoError(f, err)
	require.True(f, found)
	require.Equal(f, row.Leaf == nil, !row.RedactedBy.IsZero())
	return row.Leaf == nil
}
