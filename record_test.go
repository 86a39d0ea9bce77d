package troth_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
)

func TestEntryID_RoundTrip(t *testing.T) {
	for range 1000 {
		id := troth.NewEntryID(time.Now())
		text := id.String()
		require.Len(t, text, 36)
		back, err := troth.ParseEntryID(text)
		require.NoError(t, err)
		require.Equal(t, id, back)
		require.False(t, id.IsZero())
	}
	require.True(t, troth.EntryID{}.IsZero())
}

func TestEntryID_IsAVersion7UUID(t *testing.T) {
	at := time.UnixMilli(0x0123456789ab)
	id := troth.NewEntryID(at)
	require.Equal(t, "01234567-89ab-7", id.String()[:15])
	require.Contains(t, "89ab", id.String()[19:20])
	require.NotEqual(t, id, troth.NewEntryID(at))
}

func TestEntryID_SortsByTime(t *testing.T) {
	at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	var ids []string
	for i := range 1000 {
		ids = append(ids, troth.NewEntryID(at.Add(time.Duration(i)*time.Millisecond)).String())
	}
	require.True(t, slices.IsSorted(ids))
}

func TestParseEntryID_IsStrict(t *testing.T) {
	good := troth.NewEntryID(time.Now()).String()
	bad := []string{
		"", good[:35], good + "0", " " + good[1:], strings.ReplaceAll(good, "-", ""),
		strings.ReplaceAll(good, "-", "_"), "{" + good[1:35] + "}", "g" + good[1:],
		good[:8] + "0" + good[9:], good[:35] + "é"[:1], good[:35] + "\n",
	}
	upper := strings.ToUpper(good)
	if upper != good {
		bad = append(bad, upper)
	}
	for _, text := range bad {
		id, err := troth.ParseEntryID(text)
		require.ErrorIs(t, err, troth.ErrEntryID, "%q", text)
		require.Zero(t, id)
	}
}

func FuzzParseEntryID(f *testing.F) {
	f.Add("01234567-89ab-7cde-8fab-0123456789ab")
	f.Add("01234567-89AB-7cde-8fab-0123456789ab")
	f.Add("0123456789ab7cde8fab0123456789ab")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := troth.ParseEntryID(text)
		if err != nil {
			if !errors.Is(err, troth.ErrEntryID) || !id.IsZero() {
				t.Fatalf("%v with %v", err, id)
			}
			return
		}
		if id.String() != text {
			t.Fatalf("%q was accepted for %q", text, id.String())
		}
	})
}

func TestUnsafeNoEvidence_ChecksWhatItThrowsAway(t *testing.T) {
	db := memory.Open()
	r := troth.UnsafeNoEvidence(db)
	require.Same(t, db, r.Transactor())
	e := goodEntry()
	_, err := r.Record(t.Context(), e)
	require.ErrorIs(t, err, troth.ErrNoActor)
	ctx := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "s"})
	id, err := r.Record(ctx, e)
	require.NoError(t, err)
	require.False(t, id.IsZero())
	e.Facts = nil
	_, err = r.Record(ctx, e)
	_, ok := errors.AsType[*troth.ActError](err)
	require.True(t, ok)
}

// judged is an error with an opinion about retries.
type judged bool

func (judged) Error() string     { return "judged" }
func (j judged) Retryable() bool { return bool(j) }

func TestRetryable(t *testing.T) {
	wrap := errors.Join
	for _, err := range []error{troth.ErrBusy, wrap(errors.New("x"), troth.ErrBusy), judged(true), wrap(judged(true))} {
		require.True(t, troth.Retryable(err), "%v", err)
	}
	for _, err := range []error{
		nil, errors.New("x"), troth.ErrTxDone, troth.ErrTxConcurrent, troth.ErrPending, troth.ErrNotShared,
		context.Canceled, context.DeadlineExceeded, judged(false), wrap(judged(false), troth.ErrBusy),
		wrap(troth.ErrBusy, context.Canceled), wrap(judged(true), context.DeadlineExceeded),
	} {
		require.False(t, troth.Retryable(err), "%v", err)
	}
}
