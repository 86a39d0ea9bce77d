package audit

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// TestAppendAll_IsAppendForMany compares what both leave.
func TestAppendAll_IsAppendForMany(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		s := b.store(t, b.open(t))
		var rows []audit.InboxRow
		for i, tenant := range []troth.Tenant{"acme", "globex", `a"b\c,{}`, "acme", "ü"} {
			row := audit.InboxRow{Tenant: tenant, RecordedAt: int64(i) - 2, Envelope: make([]byte, 1+300*i)}
			row.ID[15], row.Tag[0], row.Envelope[0] = byte(i), byte(i), byte(i)
			rows = append(rows, row)
		}
		rows[4].Envelope = make([]byte, audit.MaxEnvelope)
		appended, err := s.Append(t.Context(), rows[1])
		require.NoError(t, err)
		require.True(t, appended)
		n, err := s.AppendAll(t.Context(), rows)
		require.NoError(t, err)
		assert.Equal(t, len(rows)-1, n, "one is there already")
		n, err = s.AppendAll(t.Context(), rows)
		require.NoError(t, err)
		assert.Zero(t, n)
		n, err = s.AppendAll(t.Context(), nil)
		require.NoError(t, err)
		assert.Zero(t, n)
		_, err = s.AppendAll(t.Context(), []audit.InboxRow{{Tenant: "acme"}})
		require.ErrorIs(t, err, audit.ErrEnvelope)
		taken, err := s.TakeInbox(t.Context(), 10)
		require.NoError(t, err)
		assert.Equal(t, rows, taken)
	})
}
