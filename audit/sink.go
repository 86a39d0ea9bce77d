package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
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
		wg.Go(func() { errs[i] = s.put(ctx, note) })
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

// FileSink keeps the newest checkpoint in a file, which it replaces as a whole,
// and never by one that covers less of the same log. It belongs on another
// machine or medium than the database.
func FileSink(path string) Sink { return fileSink(path) }

type fileSink string

func (f fileSink) Put(ctx context.Context, note []byte) error {
	held, err := f.Latest(ctx)
	if err != nil {
		return err
	}
	if supersedes(held, note) {
		return nil
	}
	return writeFile(string(f), note)
}

// supersedes reports whether the checkpoint that is held covers more of the same
// log than the other. It decides only what to keep: no signature is verified.
func supersedes(held, other []byte) bool {
	a, errA := parseNote(held)
	b, errB := parseNote(other)
	if errA != nil || errB != nil {
		return false
	}
	was, errA := parseCheckpoint(a.body)
	is, errB := parseCheckpoint(b.body)
	return errA == nil && errB == nil && was.Origin == is.Origin && was.Size > is.Size
}

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
