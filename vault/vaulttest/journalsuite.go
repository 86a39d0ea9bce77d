package vaulttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/trothdev/troth/internal/suite"
	"github.com/trothdev/troth/vault"
)

// JournalHarness is an empty journal and what it can do.
type JournalHarness struct {
	Journal vault.Journal
	// Reopen returns another journal on the same lines, as another process or
	// machine has it. Nil says that they cannot be reached twice.
	Reopen func() vault.Journal
}

// RunJournal runs the suite of [vault.Journal]. open is called for every
// sub-test, which run in parallel.
func RunJournal(t *testing.T, open func(t *testing.T) JournalHarness) {
	for _, c := range journalSuite {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			c.Run(&journalRig{Rig: suite.Rig{TB: t}, JournalHarness: open(t)})
		})
	}
}

type journalRig struct {
	suite.Rig
	JournalHarness
}

func (r *journalRig) append(lines ...[]byte) {
	r.Helper()
	if err := r.Journal.Append(r.Context(), lines); err != nil {
		r.Fatalf("append: %v", err)
	}
}

// read returns what a journal yields.
func (r *journalRig) read(j vault.Journal, from int64) []vault.JournalLine {
	r.Helper()
	var read []vault.JournalLine
	for l, err := range j.Lines(r.Context(), from) {
		if err != nil {
			r.Fatalf("lines: %v", err)
		}
		if n := len(read); l.Position < max(from, 1) || n > 0 && l.Position <= read[n-1].Position {
			r.Fatalf("position %d from %d after %d others", l.Position, from, n)
		}
		read = append(read, l)
	}
	return read
}

func (r *journalRig) wants(got []vault.JournalLine, want ...[]byte) {
	r.Helper()
	if len(got) != len(want) {
		r.Fatalf("%d lines, want %d", len(got), len(want))
	}
	for i := range want {
		if !bytes.Equal(got[i].Line, want[i]) {
			r.Fatalf("line %d is %x, want %x", i, got[i].Line, want[i])
		}
	}
}

// others are the journal and, if it can be opened again, another on its lines.
func (r *journalRig) others() []vault.Journal {
	if r.Reopen == nil {
		return []vault.Journal{r.Journal}
	}
	return []vault.Journal{r.Journal, r.Reopen()}
}

func numbered(n int) []byte { return fmt.Appendf(suite.EveryByte(), "line %d", n) }

type journalCheck = suite.Check[*journalRig]

var journalSuite = []journalCheck{
	{Name: "an empty journal yields nothing", Run: func(r *journalRig) {
		for _, from := range []int64{0, 1, 7} {
			r.wants(r.read(r.Journal, from))
		}
	}},
	{Name: "what was appended is yielded, in order, byte for byte, to everybody", Run: func(r *journalRig) {
		r.append(numbered(1))
		r.append(numbered(2), numbered(3))
		for _, j := range r.others() {
			r.wants(r.read(j, 0), numbered(1), numbered(2), numbered(3))
		}
	}},
	{Name: "appending nothing adds nothing", Run: func(r *journalRig) {
		r.append()
		r.wants(r.read(r.Journal, 0))
	}},
	{Name: "a line keeps its position, and can be begun at", Run: func(r *journalRig) {
		var want [][]byte
		for i := range 300 {
			want = append(want, numbered(i))
			r.append(numbered(i))
		}
		all := r.read(r.Journal, 0)
		r.append(numbered(300))
		for _, j := range r.others() {
			for _, i := range []int{0, 1, 63, 64, 65, 200, 299} {
				got := r.read(j, all[i].Position)
				if got[0].Position != all[i].Position {
					r.Fatalf("line %d moved from %d to %d", i, all[i].Position, got[0].Position)
				}
				r.wants(got[:len(got)-1], want[i:]...)
			}
		}
	}},
	{Name: "the longest line fits, and many at once", Run: func(r *journalRig) {
		long := bytes.Repeat([]byte{0xa5}, vault.MaxJournalLine)
		many := [][]byte{long}
		for i := range 1000 {
			many = append(many, numbered(i))
		}
		many = append(many, long)
		r.append(many...)
		for _, j := range r.others() {
			r.wants(r.read(j, 0), many...)
		}
	}},
	{Name: "who reads may stop, and append inside", Run: func(r *journalRig) {
		r.append(numbered(1), numbered(2))
		for _, err := range r.Journal.Lines(r.Context(), 0) {
			r.OK(err, "lines")
			r.append(numbered(3))
			break
		}
		r.wants(r.read(r.Journal, 0), numbered(1), numbered(2), numbered(3))
	}},
	{Name: "bytes that were yielded or appended belong to the caller", Run: func(r *journalRig) {
		line := numbered(1)
		r.append(line)
		clear(line)
		clear(r.read(r.Journal, 0)[0].Line)
		r.wants(r.read(r.Journal, 0), numbered(1))
	}},
	{Name: "what a crowd appends is there once", Run: func(r *journalRig) {
		const each = 20
		var wg sync.WaitGroup
		for i := range crowd {
			j := r.others()[i%len(r.others())]
			wg.Go(func() {
				for n := range each {
					if err := j.Append(r.Context(), [][]byte{numbered(i*each + n)}); err != nil {
						r.Errorf("append: %v", err)
					}
				}
			})
		}
		wg.Wait()
		seen := map[string]int{}
		for _, l := range r.read(r.Journal, 0) {
			seen[string(l.Line)]++
		}
		for i := range crowd * each {
			if n := seen[string(numbered(i))]; n != 1 {
				r.Fatalf("line %d is there %d times", i, n)
			}
		}
	}},
	{Name: "who follows by position misses nothing that a crowd appends", Run: func(r *journalRig) {
		var wg sync.WaitGroup
		done := make(chan struct{})
		for i := range crowd {
			j := r.others()[i%len(r.others())]
			wg.Go(func() {
				for n := range 20 {
					n += i * 20
					if err := j.Append(r.Context(), [][]byte{numbered(3 * n), numbered(3*n + 1), numbered(3*n + 2)}); err != nil {
						r.Errorf("append: %v", err)
					}
				}
			})
		}
		go func() { wg.Wait(); close(done) }()
		var followed []vault.JournalLine
		for last := false; !last; {
			select {
			case <-done:
				last = true
			default:
			}
			from := int64(1)
			if n := len(followed); n > 0 {
				from = followed[n-1].Position + 1
			}
			followed = append(followed, r.read(r.Journal, from)...)
		}
		there := map[int64]bool{}
		for _, l := range followed {
			there[l.Position] = true
		}
		for _, l := range r.read(r.Journal, 0) {
			if !there[l.Position] {
				r.Fatalf("position %d came between lines that had been read", l.Position)
			}
		}
	}},
	{Name: "who gave up is told so, and adds nothing", Run: func(r *journalRig) {
		ctx, cancel := context.WithCancel(r.Context())
		cancel()
		if err := r.Journal.Append(ctx, [][]byte{numbered(1)}); !errors.Is(err, context.Canceled) {
			r.Fatalf("append: %v", err)
		}
		for _, err := range r.Journal.Lines(ctx, 0) {
			if !errors.Is(err, context.Canceled) {
				r.Fatalf("lines: %v", err)
			}
		}
		r.wants(r.read(r.Journal, 0))
	}},
}
