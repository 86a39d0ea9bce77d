package rights_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/rights"
)

// TestHostile_AnOldRequestIsActedOn: a request's row of any earlier moment, put back alone, takes
// nothing more. The next event stands where another stands by now, also where one row holds
// many, so that no history is written over, and none begins inside of another.
func TestHostile_AnOldRequestIsActedOn(t *testing.T) {
	s := newShop()
	w := newWorld(t, s.options(rights.WithCoolingOff(72*time.Hour))...)
	r := w.submit(rights.Erase)
	var rows []rights.RequestRow
	keep := func() {
		row, found, err := w.store.Request(w.ctx, acme, r.ID)
		require.NoError(t, err)
		require.True(t, found)
		rows = append(rows, row)
		w.clock.Move(time.Minute)
	}
	acts := map[string]func(ctx context.Context) error{
		"assign": func(ctx context.Context) error { _, err := w.desk.Assign(ctx, acme, r.ID, "privacy"); return err },
		"acknowledge": func(ctx context.Context) error {
			_, err := w.desk.Acknowledge(ctx, acme, r.ID, time.Time{})
			return err
		},
		"ask": func(ctx context.Context) error {
			_, err := w.desk.AskClarification(ctx, acme, r.ID, "which-account", time.Time{})
			return err
		},
		"approve": func(ctx context.Context) error { _, err := w.desk.Approve(ctx, acme, r.ID); return err },
		"step":    func(ctx context.Context) error { return w.desk.Step(ctx, acme, r.ID) },
	}
	keep()
	p := w.prove(r.ID)
	keep()
	_, err := w.desk.Accept(w.ctx, acme, r.ID, p)
	require.NoError(t, err)
	keep()
	for _, act := range []string{"acknowledge", "step", "assign", "approve", "assign"} {
		require.NoError(t, acts[act](w.ctx), act)
		keep()
	}
	last, events := rows[len(rows)-1], w.eventRows(r.ID)
	refused := 0
	for n := range rows[:len(rows)-1] {
		for name, act := range acts {
			require.NoError(t, w.store.PutRequest(w.ctx, rows[n]))
			if act(w.ctx) != nil { // else there was nothing to do
				refused++
			}
			now, _, err := w.store.Request(w.ctx, acme, r.ID)
			require.NoError(t, err)
			require.Equal(t, rows[n], now, "%d: %s", n, name)
			require.Equal(t, events, w.eventRows(r.ID), "%d: %s", n, name)
		}
	}
	require.GreaterOrEqual(t, refused, 3*(len(rows)-1))
	require.NoError(t, w.store.PutRequest(w.ctx, last))
	_, err = w.desk.Assign(w.ctx, acme, r.ID, "dpo")
	require.NoError(t, err)
	require.Greater(t, len(w.eventRows(r.ID)), len(events))
}
