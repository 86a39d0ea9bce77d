package vault_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// TestRestrict_BesideRewrapping restricts people, half of them lifted again,
// while another process moves all keys to a new epoch: no flag is lost, none
// comes back, and everybody's data opens for what it may.
func TestRestrict_BesideRewrapping(t *testing.T) {
	const tenant troth.Tenant = "shop-17"
	eachEpochal(t, func(t *testing.T, d database) {
		e := d.epochal(t)
		other := d.epochal(t)
		people := times(60, 600)
		values := e.people(tenant, "p", people)
		require.Len(t, values, people)
		for round := range 2 {
			e.advance()
			var both sync.WaitGroup
			both.Go(func() {
				for done := false; !done; {
					r, err := other.Vault.Rewrap(other.svc, vault.RewrapParams{Batch: 7})
					if err != nil {
						t.Error(err)
						return
					}
					done = r.Done
				}
			})
			both.Go(func() {
				ctx := service(t.Context(), "desk")
				n := 0
				for s := range values {
					r, err := e.Vault.Restrict(ctx, vault.Restriction{
						Tenant: tenant, SubjectID: s, Ground: fmt.Sprintf("ground-%d", round), Except: []troth.Purpose{claims},
					})
					if err != nil {
						t.Error(err)
						return
					}
					assert.NotZero(t, r.Keys)
					if n++; n%2 == 0 {
						continue
					}
					g, err := e.Vault.Grant(ctx, grantFor(r))
					if assert.NoError(t, err) {
						_, err = e.Vault.Lift(ctx, g)
						assert.NoError(t, err)
					}
				}
			})
			both.Wait()
			e.rewrap()
		}
		onlooker := d.epochal(t)
		for s, sealed := range values {
			rs, err := onlooker.Vault.Restrictions(t.Context(), tenant, s)
			require.NoError(t, err)
			want := ok
			for _, r := range rs {
				if r.LiftedAt.IsZero() {
					want = restricted
				}
			}
			require.Equal(t, want, onlooker.reads(tenant, s, sealed), s)
			plain, err := onlooker.Vault.AppendOpen(service(t.Context(), "reader"), nil, emailOf(tenant, s), claims, sealed)
			require.Equal(t, ok, openedAs(s, plain, err))
		}
	})
}
