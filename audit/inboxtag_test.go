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
	good, bad := 0, 0
	for r, err := range w.trail.Entries(t.Context(), "acme", audit.Query{}) {
		if err == nil {
			require.Equal(t, rows[0].ID, r.ID)
			good++
			continue
		}
		require.ErrorIs(t, err, audit.ErrEnvelope)
		bad++
	}
	require.Equal(t, 1, good)
	require.Equal(t, 3, bad)
}
