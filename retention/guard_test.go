package retention_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/trothdev/troth/retention"
)

// A record whose handler panics keeps no other from going, and nothing of what the
// handler said is logged.
func TestSweep_AHandlerThatPanicsStopsNobodyElse(t *testing.T) {
	w := newKept(t, content(t))
	core, logged := observer.New(zapcore.DebugLevel)
	w.k = w.keeper(retention.WithLogger(zap.New(core)))
	w.files.keeper = w.k
	w.trash("1", "2", "3")
	w.add("seen", "p")
	const said = "ada@example.org"
	broken := true
	w.files.on = func(_ context.Context, o retention.Order) error {
		if o.ID == "2" && broken {
			panic(said)
		}
		return nil
	}
	w.files.seeing = func(context.Context, retention.Order) error {
		if broken {
			panic(said)
		}
		return nil
	}
	require.ErrorIs(t, w.k.Happened(w.ctx, fileKey("seen"), retention.Occurrence{Event: "trashed", At: w.now}), retention.ErrPanic)
	require.Equal(t, "active", w.stage("seen"), "undone")
	w.after(60)
	for n := range uint32(3) {
		s := w.sweep()
		require.Len(t, s.Failed, 1)
		require.ErrorIs(t, s.Failed[0].Err, retention.ErrPanic)
		require.Equal(t, n+1, s.Failed[0].Tries)
		w.now = w.now.Add(time.Hour)
	}
	require.Empty(t, w.sees("1"))
	require.Empty(t, w.sees("3"))
	require.NotEmpty(t, w.sees("2"))
	for _, e := range logged.All() {
		for _, f := range e.Context {
			require.NotContains(t, f.String+string(bytesOf(f)), said)
		}
		require.NotContains(t, e.Message, said)
	}
	broken = false
	require.Equal(t, 1, w.sweep().Destroyed)
}

func bytesOf(f zapcore.Field) []byte {
	b, _ := f.Interface.([]byte)
	return b
}
