package vault_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/faultstore"
	"github.com/trothdev/troth/vault"
)

// TestFault_WhatWasSealedOpens seals for a new person of a new tenant: a sealed
// value that was returned has a key that lasts, and there is one key.
func TestFault_WhatWasSealedOpens(t *testing.T) {
	seal := func(f *faulty, ctx context.Context) error {
		v, err := f.vault.AppendSeal(ctx, nil, f.email(), plaintextOf("1"))
		if err != nil {
			require.Nil(f, v)
			return err
		}
		plain, err := f.honest.Vault.AppendOpen(service(f.Context(), "reader"), nil, f.email(), orders, v)
		require.Equal(f, ok, openedAs("1", plain, err))
		return nil
	}
	eachFault(t, operation{do: seal, check: func(f *faulty, i faultstore.Injection, err error) {
		keys := f.rows("troth_vault_key", "sealed IS NOT NULL")
		if err != nil && i.Method != faultstore.Commit {
			require.Zero(f, keys, "a seal that failed left a key")
		}
		require.LessOrEqual(f, keys, 1)
		require.NoError(f, seal(f, f.Context()), "retry")
		require.Equal(f, 1, f.rows("troth_vault_key", "compartment = 'profile'"))
		require.Equal(f, 1, f.rows("troth_vault_root", "lineage = 'wrap'"))
	}})
}

// TestFault_NobodySeesWithoutEvidence opens for a person.
func TestFault_NobodySeesWithoutEvidence(t *testing.T) {
	open := func(f *faulty, ctx context.Context, p troth.Purpose) error {
		// Of the tenant's own staff: each case makes a new pseudonym.
		got, err := f.open(troth.WithActor(ctx, troth.Actor{Kind: troth.Person, ID: "kim", Tenant: f.tenant}), p)
		if err == nil {
			require.Equal(f, ok, got)
		}
		return err
	}
	eachFault(t, operation{
		prepare: (*faulty).sealHonestly,
		do:      func(f *faulty, ctx context.Context) error { return open(f, ctx, "case-1") },
		check: func(f *faulty, i faultstore.Injection, err error) {
			rs := f.recorded("vault.open")
			require.LessOrEqual(f, len(rs), 1)
			switch {
			case err == nil:
				require.Len(f, rs, 1, "seen without evidence")
			case i.Method != faultstore.Commit:
				require.Empty(f, rs, "evidence of what was not seen")
			}
			require.NoError(f, open(f, f.Context(), "case-2"), "retry")
			again := f.recorded("vault.open")[len(rs):]
			require.Len(f, again, 1)
			require.Equal(f, troth.Purpose("case-2"), again[0].Purpose)
		},
	})
}

// TestFault_NoServiceOpensOutsideAWindow opens for a service, with a fault
// where its window begins.
func TestFault_NoServiceOpensOutsideAWindow(t *testing.T) {
	open := func(f *faulty, ctx context.Context) error {
		got, err := f.open(service(ctx, "mailer"), orders)
		if err == nil {
			require.Equal(f, ok, got)
			require.NotEmpty(f, f.recorded("vault.window-open"), "opened outside a window")
		}
		return err
	}
	eachFault(t, operation{
		prepare: (*faulty).sealHonestly,
		do:      open,
		check: func(f *faulty, i faultstore.Injection, err error) {
			begun := f.rows("troth_vault_window", "closed_at = 0")
			require.Len(f, f.recorded("vault.window-open"), begun, "windows and their evidence disagree")
			if err != nil && i.Method != faultstore.Commit {
				require.Zero(f, begun)
			}
			require.NoError(f, open(f, f.Context()), "retry")
			require.NoError(f, f.vault.CloseWindows(f.Context()))
			f.everyWindowEndsOnce()
		},
	})
}

// everyWindowEndsOnce lets what is left of windows lapse, and looks at all.
func (f *faulty) everyWindowEndsOnce() {
	f.Helper()
	later := f.beside(vault.WithClock(func() time.Time { return time.Now().Add(time.Hour) }))
	require.NoError(f, later.Vault.Sweep(f.Context()))
	require.Zero(f, f.rows("troth_vault_window", "closed_at = 0"))
	windows := readWindows(f.T, entries(f, f.honest.Trail, f.tenant))
	require.Len(f, windows, f.rows("troth_vault_window", "closed_at <> 0"))
	for _, w := range windows {
		require.Len(f, w.closes, 1, "a window ends once")
	}
}

// TestFault_AShreddingIsWholeOrNothing shreds a person whose key is cached, in
// a transaction of its own and inside another.
func TestFault_AShreddingIsWholeOrNothing(t *testing.T) {
	prepare := func(f *faulty) {
		f.sealHonestly()
		_, err := f.open(service(f.Context(), "mailer"), orders)
		require.NoError(f, err)
	}
	own := func(f *faulty, ctx context.Context) error {
		_, err := f.vault.Shred(service(ctx, "desk"), erasure, vault.Target{Tenant: f.tenant, SubjectID: "1"})
		return err
	}
	inside := func(f *faulty, ctx context.Context) error {
		return f.tx.Atomically(ctx, func(ctx context.Context) error { return own(f, ctx) })
	}
	for name, do := range map[string]func(*faulty, context.Context) error{"own": own, "inside": inside} {
		t.Run(name, func(t *testing.T) {
			eachFault(t, operation{prepare: prepare, do: do, check: func(f *faulty, i faultstore.Injection, err error) {
				gone := f.shredded()
				if err == nil {
					require.True(f, gone, "a shredding that succeeded did nothing")
				} else if i.Method != faultstore.Commit {
					require.False(f, gone, "a shredding that failed took effect")
				}
				got, _ := f.open(service(f.Context(), "mailer"), orders)
				require.Equal(f, map[bool]string{true: shredded, false: ok}[gone], got, "here")
				require.NoError(f, do(f, f.Context()), "retry")
				require.True(f, f.shredded())
				got, _ = f.open(service(f.Context(), "mailer"), orders)
				require.Equal(f, shredded, got)
				require.NoError(f, do(f, f.Context()), "once more")
				require.True(f, f.shredded())
			}})
		})
	}
}

// shredded reports whether person 1 is, all parts agreeing, to an onlooker who
// has nothing cached.
func (f *faulty) shredded() bool {
	f.Helper()
	evidence := map[audit.Pseudonym]int{}
	for _, r := range f.recorded("vault.shred") {
		evidence[r.Subject]++
	}
	onlooker := f.beside()
	return aftermath{f.T, f.d, f.db, onlooker, f.tenant, evidence}.shredded("1", f.sealed)
}
