package unsubscribe_test

import (
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/unsubscribe"
)

// TestFilter_EndsEarly: who leaves the loop gets no more, and takes no more from the
// source; a source that fails is no list of people.
func TestFilter_EndsEarly(t *testing.T) {
	p := newGateWorld(t).loaded()
	taken, closed := 0, false
	source := func(yield func(unsubscribe.Recipient, error) bool) {
		defer func() { closed = true }()
		for i := range 5000 {
			taken++
			if !yield(gateTo(fmt.Sprint(i, "@a.example")), nil) {
				return
			}
		}
	}
	seen := 0
	for _, err := range p.gate.Filter(p.ctx, gateLetter, source) {
		require.NoError(t, err)
		if seen++; seen == 10 {
			break
		}
	}
	require.True(t, closed)
	require.Equal(t, 1000, taken, "one batch")

	broken := errors.New("source")
	failing := iter.Seq2[unsubscribe.Recipient, error](func(yield func(unsubscribe.Recipient, error) bool) {
		_ = yield(gateTo("a@a.example"), nil) && yield(unsubscribe.Recipient{}, broken) && yield(gateTo("b@a.example"), nil)
	})
	var sent int
	var last error
	for v, err := range p.gate.Filter(p.ctx, gateLetter, failing) {
		if last = err; v.Send {
			sent++
		}
	}
	require.ErrorIs(t, last, broken)
	require.Equal(t, 1, sent)
}

// TestFilter_StopsWhenTheStoreFailsOnTheWay: whoever comes after is not let through.
func TestFilter_StopsWhenTheStoreFailsOnTheWay(t *testing.T) {
	p := newGateWorld(t).loaded()
	all := make([]unsubscribe.Recipient, 2500)
	for i := range all {
		all[i] = gateTo(fmt.Sprint(i, "@a.example"))
	}
	sent := 0
	var last error
	for v, err := range p.gate.Filter(p.ctx, gateLetter, unsubscribe.Recipients(all)) {
		if sent == 0 { // while the first batch goes out
			p.store.down.Store(true)
			p.clock.Add(int64(time.Minute))
		}
		if last = err; v.Send {
			sent++
		}
	}
	require.ErrorIs(t, last, errGateStore)
	require.Equal(t, 1000, sent)
}
