package retention_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/retention"
)

// What a sweep, the report that an account is closed, a shorter policy and a hold ask of
// the store does not depend on how much is stored, and none of them rewrites what is not
// due. How long that takes on real databases is for BenchmarkStored.
func TestKeeper_AsksTheStoreForWhatIsDueAlone(t *testing.T) {
	measured := func(stored int) (costs map[string]int) {
		f := newFaulty(t)
		f.k = f.bad
		for i := range stored {
			f.belongs(fmt.Sprint("s", i), retention.NewRecord{AccountID: "a", SubjectID: "q"})
		}
		for _, id := range []string{"1", "2", "3"} {
			f.add(id, "p")
			f.happened(id, "trashed")
		}
		rows := func() (all []retention.RecordRow) {
			for i := range stored {
				row, found := f.row(fmt.Sprint("s", i))
				require.True(t, found)
				all = append(all, row)
			}
			return all
		}
		before := rows()
		costs = map[string]int{}
		cost := func(what string, do func()) {
			calls := len(f.plan.Calls())
			do()
			costs[what] = len(f.plan.Calls()) - calls
			require.Equal(t, before, rows(), what)
		}
		f.after(60)
		cost("sweep", func() { require.Equal(t, 3, f.sweep().Destroyed) })
		cost("hold", func() { f.hold(retention.Hold{ID: "h"}) })
		cost("shorten", func() { require.NoError(t, f.k.Activate(f.officer(), f.shorter())) })
		cost("close", func() { f.toAll("a", "account.closed", time.Time{}) })
		return costs
	}
	require.Equal(t, measured(1), measured(300))
}
