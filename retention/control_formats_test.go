package retention_test

import (
	"encoding/hex"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
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
	require.Equal(t, want[:len(want)-3], got)
	keptRows(t, want[len(want)-3:])
}

// keptRows reads rows with the MACs that the page has.
func keptRows(t *testing.T, want []string) {
	t.Helper()
	mac := func(i int) []byte {
		b, err := hex.DecodeString(want[i])
		require.NoError(t, err)
		return b
	}
	w := newSpread(t, retention.WithKeys(&secretKeys{}))
	at := func(day time.Time) int64 { return day.UnixMicro() }
	i := slices.IndexFunc(vectors(t), func(l string) bool { return strings.HasPrefix(l, `{"copies":`) })
	warrant := retention.WarrantRow{
		Tenant: ours, ID: "1", Handle: "h", Type: "file", Class: "content", End: retention.Destroy, Version: 1,
		At: at(day(t, "2026-02-28")), NextAt: retention.Parked, Detail: []byte(vectors(t)[i]), MAC: mac(0),
	}
	require.NoError(t, w.store.InsertWarrant(w.ctx, warrant))
	_, err := w.k.Gone(w.ctx, ours, "h")
	require.NoError(t, err)
	hash, err := hex.DecodeString(vectors(t)[3])
	require.NoError(t, err)
	_, err = w.store.InsertPlan(w.ctx, retention.PlanRow{
		Tenant: troth.Platform, Hash: [32]byte(hash), Text: []byte(vectors(t)[2]), ProposedAt: at(day(t, "2026-03-01")),
		ApprovedAt: at(day(t, "2026-03-02")), Spent: []int64{0}, MAC: mac(1),
	})
	require.NoError(t, err)
	_, err = w.k.Plans(w.ctx)
	require.NoError(t, err)
	c := careful(t, retention.WithKeys(&secretKeys{}))
	c.trash("1")
	c.after(60)
	c.agree(c.preview())
	row, found, err := c.store.Control(c.ctx, retention.ControlKey{Tenant: troth.Platform, Kind: "approved", ID: "1"})
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, mac(2), row.MAC)
}
