package rights_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/rights/export"
)

// between runs something before the second reading of a ticket.
type between struct {
	rights.Backend
	reads int
	do    func()
}

func (b *between) Item(ctx context.Context, key rights.ItemKey) (rights.ItemRow, bool, error) {
	if key.Kind == rights.ItemTicket {
		if b.reads++; b.reads == 2 {
			b.do()
		}
	}
	return b.Backend.Item(ctx, key)
}

// Of two calls at the same time the one that comes second is told that the ticket was used,
// also where the other one used it while it was being looked at.
func TestFetch_IsUsedByAnotherMeanwhile(t *testing.T) {
	s := newShop()
	w, r := disclosing(t, s)
	_, token := w.offered(r.ID)
	first := w.desk
	store := &between{Backend: w.store, do: func() {
		_, err := first.Fetch(w.ctx, acme, r.ID, token, &bytes.Buffer{})
		require.NoError(t, err)
	}}
	w.desk = w.openOn(store, s.options()...)
	var out bytes.Buffer
	_, err := w.desk.Fetch(w.ctx, acme, r.ID, token, &out)
	require.ErrorIs(t, err, export.ErrTicketUsed)
	require.Empty(t, out.Bytes())
}
