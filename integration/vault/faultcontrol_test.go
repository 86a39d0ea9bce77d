package vault_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/faultstore"
	"github.com/trothdev/troth/vault"
)

// restricted reports whether person 1 is, to an onlooker who has nothing cached,
// all parts agreeing: what opens, the person's count, the keys' flags, the rows
// and the evidence.
func (f *faulty) restricted() bool {
	f.Helper()
	onlooker := f.beside().Vault
	_, err := onlooker.AppendOpen(service(f.Context(), "reader"), nil, f.email(), orders, f.sealed)
	is := err != nil
	if is {
		require.ErrorIs(f, err, vault.ErrRestricted)
	}
	_, err = onlooker.AppendOpen(service(f.Context(), "reader"), nil, f.email(), claims, f.sealed)
	require.NoError(f, err)
	want := map[bool]int{true: 1}[is]
	require.Equal(f, want, f.rows("troth_vault_restriction", "lifted_at = 0"))
	require.Equal(f, want, f.rows("troth_vault_person", "restricted = 1"))
	require.Zero(f, f.rows("troth_vault_person", "restricted > 1"))
	require.Equal(f, want, f.rows("troth_vault_key", "flag IS NOT NULL"))
	require.Len(f, f.recorded("vault.restrict"), f.rows("troth_vault_restriction", "1 = 1"))
	require.Len(f, f.recorded("vault.lift"), f.rows("troth_vault_restriction", "lifted_at <> 0"))
	require.Len(f, f.recorded("vault.grant"), f.rows("troth_vault_grant", "1 = 1"))
	return is
}

// here reports whether this process, with what it has cached, refuses.
func (f *faulty) here() bool {
	f.Helper()
	got, err := f.open(service(f.Context(), "mailer"), orders)
	if err == nil {
		require.Equal(f, ok, got)
		return false
	}
	require.ErrorIs(f, err, vault.ErrRestricted)
	return true
}

// TestFault_ARestrictionIsWholeOrNothing restricts a person whose key is cached,
// in a transaction of its own and inside another.
func TestFault_ARestrictionIsWholeOrNothing(t *testing.T) {
	prepare := func(f *faulty) {
		f.sealHonestly()
		_, err := f.open(service(f.Context(), "mailer"), orders)
		require.NoError(f, err)
	}
	own := func(f *faulty, ctx context.Context) error {
		_, err := f.vault.Restrict(service(ctx, "desk"), vault.Restriction{
			Tenant: f.tenant, SubjectID: "1", Ground: "accuracy-contested", Except: []troth.Purpose{claims},
		})
		return err
	}
	inside := func(f *faulty, ctx context.Context) error {
		return f.tx.Atomically(ctx, func(ctx context.Context) error { return own(f, ctx) })
	}
	for name, do := range map[string]func(*faulty, context.Context) error{"own": own, "inside": inside} {
		t.Run(name, func(t *testing.T) {
			eachFault(t, operation{prepare: prepare, do: do, check: func(f *faulty, i faultstore.Injection, err error) {
				is := f.restricted()
				if err == nil {
					require.True(f, is, "a restriction that succeeded did nothing")
				} else if i.Method != faultstore.Commit {
					require.False(f, is, "a restriction that failed took effect")
				}
				require.Equal(f, is, f.here())
				require.NoError(f, do(f, f.Context()), "retry")
				require.True(f, f.restricted())
				require.True(f, f.here())
			}})
		})
	}
}

// TestFault_ALiftingIsWholeOrNothing lifts a restriction by a grant.
func TestFault_ALiftingIsWholeOrNothing(t *testing.T) {
	prepare := func(f *faulty) {
		f.sealHonestly()
		ctx := service(f.Context(), "desk")
		r, err := f.vault.Restrict(ctx, vault.Restriction{
			Tenant: f.tenant, SubjectID: "1", Ground: "accuracy-contested", Except: []troth.Purpose{claims},
		})
		require.NoError(f, err)
		_, err = f.vault.Grant(ctx, grantFor(r))
		require.NoError(f, err)
		require.True(f, f.here())
	}
	lift := func(f *faulty, ctx context.Context) error {
		grants, err := f.honest.Vault.Grants(f.Context(), f.tenant, "1")
		require.NoError(f, err)
		require.Len(f, grants, 1)
		_, err = f.vault.Lift(service(ctx, "desk"), grants[0])
		return err
	}
	eachFault(t, operation{prepare: prepare, do: lift, check: func(f *faulty, i faultstore.Injection, err error) {
		is := f.restricted()
		if err == nil {
			require.False(f, is, "a lifting that succeeded did nothing")
		} else if i.Method != faultstore.Commit {
			require.True(f, is, "a lifting that failed took effect")
		}
		if is {
			require.True(f, f.here())
			require.NoError(f, lift(f, f.Context()), "retry")
		} else if err != nil {
			require.ErrorIs(f, lift(f, f.Context()), vault.ErrGrant, "it is lifted")
		}
		require.False(f, f.restricted())
		require.False(f, f.here())
	}})
}

// TestFault_AGrantIsKeptWithItsEvidence decides that a restriction may end.
func TestFault_AGrantIsKeptWithItsEvidence(t *testing.T) {
	prepare := func(f *faulty) {
		f.sealHonestly()
		_, err := f.vault.Restrict(service(f.Context(), "desk"), vault.Restriction{
			Tenant: f.tenant, SubjectID: "1", Ground: "accuracy-contested", Except: []troth.Purpose{claims},
		})
		require.NoError(f, err)
	}
	grant := func(f *faulty, ctx context.Context) error {
		rs, err := f.honest.Vault.Restrictions(f.Context(), f.tenant, "1")
		require.NoError(f, err)
		_, err = f.vault.Grant(service(ctx, "desk"), grantFor(rs[0]))
		return err
	}
	eachFault(t, operation{prepare: prepare, do: grant, check: func(f *faulty, i faultstore.Injection, err error) {
		n := f.rows("troth_vault_grant", "1 = 1")
		if err == nil {
			require.Equal(f, 1, n)
		} else if i.Method != faultstore.Commit {
			require.Zero(f, n)
		}
		require.NoError(f, grant(f, f.Context()), "retry")
		require.True(f, f.restricted())
	}})
}
