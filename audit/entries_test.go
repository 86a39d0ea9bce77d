package audit_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

func TestTrail_EntriesContinueAfterAPosition(t *testing.T) {
	w := newLog(t)
	var ids []troth.EntryID
	for range 5 {
		w.tick()
		ids = append(ids, w.record(w.as(kim), touch("acme", "17")))
	}
	w.record(w.as(kim), touch("bolt", "17"))
	w.sequence()
	w.tick()
	ids = append(ids, w.record(w.as(kim), touch("acme", "17")))
	all := w.records("acme")
	var seen []troth.EntryID
	for r, err := range w.trail.Entries(t.Context(), "acme", audit.Query{After: all[1].Position}) {
		require.NoError(t, err)
		seen = append(seen, r.ID)
	}
	require.Equal(t, ids[2:], seen, "those behind it, and what is pending")
}

func TestTrail_EntriesOfNobody(t *testing.T) {
	w := newWorld(t)
	require.Empty(t, w.records("acme"))
	var ie *troth.IdentifierError
	for _, err := range w.trail.Entries(t.Context(), "~other", audit.Query{}) {
		require.ErrorAs(t, err, &ie)
	}
	require.NotNil(t, ie)
}

func TestTrail_EntriesEndWithTheContext(t *testing.T) {
	w := newWorld(t)
	for range 300 {
		w.record(w.as(kim), touch("acme", "17"))
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	seen := 0
	var last error
	for _, err := range w.trail.Entries(ctx, "acme", audit.Query{}) {
		cancel()
		last = err
		seen++
	}
	require.ErrorIs(t, last, context.Canceled)
	require.Equal(t, 257, seen, "one page and the error")
}

// TestTrail_EntriesShowWhatWasTamperedWith changes stored rows in ways that a
// database writer could.
func TestTrail_EntriesShowWhatWasTamperedWith(t *testing.T) {
	core, logs := observer.New(zap.ErrorLevel)
	w := newWorld(t, audit.WithLogger(zap.New(core)))
	w.record(w.as(kim), touch("bolt", "17"))
	foreign, err := w.store.Entries(t.Context(), audit.EntriesPage{Tenant: "bolt", Limit: 1})
	require.NoError(t, err)

	moved := foreign[0]
	moved.Tenant = "acme"
	renamed := moved
	renamed.ID = troth.NewEntryID(w.at.Add(time.Second))
	redated := moved // a sound envelope in its place, but for the column of the time
	env, err := audit.ParseEnvelope(moved.Envelope)
	require.NoError(t, err)
	env.Tenant, env.ID = "acme", troth.NewEntryID(w.at.Add(2*time.Second))
	redated.ID, redated.Envelope = env.ID, env.Append(nil)
	redated.RecordedAt++
	cut := renamed
	cut.ID = troth.NewEntryID(w.at.Add(3 * time.Second))
	cut.Envelope = cut.Envelope[:len(cut.Envelope)-1]
	for _, row := range []audit.InboxRow{moved, renamed, redated, cut} {
		appended, err := w.store.Append(t.Context(), row)
		require.NoError(t, err)
		require.True(t, appended)
	}
	w.at = w.at.Add(4 * time.Second)
	good := w.record(w.as(kim), touch("acme", "17"))

	var bad []troth.EntryID
	for r, err := range w.trail.Entries(t.Context(), "acme", audit.Query{}) {
		if err == nil {
			require.Equal(t, good, r.ID)
			continue
		}
		ee, ok := errors.AsType[*audit.EntryError](err)
		require.True(t, ok)
		require.ErrorIs(t, err, audit.ErrEnvelope)
		require.Equal(t, ee.ID, r.ID)
		require.NotEmpty(t, r.Raw)
		bad = append(bad, ee.ID)
	}
	require.Equal(t, []troth.EntryID{moved.ID, renamed.ID, redated.ID, cut.ID}, bad)
	require.Equal(t, 4, logs.Len())
}

func TestTrail_BacklogTellsAge(t *testing.T) {
	w := newWorld(t)
	b, err := w.trail.Backlog(t.Context())
	require.NoError(t, err)
	require.Equal(t, audit.Backlog{}, b)
	first := w.at
	w.record(w.as(kim), touch("acme", "17"))
	w.tick()
	w.record(w.as(kim), touch("bolt", "17"))
	b, err = w.trail.Backlog(t.Context())
	require.NoError(t, err)
	require.Equal(t, audit.Backlog{Count: 2, Oldest: first.UTC().Truncate(time.Microsecond)}, b)
}

func TestRecord_StringIsOneLine(t *testing.T) {
	r := audit.Record{Envelope: full(t)}
	require.Equal(t, "2026-11-18T11:06:40.123456Z test.everything refused by person 10111213 about 20212223 for support-case"+
		" word=orders words=a,b none= count=-5 instant=1970-01-01T00:00:00.000001Z digest=01000000 id=w-1", r.String())

	r = audit.Record{Envelope: small(t)}
	r.Actor.Service = "night job"
	r.Facts = []audit.NamedFact{{Name: "word", Fact: troth.Word("a=b\u2028c")}, {Name: "ja", Fact: troth.Word("größe")}}
	require.Equal(t, `2026-11-18T11:06:40.123456Z test.everything done by service "night job"`+
		` word="a=b\u2028c" ja=größe`, r.String())
}

func TestRecord_StringOfWhatIsNotThereSaysSo(t *testing.T) {
	id, by := small(t).ID, full(t).ID
	r := audit.Record{Envelope: audit.Envelope{ID: id, Tenant: "acme"}, RedactedBy: by}
	require.Equal(t, "entry "+id.String()+" redacted, see entry "+by.String(), r.String())
	r = audit.Record{Envelope: audit.Envelope{ID: id, Tenant: "acme"}, Raw: []byte("x")}
	require.Equal(t, "entry "+id.String()+" unreadable", r.String())
}
