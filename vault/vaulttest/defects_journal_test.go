package vaulttest

import (
	"context"
	"iter"
	"slices"
	"testing"

	"github.com/trothdev/troth/internal/suite"
	"github.com/trothdev/troth/internal/suite/proof"
	"github.com/trothdev/troth/vault"
)

// brokenLog is a journal of which methods are replaced.
type brokenLog struct {
	append func(ctx context.Context, lines [][]byte) error
	lines  func(ctx context.Context, from int64) iter.Seq2[vault.JournalLine, error]
}

func (b *brokenLog) Append(ctx context.Context, lines [][]byte) error { return b.append(ctx, lines) }

func (b *brokenLog) Lines(ctx context.Context, from int64) iter.Seq2[vault.JournalLine, error] {
	return b.lines(ctx, from)
}

// everyLine changes what is yielded; none says that the line is left out.
func everyLine(j *Journal, wrong func(n int, l *vault.JournalLine) (none bool)) func(context.Context, int64) iter.Seq2[vault.JournalLine, error] {
	return func(ctx context.Context, from int64) iter.Seq2[vault.JournalLine, error] {
		return func(yield func(vault.JournalLine, error) bool) {
			n := 0
			for l, err := range j.Lines(ctx, from) {
				n++
				if !wrong(n, &l) && !yield(l, err) {
					return
				}
			}
		}
	}
}

var journalDefects = []struct {
	name, caught string
	inject       func(j *Journal, b *brokenLog)
}{
	{"there is always one", "an empty journal yields nothing", func(_ *Journal, b *brokenLog) {
		b.lines = func(context.Context, int64) iter.Seq2[vault.JournalLine, error] {
			return func(yield func(vault.JournalLine, error) bool) { yield(vault.JournalLine{Position: 9}, nil) }
		}
	}},
	{"zeros are lost", "what was appended is yielded, in order, byte for byte, to everybody", func(j *Journal, b *brokenLog) {
		b.lines = everyLine(j, func(_ int, l *vault.JournalLine) bool {
			l.Line = slices.DeleteFunc(l.Line, func(c byte) bool { return c == 0 })
			return false
		})
	}},
	{"nothing is an empty line", "appending nothing adds nothing", func(j *Journal, b *brokenLog) {
		b.append = func(ctx context.Context, lines [][]byte) error {
			if len(lines) == 0 {
				lines = [][]byte{{}}
			}
			return j.Append(ctx, lines)
		}
		b.lines = everyLine(j, func(_ int, l *vault.JournalLine) bool { l.Line = append([]byte{}, l.Line...); return false })
	}},
	{"positions are counted from where one begins", "a line keeps its position, and can be begun at", func(j *Journal, b *brokenLog) {
		b.lines = everyLine(j, func(n int, l *vault.JournalLine) bool { l.Position = max(int64(n), l.Position/2*2); return false })
	}},
	{"long lines are cut", "the longest line fits, and many at once", func(j *Journal, b *brokenLog) {
		b.append = func(ctx context.Context, lines [][]byte) error {
			cut := slices.Clone(lines)
			for i := range cut {
				cut[i] = cut[i][:min(len(cut[i]), 1<<16)]
			}
			return j.Append(ctx, cut)
		}
	}},
	{"what is appended meanwhile is lost", "who reads may stop, and append inside", func(j *Journal, b *brokenLog) {
		reading := false
		b.append = func(ctx context.Context, lines [][]byte) error {
			if reading {
				return nil
			}
			return j.Append(ctx, lines)
		}
		b.lines = everyLine(j, func(int, *vault.JournalLine) bool { reading = true; return false })
	}},
	{"bytes are shared", "bytes that were yielded or appended belong to the caller", func(_ *Journal, b *brokenLog) {
		var kept [][]byte
		b.append = func(_ context.Context, lines [][]byte) error { kept = append(kept, lines...); return nil }
		b.lines = func(context.Context, int64) iter.Seq2[vault.JournalLine, error] {
			return func(yield func(vault.JournalLine, error) bool) {
				for i, l := range kept {
					if !yield(vault.JournalLine{Position: int64(i + 1), Line: l}, nil) {
						return
					}
				}
			}
		}
	}},
	{"each line is written twice", "what a crowd appends is there once", func(j *Journal, b *brokenLog) {
		b.append = func(ctx context.Context, lines [][]byte) error {
			return j.Append(ctx, append(slices.Clone(lines), lines...))
		}
	}},
	{"a line is seen after the next one", "who follows by position misses nothing that a crowd appends", func(j *Journal, b *brokenLog) {
		seen := int64(0) // the suite reads from one goroutine in that check
		b.lines = everyLine(j, func(_ int, l *vault.JournalLine) bool {
			if l.Position%5 == 0 && seen < l.Position {
				return true
			}
			seen = max(seen, l.Position)
			return false
		})
	}},
	{"nobody may give up", "who gave up is told so, and adds nothing", func(j *Journal, b *brokenLog) {
		b.append = func(ctx context.Context, lines [][]byte) error { return j.Append(context.WithoutCancel(ctx), lines) }
	}},
}

func TestJournalSuite_EveryDefectIsCaught(t *testing.T) {
	for _, c := range journalSuite {
		found := false
		for _, d := range journalDefects {
			if d.caught != c.Name {
				continue
			}
			found = true
			j := NewJournal()
			b := &brokenLog{append: j.Append, lines: j.Lines}
			d.inject(j, b)
			failures := proof.Failures(t, func(t suite.TB) {
				c.Run(&journalRig{Rig: suite.Rig{TB: t}, JournalHarness: JournalHarness{Journal: b}})
			})
			if len(failures) == 0 {
				t.Errorf("%q did not notice that %s", c.Name, d.name)
			}
		}
		if !found {
			t.Errorf("no defect fails %q", c.Name)
		}
	}
}
