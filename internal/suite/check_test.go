package suite

import (
	"context"
	"sync/atomic"
	"testing"
)

type harness struct {
	Host        Begin
	ManyWriters bool
}

func begin(ctx context.Context) (context.Context, func() error, func() error, error) {
	return ctx, nil, nil, nil
}

func TestLacks_IsAFieldThatIsNotSet(t *testing.T) {
	for _, c := range []struct {
		h    harness
		n    Need
		want bool
	}{
		{harness{}, "", false},
		{harness{}, Host, true},
		{harness{Host: begin}, Host, false},
		{harness{Host: begin}, ManyWriters, true},
		{harness{ManyWriters: true}, ManyWriters, false},
	} {
		if got := Lacks(c.h, c.n); got != c.want {
			t.Errorf("%+v lacks %q: %v, want %v", c.h, c.n, got, c.want)
		}
	}
}

func TestLacks_KnowsEveryField(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a need that no harness can have passed for one that is met")
		}
	}()
	Lacks(harness{}, Reopen)
}

func TestRun_LeavesOutWhatLacksAndRunsTheRestOnItsOwn(t *testing.T) {
	ran := make(chan string, 9)
	says := func(name string) func(*Rig) { return func(*Rig) { ran <- name } }
	var opened atomic.Int32
	t.Run("suite", func(t *testing.T) {
		Run(t, []Check[*Rig]{
			{Name: "one", Run: says("one")},
			{Name: "two", Needs: ManyWriters, Run: says("two")},
			{Name: "three", Needs: Host, Run: says("three")},
		}, func(*testing.T) harness {
			opened.Add(1) // each sub-test has rows of its own
			return harness{Host: begin}
		}, func(t TB, _ harness) *Rig { return &Rig{TB: t} })
	})
	close(ran)
	got := map[string]bool{}
	for name := range ran {
		got[name] = true
	}
	if len(got) != 2 || !got["one"] || !got["three"] || opened.Load() != 3 {
		t.Errorf("ran %v, opened %d times", got, opened.Load())
	}
}
