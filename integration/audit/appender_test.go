package audit

import (
	"context"
	"os"
	"sync"
)

// appender writes records to the end of a file and returns when they are on
// disk. Callers that come while a sync runs share the next one: the first of
// them writes for all. It is what a log of one's own costs at least.
type appender struct {
	file *os.File

	mu      sync.Mutex
	next    *appendBatch // collects; nil if nobody waits
	running chan struct{}
}

type appendBatch struct {
	buf  []byte
	done chan struct{}
	err  error
}

func newAppender(file *os.File) *appender {
	return &appender{file: file, running: make(chan struct{}, 1)}
}

// append writes one record and waits for the sync that covers it.
func (a *appender) append(ctx context.Context, record []byte) error {
	a.mu.Lock()
	leader := a.next == nil
	if leader {
		a.next = &appendBatch{done: make(chan struct{})}
	}
	b := a.next
	b.buf = append(b.buf, record...)
	a.mu.Unlock()
	if !leader {
		<-b.done
		return b.err
	}
	select {
	case a.running <- struct{}{}:
	case <-ctx.Done():
		b.err = ctx.Err()
		close(b.done)
		return b.err
	}
	a.mu.Lock()
	a.next = nil
	a.mu.Unlock()
	if _, b.err = a.file.Write(b.buf); b.err == nil {
		b.err = a.file.Sync()
	}
	<-a.running
	close(b.done)
	return b.err
}
