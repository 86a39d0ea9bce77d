package troth

import (
	"context"
	"errors"
)

// Transactor runs closures in transactions of one database. Every store hands
// out the one that it joins, and services refuse stores that do not share one:
// an act and its evidence must commit together.
//
// The rules hold for every adapter:
//
//   - Atomically inside Atomically is a savepoint, also under a transaction
//     that the host began: an error undoes the inner closure's work and no
//     more, and a caller that swallows it goes on.
//   - A closure is run once, never retried. If it panics its work is undone
//     and the panic goes on.
//   - The context that a closure receives ends with it: after that it gives
//     [ErrTxDone]. It serves one goroutine and one statement at a time, else
//     [ErrTxConcurrent].
//   - Waiting, for the writer or for a connection, is bounded and ends in
//     [ErrBusy]; so does a closure that calls back with the context from
//     outside it. There are no deadlocks.
//   - A nil error from the outermost Atomically means that the work is durable
//     as far as the database promises. Under the host's own transaction it
//     means no more than that the work is part of it.
type Transactor interface {
	// Atomically runs fn in a transaction, or in a savepoint where ctx already
	// carries one of this transactor.
	Atomically(ctx context.Context, fn func(ctx context.Context) error) error
	// Scope returns the transaction of this transactor that ctx runs in, nil
	// outside of any.
	Scope(ctx context.Context) *Scope
	// Detach returns ctx outside of any transaction of this transactor, with
	// the same values and cancellation otherwise.
	Detach(ctx context.Context) context.Context
}

var (
	// ErrBusy says that the bounded wait for a writer, a lock or a connection
	// ran out. Nothing was done; the caller may try again.
	ErrBusy = errors.New("troth: busy")
	// ErrTxDone says that a context was used after its transaction ended.
	ErrTxDone = errors.New("troth: transaction has ended")
	// ErrTxConcurrent says that one transaction was used by two callers at
	// once, or while the rows of an earlier query were still open.
	ErrTxConcurrent = errors.New("troth: transaction used by two callers at once")
	// ErrNotShared says that two stores were wired together that do not share
	// a Transactor, so that an act and its evidence could not commit together.
	ErrNotShared = errors.New("troth: stores do not share a transactor")
)

// Retryable reports whether doing the same again later may succeed: after
// [ErrBusy], or where the error, or one that it wraps, says so itself with a
// method Retryable() bool. Cancellation is never retryable.
func Retryable(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	if r, ok := errors.AsType[interface {
		error
		Retryable() bool
	}](err); ok {
		return r.Retryable()
	}
	return errors.Is(err, ErrBusy)
}
