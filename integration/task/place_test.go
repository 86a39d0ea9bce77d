package task_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/task"
)

// Where a claim says that its task lies is a hint: whoever is wrong about it ends
// the task that he names, under his fence, and no other.
func TestPlace_AWrongOneEndsNobodyElse(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		l := newListed(t, b, 6)
		rows, err := l.s.Claim(t.Context(), task.Claim{Lease: time.Minute, Limit: 6, Kinds: []task.KindClaim{{Kind: "k", Limit: 6}}})
		require.NoError(t, err)
		require.Len(t, rows, 6)
		held := func(i, place int) task.Held {
			return task.Held{Name: rows[i].Name, Fence: rows[i].Fence, Place: rows[place].Place}
		}
		states := func(want ...task.State) {
			t.Helper()
			for i, r := range rows {
				row, found, err := l.s.Task(t.Context(), r.Name)
				require.NoError(t, err)
				require.True(t, found)
				require.Equal(t, want[i], row.State, i)
			}
		}
		end := func(lost int, held ...task.Held) {
			t.Helper()
			es := make([]task.Ending, len(held))
			for i, h := range held {
				es[i] = task.Ending{Held: h, To: task.Completed}
			}
			out, err := l.s.End(t.Context(), es)
			require.NoError(t, err)
			require.Len(t, out.Lost, lost)
		}
		const r, c = task.Running, task.Completed

		end(0, held(0, 1), held(2, 2)) // one wrong, one right
		states(c, r, c, r, r, r)
		stale := held(1, 1)
		stale.Fence--
		end(1, stale) // the right place, and not the fence
		states(c, r, c, r, r, r)
		elsewhere := held(3, 3)
		elsewhere.Tenant = "b"
		end(1, elsewhere) // another's task of the same id
		states(c, r, c, r, r, r)
		nowhere := held(3, 3)
		nowhere.Place = 1 << 40
		end(0, nowhere, held(4, 5), held(5, 4)) // none right
		states(c, r, c, c, c, c)
		end(0, held(1, 0)) // of one that has ended
		states(c, c, c, c, c, c)
		end(0, held(1, 1), held(2, 3)) // once more
	})
}

// A lease is extended under whatever place.
func TestPlace_AWrongOneExtendsTheLeaseThatItNames(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		l := newListed(t, b, 2)
		held := l.claim(2, task.Limit{})
		held[0].Place, held[1].Place = 77, 1<<40
		gone := held[1]
		gone.Fence++
		lost, err := l.s.Extend(t.Context(), append(held, gone), time.Hour)
		require.NoError(t, err)
		require.Equal(t, []task.Name{gone.Name}, lost)
	})
}
