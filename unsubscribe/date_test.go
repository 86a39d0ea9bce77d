package unsubscribe_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/unsubscribe"
)

// A no whose date cannot be, by a clock that is ahead or by somebody who made it up, is
// one of now; what was claimed is kept.
func TestRegistry_NoNoIsLostForItsDate(t *testing.T) {
	for name, at := range map[string]func(now time.Time) time.Time{
		"a microsecond ahead": func(now time.Time) time.Time { return now.Add(time.Microsecond) },
		"a day ahead":         func(now time.Time) time.Time { return now.AddDate(0, 0, 1) },
		"in another age":      func(time.Time) time.Time { return time.Date(300_000_000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"before 1970":         func(time.Time) time.Time { return time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC) },
		"in no age":           func(time.Time) time.Time { return time.Date(-300_000_000, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newRegWorld(t)
			now := w.clock.Now()
			out := regOut(regAda, unsubscribe.Client)
			out.At = at(now)
			e, err := w.r.OptOut(w.ctx, out)
			require.NoError(t, err)
			require.Equal(t, now, e.At)
			require.False(t, e.Claimed.IsZero())
			for _, kind := range []unsubscribe.Kind{unsubscribe.KindBounce, unsubscribe.KindComplaint} {
				_, err = w.r.Report(w.ctx, unsubscribe.ReportParams{
					Tenant: regAcme, Channel: unsubscribe.Email, Address: troth.Protect("eve@example.org"), Kind: kind,
					Scope: unsubscribe.Client, At: out.At,
				})
				require.NoError(t, err)
			}
			w.wants(unsubscribe.ReasonOptOut, regAda)
			h, err := w.r.History(w.ctx, regAcme, unsubscribe.Email, troth.Protect(regAda), "test")
			require.NoError(t, err)
			require.Equal(t, e, h.Events[0].Event)
			w.clock.Move(time.Second)
			in := unsubscribe.OptInParams{
				Tenant: regAcme, Channel: unsubscribe.Email, Address: troth.Protect(regAda), Scope: unsubscribe.Client,
				Method: unsubscribe.ByConfirmation, Reference: "receipt-1", At: w.clock.Now().Add(time.Second),
			}
			_, err = w.r.OptIn(w.ctx, in)
			require.ErrorIs(t, err, unsubscribe.ErrFuture, "a yes waits for its time")
			in.At = w.clock.Now()
			_, err = w.r.OptIn(w.ctx, in)
			require.NoError(t, err)
			w.wants(unsubscribe.ReasonClear, regAda)
		})
	}
}
