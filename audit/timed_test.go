package audit_test

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// Entries are found by their time through their ids: those that the trail makes of
// its own accord too, while the clock goes on between any two looks at it.
func TestTrail_EveryIDBeginsWithTheTimeOfItsEntry(t *testing.T) {
	w := newLog(t)
	looks := 0
	running := audit.WithClock(func() time.Time {
		looks++
		w.at = w.at.Add(1700 * time.Microsecond)
		return w.at
	})
	w.trail = w.another(audit.WithSigner(w.signer), audit.Unmanaged("test"), running)
	id := w.record(w.as(kim), letter("acme"))
	w.fill(600, "acme")
	w.checkpoint()
	_, err := w.trail.Redact(w.as(kim), leave, "acme", id)
	require.NoError(t, err)
	w.record(w.as(kim), letter("acme"))
	_, err = w.trail.DropParts(w.as(kim), leave, audit.OldParts{Tenant: "acme", Before: w.at.Add(time.Hour)})
	require.NoError(t, err)
	require.NoError(t, w.trail.ForgetPseudonym(w.as(kim), leave, troth.Subject{Tenant: "acme", ID: "17"}))
	w.fill(1, "acme")
	_, err = w.trail.Prune(w.as(kim), leave, audit.PruneTo{Log: 1, Before: 256})
	require.NoError(t, err)

	acts := make(map[string]bool)
	for _, tenant := range []troth.Tenant{"acme", troth.Platform} {
		for _, r := range w.records(tenant) {
			acts[r.Act] = true
			if len(r.Raw) == 0 {
				continue
			}
			ms := binary.BigEndian.Uint64(append(make([]byte, 2), r.ID[:6]...))
			require.Equal(t, r.RecordedAt.UnixMilli(), int64(ms), r.Act)
		}
	}
	for _, act := range []string{"audit.redact", "audit.parts-drop", "audit.pseudonym-forget", "audit.prune"} {
		require.True(t, acts[act], act)
	}
	require.Greater(t, looks, 600)
}

func TestRecord_RefusesAClockBefore1970(t *testing.T) {
	w := newLog(t)
	w.at = time.Unix(0, -1)
	_, err := w.trail.Record(w.as(kim), touch("acme", "17"))
	require.ErrorIs(t, err, audit.ErrEnvelope)
	w.at = time.Unix(0, 0)
	w.record(w.as(kim), touch("acme", "17"))
}
