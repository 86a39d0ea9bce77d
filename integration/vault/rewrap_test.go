package vault_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// allUnder demands that every living key, of everybody, is of the epoch, and
// that no living root is below it.
func (e *epochal) allUnder(epoch uint32) {
	e.Helper()
	require.Zero(e, e.d.count(e, e.db, "SELECT count(*) FROM troth_vault_key WHERE shredded_at = 0 AND epoch <> ?", int64(epoch)))
	require.Zero(e, e.d.count(e, e.db, "SELECT count(*) FROM troth_vault_root WHERE sealed IS NOT NULL AND epoch <> ?", int64(epoch)))
	require.Zero(e, e.d.count(e, e.db, "SELECT count(*) FROM troth_vault_key WHERE shredded_at <> 0 AND sealed IS NOT NULL"))
}

func (e *epochal) allRead(tenant troth.Tenant, values map[string][]byte) {
	e.Helper()
	for s, sealed := range values {
		require.Equal(e, ok, e.reads(tenant, s, sealed), s)
	}
}

// TestRewrap_KilledAtAnyMomentGoesOn kills programs that rewrap, one after the
// other, until it is done.
func TestRewrap_KilledAtAnyMomentGoesOn(t *testing.T) {
	eachEpochal(t, func(t *testing.T, d database) {
		e := d.epochal(t)
		shops, breads := e.people(shop, "s", 150), e.people("bakery-3", "b", 60)
		e.advance()
		chance := newChance(t)
		config := childConfig{Database: d, FenceAge: bound, Epochs: true, Toil: "rewrap"}
		for range times(4, 40) {
			toilAndCrash(t, config, chance, 60*time.Millisecond)
			fresh := d.epochal(t)
			fresh.allRead(shop, shops)
		}
		e.rewrap()
		e.allUnder(2)
		fresh := d.epochal(t)
		fresh.allRead(shop, shops)
		fresh.allRead("bakery-3", breads)
		for tenant, n := range map[troth.Tenant]int64{shop: 150, "bakery-3": 60} {
			rotated := 0
			for _, r := range entries(t, e.Trail, tenant) {
				if r.Act == "vault.rotate" {
					rotated++
					require.Equal(t, troth.Count(int(n)), fact(r, "keys"), "each key is moved once")
				}
			}
			require.Equal(t, 1, rotated, "the evidence is there once")
		}
		require.Equal(t, []uint32{1}, e.retire().Destroyed)
		d.epochal(t).allRead(shop, shops)
	})
}

// TestRewrap_TwoProgramsBesideLiveTraffic rewraps in two other programs while
// this one seals, opens and shreds.
func TestRewrap_TwoProgramsBesideLiveTraffic(t *testing.T) {
	eachEpochal(t, func(t *testing.T, d database) {
		e := d.epochal(t)
		values := e.people(shop, "s", 120)
		e.people("bakery-3", "b", 60)
		var order []string
		for s := range values {
			order = append(order, s)
		}
		config := childConfig{Database: d, FenceAge: bound, Epochs: true}
		programs := []*process{config.start(t), config.start(t)}
		for _, p := range programs {
			p.ask(request{Op: "ready"})
		}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var traffic sync.WaitGroup
		live := func(fn func(i int) error) {
			traffic.Go(func() {
				for i := 0; ctx.Err() == nil; i++ {
					if err := fn(i); err != nil && !errors.Is(err, troth.ErrBusy) {
						t.Error(err)
						return
					}
				}
			})
		}
		made := map[string][]byte{}
		live(func(i int) error {
			s := order[i%60]
			plain, err := e.Vault.AppendOpen(e.svc, nil, emailOf(shop, s), orders, values[s])
			if err == nil && !bytes.Equal(plain, plaintextOf(s)) {
				err = errors.New("wrong plaintext")
			}
			return err
		})
		live(func(i int) error {
			s := fmt.Sprintf("new-%d", i)
			sealed, err := e.Vault.AppendSeal(e.svc, nil, emailOf(shop, s), plaintextOf(s))
			if err == nil {
				made[s] = sealed
			}
			return err
		})
		var dead []string
		live(func(i int) error {
			if i >= 60 {
				<-ctx.Done()
				return nil
			}
			_, err := e.Vault.Shred(e.svc, erasure, vault.Target{Tenant: shop, SubjectID: order[60+i]})
			if err == nil {
				dead = append(dead, order[60+i])
			}
			return err
		})
		for range 2 {
			e.advance()
			var rewraps sync.WaitGroup
			for _, p := range programs {
				rewraps.Go(func() {
					if _, err := p.try(request{Op: "rewrap"}); err != nil {
						t.Error(err)
					}
				})
			}
			rewraps.Wait()
		}
		stop()
		traffic.Wait()
		e.rewrap()
		e.allUnder(3)
		require.NotEmpty(t, dead)
		require.NotEmpty(t, made)
		require.Equal(t, []uint32{1, 2}, e.retire().Destroyed)
		fresh := d.epochal(t)
		fresh.allRead(shop, made)
		for _, s := range dead {
			require.Equal(t, shredded, fresh.reads(shop, s, values[s]))
			delete(values, s)
		}
		fresh.allRead(shop, values)
	})
}

// TestRotate_AnotherProgramCreatesUnderTheNewRoot: the other one has the old root
// in its cache, and its fence is not looked at for a long time.
func TestRotate_AnotherProgramCreatesUnderTheNewRoot(t *testing.T) {
	eachEpochal(t, func(t *testing.T, d database) {
		e := d.epochal(t)
		p := childConfig{Database: d, FenceAge: time.Hour, Epochs: true}.start(t)
		first := p.ask(request{Op: "seal", Subjects: []string{"before"}}).Sealed[0]
		e.advance()
		_, err := e.Vault.Rotate(e.svc, shop)
		require.NoError(t, err)
		late := p.ask(request{Op: "seal", Subjects: []string{"late"}}).Sealed[0]
		require.Equal(t, []string{ok, ok}, p.ask(request{Op: "open", Subjects: []string{"before"}, Sealed: [][]byte{first}}).Opened)
		e.rewrap()
		e.allUnder(2)
		require.Equal(t, []uint32{1}, e.retire().Destroyed)
		again := p.ask(request{Op: "seal", Subjects: []string{"later"}}).Sealed[0]
		for s, sealed := range map[string][]byte{"before": first, "late": late, "later": again} {
			require.Equal(t, ok, d.epochal(t).reads(shop, s, sealed), s)
		}
	})
}

// TestRotate_IsHeldUpByWhoShredsAndLosesNothing rotates while the host shreds in a
// transaction of its own that is not decided.
func TestRotate_IsHeldUpByWhoShredsAndLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	for name, commits := range map[string]bool{"commits": true, "rolls back": false} {
		t.Run(name, func(t *testing.T) {
			d := newPostgres(t)
			e := d.epochal(t)
			values, breads := e.people(shop, "s", 20), e.people("bakery-3", "b", 20)
			e.advance()
			var one string
			for one = range values {
				break
			}
			tx, err := e.db.BeginTx(e.svc, nil)
			require.NoError(t, err)
			defer func() { _ = tx.Rollback() }()
			_, err = e.Vault.Shred(e.WithTx(e.svc, tx), erasure, vault.Target{Tenant: shop, SubjectID: one})
			require.NoError(t, err)

			// The shredding holds the tenant's old root, so superseding that waits, in
			// bounds: nothing is lost, and the other tenant goes on.
			rotator := d.epochal(t)
			r, err := rotator.Vault.Rewrap(e.svc, vault.RewrapParams{})
			require.NoError(t, err)
			require.Len(t, r.Stuck, 1)
			require.Equal(t, shop, r.Stuck[0].Tenant)
			require.ErrorIs(t, r.Stuck[0].Err, troth.ErrBusy)
			require.Equal(t, len(breads), r.Moved)
			// Who makes keys meanwhile does not wait.
			values["new"] = e.seal(shop, "new")
			if commits {
				require.NoError(t, tx.Commit())
			} else {
				require.NoError(t, tx.Rollback())
			}
			_, err = rotator.Vault.Rotate(e.svc, shop)
			require.NoError(t, err)
			e.rewrap()
			e.allUnder(2)
			want := ok
			if commits {
				want = shredded
			}
			fresh := d.epochal(t)
			require.Equal(t, want, fresh.reads(shop, one, values[one]))
			delete(values, one)
			fresh.allRead(shop, values)
		})
	}
}
