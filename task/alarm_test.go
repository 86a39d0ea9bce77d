package task_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/task"
)

// bell keeps what it was told, in the transaction in which it was.
type bell struct {
	w     *world
	fails func(task.Notice) error
	told  *[]task.Notice
}

func (b bell) Alarm(ctx context.Context, n task.Notice) error {
	if err := b.w.effect(ctx, n.Ref.ID+" "+string(n.Stage)); err != nil {
		return err
	}
	if b.fails != nil {
		if err := b.fails(n); err != nil {
			return err
		}
	}
	telling.Lock()
	defer telling.Unlock()
	*b.told = append(*b.told, n)
	return nil
}

// telling guards what bells were told.
var telling sync.Mutex

// heard returns what a bell was told so far.
func heard(told *[]task.Notice) []task.Notice {
	telling.Lock()
	defer telling.Unlock()
	return slices.Clone(*told)
}

func TestAlarm_EachStageOnceInSeveralProcesses(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, task.WithPoll(time.Minute))
		var heardAll []task.Notice
		alarms := task.WithAlarms(bell{w: w, told: &heardAll})
		one, two := w.engine(alarms), w.engine(alarms)
		began := time.Now()
		ref := w.enqueue(troth.Work{Kind: "nobody's", Deadline: began.Add(100 * time.Hour)})
		w.enqueue(troth.Work{Kind: "nobody's"}) // has none
		defer run(t, one, two)()
		pass(200 * time.Hour)
		told := heard(&heardAll)
		require.Len(t, told, 3)
		for i, want := range []struct {
			stage task.Stage
			at    time.Duration
		}{{task.Half, 50 * time.Hour}, {task.Most, 80 * time.Hour}, {task.Late, 100 * time.Hour}} {
			n := told[i]
			require.Equal(t, want.stage, n.Stage)
			require.Equal(t, ref, n.Ref)
			require.Equal(t, "nobody's", n.Kind)
			require.Equal(t, task.Waiting, n.State)
			require.WithinDuration(t, began.Add(100*time.Hour), n.Deadline, time.Microsecond)
			require.WithinDuration(t, began.Add(want.at), n.At, 2*time.Minute)
		}
		es := w.trail.Entries("task.alarm")
		require.Len(t, es, 3)
		require.Equal(t, "half", es[0].Facts["stage"].Text())
		require.Equal(t, "late", es[2].Facts["stage"].Text())
		require.Equal(t, told[0].Deadline.UnixMicro(), es[0].Facts["deadline"].Number())
		w.effected(map[string]int{ref.ID + " half": 1, ref.ID + " most": 1, ref.ID + " late": 1})
	})
}

func TestAlarm_WorkThatEndedIsQuiet(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		require.NoError(t, task.Register(w.e, task.Kind{Name: "k"}, nothing))
		w.enqueue(troth.Work{Kind: "k", Deadline: time.Now().Add(time.Hour)})
		defer run(t, w.e)()
		pass(10 * time.Hour)
		require.Empty(t, w.trail.Entries("task.alarm"))
	})
}

func TestAlarm_StagesThatNobodyCouldTellArePassedOver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		w.enqueue(troth.Work{Kind: "k", Key: "long ago", Deadline: time.Now().Add(10 * time.Hour)})
		w.enqueue(troth.Work{Kind: "k", Key: "late from the start", Deadline: time.Now().Add(-time.Hour)})
		pass(9 * time.Hour)
		n, err := w.e.Alarm(t.Context())
		require.NoError(t, err)
		require.Equal(t, 2, n)
		es := w.trail.Entries("task.alarm")
		require.Equal(t, "late", es[0].Facts["stage"].Text())
		require.Equal(t, "most", es[1].Facts["stage"].Text())
		n, err = w.e.Alarm(t.Context())
		require.NoError(t, err)
		require.Zero(t, n)
	})
}

func TestAlarm_OneThatFailsComesAgainAndKeepsNobody(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		var told []task.Notice
		bad := troth.WorkRef{}
		left := 3
		e := w.engine(task.WithAlarms(bell{w: w, told: &told, fails: func(n task.Notice) error {
			if n.Ref == bad && left > 0 {
				left--
				return errBroken
			}
			return nil
		}}))
		bad = w.enqueue(troth.Work{Kind: "k", Deadline: time.Now().Add(2 * time.Hour)})
		good := w.enqueue(troth.Work{Kind: "k", Deadline: time.Now().Add(2*time.Hour + time.Second)})
		defer run(t, e)()
		pass(time.Hour + 10*time.Second)
		require.Len(t, heard(&told), 1)
		require.Equal(t, good, heard(&told)[0].Ref)
		pass(4 * time.Minute)
		require.Len(t, heard(&told), 2)
		w.effected(map[string]int{bad.ID + " half": 1, good.ID + " half": 1})
		require.Len(t, w.trail.Entries("task.alarm"), 2)
	})
}
