package task_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/task"
)

func TestProgress_CountsAndFigures(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		require.NoError(t, task.Register(w.e, task.Kind{Name: "a"}, nothing))
		require.NoError(t, task.Register(w.e, task.Kind{Name: "m"}, func(context.Context, task.Job[struct{}]) error {
			return task.ManualNeeded("", troth.Protect(""))
		}))
		empty, err := w.e.Progress(t.Context(), tenant)
		require.NoError(t, err)
		require.Zero(t, empty.Left)
		for range 4 {
			w.enqueue(troth.Work{Kind: "a"})
		}
		w.enqueue(troth.Work{Kind: "m"})
		stop := run(t, w.e)
		pass(time.Minute)
		stop()
		since := time.Now()
		for range 6 {
			w.enqueue(troth.Work{Kind: "b"})
			pass(time.Second)
		}
		w.enqueue(troth.Work{Kind: "b", NotBefore: time.Now().Add(time.Hour)})
		w.enqueue(troth.Work{Tenant: "other", Kind: "b"})
		p, err := w.e.Progress(t.Context(), tenant)
		require.NoError(t, err)
		require.Equal(t, []task.Count{
			{Kind: "a", State: task.Completed, N: 4, Recent: 4},
			{Kind: "b", State: task.Delayed, N: 1},
			{Kind: "b", State: task.Waiting, N: 6, Oldest: since.UnixMicro()},
			{Kind: "m", State: task.Manual, N: 1},
		}, p.Counts)
		require.Equal(t, 8, p.Open)
		require.Equal(t, 1, p.Manual)
		require.Equal(t, 4, p.Ended)
		require.Equal(t, 4, p.PerHour)
		require.WithinDuration(t, since, p.Oldest, time.Microsecond)
		require.Equal(t, time.Hour*7/4, p.Left)
		pass(2 * time.Hour)
		p, err = w.e.Progress(t.Context(), tenant)
		require.NoError(t, err)
		require.Zero(t, p.PerHour)
		require.Negative(t, p.Left)

		log := &lockedBuffer{}
		logTo(log).Info("progress", zap.Object("work", p))
		var line struct {
			Work struct {
				Tenant string
				Open   int
				Kinds  map[string]map[string]int
			}
		}
		require.NoError(t, json.NewDecoder(strings.NewReader(log.String())).Decode(&line))
		require.Equal(t, 8, line.Work.Open)
		require.Equal(t, map[string]map[string]int{
			"a": {"completed": 4}, "b": {"delayed": 1, "waiting": 6}, "m": {"manual": 1},
		}, line.Work.Kinds)
		_, err = w.e.Progress(t.Context(), "")
		require.Error(t, err)
	})
}
