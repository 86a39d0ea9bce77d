package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"go.uber.org/zap"
)

// Sink keeps signed checkpoints outside of the store. A log that its owner signs
// and keeps proves only what others saw of it: a checkpoint that a sink holds
// shows every rewriting, also that by an old backup.
type Sink interface {
	// Put keeps a checkpoint, as a signed note.
	Put(ctx context.Context, note []byte) error
	// Latest returns the newest checkpoint that the sink holds, nil if it holds
	// none or cannot tell. The sequencer compares it with the store before it
	// goes on.
	Latest(ctx context.Context) ([]byte, error)
}

// sinkTime is what a sink has for one checkpoint: one that hangs must not hold
// up the others.
const sinkTime = 10 * time.Second

// SinkError says that a checkpoint was kept in the store, and that some sinks did
// not take it.
type SinkError struct {
	// Failed and Of count sinks.
	Failed, Of int
	Err        error
}

func (e *SinkError) Error() string {
	return "audit: " + itoa(e.Failed) + " of " + itoa(e.Of) + " sinks did not take the checkpoint: " + e.Err.Error()
}

func (e *SinkError) Unwrap() error { return e.Err }

// publish gives the checkpoint to every sink.
func (t *Trail) publish(ctx context.Context, note []byte) error {
	errs := make([]error, len(t.sinks))
	var wg sync.WaitGroup
	for i, s := range t.sinks {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, sinkTime)
			defer cancel()
			errs[i] = s.Put(ctx, note)
		})
	}
	wg.Wait()
	failed := 0
	for _, err := range errs {
		if err != nil {
			failed++
		}
	}
	if failed > 0 {
		return &SinkError{failed, len(errs), errors.Join(errs...)}
	}
	return nil
}

// outlet gives checkpoints to the sinks beside the sequencer, which does not
// wait for them. Of several that wait the newest is given.
type outlet struct {
	notes chan []byte
	done  chan struct{}
}

func (t *Trail) newOutlet() *outlet {
	o := &outlet{notes: make(chan []byte, 1), done: make(chan struct{})}
	go func() {
		defer close(o.done)
		for note := range o.notes {
			if err := t.publish(context.Background(), note); err != nil {
				t.log.Warn("checkpoint did not reach every sink", zap.Error(err))
			}
		}
	}()
	return o
}

// put is called by one goroutine.
func (o *outlet) put(note []byte) {
	select {
	case <-o.notes:
	default:
	}
	o.notes <- note
}

// close waits until the newest was given.
func (o *outlet) close() {
	close(o.notes)
	<-o.done
}

// FileSink keeps the newest checkpoint in a file, which it replaces as a whole.
// It belongs on another machine or medium than the database.
func FileSink(path string) Sink { return fileSink(path) }

type fileSink string

func (f fileSink) Put(_ context.Context, note []byte) error { return writeFile(string(f), note) }

func (f fileSink) Latest(context.Context) ([]byte, error) {
	note, err := os.ReadFile(string(f))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("audit: read checkpoint: %w", err)
	}
	return note, nil
}

// WriterSink writes every checkpoint to w, one after the other, each behind the
// last: to a log that is shipped elsewhere, for example. It cannot tell the
// latest.
func WriterSink(w io.Writer) Sink { return &writerSink{w: w} }

type writerSink struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *writerSink) Put(_ context.Context, note []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.w.Write(note); err != nil {
		return fmt.Errorf("audit: write checkpoint: %w", err)
	}
	return nil
}

func (s *writerSink) Latest(context.Context) ([]byte, error) { return nil, nil }
