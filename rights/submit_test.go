package rights_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
)

// TestSubmit_IDsThatTheDeskMakesAreInTheirOrder: rows of later requests go behind those of
// earlier ones, and not all over the tables.
func TestSubmit_IDsThatTheDeskMakesAreInTheirOrder(t *testing.T) {
	w := newWorld(t)
	var before string
	for range 20 {
		w.clock.Move(time.Millisecond)
		r, err := w.desk.Submit(w.ctx, rights.Submission{Tenant: acme, Right: rights.Access, Via: rights.ViaWeb, Contents: contents()})
		require.NoError(t, err)
		require.Greater(t, r.ID, before)
		_, err = troth.ParseEntryID(r.ID)
		require.NoError(t, err)
		before = r.ID
	}
}
