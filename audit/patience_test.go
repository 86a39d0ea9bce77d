package audit_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// stalled is a store that does not answer until the context ends.
type stalled struct {
	*batching
	hangs bool
}

func (s *stalled) AppendAll(ctx context.Context, rows []audit.InboxRow) (int, error) {
	if s.hangs {
		<-ctx.Done()
		return 0, ctx.Err()
	}
	return s.batching.AppendAll(ctx, rows)
}

func (s *stalled) Append(ctx context.Context, row audit.InboxRow) (bool, error) {
	if s.hangs {
		<-ctx.Done()
		return false, ctx.Err()
	}
	return s.batching.Append(ctx, row)
}

// A database that hangs holds nobody beyond the end of the context, whoever else
// shares the transaction.
func TestRecord_TogetherEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store, _ := newBatching(t)
		stuck := &stalled{batching: store}
		trail := s.on(stuck, audit.WithSigner(s.signer))
		stuck.hangs = true
		begin := time.Now()
		after := make(chan time.Duration, 8)
		for _, patience := range []time.Duration{time.Second, 3 * time.Second, time.Second, 2 * time.Second} {
			go func() {
				ctx, cancel := context.WithTimeout(troth.WithActor(t.Context(), kim), patience)
				defer cancel()
				_, err := trail.Record(ctx, touch("acme", "17"))
				assert.ErrorIs(t, err, context.DeadlineExceeded)
				after <- time.Since(begin)
			}()
		}
		for range 4 {
			select {
			case d := <-after:
				assert.LessOrEqual(t, d, 3*time.Second)
			case <-time.After(time.Minute):
				t.Fatal("it waits for ever")
			}
		}
	})
}
