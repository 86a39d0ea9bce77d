package sqlstore

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
)

func in(d time.Duration) time.Time { return time.Now().Add(d) }

func TestQueue_FirstComeFirstServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q queue
		require.NoError(t, q.wait(t.Context(), in(time.Second)))
		require.False(t, q.try())
		var order []int
		for i := range 5 {
			go func() {
				assert.NoError(t, q.wait(t.Context(), in(time.Second)))
				order = append(order, i)
				q.release()
			}()
			synctest.Wait()
		}
		q.release()
		synctest.Wait()
		require.Equal(t, []int{0, 1, 2, 3, 4}, order)
		require.True(t, q.try())
	})
}

func TestQueue_WaitIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q queue
		require.True(t, q.try())
		began := time.Now()
		require.ErrorIs(t, q.wait(t.Context(), in(3*time.Second)), troth.ErrBusy)
		require.Equal(t, 3*time.Second, time.Since(began))
		require.False(t, q.handOn(), "who gave up is not in the queue any more")
	})
}

func TestQueue_WaitHeedsTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q queue
		require.True(t, q.try())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := q.wait(ctx, in(time.Hour))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, troth.ErrBusy)
		q.release()
		require.True(t, q.try())
	})
}

// A turn that is given in the moment in which its taker gives up is either
// taken or goes to the next one; it is never lost.
func TestQueue_NoTurnIsLost(t *testing.T) {
	for range 200 {
		var q queue
		require.True(t, q.try())
		ctx, cancel := context.WithCancel(t.Context())
		got := make(chan error)
		go func() { got <- q.wait(ctx, in(time.Minute)) }()
		go cancel()
		q.release()
		if err := <-got; err == nil {
			q.release()
		}
		require.True(t, q.try())
	}
}
