package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
)

// call is one call of Atomically whose closure runs the statement of its name
// and returns err; afterwards result and scope tell how it ended.
type call struct {
	name   string
	err    error         // what the closure returns
	slow   time.Duration // how long it takes
	result error
	scope  *troth.Scope
}

func (c *call) run(ctx context.Context, h *Handle) {
	c.result = h.Atomically(ctx, func(ctx context.Context) error {
		c.scope = h.Scope(ctx)
		_, err := h.Querier(ctx).Exec(ctx, c.name)
		pass(c.slow)
		return errors.Join(err, c.err)
	})
}

// together runs the calls so that the others queue up while the first has the
// turn.
func together(t *testing.T, h *Handle, calls ...*call) {
	calls[0].slow += time.Millisecond
	for _, c := range calls {
		go c.run(t.Context(), h)
		synctest.Wait()
	}
	pass(time.Hour)
	synctest.Wait()
}

func TestBatch_SharesOneCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, f := newFake(t, SQLite, wide())
		a, b, c := &call{name: "a"}, &call{name: "b"}, &call{name: "c"}
		together(t, h, a, b, c)
		require.Equal(t, []string{
			"BEGIN IMMEDIATE", "a",
			"SAVEPOINT troth_0", "b", "RELEASE SAVEPOINT troth_0",
			"SAVEPOINT troth_0", "c", "RELEASE SAVEPOINT troth_0",
			"COMMIT",
		}, f.statements())
		for _, c := range []*call{a, b, c} {
			require.NoError(t, c.result)
			require.Equal(t, troth.ScopeCommitted, c.scope.State())
		}
		(&call{name: "d"}).run(t.Context(), h)
		require.Equal(t, []string{"BEGIN IMMEDIATE", "d", "COMMIT"}, f.statements(), "nobody waits for company")
	})
}

func TestBatch_IsBounded(t *testing.T) {
	for name, c := range map[string]struct {
		opt  Option
		slow time.Duration
		want []string
	}{
		"in number": {WithBatch(2, time.Hour), 0, []string{
			"BEGIN IMMEDIATE", "a", "SAVEPOINT troth_0", "b", "RELEASE SAVEPOINT troth_0", "COMMIT", "BEGIN IMMEDIATE", "c", "COMMIT",
		}},
		"in age": {WithBatch(1000, 20*time.Millisecond), 30 * time.Millisecond, []string{
			"BEGIN IMMEDIATE", "a", "SAVEPOINT troth_0", "b", "RELEASE SAVEPOINT troth_0", "COMMIT", "BEGIN IMMEDIATE", "c", "COMMIT",
		}},
		"to one": {WithBatch(1, 0), 0, []string{
			"BEGIN IMMEDIATE", "a", "COMMIT", "BEGIN IMMEDIATE", "b", "COMMIT", "BEGIN IMMEDIATE", "c", "COMMIT",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, f := newFake(t, SQLite, c.opt)
				together(t, h, &call{name: "a"}, &call{name: "b", slow: c.slow}, &call{name: "c"})
				require.Equal(t, c.want, f.statements())
			})
		})
	}
}

func TestBatch_FailedMembersLeaveTheOthers(t *testing.T) {
	unwanted := errors.New("unwanted")
	synctest.Test(t, func(t *testing.T) {
		h, f := newFake(t, SQLite, wide())
		a, b, c := &call{name: "a"}, &call{name: "b", err: unwanted}, &call{name: "c"}
		together(t, h, a, b, c)
		require.Equal(t, []string{
			"BEGIN IMMEDIATE", "a",
			"SAVEPOINT troth_0", "b", "ROLLBACK TO SAVEPOINT troth_0", "RELEASE SAVEPOINT troth_0",
			"SAVEPOINT troth_0", "c", "RELEASE SAVEPOINT troth_0",
			"COMMIT",
		}, f.statements())
		require.NoError(t, a.result)
		require.ErrorIs(t, b.result, unwanted)
		require.Equal(t, troth.ScopeRolledBack, b.scope.State())
		require.NoError(t, c.result)

		first := &call{name: "first", err: unwanted}
		together(t, h, first, &call{name: "second"})
		require.Equal(t, []string{"BEGIN IMMEDIATE", "first", "ROLLBACK", "BEGIN IMMEDIATE", "second", "COMMIT"}, f.statements())
		require.ErrorIs(t, first.result, unwanted)
	})
}

// A batch that cannot go on fails for everybody in it, and its connection is
// not used again.
func TestBatch_CannotGoOn(t *testing.T) {
	broken := errors.New("disk I/O error")
	for _, statement := range []string{"SAVEPOINT", "RELEASE", "ROLLBACK TO"} {
		t.Run(statement, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, f := newFake(t, SQLite, wide())
				a, b := &call{name: "a"}, &call{name: "b"}
				if statement == "ROLLBACK TO" {
					b.err = errors.New("unwanted")
				}
				f.failOn(statement, broken)
				together(t, h, a, b)
				lost, ok := errors.AsType[*BatchError](a.result)
				require.True(t, ok, "%v", a.result)
				require.ErrorIs(t, lost, broken)
				require.False(t, lost.Unknown)
				require.Equal(t, troth.ScopeRolledBack, a.scope.State())
				require.ErrorIs(t, b.result, broken)
				require.NotContains(t, f.statements(), "COMMIT")
				require.Equal(t, 1, f.thrownAway())
				(&call{name: "c"}).run(t.Context(), h)
				require.Equal(t, []string{"BEGIN IMMEDIATE", "c", "COMMIT"}, f.statements())
			})
		})
	}
}

// A full disk may make SQLite roll back everything with the statement that
// failed. Whatever the closure does then, nothing of the batch may go on to
// commit by itself.
func TestBatch_SilentRollback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, f := newFake(t, SQLite, wide())
		full := codeError(sqliteFull)
		f.fail = func(s string) (error, bool) { return map[bool]error{true: full}[s == "b"], s == "b" }
		a, c := &call{name: "a"}, &call{name: "c"}
		var result, after error
		b := func() {
			result = h.Atomically(t.Context(), func(ctx context.Context) error {
				_, err := h.Querier(ctx).Exec(ctx, "b")
				require.ErrorIs(t, err, full)
				_, after = h.Querier(ctx).Exec(ctx, "more")
				return nil
			})
		}
		a.slow = time.Millisecond
		go a.run(t.Context(), h)
		synctest.Wait()
		go b()
		synctest.Wait()
		go c.run(t.Context(), h)
		pass(time.Hour)
		synctest.Wait()
		require.Equal(t, []string{
			"BEGIN IMMEDIATE", "a", "SAVEPOINT troth_0", "b", "BEGIN", "ROLLBACK",
			"BEGIN IMMEDIATE", "c", "COMMIT",
		}, f.statements())
		require.ErrorIs(t, a.result, full)
		require.True(t, troth.Retryable(a.result))
		require.ErrorIs(t, result, full)
		require.ErrorIs(t, after, troth.ErrTxDone)
		require.NoError(t, c.result)
	})
}

// SQLite rolls back the whole transaction if a write in it is interrupted, so
// no statement runs under a context that can end; it is looked at between them.
func TestBatch_StatementsAreNotInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, f := newFake(t, SQLite)
		ctx, cancel := context.WithCancel(t.Context())
		err := h.Atomically(ctx, func(ctx context.Context) error {
			_, err := h.Querier(ctx).Exec(ctx, "a")
			require.NoError(t, err)
			_, err = QueryRow(ctx, h.Querier(ctx), "SELECT b", nil, new(string))
			require.NoError(t, err)
			require.NoError(t, h.Atomically(ctx, func(context.Context) error { return nil }))
			rows, err := h.Querier(ctx).Query(ctx, "SELECT c")
			require.NoError(t, err)
			require.True(t, rows.Next())
			cancel()
			require.False(t, rows.Next())
			require.ErrorIs(t, rows.Err(), context.Canceled)
			_, err = h.Querier(ctx).Exec(ctx, "d")
			return err
		})
		require.ErrorIs(t, err, context.Canceled)
		require.Empty(t, f.cancellable)
		require.Equal(t, []string{
			"BEGIN IMMEDIATE", "a", "SELECT b", "SAVEPOINT troth_1", "RELEASE SAVEPOINT troth_1",
			"SELECT c", "ROLLBACK",
		}, f.statements())
	})
}

// Where the probe after a failure does not answer as it must, the batch does
// not go on.
func TestBatch_ProbeFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, f := newFake(t, SQLite)
		broken := errors.New("disk I/O error")
		f.fail = func(s string) (error, bool) { return map[bool]error{true: broken}[s != "BEGIN IMMEDIATE"], s == "a" }
		err := h.Atomically(t.Context(), func(ctx context.Context) error {
			_, _ = h.Querier(ctx).Exec(ctx, "a")
			_, err := h.Querier(ctx).Exec(ctx, "b")
			require.ErrorIs(t, err, troth.ErrTxDone)
			return nil
		})
		require.ErrorIs(t, err, broken)
		require.Equal(t, []string{"BEGIN IMMEDIATE", "a", "BEGIN"}, f.statements())
		require.Equal(t, 1, f.thrownAway())
	})
}

func TestBatch_CommitFails(t *testing.T) {
	busy := codeError(sqliteBusy)
	for name, c := range map[string]struct {
		errs  []error
		state troth.ScopeState
		check func(t *testing.T, err error)
	}{
		"busy for a while": {[]error{busy, busy, busy}, troth.ScopeCommitted, func(t *testing.T, err error) { require.NoError(t, err) }},
		"busy for too long": {slices.Repeat([]error{busy}, 10000), troth.ScopeRolledBack, func(t *testing.T, err error) {
			require.ErrorIs(t, err, troth.ErrBusy)
		}},
		"full": {[]error{codeError(sqliteFull)}, troth.ScopeRolledBack, func(t *testing.T, err error) {
			require.True(t, troth.Retryable(err))
		}},
		"full, as drivers around SQLite in C say it": {
			[]error{fieldError{Code: sqliteFull, ExtendedCode: sqliteFull}}, troth.ScopeRolledBack, func(t *testing.T, err error) {
				require.True(t, troth.Retryable(err))
			},
		},
		"input or output": {[]error{codeError(10)}, troth.ScopeUnknown, func(t *testing.T, err error) {
			lost, ok := errors.AsType[*BatchError](err)
			require.True(t, ok && lost.Unknown)
			require.False(t, troth.Retryable(err))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, f := newFake(t, SQLite, wide())
				f.failOn("COMMIT", c.errs...)
				a, b := &call{name: "a"}, &call{name: "b"}
				together(t, h, a, b)
				for _, got := range []*call{a, b} {
					c.check(t, got.result)
					require.Equal(t, c.state, got.scope.State())
				}
				f.failOn("nothing")
				(&call{name: "c"}).run(t.Context(), h)
				log := f.statements()
				require.Equal(t, []string{"BEGIN IMMEDIATE", "c", "COMMIT"}, log[len(log)-3:])
			})
		})
	}
}

// Who has done its part learns the outcome, even if its context has ended.
func TestBatch_CancelledMemberWaitsForTheOutcome(t *testing.T) {
	for _, commits := range []bool{true, false} {
		t.Run(fmt.Sprint("commits ", commits), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, f := newFake(t, SQLite, wide())
				if !commits {
					f.failOn("COMMIT", codeError(sqliteFull))
				}
				a, b := &call{name: "a", slow: time.Millisecond}, &call{name: "b", slow: 4 * time.Second}
				ctx, cancel := context.WithCancel(t.Context())
				var returned atomic.Bool
				go func() { a.run(ctx, h); returned.Store(true) }()
				synctest.Wait()
				go b.run(t.Context(), h)
				pass(time.Second)
				cancel()
				synctest.Wait()
				require.False(t, returned.Load())
				pass(time.Hour)
				synctest.Wait()
				require.True(t, returned.Load())
				if commits {
					require.NoError(t, a.result)
				} else {
					require.ErrorIs(t, a.result, codeError(sqliteFull))
				}
			})
		})
	}
}

// A panic goes on in the goroutine of its caller, after the others' work.
func TestBatch_Panic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, f := newFake(t, SQLite, wide())
		a := &call{name: "a", slow: time.Millisecond}
		go a.run(t.Context(), h)
		synctest.Wait()
		require.PanicsWithValue(t, "b", func() {
			_ = h.Atomically(t.Context(), func(context.Context) error { panic("b") })
		})
		synctest.Wait()
		require.NoError(t, a.result)
		require.Equal(t, []string{
			"BEGIN IMMEDIATE", "a", "SAVEPOINT troth_0",
			"ROLLBACK TO SAVEPOINT troth_0", "RELEASE SAVEPOINT troth_0", "COMMIT",
		}, f.statements())
	})
}

// B keeps a mutex until its call returns, and A, later in the same batch, waits
// for it in its closure. Without an end to it both would wait for ever.
func TestBatch_IdleClosureLosesIt(t *testing.T) {
	for name, use := range map[string]func(q Querier, ctx context.Context) error{
		"between statements": func(q Querier, ctx context.Context) error {
			_, err := q.Exec(ctx, "second")
			return err
		},
		"between rows": func(q Querier, ctx context.Context) error {
			rows, err := q.Query(ctx, "second")
			rows.Next()
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { idleClosure(t, use) })
		})
	}
}

func idleClosure(t *testing.T, use func(q Querier, ctx context.Context) error) {
	h, f := newFake(t, SQLite, wide(), WithWaitBound(5*time.Second))
	first := &call{name: "first", slow: time.Millisecond}
	free := make(chan struct{})
	go func() { first.run(t.Context(), h); close(free) }()
	synctest.Wait()
	began := time.Now()
	err := h.Atomically(t.Context(), func(ctx context.Context) error {
		require.NoError(t, use(h.Querier(ctx), ctx))
		<-free
		_, err := h.Querier(ctx).Exec(ctx, "third")
		require.ErrorIs(t, err, troth.ErrTxDone)
		return nil
	})
	require.LessOrEqual(t, time.Since(began), 15*time.Second)
	require.ErrorIs(t, err, troth.ErrBusy)
	require.ErrorIs(t, first.result, troth.ErrBusy)
	require.True(t, troth.Retryable(first.result))
	require.Equal(t, troth.ScopeRolledBack, first.scope.State())
	log := f.statements()
	require.NotContains(t, log, "third")
	require.NotContains(t, log, "COMMIT")
	require.Equal(t, 1, f.thrownAway())
	(&call{name: "next"}).run(t.Context(), h)
	require.Equal(t, []string{"BEGIN IMMEDIATE", "next", "COMMIT"}, f.statements())
}

// A closure may take its time as long as nobody else waits for it, or as long
// as it uses the database.
func TestBatch_SlowClosures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := newFake(t, SQLite, wide(), WithWaitBound(5*time.Second))
		alone := &call{name: "alone", slow: time.Hour}
		alone.run(t.Context(), h)
		require.NoError(t, alone.result)

		first := &call{name: "first", slow: time.Millisecond}
		go first.run(t.Context(), h)
		synctest.Wait()
		require.NoError(t, h.Atomically(t.Context(), func(ctx context.Context) error {
			for range 100 {
				if _, err := h.Querier(ctx).Exec(ctx, "more"); err != nil {
					return err
				}
				pass(4 * time.Second)
			}
			return nil
		}))
		synctest.Wait()
		require.NoError(t, first.result)
	})
}
