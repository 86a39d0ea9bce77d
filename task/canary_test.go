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
// fakeRuntimeError calls itself an error of the runtime.
type fakeRuntimeError string

func (e fakeRuntimeError) Error() string { return string(e) }
func (fakeRuntimeError) RuntimeError()   {}

type failingAlarms struct{ err error }

func (f failingAlarms) Alarm(context.Context, task.Notice) error { return f.err }

// What the host's own code says when it fails may name a person, and is not logged;
// what the runtime says is.
func TestCanary_WhatTheHostSaysIsNotLogged(t *testing.T) {
	const canary = "ada.lovelace@canary.example"
	bubble(t, func(t *testing.T) {
		host := errors.New("nobody answers at " + canary)
		w := newWorld(t, task.WithAlarms(failingAlarms{host}))
		require.NoError(t, task.Register(w.e, task.Kind{Name: "k", MaxAttempts: 1}, func(_ context.Context, j task.Job[struct{}]) error {
			if j.Key == "real" {
				return fmt.Errorf("never: %d", []int{}[len(j.Payload)])
			}
			panic(fakeRuntimeError("no such index: " + canary))
		}))
		w.enqueue(troth.Work{Kind: "k", Key: "fake"})
		w.enqueue(troth.Work{Kind: "k", Key: "real"})
		w.enqueue(troth.Work{Kind: "nobody's", Deadline: time.Now().Add(time.Minute)})
		defer run(t, w.e)()
		pass(time.Minute)
		log := w.log.String()
		require.Contains(t, log, "the host's alarm failed")
		require.Contains(t, log, "index out of range")
		require.Equal(t, 2, strings.Count(log, "handler panicked"))
		require.False(t, strings.Contains(log, canary), "the address is in the log") //nolint:testifylint // the text is long
	})
}

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
