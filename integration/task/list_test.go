package task_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/tasksql"
	"github.com/trothdev/troth/task"
)

// listed is a store whose clock stands still, with n tasks of one line that wait.
type listed struct {
	t     *testing.T
	h     *sqlstore.Handle
	s     *tasksql.Store
	clock rowClock
}

func newListed(t *testing.T, b backend, n int) *listed {
	t.Helper()
	h := b.handle(t, b.open(t))
	l := &listed{t: t, h: h, clock: newRowClock(t, h, time.Now())}
	l.s = b.store(t, h, withRowClock())
	for i := range n {
		id := troth.EntryID{1, byte(i)}
		_, inserted, err := l.s.Insert(t.Context(), task.NewTask{
			Name: task.Name{Tenant: "a", ID: id}, Kind: "k", Group: id, Payload: []byte("sealed"),
		})
		require.NoError(t, err)
		require.True(t, inserted)
	}
	return l
}

func (l *listed) claim(n int, whole task.Limit) []task.Held {
	l.t.Helper()
	rows, err := l.s.Claim(l.t.Context(), task.Claim{Lease: time.Minute, Limit: n, Kinds: []task.KindClaim{{Kind: "k", Limit: n, Whole: whole}}})
	require.NoError(l.t, err)
	held := make([]task.Held, len(rows))
	for i, r := range rows {
		held[i] = task.Held{Name: r.Name, Fence: r.Fence, Place: r.Place}
	}
	return held
}

func (l *listed) end(held []task.Held) {
	l.t.Helper()
	es := make([]task.Ending, len(held))
	for i, h := range held {
		es[i] = task.Ending{Held: h, To: task.Completed}
	}
	out, err := l.s.End(l.t.Context(), es)
	require.NoError(l.t, err)
	require.Empty(l.t, out.Lost)
}

func (l *listed) wake() (lapsed int) {
	l.t.Helper()
	w, err := l.s.Wake(l.t.Context(), 100)
	require.NoError(l.t, err)
	return len(w.Lapsed)
}

func (l *listed) count(text string) (n int) {
	l.t.Helper()
	_, err := sqlstore.QueryRow(l.t.Context(), l.h.Querier(l.t.Context()), text, nil, &n)
	require.NoError(l.t, err)
	return n
}

// Who claims without a limit is counted by who has one, and so is whose lease was
// extended since, each once.
func TestStore_ALimitCountsWhatRunsWithoutOne(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b backend) {
		t.Parallel()
		l := newListed(t, b, 10)
		held := l.claim(3, task.Limit{})
		lost, err := l.s.Extend(t.Context(), held, time.Minute)
		require.NoError(t, err)
		require.Empty(t, lost)
		require.Len(t, l.claim(10, task.Limit{AtOnce: 5}), 2)
		require.Empty(t, l.claim(10, task.Limit{AtOnce: 5}))
		l.end(held[:2])
		require.Len(t, l.claim(10, task.Limit{AtOnce: 5}), 2)
		_, ok, err := l.s.ClaimOne(t.Context(), task.Name{Tenant: "a", ID: troth.EntryID{1, 9}}, task.KindClaim{Kind: "k"}, time.Minute)
		require.NoError(t, err)
		require.True(t, ok)
		l.end(held[2:])
		require.Empty(t, l.claim(10, task.Limit{AtOnce: 5}))
	})
}

// A list of leases is there until they end, whatever became of them, and no longer.
// An extended lease is on another.
func TestStore_ListsOfLeasesEnd(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b backend) {
		t.Parallel()
		const lists = "SELECT COUNT(*) FROM troth_task_lease"
		l := newListed(t, b, 6)
		held := l.claim(6, task.Limit{})
		l.end(held[:2])
		l.clock.advance(50 * time.Second)
		lost, err := l.s.Extend(t.Context(), held[2:4], time.Minute)
		require.NoError(t, err)
		require.Empty(t, lost)
		require.Equal(t, 2, l.count(lists))
		require.Zero(t, l.wake())
		l.clock.advance(11 * time.Second)
		require.Equal(t, 2, l.wake(), "those whose leases were not extended")
		require.Equal(t, 1, l.count(lists))
		l.clock.advance(50 * time.Second)
		require.Equal(t, 2, l.wake())
		require.Zero(t, l.count(lists))
		require.Len(t, l.claim(6, task.Limit{}), 4)
	})
}

// No more are woken than were asked for, and the list stays for the others.
func TestStore_AListIsWokenInParts(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b backend) {
		t.Parallel()
		l := newListed(t, b, 5)
		require.Len(t, l.claim(5, task.Limit{}), 5)
		l.clock.advance(2 * time.Minute)
		for _, want := range []int{2, 2, 1, 0} {
			w, err := l.s.Wake(t.Context(), 2)
			require.NoError(t, err)
			require.Len(t, w.Lapsed, want)
		}
		require.Zero(t, l.count("SELECT COUNT(*) FROM troth_task_lease"))
	})
}

// However many lists there are of which nobody runs any more, one look forgets them.
func TestStore_ListsThatAreSpentGoAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b backend) {
		t.Parallel()
		const n = 70
		l := newListed(t, b, n)
		for range n - 1 {
			l.end(l.claim(1, task.Limit{}))
		}
		require.Len(t, l.claim(1, task.Limit{}), 1)
		require.Equal(t, n, l.count("SELECT COUNT(*) FROM troth_task_lease"))
		l.clock.advance(2 * time.Minute)
		require.Equal(t, 1, l.wake())
		require.Zero(t, l.count("SELECT COUNT(*) FROM troth_task_lease"))
	})
}

// Who holds a row of a lease that has ended keeps it from being woken, and not the
// others; it is looked at again.
func TestStore_AListWaitsForWhoIsLocked(t *testing.T) {
	t.Parallel()
	l := newListed(t, backends[1], 3)
	held := l.claim(3, task.Limit{})
	l.clock.advance(2 * time.Minute)
	require.ErrorIs(t, l.h.Atomically(t.Context(), func(ctx context.Context) error {
		_, err := l.s.End(ctx, []task.Ending{{Held: held[0], To: task.Completed}})
		require.NoError(t, err)
		require.Equal(t, 2, l.wake())
		return context.Canceled
	}), context.Canceled)
	require.Equal(t, 1, l.wake())
	require.Zero(t, l.count("SELECT COUNT(*) FROM troth_task_lease"))
}

// What a task's end changes is in no index, so that PostgreSQL writes it beside the
// row and no index anew.
func TestStore_AnEndChangesNoIndex(t *testing.T) {
	t.Parallel()
	const n = 10 // all versions of them have room on one page
	l := newListed(t, backends[1], n)
	held := l.claim(n, task.Limit{})
	require.NoError(t, l.h.Atomically(t.Context(), func(ctx context.Context) error {
		es := make([]task.Ending, n)
		for i, h := range held {
			es[i] = task.Ending{Held: h, To: task.Completed}
		}
		_, err := l.s.End(ctx, es)
		require.NoError(t, err)
		var hot int
		_, err = sqlstore.QueryRow(ctx, l.h.Querier(ctx), "SELECT pg_stat_get_xact_tuples_hot_updated('troth_task_turn'::regclass)", nil, &hot)
		require.NoError(t, err)
		require.Equal(t, n, hot)
		return nil
	}))
}

// What stands in a database of the version before is carried over: what waits, runs,
// is delayed, is with a person, and what is due for disposal.
func TestStore_CarriesOverWhatWasThereBeforeLists(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b backend) {
		t.Parallel()
		h := b.handle(t, b.open(t))
		before := fstest.MapFS{}
		all := os.DirFS("../../storage/sqlstore/tasksql/migrations")
		names, err := fs.Glob(all, "*."+b.dialect.Name()+".sql")
		require.NoError(t, err)
		for _, name := range names {
			if name[5:10] == "lists" {
				continue
			}
			text, err := fs.ReadFile(all, name)
			require.NoError(t, err)
			before[name] = &fstest.MapFile{Data: text}
		}
		require.NoError(t, h.Migrate(t.Context(), sqlstore.Migrations{Namespace: "task", FS: before}))
		at := time.Now()
		l := &listed{t: t, h: h, clock: newRowClock(t, h, at)}
		now := at.UnixMicro()
		for i, row := range []struct {
			phase         int
			wake, fence   int64
			sealed, owner string
		}{
			{phase: 1, wake: 1, sealed: "FALSE"},
			{phase: 2, wake: now - 1, sealed: "FALSE"},
			{phase: 3, wake: now - 1, fence: 7, sealed: "TRUE"},
			{phase: 3, wake: now + 1e12, fence: 7, sealed: "TRUE"},
			{phase: 5, sealed: "FALSE", owner: "who"},
			{phase: 6, wake: 5, sealed: "TRUE"},
			{phase: 6, sealed: "TRUE"},
			{phase: 7, sealed: "FALSE"},
		} {
			id := fmt.Sprintf("X'%032x'", i+1)
			if b.dialect == sqlstore.Postgres {
				id = fmt.Sprintf(`'\x%032x'::bytea`, i+1)
			}
			for _, text := range []string{
				fmt.Sprintf("INSERT INTO troth_task (tenant, id, kind, line, grp, created_at, deadline) VALUES ('a', %s, 'k', '', %[1]s, 1, 0)", id),
				fmt.Sprintf(`INSERT INTO troth_task_turn (tenant, id, kind, line, grp, phase, wake_at, fence, owner, sealed, alarmed)
					VALUES ('a', %s, 'k', '', %[1]s, %d, %d, %d, '%s', %s, FALSE)`, id, row.phase, row.wake, row.fence, row.owner, row.sealed),
			} {
				_, err := h.Querier(t.Context()).Exec(t.Context(), text)
				require.NoError(t, err)
			}
		}
		_, err = h.Querier(t.Context()).Exec(t.Context(), "INSERT INTO troth_task_disposal (tenant, grp, due_at) SELECT tenant, id, 9 FROM troth_task_turn WHERE phase = 6 AND wake_at = 0")
		require.NoError(t, err)
		l.s = b.store(t, h, withRowClock())

		require.Empty(t, l.claim(10, task.Limit{AtOnce: 2}), "two run")
		require.Equal(t, 1, l.wake())
		require.Len(t, l.claim(10, task.Limit{AtOnce: 4}), 3, "what waited, was delayed, and had lapsed")
		manual, err := l.s.Tasks(t.Context(), task.Page{Tenant: "a", Owner: "who", Limit: 10})
		require.NoError(t, err)
		require.Len(t, manual, 1)
		due, err := l.s.Disposals(t.Context(), 10, time.Minute)
		require.NoError(t, err)
		require.Len(t, due, 2)
		undisposed, err := l.s.Undisposed(t.Context(), task.DisposalPage{Tenant: "a", Limit: 10})
		require.NoError(t, err)
		require.Len(t, undisposed, 2)
	})
}
