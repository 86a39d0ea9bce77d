package sqlstore_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/storage/sqlstore"
)

func notesIn(ctx context.Context, h *sqlstore.Handle) (notes []string, err error) {
	rows, err := h.Querier(ctx).Query(ctx, "SELECT body FROM note ORDER BY body")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var body string
		if err := rows.Scan(&body); err != nil {
			return nil, err
		}
		notes = append(notes, body)
	}
	return notes, rows.Err()
}

// TestSnapshot_IsOfOneInstantAndHoldsNobodyUp: others write and commit meanwhile.
func TestSnapshot_IsOfOneInstantAndHoldsNobodyUp(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h := d.handle(d.open())
		require.NoError(t, d.add(t.Context(), h, "a"))
		failed := errors.New("its own")
		err := h.Snapshot(t.Context(), func(ctx context.Context) error {
			for _, other := range []string{"b", "c"} {
				require.NoError(t, d.add(t.Context(), h, other))
				notes, err := notesIn(ctx, h)
				require.NoError(t, err)
				require.Equal(t, []string{"a"}, notes)
			}
			require.NotNil(t, h.Scope(ctx))
			require.False(t, h.Scope(ctx).Current())
			return failed
		})
		require.ErrorIs(t, err, failed)
		require.Equal(t, []string{"a", "b", "c"}, d.notes())
		require.NoError(t, h.Snapshot(t.Context(), func(ctx context.Context) error {
			notes, err := notesIn(ctx, h)
			require.Equal(t, []string{"a", "b", "c"}, notes)
			return err
		}))
	})
}

// TestSnapshot_KeepsNothing of what is written in it, also where it panics, and
// gives its connection back.
func TestSnapshot_KeepsNothing(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		db := d.open()
		h := d.handle(db)
		_ = h.Snapshot(t.Context(), func(ctx context.Context) error { return d.add(ctx, h, "x") })
		require.Panics(t, func() {
			_ = h.Snapshot(t.Context(), func(ctx context.Context) error {
				_ = d.add(ctx, h, "y")
				panic("on purpose")
			})
		})
		require.Empty(t, d.notes())
		require.NoError(t, d.add(t.Context(), h, "z"))
		require.Equal(t, []string{"z"}, d.notes())
		require.LessOrEqual(t, db.Stats().InUse, 1, "the writer's own at most")
	})
}

func TestSnapshot_IsRefused(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h := d.handle(d.open())
		never := func(context.Context) error { t.Error("it ran"); return nil }
		require.Error(t, h.Atomically(t.Context(), func(ctx context.Context) error { return h.Snapshot(ctx, never) }), "inside of a transaction")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, h.Snapshot(ctx, never), context.Canceled)
		var late context.Context
		require.NoError(t, h.Snapshot(t.Context(), func(ctx context.Context) error { late = ctx; return nil })) //nolint:fatcontext // used too late on purpose
		_, err := notesIn(late, h)
		require.Error(t, err, "it has ended")
	})
}
