package audit_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// TestTrail_EntriesThatTheTrailDidNotWriteAreNone puts sound envelopes into the
// inbox, in their right place, as who can only write to the database could.
func TestTrail_EntriesThatTheTrailDidNotWriteAreNone(t *testing.T) {
	w := newWorld(t)
	w.record(w.as(kim), touch("acme", "17"))
	rows, err := w.store.Entries(t.Context(), audit.EntriesPage{Tenant: "acme", Limit: 1})
	require.NoError(t, err)
	env, err := audit.ParseEnvelope(rows[0].Envelope)
	require.NoError(t, err)
	bit := rows[0].Tag
	bit[31] ^= 1
	for name, tag := range map[string][32]byte{"zeros": {}, "of another entry": rows[0].Tag, "off by a bit": bit} {
		env.ID = troth.NewEntryID(w.at.Add(time.Second))
		row := audit.InboxRow{
			Tenant: "acme", ID: env.ID, RecordedAt: env.RecordedAt.UnixMicro(), Envelope: env.Append(nil), Tag: tag,
		}
		appended, err := w.store.Append(t.Context(), row)
		require.NoError(t, err, name)
		require.True(t, appended, name)
	}
	moved := audit.InboxRow{
		Tenant: "acme", ID: troth.NewEntryID(w.at.Add(time.Second)), RecordedAt: rows[0].RecordedAt,
		Envelope: rows[0].Envelope, Tag: rows[0].Tag, // what the trail wrote, under another id
	}
	_, err = w.store.Append(t.Context(), moved)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		q    audit.Query
		good int
	}{
		"all": {audit.Query{}, 1}, "the person's": {audit.Query{Subject: env.Subject}, 1},
		"another's": {audit.Query{Subject: audit.Pseudonym{7, 15: 7}}, 0},
	} {
		good, bad := 0, 0
		for r, err := range w.trail.Entries(t.Context(), "acme", c.q) {
			if err == nil {
				require.Equal(t, rows[0].ID, r.ID)
				good++
				continue
			}
			require.ErrorIs(t, err, audit.ErrEnvelope)
			bad++
		}
		require.Equal(t, c.good, good, name)
		require.Equal(t, 4, bad, name)
	}
}
