package vault_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// evidence reads what the recorder kept. Entries behind pending wait; those in
// gone were redacted or pruned.
type evidence struct {
	w       *world
	pending int
	gone    map[troth.EntryID]bool
	reads   atomic.Int64
}

func (e *evidence) Acts(_ context.Context, tenant troth.Tenant, act, after string) iter.Seq2[vault.Evidenced, error] {
	return func(yield func(vault.Evidenced, error) bool) {
		e.reads.Add(1)
		from, _ := strconv.Atoi(after)
		all := e.w.rec.committed(e.w.t)
		for i, r := range all {
			waits := e.pending > 0 && i >= len(all)-e.pending
			if (i < from && !waits) || r.Tenant != tenant || r.Act.Name != act || e.gone[r.ID] {
				continue
			}
			found := vault.Evidenced{ID: r.ID, State: vault.EvidenceThere, Act: act, Facts: r.Facts}
			if !waits {
				found.Cursor = strconv.Itoa(i + 1)
			}
			if !yield(found, nil) {
				return
			}
		}
	}
}

func (e *evidence) Find(_ context.Context, tenant troth.Tenant, id troth.EntryID) (vault.Evidenced, error) {
	for _, r := range e.w.rec.committed(e.w.t) {
		if r.ID != id || r.Tenant != tenant {
			continue
		}
		if e.gone[id] {
			return vault.Evidenced{ID: id, State: vault.EvidenceGone}, nil
		}
		return vault.Evidenced{ID: id, State: vault.EvidenceThere, Act: r.Act.Name, Facts: r.Facts}, nil
	}
	return vault.Evidenced{ID: id}, nil
}

// reconcileCase is a world in which everything that is compared happened to
// somebody, in two tenants.
type reconcileCase struct {
	*world
	v        *vault.Vault
	evidence *evidence
}

func newReconcileCase(t *testing.T, opts ...vault.Option) *reconcileCase {
	w := newWorld(t)
	c := &reconcileCase{world: w, evidence: &evidence{w: w, gone: map[troth.EntryID]bool{}}}
	c.v = c.on(w.store, opts...)
	return c
}

// on opens a vault with evidence on another view of the store.
func (c *reconcileCase) on(store vault.Backend, opts ...vault.Option) *vault.Vault {
	c.t.Helper()
	config := c.config()
	config.Store, config.Evidence = store, c.evidence
	v, err := vault.Open(c.ctx, config, append([]vault.Option{vault.Unmanaged("tests")}, opts...)...)
	require.NoError(c.t, err)
	return v
}

// live fills a tenant with people to whom everything happened.
func (c *reconcileCase) live(tenant troth.Tenant) {
	c.t.Helper()
	for _, id := range []string{"alive", "dead", "part", "restricted", "lifted", "both"} {
		for _, at := range []troth.Compartment{profile, invoice} {
			c.seal(c.v, emailOf(tenant, id, at), "data")
		}
	}
	c.shred(c.v, vault.Target{Tenant: tenant, SubjectID: "dead", Except: []troth.Compartment{invoice}})
	c.shred(c.v, vault.Target{Tenant: tenant, SubjectID: "part", Compartments: []troth.Compartment{profile, "never used"}})
	c.shred(c.v, personOf(tenant, "nothing sealed"))
	for _, id := range []string{"restricted", "lifted", "both"} {
		r, err := c.v.Restrict(c.ctx, vault.Restriction{
			Tenant: tenant, SubjectID: id, Ground: "accuracy-contested", Except: []troth.Purpose{claims},
		})
		require.NoError(c.t, err)
		if id == "restricted" {
			continue
		}
		g, err := c.v.Grant(c.ctx, grantFor(r))
		require.NoError(c.t, err)
		_, err = c.v.Lift(c.ctx, g)
		require.NoError(c.t, err)
	}
	c.shred(c.v, personOf(tenant, "both"))
}

func (c *reconcileCase) full(v *vault.Vault) vault.Reconciliation {
	c.t.Helper()
	r, err := v.Reconcile(c.ctx, vault.ReconcileParams{Full: true})
	require.NoError(c.t, err)
	require.True(c.t, r.Complete)
	return r
}

func TestReconcile_FindsNothingWhereNothingIsWrong(t *testing.T) {
	c := newReconcileCase(t)
	c.live(shop)
	c.live(bakery)
	for _, pending := range []int{0, 7, 1000} {
		c.evidence.pending = pending
		r := c.full(c.v)
		require.Empty(t, r.Discrepancies)
		require.Zero(t, r.Unchecked)
		require.Greater(t, r.Compared, 40)
	}
	c.shred(c.v, vault.Target{Tenant: shop, WholeTenant: true})
	r := c.full(c.v)
	require.Empty(t, r.Discrepancies)
	require.NotZero(t, r.Unchecked, "the key of the tenant's control rows is gone")
}

func TestReconcile_NeedsEvidenceToRead(t *testing.T) {
	w := newWorld(t)
	_, err := w.vault().Reconcile(w.ctx, vault.ReconcileParams{})
	require.ErrorIs(t, err, vault.ErrNoReader)
	c := newReconcileCase(t)
	require.NoError(t, c.v.Close(c.ctx))
	_, err = c.v.Reconcile(c.ctx, vault.ReconcileParams{})
	require.ErrorIs(t, err, vault.ErrClosed)
}

// What was redacted or pruned raises no alarm, and is counted.
func TestReconcile_WhatIsGoneFromTheTrailIsNoAlarm(t *testing.T) {
	c := newReconcileCase(t)
	c.live(shop)
	for _, e := range c.rec.committed(t) {
		c.evidence.gone[e.ID] = true
	}
	r := c.full(c.v)
	require.Empty(t, r.Discrepancies)
	require.NotZero(t, r.Unchecked)
}

// Small steps, each of another process, find what one large one does.
func TestReconcile_GoesOnWhereItStopped(t *testing.T) {
	c := newReconcileCase(t)
	c.live(shop)
	c.live(bakery)
	for i := range 150 {
		c.shred(c.v, personOf(shop, fmt.Sprintf("more-%d", i)))
	}
	store := &scraped{Backend: c.store, drop: func(k vault.KeyRow) bool { return k.SubjectID == "dead" && k.Tenant == bakery }}
	whole := c.full(c.on(store))
	require.NotEmpty(t, whole.Discrepancies)
	for range 2 { // rounds
		var found []vault.Discrepancy
		var compared, calls int
		var began time.Time
		for complete := false; !complete; calls++ {
			r, err := c.on(store).Reconcile(c.ctx, vault.ReconcileParams{Limit: 5})
			require.NoError(t, err)
			require.Less(t, r.Compared, 5+2*64)
			if calls > 0 {
				require.Equal(t, began, r.Began)
			}
			began, complete = r.Began, r.Complete
			found = append(found, r.Discrepancies...)
			compared += r.Compared
		}
		require.Greater(t, calls, 4)
		require.Equal(t, whole.Discrepancies, found)
		require.Equal(t, whole.Compared, compared)
	}
}

// A mark that a database writer put there has nothing passed over.
func TestReconcile_AForgedMarkCountsForNothing(t *testing.T) {
	c := newReconcileCase(t)
	c.live(bakery)
	c.live(shop)
	store := &scraped{Backend: c.store, drop: func(k vault.KeyRow) bool { return k.SubjectID == "dead" && k.Tenant == bakery }}
	v := c.on(store)
	first, err := v.Reconcile(c.ctx, vault.ReconcileParams{Limit: 1})
	require.NoError(t, err)
	require.False(t, first.Complete)
	mark, err := c.store.Mark(c.ctx, "reconcile")
	require.NoError(t, err)
	require.NotEmpty(t, mark)
	for name, forged := range map[string][]byte{
		"another tenant": []byte(string(mark[:20]) + "shop-17" + string(mark[20:])), "cut": mark[:31], "rubbish": make([]byte, 100),
	} {
		require.NoError(t, c.store.SetMark(c.ctx, "reconcile", forged))
		r, err := v.Reconcile(c.ctx, vault.ReconcileParams{})
		require.NoError(t, err, name)
		require.True(t, r.Complete)
		require.NotEmpty(t, r.Discrepancies, name)
	}
}

// A tenant of whom every row was deleted is compared if the host names it.
func TestReconcile_TenantsThatTheHostNames(t *testing.T) {
	c := newReconcileCase(t)
	c.live(shop)
	v := c.on(&emptied{Backend: c.store})
	require.Empty(t, c.full(v).Discrepancies)
	r, err := v.Reconcile(c.ctx, vault.ReconcileParams{Full: true, Tenants: []troth.Tenant{"unknown", shop, shop}})
	require.NoError(t, err)
	require.NotEmpty(t, r.Discrepancies)
	for _, d := range r.Discrepancies {
		require.Equal(t, shop, d.Tenant)
	}
}

// Run begins a round at once, and the next one when it is time.
func TestRun_ComparesAgainWhenItIsTime(t *testing.T) {
	c := newReconcileCase(t)
	c.live(shop)
	var now atomic.Int64
	now.Store(time.Now().UnixNano())
	told := make(chan vault.Discrepancy, 100)
	v := c.on(&scraped{Backend: c.store, drop: func(k vault.KeyRow) bool { return k.SubjectID == "dead" }},
		vault.WithDiscrepancies(func(d vault.Discrepancy) { told <- d }), vault.WithWindow(time.Second),
		vault.WithReconcile(2*time.Hour), vault.WithClock(func() time.Time { return time.Unix(0, now.Load()) }))
	ctx, cancel := context.WithCancel(c.ctx)
	done := make(chan error, 1)
	go func() { done <- v.Run(ctx) }()
	<-told
	reads := func() int64 { return c.evidence.reads.Load() }
	require.Eventually(t, func() bool { return reads() > 0 }, time.Minute, 10*time.Millisecond)
	before := reads()
	now.Add(int64(time.Hour))
	time.Sleep(2500 * time.Millisecond) //nolint:forbidigo // two turns of Run, by the machine's time, which must do nothing
	require.Equal(t, before, reads())
	now.Add(int64(time.Hour))
	<-told
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
}

// Run tells the logger, without the person, and the host, with them.
func TestRun_TellsOfDiscrepancies(t *testing.T) {
	c := newReconcileCase(t)
	c.live(shop)
	core, logs := observer.New(zap.ErrorLevel)
	told := make(chan vault.Discrepancy, 100)
	v := c.on(&scraped{Backend: c.store, drop: func(k vault.KeyRow) bool { return k.SubjectID == "dead" }},
		vault.WithLogger(zap.New(core)), vault.WithDiscrepancies(func(d vault.Discrepancy) { told <- d }),
		vault.WithWindow(time.Second))
	ctx, cancel := context.WithCancel(c.ctx)
	done := make(chan error, 1)
	go func() { done <- v.Run(ctx) }()
	d := <-told
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	require.Equal(t, vault.TombstoneMissing, d.Kind)
	require.NotEmpty(t, logs.All())
	for _, e := range logs.All() {
		require.NotContains(t, fmt.Sprint(e.Message, e.ContextMap()), "dead\"")
		require.Equal(t, string(shop), e.ContextMap()["tenant"])
	}
	require.NotContains(t, d.String(), "dead ")
}

// Restricting and lifting while it compares is no discrepancy.
func TestReconcile_BesideLiveTraffic(t *testing.T) {
	c := newReconcileCase(t)
	at := emailOf(shop, "42", profile)
	c.seal(c.v, at, "ada")
	ctx, cancel := context.WithCancel(c.ctx)
	done := make(chan error, 1)
	go func() {
		for ctx.Err() == nil {
			r, err := c.v.Restrict(c.ctx, restriction("42", claims))
			if err == nil {
				var g vault.Grant
				if g, err = c.v.Grant(c.ctx, grantFor(r)); err == nil {
					_, err = c.v.Lift(c.ctx, g)
				}
			}
			if err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	other := c.on(c.store)
	for len(c.rec.committed(t, "vault.lift")) < 20 {
		require.Empty(t, c.full(other).Discrepancies)
	}
	cancel()
	require.NoError(t, <-done)
}

// scraped is a store without some of its key rows.
type scraped struct {
	vault.Backend
	drop func(vault.KeyRow) bool
}

func (s *scraped) TombstonesOf(ctx context.Context, t troth.Tenant, id troth.EntryID) (vault.Tombstones, error) {
	got, err := s.Backend.TombstonesOf(ctx, t, id)
	got.Keys = slices.DeleteFunc(got.Keys, s.drop)
	return got, err
}

// emptied is a store without rows.
type emptied struct{ vault.Backend }

func (*emptied) Tenants(context.Context, troth.Tenant, int) ([]troth.Tenant, error) { return nil, nil }

func (*emptied) TombstonesOf(context.Context, troth.Tenant, troth.EntryID) (vault.Tombstones, error) {
	return vault.Tombstones{}, nil
}
