package retention_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/storage/memory"
)

// apartQueue is a queue of another database.
type apartQueue struct{ db *memory.DB }

func (apartQueue) Enqueue(context.Context, troth.Work) (string, error) { return "1", nil }

func (q apartQueue) Transactor() troth.Transactor { return q.db }

func TestNew_TasksShareTheTransactor(t *testing.T) {
	w := newKept(t, content(t))
	c := retention.Config{Store: w.store, Recorder: w.notes}
	_, err := retention.New(w.ctx, c, retention.WithTasks(apartQueue{memory.Open()}))
	require.ErrorIs(t, err, troth.ErrNotShared)
	_, err = retention.New(w.ctx, c, retention.WithTasks(nil))
	require.Error(t, err)
	_, err = retention.New(w.ctx, c, retention.WithTasks(apartQueue{w.db}))
	require.NoError(t, err)
}

func TestDo_RefusesWhatIsNotTheKeepers(t *testing.T) {
	w := newKept(t, content(t))
	outcome, err := w.k.Do(w.ctx, troth.Job{Kind: "consent.notify"})
	require.Equal(t, troth.Failed, outcome)
	require.Error(t, err)
}
