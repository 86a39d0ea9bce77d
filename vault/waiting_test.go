package vault_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// whileRecording runs act while the evidence of an opening is being recorded.
func (w *world) whileRecording(act string, do func()) {
	w.rec.setFail(func(e troth.Entry) error {
		if e.Act.Name == act {
			w.rec.setFail(nil)
			do()
		}
		return nil
	})
}

// Recording may wait for a connection or for the writer while another process
// shreds and commits; what was looked up before must not be returned then.
func TestOpen_LooksAgainAfterItsEvidence(t *testing.T) {
	for name, c := range map[string]struct {
		act string
		ctx func(context.Context) context.Context
	}{
		"person":  {"vault.open", func(ctx context.Context) context.Context { return asPerson(ctx, "staff-17") }},
		"service": {"vault.window-open", func(ctx context.Context) context.Context { return asService(ctx, "mailer") }},
	} {
		t.Run(name, func(t *testing.T) {
			for how, open := range waysToOpen {
				w := newWorld(t)
				v := w.vault()
				clock := w.fakeMono(v)
				at := emailOf(shop, "42", profile)
				sealed := w.seal(v, at, "ada")
				ctx := c.ctx(t.Context())
				w.whileRecording(c.act, func() {
					// What another process shredded is learnt by the next look.
					clock.advance(2 * bound)
				})
				other := w.vault()
				w.shred(other, personOf(shop, "42"))
				got, err := open(ctx, v, at, sealed)
				require.ErrorIs(t, err, vault.ErrShredded, how)
				require.Empty(t, got, how)
			}
		})
	}
}

var waysToOpen = map[string]func(context.Context, *vault.Vault, troth.Context, []byte) ([]byte, error){
	"at once": func(ctx context.Context, v *vault.Vault, at troth.Context, sealed []byte) ([]byte, error) {
		return v.AppendOpen(ctx, nil, at, orders, sealed)
	},
	"in a batch": func(ctx context.Context, v *vault.Vault, at troth.Context, sealed []byte) ([]byte, error) {
		out, err := v.OpenBatch(ctx, orders, []vault.Item{{At: at, Data: sealed}})
		if err != nil {
			return nil, err
		}
		return out[0], nil
	},
	"by a handle": func(ctx context.Context, v *vault.Vault, at troth.Context, sealed []byte) ([]byte, error) {
		h, err := v.For(ctx, at.Subject, at.Compartment, orders)
		if err != nil {
			return nil, err
		}
		return h.AppendOpen(ctx, nil, at.Cell, sealed)
	},
}

// A window that panics while it begins leaves nobody waiting for it.
func TestWindow_CanBeginAfterAPanic(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	at := emailOf(shop, "42", profile)
	sealed := w.seal(v, at, "ada")
	w.whileRecording("vault.window-open", func() { panic("driver") })
	require.PanicsWithValue(t, "driver", func() { _, _ = v.AppendOpen(w.ctx, nil, at, orders, sealed) })
	ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
	defer cancel()
	got, err := v.AppendOpen(ctx, nil, at, orders, sealed)
	require.NoError(t, err)
	require.Equal(t, "ada", string(got))
}

// A row that cannot be marked does not stand in the way of the others.
func TestSweep_GoesOnAfterABadWindow(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	for i, actor := range []string{"", "mailer"} {
		require.NoError(t, w.store.InsertWindow(t.Context(), vault.WindowRow{
			Tenant: shop, ID: troth.NewEntryID(time.Now()), Actor: actor, Home: troth.Platform, Purpose: orders,
			OpenedAt: 1, Until: int64(2 + i),
		}))
	}
	require.Error(t, v.Sweep(w.ctx))
	require.Len(t, w.rec.committed(t, "vault.window-close"), 1)
}
