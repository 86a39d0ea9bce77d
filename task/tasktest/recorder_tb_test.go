package tasktest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"
)

// watcher records what a check reports instead of failing. Its Fatalf ends the
// goroutine, as that of *testing.T does.
type watcher struct {
	ctx context.Context

	mu     sync.Mutex
	failed []string
}

func (w *watcher) Helper()                  {}
func (w *watcher) Context() context.Context { return w.ctx }

func (w *watcher) Errorf(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failed = append(w.failed, fmt.Sprintf(format, args...))
}

func (w *watcher) Fatalf(format string, args ...any) {
	w.Errorf(format, args...)
	panic(giveUp{})
}

// giveUp ends a check that has failed.
type giveUp struct{}

// failuresOf runs one check and returns what it reported.
func failuresOf(t *testing.T, c check, h Harness) []string {
	t.Helper()
	w := &watcher{ctx: t.Context()}
	func() {
		defer func() {
			if p := recover(); p != nil {
				if _, ours := p.(giveUp); !ours {
					panic(p)
				}
			}
		}()
		c.run(newRig(w, h))
	}()
	return w.failed
}

// patience is how long a transaction of the self-tests waits for the one before.
const patience = 200 * time.Millisecond
