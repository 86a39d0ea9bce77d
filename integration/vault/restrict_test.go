package vault_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// TestRestrict_AnotherProcessStopsWithinTheBound keeps a key cached in one
// process, with and without Run, and restricts the person in another.
func TestRestrict_AnotherProcessStopsWithinTheBound(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		here := childConfig{Database: d, FenceAge: bound}.start(t)
		for _, run := range []bool{false, true} {
			there := childConfig{Database: d, FenceAge: bound, Run: run}.start(t)
			own, hosts := fmt.Sprintf("own-%v", run), fmt.Sprintf("hosts-%v", run)
			sealed := here.ask(request{Op: "seal", Subjects: []string{own, hosts}}).Sealed

			there.ask(request{Op: "watch", Subjects: []string{own}, Sealed: sealed[:1]})
			at := here.ask(request{Op: "restrict", Subjects: []string{own}}).At
			here.opens(t, own, sealed[0], restricted)
			stoppedInTime(t, at, there.ask(request{Op: "watched"}).Watch)

			there.ask(request{Op: "watch", Subjects: []string{hosts}, Sealed: sealed[1:]})
			here.ask(request{Op: "begin and restrict", Subjects: []string{hosts}})
			here.opens(t, hosts, sealed[1], restricted)
			at = here.ask(request{Op: "commit"}).At
			stoppedInTime(t, at, there.ask(request{Op: "watched"}).Watch)
			here.opens(t, hosts, sealed[1], restricted)

			// Lifted in the one, it opens in the other when that has followed.
			here.ask(request{Op: "lift", Subjects: []string{own}})
			here.opens(t, own, sealed[0], ok)
			require.EventuallyWithT(t, func(c *assert.CollectT) {
				got := there.ask(request{Op: "open", Subjects: []string{own}, Sealed: sealed[:1]}).Opened
				require.Equal(c, []string{ok, ok}, got)
			}, time.Minute, 10*time.Millisecond)
			there.Kill()
		}
	})
}

// TestRestrict_RolledBackByTheHostRestrictsNobody also shows that the process
// itself opens again.
func TestRestrict_RolledBackByTheHostRestrictsNobody(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		config := childConfig{Database: d, FenceAge: bound}
		here, there := config.start(t), config.start(t)
		sealed := here.ask(request{Op: "seal", Subjects: []string{"1"}}).Sealed[0]
		there.opens(t, "1", sealed, ok)
		const fences = "SELECT count(*) FROM troth_vault_fence"
		db := d.open(t)
		before := d.count(t, db, fences)
		here.ask(request{Op: "begin and restrict", Subjects: []string{"1"}})
		here.opens(t, "1", sealed, restricted)
		there.opens(t, "1", sealed, ok)
		here.ask(request{Op: "roll back"})
		require.EventuallyWithT(t, func(c *assert.CollectT) {
			got := here.ask(request{Op: "open", Subjects: []string{"1"}, Sealed: [][]byte{sealed}}).Opened
			require.Equal(c, []string{ok, ok}, got)
		}, time.Minute, 10*time.Millisecond)
		there.opens(t, "1", sealed, ok)
		require.Equal(t, before, d.count(t, db, fences))
		require.Zero(t, d.count(t, db, "SELECT count(*) FROM troth_vault_restriction"))
		require.Zero(t, d.count(t, db, "SELECT count(*) FROM troth_vault_key WHERE flag IS NOT NULL"))
	})
}

// TestRestrict_InATransactionOfTheHosts restricts and lifts beside the host's
// own statements, with savepoints of troth's and of the host's own.
func TestRestrict_InATransactionOfTheHosts(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		db := d.open(t)
		k := d.kitOn(t, db)
		ctx := service(t.Context(), "desk")
		at := emailOf(shop, "1")
		sealed, err := k.Vault.AppendSeal(ctx, nil, at, plaintextOf("1"))
		require.NoError(t, err)
		for _, p := range []troth.Purpose{orders, claims} {
			require.NoError(t, k.Vault.OpenWindow(ctx, shop, p))
		}
		open := func(ctx context.Context, p troth.Purpose) string {
			plain, err := k.Vault.AppendOpen(ctx, nil, at, p, sealed)
			return openedAs("1", plain, err)
		}
		restriction := vault.Restriction{Tenant: shop, SubjectID: "1", Except: []troth.Purpose{claims}, Ground: "accuracy-contested"}

		tx, err := db.BeginTx(ctx, nil)
		require.NoError(t, err)
		in := k.WithTx(ctx, tx)
		_, err = tx.ExecContext(ctx, "SAVEPOINT mine")
		require.NoError(t, err)
		_, err = k.Vault.Restrict(in, restriction)
		require.NoError(t, err)
		require.Equal(t, restricted, open(in, orders))
		require.Equal(t, ok, open(in, claims))
		_, err = tx.ExecContext(ctx, "ROLLBACK TO SAVEPOINT mine")
		require.NoError(t, err)
		require.Equal(t, restricted, open(in, orders), "nobody told: undecided until the end")
		require.NoError(t, tx.Commit())
		require.NoError(t, k.Vault.Sweep(ctx))
		require.Equal(t, ok, open(ctx, orders))

		tx, err = db.BeginTx(ctx, nil)
		require.NoError(t, err)
		in = k.WithTx(ctx, tx)
		r, err := k.Vault.Restrict(in, restriction)
		require.NoError(t, err)
		require.False(t, r.Already)
		g, err := k.Vault.Grant(in, grantFor(r))
		require.NoError(t, err)
		failed := k.Handle.Atomically(in, func(ctx context.Context) error {
			_, err := k.Vault.Lift(ctx, g)
			require.NoError(t, err)
			return errUndone
		})
		require.ErrorIs(t, failed, errUndone)
		require.Equal(t, restricted, open(in, orders))
		require.NoError(t, tx.Commit())
		require.NoError(t, k.Vault.Sweep(ctx))
		require.Equal(t, restricted, open(ctx, orders))
		require.Equal(t, ok, open(ctx, claims))

		// Lifted in a transaction, it is allowed when that has committed.
		tx, err = db.BeginTx(ctx, nil)
		require.NoError(t, err)
		in = k.WithTx(ctx, tx)
		_, err = k.Vault.Lift(in, g)
		require.NoError(t, err)
		require.Equal(t, restricted, open(in, orders))
		require.NoError(t, tx.Commit())
		require.NoError(t, k.Vault.Sweep(ctx))
		require.Equal(t, ok, open(ctx, orders))
	})
}

var errUndone = fmt.Errorf("undone by the host")

// TestRestrict_NoKeyIsMadePastIt seals in new compartments, in two processes,
// while the person is restricted: whoever came first, every key carries the flag
// at the end.
func TestRestrict_NoKeyIsMadePastIt(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		here, there := d.kit(t), d.kit(t)
		for round := range times(4, 40) {
			subject := fmt.Sprintf("person-%d", round)
			values := make(chan struct {
				at     troth.Context
				sealed []byte
			}, 100)
			var all sync.WaitGroup
			for i, k := range []*vault.Vault{here.Vault, there.Vault, here.Vault, there.Vault} {
				all.Go(func() {
					for n := range 5 {
						at := emailOf(shop, subject)
						at.Compartment = troth.Compartment(fmt.Sprintf("c-%d-%d", i, n))
						v, err := k.AppendSeal(service(t.Context(), "importer"), nil, at, plaintextOf(subject))
						if !assert.NoError(t, err) {
							return
						}
						values <- struct {
							at     troth.Context
							sealed []byte
						}{at, v}
					}
				})
			}
			_, err := here.Vault.Restrict(service(t.Context(), "desk"), vault.Restriction{
				Tenant: shop, SubjectID: subject, Except: []troth.Purpose{claims}, Ground: "accuracy-contested",
			})
			require.NoError(t, err)
			all.Wait()
			close(values)
			onlooker := d.kit(t).Vault
			require.Len(t, values, 20)
			for v := range values {
				plain, err := onlooker.AppendOpen(service(t.Context(), "reader"), nil, v.at, orders, v.sealed)
				require.Equal(t, restricted, openedAs(subject, plain, err), v.at.Compartment)
				plain, err = onlooker.AppendOpen(service(t.Context(), "reader"), nil, v.at, claims, v.sealed)
				require.Equal(t, ok, openedAs(subject, plain, err))
			}
		}
	})
}
