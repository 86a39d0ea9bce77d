package audit

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"
)

// sinkTime is what a sink has for one checkpoint, and for one answer.
const sinkTime = 10 * time.Second

// errSinkPanic stands for what a sink panicked with, which may say anything.
var errSinkPanic = errors.New("audit: sink panicked")

// guardedSink keeps a sink that hangs, or panics, from doing so to the trail: a
// call is given up after a time, and the sink is not called again before it has
// returned.
type guardedSink struct {
	Sink
	turn chan struct{} // holds one token while the sink is called
}

func guardSink(s Sink) *guardedSink { return &guardedSink{s, make(chan struct{}, 1)} }

func (g *guardedSink) put(ctx context.Context, note []byte) error {
	_, err := g.call(ctx, func(ctx context.Context) ([]byte, error) { return nil, g.Put(ctx, note) })
	return err
}

func (g *guardedSink) latest(ctx context.Context) ([]byte, error) { return g.call(ctx, g.Latest) }

// answer is what a sink returned.
type answer struct {
	note []byte
	err  error
}

func (g *guardedSink) call(ctx context.Context, fn func(ctx context.Context) ([]byte, error)) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, sinkTime)
	defer cancel()
	select {
	case g.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	got := make(chan answer, 1)
	go func() {
		a := answer{err: errSinkPanic}
		defer func() {
			_ = recover()
			<-g.turn
			got <- a
		}()
		note, err := fn(ctx)
		a = answer{note, err}
	}()
	select {
	case a := <-got:
		return a.note, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// outlet gives checkpoints to the sinks beside the sequencer, which does not
// wait for them, and to each beside the others. Of several that wait for a sink
// the newest is given.
type outlet struct {
	notes []chan []byte // of each sink
	done  sync.WaitGroup
}

func (t *Trail) newOutlet() *outlet {
	o := new(outlet)
	for _, s := range t.sinks {
		notes := make(chan []byte, 1)
		o.notes = append(o.notes, notes)
		o.done.Go(func() {
			for note := range notes {
				if err := s.put(context.Background(), note); err != nil {
					t.log.Warn("checkpoint did not reach a sink", zap.Error(err))
				}
			}
		})
	}
	return o
}

// put is called by one goroutine.
func (o *outlet) put(note []byte) {
	for _, notes := range o.notes {
		select {
		case <-notes:
		default:
		}
		notes <- note
	}
}

// close waits until every sink was given the newest.
func (o *outlet) close() {
	for _, notes := range o.notes {
		close(notes)
	}
	o.done.Wait()
}
