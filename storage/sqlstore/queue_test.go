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

func tried(q *queue) bool {
	taken, _ := q.try()
	return taken
}

func TestQueue_FirstComeFirstServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q queue
		require.NoError(t, q.wait(t.Context(), in(time.Second)))
		require.False(t, tried(&q))
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
		require.True(t, tried(&q))
	})
}

func TestQueue_WaitIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q queue
		require.True(t, tried(&q))
		began := time.Now()
		require.ErrorIs(t, q.wait(t.Context(), in(3*time.Second)), troth.ErrBusy)
		require.Equal(t, 3*time.Second, time.Since(began))
		require.False(t, q.handOn(), "who gave up is not in the queue any more")
	})
}

func TestQueue_WaitHeedsTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q queue
		require.True(t, tried(&q))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := q.wait(ctx, in(time.Hour))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, troth.ErrBusy)
		q.release()
		require.True(t, tried(&q))
	})
}

// A turn that is given in the moment in which its taker gives up is either
// taken or goes to the next one; it is never lost.
func TestQueue_NoTurnIsLost(t *testing.T) {
	for range 200 {
		var q queue
		require.True(t, tried(&q))
		ctx, cancel := context.WithCancel(t.Context())
		got := make(chan error)
		go func() { got <- q.wait(ctx, in(time.Minute)) }()
		go cancel()
		q.release()
		if err := <-got; err == nil {
			q.release()
		}
		require.True(t, tried(&q))
	}
}

// A turn that is lent for a read says when it is over. Who waits for it has it to write.
func TestQueue_IsLent(t *testing.T) {
	var q queue
	require.True(t, q.borrow())
	require.False(t, q.borrow())
	taken, over := q.try()
	require.False(t, taken)
	require.NotNil(t, over)
	q.release()
	<-over
	taken, over = q.try()
	require.True(t, taken)
	require.Nil(t, over)
	require.False(t, q.borrow(), "somebody writes")
	taken, over = q.try()
	require.False(t, taken)
	require.Nil(t, over)
	q.release()

	synctest.Test(t, func(t *testing.T) {
		var q queue
		require.True(t, q.borrow())
		got := make(chan error, 1)
		go func() { got <- q.wait(t.Context(), in(time.Second)) }()
		synctest.Wait()
		q.release()
		require.NoError(t, <-got)
		taken, over := q.try()
		require.False(t, taken)
		require.Nil(t, over)
	})
}
