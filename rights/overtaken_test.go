package rights_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/trothdev/troth/rights"
)

type eraser func(ctx context.Context, q rights.Inquiry) (rights.Report, error)

func (e eraser) Erase(ctx context.Context, q rights.Inquiry) (rights.Report, error) { return e(ctx, q) }

// TestErase_WhoIsOvertakenTellsOfNoFailure: while a source elsewhere is asked, another
// process carries the request through. That is no failure of the source, which the log
// would tell.
func TestErase_WhoIsOvertakenTellsOfNoFailure(t *testing.T) {
	core, logs := observer.New(zap.WarnLevel)
	var w *world
	calls := 0
	crm := eraser(func(_ context.Context, q rights.Inquiry) (rights.Report, error) {
		if calls++; calls == 1 {
			require.NoError(t, w.desk.Step(w.ctx, acme, q.Request))
		}
		return rights.Report{Outcome: rights.Done, Method: rights.Deleted, Records: 1, Asked: []string{"subject"}}, nil
	})
	w = newWorld(t, rights.WithLogger(zap.New(core)), rights.WithCoolingOff(0),
		rights.WithSource(rights.Source{Name: "crm", Order: rights.Remote, Eraser: crm}))
	r := w.approved(rights.Erase)
	require.Equal(t, rights.StateDelivering, w.step(r.ID).State)
	require.Equal(t, 2, calls)
	require.Equal(t, map[string]rights.Outcome{"crm": rights.Done}, w.outcomes(r.ID))
	require.Empty(t, logs.All())
}
