package audit_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// forge puts rows into the inbox that no trail wrote, and returns how many: with
// another tag, under another tenant, time or id, a copy of an entry that is in
// the log, and bytes that are nothing.
func (s *site) forge() int {
	s.Helper()
	ctx := s.Context()
	waiting, err := s.store.Entries(ctx, audit.EntriesPage{Tenant: "acme", Limit: 1})
	require.NoError(s, err)
	require.NotEmpty(s, waiting)
	good := waiting[0]
	var rows []audit.InboxRow
	forged := func(change func(row *audit.InboxRow)) {
		row := good
		row.ID = troth.NewEntryID(time.UnixMicro(good.RecordedAt)) // of the same time
		change(&row)
		rows = append(rows, row)
	}
	forged(func(*audit.InboxRow) {})
	forged(func(row *audit.InboxRow) { row.ID, row.Tenant = good.ID, "globex" })
	forged(func(row *audit.InboxRow) { row.Envelope, row.RecordedAt = []byte("nothing"), -1 })
	forged(func(row *audit.InboxRow) {
		env, err := audit.ParseEnvelope(good.Envelope)
		require.NoError(s, err)
		env.ID = row.ID
		row.Envelope = env.Append(nil)
	})
	forged(func(row *audit.InboxRow) { row.Tag = [32]byte{} })
	for _, row := range rows {
		appended, err := s.store.Append(ctx, row)
		require.NoError(s, err)
		require.True(s, appended)
	}
	return len(rows)
}

func (s *site) quarantines() (entries, rows int) {
	s.Helper()
	for r, err := range s.honest.Entries(s.Context(), troth.Platform, audit.Query{}) {
		require.NoError(s, err)
		if r.Act == "audit.quarantine" {
			entries++
			require.Len(s, r.Facts, 1)
			rows += int(r.Facts[0].Fact.Number())
		}
	}
	return entries, rows
}

func TestSequence_TakesForgedRowsAsideAndGoesOn(t *testing.T) {
	s := newSite(t)
	begun(s)
	forged := s.forge()
	n, err := s.honest.Sequence(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 10, n, "the entries that waited, and the one that tells of the rows")
	r := s.check(s.honest, s.sign(s.honest))
	assert.Equal(t, forged, r.Backlog.Quarantined)
	entries, rows := s.quarantines()
	assert.Equal(t, 1, entries)
	assert.Equal(t, forged, rows)
	n, err = s.honest.Sequence(t.Context())
	require.NoError(t, err)
	assert.Zero(t, n, "nothing is left to do")
}

// TestSequence_RefusesRowsThatWereSequencedBefore puts rows back as they were.
func TestSequence_RefusesRowsThatWereSequencedBefore(t *testing.T) {
	s := newSite(t)
	s.record(20)
	var copies []audit.InboxRow
	for _, tenant := range crashTenants {
		rows, err := s.store.Entries(t.Context(), audit.EntriesPage{Tenant: tenant, Limit: 100})
		require.NoError(t, err)
		copies = append(copies, rows...)
	}
	require.Len(t, copies, 20)
	s.drain(s.honest)
	note := s.sign(s.honest)
	for round := 1; round <= 3; round++ {
		s.record(2)
		for _, row := range copies {
			appended, err := s.store.Append(t.Context(), row)
			require.NoError(t, err)
			require.True(t, appended)
		}
		n, err := s.honest.Sequence(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 3, n)
		s.drain(s.honest)
		r := s.check(s.honest, note)
		assert.Equal(t, 20*round, r.Backlog.Quarantined)
		entries, rows := s.quarantines()
		assert.Equal(t, round, entries)
		assert.Equal(t, 20*round, rows)
	}
}

// TestSequence_ManyForgedRowsDoNotHoldUpTheLog puts more of them before the
// entries than a step takes, more often than it tries.
func TestSequence_ManyForgedRowsDoNotHoldUpTheLog(t *testing.T) {
	s := newSite(t)
	s.record(5)
	const forged = 6000
	require.NoError(t, s.db.Atomically(t.Context(), func(ctx context.Context) error {
		for i := range forged {
			row := audit.InboxRow{Tenant: "acme", ID: troth.NewEntryID(s.at), RecordedAt: int64(i), Envelope: []byte("x")}
			if _, err := s.store.Append(ctx, row); err != nil {
				return err
			}
		}
		return nil
	}))
	n, err := s.honest.Sequence(t.Context())
	require.NoError(t, err)
	assert.Positive(t, n)
	s.drain(s.honest)
	r := s.check(s.honest)
	assert.Equal(t, forged, r.Backlog.Quarantined)
	_, rows := s.quarantines()
	assert.Equal(t, forged, rows)
}
