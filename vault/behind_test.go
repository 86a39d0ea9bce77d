package vault_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// TestForReplay_RefusesEverythingThatChangesKeysOrGivesThemAway before it is sure
// who died: what other parts of the vault can do to keys must not get past the
// journal.
func TestForReplay_RefusesEverythingThatChangesKeysOrGivesThemAway(t *testing.T) {
	needsTink(t)
	p := newPast(t)
	w := p.restored(p.old)
	w.kms(ourKey)
	v := w.vault(vault.ForReplay())
	for name, call := range map[string]func(ctx context.Context) error{
		"NewGeneration": func(ctx context.Context) error {
			_, err := v.NewGeneration(ctx, ada.Subject, profile)
			return err
		},
		"RenewKeys": func(ctx context.Context) error {
			_, err := v.RenewKeys(ctx, shop, vault.Renewal{OlderThan: time.Now()})
			return err
		},
		"RetireKey": func(ctx context.Context) error {
			_, err := v.RetireKey(ctx, erasure, vault.Retirement{
				Subject: ada.Subject, Compartment: profile, Generation: 1,
				NothingLeft: func(context.Context, uint32) (bool, error) { return true, nil },
			})
			return err
		},
		"MoveTenant": func(ctx context.Context) error {
			_, err := v.MoveTenant(ctx, shop, ourKey)
			return err
		},
		"Restrict": func(ctx context.Context) error {
			_, err := v.Restrict(ctx, vault.Restriction{Tenant: shop, SubjectID: "ada", Ground: "accuracy-contested"})
			return err
		},
		"ExportKeyset": func(ctx context.Context) error {
			_, err := v.InsecureExportCleartextKeyset(ctx, token, vault.KeysetExport{
				Tenant: shop, SubjectID: "ada", Compartment: profile, Ground: "portability",
			})
			return err
		},
		"ImportKeyset": func(ctx context.Context) error {
			_, err := v.ImportKeyset(ctx, token, importOf(ada, handleOf(t, 7, randomKey())))
			return err
		},
		"Shred": func(ctx context.Context) error {
			_, err := v.Shred(ctx, erasure, personOf(shop, "ada"))
			return err
		},
	} {
		require.ErrorIs(t, call(w.ctx), vault.ErrJournalAhead, name)
	}
}

// TestReplay_WhoIsBuriedIsNotBroughtBackByOtherWays than sealing: no keyset gives
// them keys, and no key-encryption key of its own gives a dead tenant roots.
func TestReplay_WhoIsBuriedIsNotBroughtBackByOtherWays(t *testing.T) {
	needsTink(t)
	p := newPast(t)
	w := p.restored(p.old)
	w.kms(ourKey)
	v := w.vault(vault.ForReplay())
	_, err := v.Replay(w.ctx)
	require.NoError(t, err)
	for _, at := range []troth.Context{emailOf(shop, "eve", profile), emailOf(shop, "bob", "newsletter")} {
		_, err = v.ImportKeyset(w.ctx, token, importOf(at, handleOf(t, 7, randomKey())))
		require.ErrorIs(t, err, vault.ErrShredded, at.Subject.ID)
		_, err = v.AppendSeal(w.ctx, nil, at, []byte("back again"))
		require.ErrorIs(t, err, vault.ErrShredded, at.Subject.ID)
	}
	_, err = v.MoveTenant(w.ctx, "mill-10", ourKey)
	require.ErrorIs(t, err, vault.ErrShredded)
	p.erased(w, v)
}
