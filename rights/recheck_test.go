package rights_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/rights"
)

// TestErase_WhatWasKeptGoesInOrderToo: whoever was asked in between, and is due a little later
// than the account by which others know the person, still has its turn before it.
func TestErase_WhatWasKeptGoesInOrderToo(t *testing.T) {
	s := newShop()
	w := newWorld(t, s.options()...)
	kept := []rights.Kept{{Basis: rights.LegalClaims, Records: 1, Review: w.clock.now().AddDate(1, 0, 0)}}
	s.orders.kept, s.account.kept = kept, kept
	r := w.step(w.approved(rights.Erase).ID)
	_, err := w.desk.Fire(w.ctx, acme, r.ID, rights.Delivered)
	require.NoError(t, err)

	w.clock.move(time.Hour)
	require.NoError(t, w.desk.Wake(w.ctx, acme, r.ID, "orders"))
	asked := len(s.acts())
	for range 2 { // the request's clock may run ahead by a moment
		w.clock.move(time.Second)
		w.sweep()
	}
	require.Equal(t, []string{"erase orders"}, s.acts()[asked:])
	require.Equal(t, rights.Retained, w.outcomes(r.ID)["orders"])

	s.orders.kept, s.account.kept = nil, nil
	asked = len(s.acts())
	w.clock.move(26 * time.Hour)
	w.sweep()
	require.Equal(t, []string{"erase orders", "erase account"}, s.acts()[asked:])
	require.Equal(t, rights.Done, w.outcomes(r.ID)["orders"])
	require.Equal(t, rights.Done, w.outcomes(r.ID)["account"])
}
