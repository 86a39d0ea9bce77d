package kit_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/vault"
)

func TestClose_EndsTheVault(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h := d.host(t)
		ctx := asService(t)
		sealed := h.seal(ctx, t, "c-1")
		handle, err := h.Vault.For(ctx, email("c-1").Subject, troth.DefaultCompartment, purpose)
		require.NoError(t, err)
		_, err = handle.AppendSeal(ctx, nil, email("c-1").Cell, nil)
		require.NoError(t, err)
		require.NoError(t, h.Close(ctx))

		for name, use := range map[string]func(ctx context.Context) error{
			"seal": func(ctx context.Context) error {
				_, err := h.Vault.Seal(ctx, nil, email("c-1"), nil)
				return err
			},
			"seal for a new person": func(ctx context.Context) error {
				_, err := h.Vault.Seal(ctx, nil, email("c-2"), nil)
				return err
			},
			"open": func(ctx context.Context) error {
				_, err := h.Vault.Open(ctx, nil, email("c-1"), purpose, sealed)
				return err
			},
			"seal through a handle": func(ctx context.Context) error {
				_, err := handle.AppendSeal(ctx, nil, email("c-1").Cell, nil)
				return err
			},
			"open through a handle": func(ctx context.Context) error {
				_, err := handle.AppendOpen(ctx, nil, email("c-1").Cell, sealed)
				return err
			},
			"open a window": func(ctx context.Context) error {
				return h.Vault.OpenWindow(ctx, tenant, "another")
			},
			"shred": func(ctx context.Context) error {
				_, err := h.Vault.Shred(ctx, erasure(), person("c-1"))
				return err
			},
			"hash": func(ctx context.Context) error {
				_, err := h.Vault.MAC(ctx, troth.KeyRef{Tenant: tenant, Use: "test", ID: "one"}, nil)
				return err
			},
		} {
			require.ErrorIs(t, use(ctx), vault.ErrClosed, name)
		}
		// The next program finds all as it was.
		next := d.host(t)
		next.requireOpens(ctx, t, "c-1", sealed)
		require.Zero(t, next.count(t, "vault.shred"))
	})
}

func TestClose_LeavesTheHostsDatabaseOpen(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h := d.host(t)
		require.NoError(t, h.Close(t.Context()))
		require.NoError(t, h.Close(t.Context()), "closing twice is closing once")
		require.NoError(t, h.db.PingContext(t.Context()))
		h = d.hostOn(t, h.db)
		h.requireOpens(asPerson(t), t, "c-1", h.seal(asPerson(t), t, "c-1"))
	})
}

// TestClose_TellsWhatServicesOpened opens for two purposes and two people, and
// closes at once: nothing called CloseWindows or Run before.
func TestClose_TellsWhatServicesOpened(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h := d.host(t)
		ctx := asService(t)
		for _, id := range []string{"c-1", "c-2"} {
			sealed := h.seal(ctx, t, id)
			h.requireOpens(ctx, t, id, sealed)
			h.requireOpens(ctx, t, id, sealed)
		}
		require.Zero(t, h.count(t, "vault.window-close"), "the window is still open")
		require.NoError(t, h.Close(ctx))

		next := d.host(t)
		require.Equal(t, 1, next.count(t, "vault.window-open"))
		require.Equal(t, 2, next.count(t, "vault.window-subject"))
		require.Equal(t, 1, next.count(t, "vault.window-close"))
		for r, err := range next.Trail.Entries(ctx, tenant, audit.Query{}) {
			require.NoError(t, err)
			if r.Act != "vault.window-close" {
				continue
			}
			require.Equal(t, troth.Done, r.Outcome)
			facts := map[string]int64{}
			for _, f := range r.Facts {
				facts[f.Name] = f.Number()
			}
			require.EqualValues(t, 2, facts["subjects"])
			require.EqualValues(t, 4, facts["values"])
		}
	})
}

// TestOpen_ClosesWhatItOpenedWhenItBreaksOff: the vault of a kit that came to nothing, which
// the host may have kept, serves nobody.
func TestOpen_ClosesWhatItOpenedWhenItBreaksOff(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		c := d.config(d.connect(t))
		var left *kit.Kit
		c.Rights = func(k *kit.Kit) []rights.Option {
			left = k
			return []rights.Option{rights.WithSource(rights.Source{})}
		}
		_, err := kit.Open(t.Context(), c)
		require.Error(t, err)
		require.NotErrorIs(t, err, vault.ErrClosed)
		require.NotNil(t, left)
		ctx := asService(t)
		_, err = left.Vault.MAC(ctx, troth.KeyRef{Tenant: troth.Platform, Use: "test", ID: "one"}, nil)
		require.ErrorIs(t, err, vault.ErrClosed)
		c.Rights = nil
		k, err := kit.Open(t.Context(), c)
		require.NoError(t, err, "the host's database is open")
		require.NoError(t, k.Close(t.Context()))
	})
}
