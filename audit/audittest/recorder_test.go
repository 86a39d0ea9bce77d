package audittest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit/audittest"
	"github.com/trothdev/troth/storage/memory"
)

var act = &troth.Act{
	Name: "test.act", Version: 1, Doc: "An act.",
	Fields: []troth.Field{{Name: "n", Kind: troth.CountFact, Doc: "which"}},
}

func entry(n int) troth.Entry {
	return troth.Entry{Act: act, Tenant: "acme", Facts: troth.Facts{"n": troth.Count(n)}}
}

func numbers(r *audittest.Recorder) (ns []int64) {
	for _, e := range r.Entries() {
		ns = append(ns, e.Facts["n"].Number())
	}
	return ns
}

func acting(t *testing.T) context.Context {
	t.Helper()
	return troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "importer"})
}

func TestRecorder_KeepsWhatWasNotRolledBack(t *testing.T) {
	db := memory.Open()
	r := audittest.NewRecorder(db)
	errUndo := errors.New("undo")
	record := func(ctx context.Context, n int) {
		_, err := r.Record(ctx, entry(n))
		require.NoError(t, err)
	}
	record(acting(t), 1)
	require.NoError(t, db.Atomically(acting(t), func(ctx context.Context) error {
		record(ctx, 2)
		require.ErrorIs(t, db.Atomically(ctx, func(ctx context.Context) error {
			record(ctx, 3)
			return errUndo
		}), errUndo)
		record(ctx, 4)
		require.Equal(t, []int64{1, 2, 4}, numbers(r), "open transactions count")
		return nil
	}))
	require.ErrorIs(t, db.Atomically(acting(t), func(ctx context.Context) error {
		record(ctx, 5)
		return errUndo
	}), errUndo)
	require.Equal(t, []int64{1, 2, 4}, numbers(r))
	require.Len(t, r.Of("test.act"), 3)
	require.Empty(t, r.Of("test.other"))
	require.Equal(t, troth.Done, r.Entries()[0].Outcome)
	require.Equal(t, "importer", r.Entries()[0].Actor.ID)
}

func TestRecorder_RefusesWhatATrailRefuses(t *testing.T) {
	r := audittest.NewRecorder(memory.Open())
	_, err := r.Record(t.Context(), entry(1))
	require.ErrorIs(t, err, troth.ErrNoActor)
	bad := entry(1)
	bad.Facts["email"] = troth.Word("x")
	_, err = r.Record(acting(t), bad)
	var ae *troth.ActError
	require.ErrorAs(t, err, &ae)
	require.Empty(t, r.Entries())
}

func TestRecorder_FailsOnDemand(t *testing.T) {
	r := audittest.NewRecorder(memory.Open())
	broken := errors.New("disk full")
	r.FailWith(broken)
	_, err := r.Record(acting(t), entry(1))
	require.ErrorIs(t, err, broken)
	r.FailWith(nil)
	_, err = r.Record(acting(t), entry(2))
	require.NoError(t, err)
	require.Equal(t, []int64{2}, numbers(r))
}
