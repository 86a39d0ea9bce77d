package task_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/task"
)

// One made-up address goes through everything that may hold it, and must come out
// nowhere else: not in rows, evidence, logs, nor errors, however they are printed.
func TestCanary_PersonalDataStaysInWhatIsSealed(t *testing.T) {
	const canary = "ada.lovelace@canary.example"
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		var shown []string
		show := func(v any) { shown = append(shown, fmt.Sprintf("%v %+v %#v", v, v, v)) }
		handler := func(_ context.Context, j task.Job[notice]) error {
			require.Equal(t, canary, j.Value.Order)
			switch j.Key {
			case "error":
				return errors.New("no such address: " + canary)
			case "permanent":
				return task.Permanent(errors.New("refused: " + canary))
			case "panic":
				panic(canary)
			case "manual":
				return &task.ManualError{Instructions: troth.Protect("write to " + canary), Err: errors.New(canary)}
			}
			return nil
		}
		require.NoError(t, task.Register(w.e, task.Kind{Name: "k", MaxAttempts: 2}, handler))
		require.NoError(t, task.Register(w.e, task.Kind{Name: "strict"}, func(context.Context, task.Job[struct{}]) error { return nil }))
		var refs []troth.WorkRef
		for _, key := range []string{"good", "error", "permanent", "panic", "manual"} {
			work, err := task.NewWork(tenant, "k", notice{Order: canary})
			require.NoError(t, err)
			work.Key, work.Deadline = key, time.Now().Add(time.Minute)
			refs = append(refs, w.enqueue(work))
		}
		work, err := task.NewWork(tenant, "strict", notice{Order: canary})
		require.NoError(t, err)
		refs = append(refs, w.enqueue(work))
		work.Payload = append(work.Payload, make([]byte, task.MaxPayload)...)
		_, err = w.e.Enqueue(t.Context(), work)
		require.Error(t, err)
		show(err)
		_, err = task.NewWork(tenant, "k", map[string]any{canary: func() {}})
		show(err)
		dump := func() {
			for _, ref := range refs {
				row := w.row(ref)
				show(row)
				shown = append(shown, string(row.Payload), string(row.Instructions))
				show(w.task(ref))
			}
		}
		dump()
		stop := run(t, w.e)
		pass(30 * time.Second)
		dump()
		pass(time.Hour)
		stop()
		dump()
		c, err := w.e.Open(person(t.Context(), tenant), refs[4], "erasure")
		require.NoError(t, err)
		show(c)
		text, err := c.Instructions.Reveal("erasure")
		require.NoError(t, err)
		require.Contains(t, text, canary, "the canary was there to be found")
		for _, e := range w.trail.Entries("") {
			show(e)
			for _, f := range e.Facts {
				shown = append(shown, f.Text())
			}
		}
		show(w.e.RunOne(t.Context(), refs[1]))
		p, err := w.e.Progress(t.Context(), tenant)
		require.NoError(t, err)
		show(p)
		shown = append(shown, w.log.String())
		all := strings.Join(shown, "\n")
		require.NotEmpty(t, w.trail.Entries("task.park"))
		require.False(t, strings.Contains(all, canary), "the address is among what was shown") //nolint:testifylint // the text is long
	})
}
