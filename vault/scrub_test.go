package vault_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// scrubbable is a store that counts how often it is asked to scrub.
type scrubbable struct {
	hooked
	asked int
	err   error
}

func (s *scrubbable) Scrub(ctx context.Context) error {
	if s.Backend.Transactor().Scope(ctx) != nil {
		return errors.New("in a transaction")
	}
	s.asked++
	return s.err
}

func TestSweep_ScrubsAfterShreddings(t *testing.T) {
	w := newWorld(t)
	store := &scrubbable{hooked: hooked{Backend: w.store}}
	v := w.vaultOn(store)
	sweep := func(ctx context.Context, asked int, why string) {
		t.Helper()
		require.NoError(t, v.Sweep(ctx))
		require.Equal(t, asked, store.asked, why)
	}
	sweep(w.ctx, 1, "a process may have died before this one began")
	w.seal(v, emailOf(shop, "42", profile), "ada")
	sweep(w.ctx, 1, "nothing died")
	w.shred(v, personOf(shop, "42"))
	require.Equal(t, 1, store.asked, "shredding does not wait for it")
	store.err = troth.ErrBusy
	sweep(w.ctx, 2, "and its failure is not the sweep's")
	store.err = nil
	sweep(w.ctx, 3, "it is tried again")
	sweep(w.ctx, 3, "until it succeeds")

	undone := errors.New("undone")
	require.ErrorIs(t, w.db.Atomically(w.ctx, func(ctx context.Context) error {
		if _, err := v.Shred(ctx, erasure, personOf(shop, "43")); err != nil {
			return err
		}
		return undone
	}), undone)
	sweep(w.ctx, 3, "nothing died")
	require.NoError(t, w.db.Atomically(w.ctx, func(ctx context.Context) error {
		_, err := v.Shred(ctx, erasure, personOf(shop, "44"))
		return err
	}))
	sweep(w.ctx, 4, "a shredding in the caller's transaction")
}

var _ vault.Scrubber = (*scrubbable)(nil)
