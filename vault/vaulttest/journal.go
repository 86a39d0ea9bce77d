package vaulttest

import (
	"context"
	"iter"
	"slices"
	"sync"

	"github.com/trothdev/troth/vault"
)

// Journal is an erasure journal in memory, for tests: it outlives stores, and
// whoever shares it is a process of the same installation.
type Journal struct {
	mu    sync.Mutex
	lines [][]byte
	err   error
}

var _ vault.Journal = (*Journal)(nil)

// NewJournal returns an empty one.
func NewJournal() *Journal { return &Journal{} }

// Append implements vault.Journal.
func (j *Journal) Append(ctx context.Context, lines [][]byte) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if j.err != nil {
		return j.err
	}
	for _, l := range lines {
		j.lines = append(j.lines, slices.Clone(l))
	}
	return nil
}

// Lines implements vault.Journal.
func (j *Journal) Lines(ctx context.Context, from int64) iter.Seq2[vault.JournalLine, error] {
	return func(yield func(vault.JournalLine, error) bool) {
		for p := max(from, 1); ; p++ {
			l, err := j.at(ctx, p)
			if l == nil && err == nil || !yield(vault.JournalLine{Position: p, Line: l}, err) || err != nil {
				return
			}
		}
	}
}

func (j *Journal) at(ctx context.Context, p int64) ([]byte, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if j.err != nil || p > int64(len(j.lines)) {
		return nil, j.err
	}
	return slices.Clone(j.lines[p-1]), nil
}

// Fail makes the journal fail with err; nil ends that.
func (j *Journal) Fail(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.err = err
}

// Len is how many lines it has.
func (j *Journal) Len() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.lines)
}

// Cut loses all but the first n lines, which no journal may.
func (j *Journal) Cut(n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = j.lines[:n]
}

// Change replaces a line, which no journal may. It is counted from 1.
func (j *Journal) Change(position int64, line []byte) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines[position-1] = line
}
