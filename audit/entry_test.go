package audit_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

func TestTrail_EntryIsFoundWhereverItIs(t *testing.T) {
	w := newLog(t)
	id := w.record(w.as(kim), touch("acme", "17"))
	w.tick()
	other := w.record(w.as(kim), touch("acme", "18"))
	for _, pending := range []bool{true, false} {
		r, err := w.trail.Entry(t.Context(), "acme", id)
		require.NoError(t, err)
		require.Equal(t, w.the("acme", id), r)
		require.Equal(t, pending, r.Pending)
		r, err = w.trail.Entry(t.Context(), "acme", other)
		require.NoError(t, err)
		require.Equal(t, other, r.ID)
		w.sequence()
	}
	_, err := w.trail.Entry(t.Context(), "bolt", id)
	require.ErrorIs(t, err, audit.ErrNoEntry)
	_, err = w.trail.Entry(t.Context(), "acme", troth.EntryID{})
	require.ErrorIs(t, err, audit.ErrNoEntry)
	_, err = w.trail.Entry(t.Context(), "~other", id)
	var ie *troth.IdentifierError
	require.ErrorAs(t, err, &ie)
}
