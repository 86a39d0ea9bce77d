package retention_test

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/retention"
)

// TestFormats_ControlRows keeps docs/formats/retention-control.md what is stored.
func TestFormats_ControlRows(t *testing.T) {
	page, err := os.ReadFile("../docs/formats/retention-control.md")
	require.NoError(t, err)
	var want []string
	for i, part := range strings.Split(string(page), "```") {
		if i%2 == 1 {
			want = append(want, strings.TrimSpace(part))
		}
	}
	w := newKept(t, nil)
	w.now = day(t, "2026-01-01")
	w.k = w.keeper(retention.WithKeys(&secretKeys{}))
	w.hold(retention.Hold{ID: "h", Matter: "m-1", SubjectID: "p", Where: retention.Condition{Labels: []string{"b", "a"}, Stages: []string{"trashed"}}})
	w.except(retention.ExceptionRecord{
		ID: "x", Reason: retention.BecauseOther, Reference: "case-17", Extent: retention.Extent{Class: "content"}, Until: w.now.AddDate(1, 0, 0),
	})
	w.grant(retention.ErasureGrant{Request: "r", SubjectID: "p", Types: []string{"file"}, By: w.now.AddDate(0, 1, 0)})
	var got []string
	hold, _, err := w.store.Hold(w.ctx, ours, "h")
	require.NoError(t, err)
	got = append(got, string(hold.Where))
	for _, key := range []retention.ControlKey{control("exception", "x"), control("erasure", "r"), control("seal", "1")} {
		row, found, err := w.store.Control(w.ctx, key)
		require.NoError(t, err)
		require.True(t, found)
		got = append(got, string(row.Body))
		if len(row.MAC) > 0 {
			got = append(got, hex.EncodeToString(row.MAC))
		}
	}
	require.Equal(t, want, got)
}
