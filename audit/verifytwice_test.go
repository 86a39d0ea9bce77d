package audit_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// TestVerify_FindsASecondRowInAPlace puts a copy behind rows of a log that is
// read in many pages, as who takes the key of a table away can: also where a page
// ends, and at the very end.
func TestVerify_FindsASecondRowInAPlace(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	t.Parallel()
	w := newLog(t)
	var tenants []troth.Tenant
	for i := range 2050 { // three pages
		tenants = append(tenants, troth.Tenant(fmt.Sprintf("t%04d", i)))
	}
	for range 70 { // two pages of checkpoints
		w.fill(3, tenants[:3]...)
		w.checkpoint()
	}
	w.fill(256*34, tenants...) // two pages of tiles
	last := w.checkpoint()
	cp, _, err := audit.OpenCheckpoint(last, w.verifiers())
	require.NoError(t, err)
	f := &tamper{T: t, frozen: w.freeze()}
	f.trail, err = audit.New(t.Context(), f.frozen, w.keys, w.sealer, audit.WithVerifiers(w.verifiers()))
	require.NoError(t, err)
	report := f.fits()
	require.Equal(t, 2051, report.Logs[0].Tenants)
	require.Equal(t, 71, report.Logs[0].Checkpoints)

	near := func(i, n int, ends ...int) bool {
		return i >= n-2 || i < 2 || slices.ContainsFunc(ends, func(end int) bool { return i-end >= -2 && i-end <= 2 })
	}
	for i := range f.entries {
		if near(i, len(f.entries), 64, 64+512, 64+2*512, 64+3*512) {
			twice(&f.entries, i, func() { f.found("entry %d twice", i) })
		}
	}
	for i := range f.tiles {
		if near(i, len(f.tiles), 32, 33, 34) {
			twice(&f.tiles, i, func() { f.found("tile %d twice", i) })
		}
	}
	for i := range f.checkpoints {
		if near(i, len(f.checkpoints), 64) {
			twice(&f.checkpoints, i, func() { f.found("checkpoint %d twice", i) })
		}
	}
	for i := range f.tenants {
		if near(i, len(f.tenants), 999, 1000, 1998, 2000) {
			twice(&f.tenants, i, func() { f.found("tenant %d twice", i) })
		}
	}
	f.fits()
	require.Equal(t, f.heads[0].Size, cp.Size)
	require.Greater(t, f.tried, 50)
}

// twice has a second copy of a row for the time of the call.
func twice[R any](rows *[]R, i int, call func()) {
	was := *rows
	*rows = slices.Insert(slices.Clone(was), i, was[i])
	call()
	*rows = was
}
