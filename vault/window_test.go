package vault_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/vaultmem"
	"github.com/trothdev/troth/vault"
)

const windows = "vault.window-open"

// wallClock is a service's clock that a test moves.
type wallClock struct{ atomic.Int64 }

func newWallClock() *wallClock {
	c := &wallClock{}
	c.Store(time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *wallClock) now() time.Time          { return time.Unix(0, c.Load()).UTC() }
func (c *wallClock) advance(d time.Duration) { c.Add(int64(d)) }

func TestWindow_IsOnRecordBeforeTheFirstValue(t *testing.T) {
	w := newWorld(t)
	clock := newWallClock()
	v := w.vault(vault.WithClock(clock.now), vault.WithWindow(time.Minute))
	at := emailOf(shop, "42", profile)
	sealed := w.seal(v, at, "ada")
	require.Empty(t, w.rec.committed(t, windows))
	w.opens(v, at, sealed, "ada")
	w.opens(v, at, sealed, "ada")
	entries := w.rec.committed(t, windows)
	require.Len(t, entries, 1)
	e := entries[0]
	assert.Equal(t, "mailer", e.Actor.ID)
	assert.Equal(t, shop, e.Tenant)
	assert.Equal(t, orders, e.Purpose)
	assert.Equal(t, troth.Instant(clock.now().Add(time.Minute)), e.Facts["until"])
	rows, err := w.store.LapsedWindows(w.ctx, clock.now().Add(time.Hour).UnixMicro(), 10)
	require.NoError(t, err)
	require.Len(t, rows, 1)
	require.Equal(t, troth.ID(rows[0].ID.String()), e.Facts["window"])
}

func TestWindow_TellsCountsAndSubjectsAtItsEnd(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	for i, n := range []int{3, 1, 2} {
		for _, c := range []troth.Compartment{profile, invoice} {
			at := emailOf(shop, subject(i), c)
			sealed := w.seal(v, at, "x")
			for range n {
				w.opens(v, at, sealed, "x")
			}
		}
	}
	w.seal(v, emailOf(shop, "only sealed", profile), "x")
	require.Empty(t, w.rec.committed(t, "vault.window-subject", "vault.window-close"))
	require.NoError(t, v.Close(w.ctx))
	window := w.rec.committed(t, windows)[0].Facts["window"]
	subjects := w.rec.committed(t, "vault.window-subject")
	require.Len(t, subjects, 3)
	for i, n := range []int64{6, 2, 4} {
		assert.Equal(t, subject(i), subjects[i].SubjectID)
		assert.Equal(t, "mailer", subjects[i].Actor.ID)
		assert.Equal(t, orders, subjects[i].Purpose)
		assert.Equal(t, troth.Facts{
			"window": window, "compartments": troth.Words(profile, invoice), "values": troth.Count(n),
		}, subjects[i].Facts)
	}
	ends := w.rec.committed(t, "vault.window-close")
	require.Len(t, ends, 1)
	assert.Equal(t, troth.ActOutcome(""), ends[0].Outcome)
	assert.Equal(t, troth.Facts{"window": window, "subjects": troth.Count(3), "values": troth.Count(12)}, ends[0].Facts)
	require.NoError(t, v.Close(w.ctx))
	require.Len(t, w.rec.committed(t, "vault.window-close"), 1)
	rows, err := w.store.LapsedWindows(w.ctx, time.Now().Add(time.Hour).UnixMicro(), 10)
	require.NoError(t, err)
	require.Empty(t, rows)
}

// TestClose_TellsWindowsInTheOrderOfTheirBeginning keeps trails of equal runs
// equal.
func TestClose_TellsWindowsInTheOrderOfTheirBeginning(t *testing.T) {
	w := newWorld(t)
	clock := newWallClock()
	v := w.vault(vault.WithClock(clock.now))
	for i := range 20 {
		require.NoError(t, v.OpenWindow(w.ctx, shop, troth.Purpose(fmt.Sprintf("purpose-%d", i))))
		clock.advance(time.Second)
	}
	require.NoError(t, v.Close(w.ctx))
	var begun, ended []troth.Purpose
	for _, e := range w.rec.committed(t, windows) {
		begun = append(begun, e.Purpose)
	}
	for _, e := range w.rec.committed(t, "vault.window-close") {
		ended = append(ended, e.Purpose)
	}
	require.Len(t, begun, 20)
	require.Equal(t, begun, ended)
}

func TestClose_RefusesFurtherWork(t *testing.T) {
	c := newPendingCase(t)
	require.NoError(t, c.v.Close(c.ctx))
	c.refusesAll(c.ctx, vault.ErrClosed)
	require.ErrorIs(t, lookup(c.v.Shred(c.ctx, erasure, personOf(shop, "42"))), vault.ErrClosed)
	require.ErrorIs(t, lookup(c.v.MAC(c.ctx, someKey, nil)), vault.ErrClosed)
	require.ErrorIs(t, c.v.OpenWindow(c.ctx, shop, orders), vault.ErrClosed)
}

func TestWindow_RollsOverByTime(t *testing.T) {
	w := newWorld(t)
	v := w.vault(vault.WithWindow(time.Second), vault.WithFenceAge(time.Hour))
	clock := w.fakeMono(v)
	at := emailOf(shop, "42", profile)
	sealed := w.seal(v, at, "x")
	h, err := v.For(w.ctx, at.Subject, at.Compartment, orders)
	require.NoError(t, err)
	for i := range 3 {
		w.opens(v, at, sealed, "x")
		_, err := h.AppendOpen(w.ctx, nil, at.Cell, sealed)
		require.NoError(t, err)
		require.Len(t, w.rec.committed(t, windows), i+1)
		ends := w.rec.committed(t, "vault.window-close")
		require.Len(t, ends, i, "the one before is told with the beginning of the next")
		for _, e := range ends {
			require.Equal(t, int64(2), e.Facts["values"].Number())
		}
		clock.advance(time.Second)
	}
	require.NoError(t, v.Sweep(w.ctx))
	require.Len(t, w.rec.committed(t, "vault.window-close"), 3)
}

func TestWindow_RollsOverBySubjects(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	v.LimitWindow(4)
	for i := range 10 {
		at := emailOf(shop, subject(i), profile)
		w.opens(v, at, w.seal(v, at, "x"), "x")
	}
	require.NoError(t, v.Close(w.ctx))
	require.Len(t, w.rec.committed(t, windows), 3)
	require.Len(t, w.rec.committed(t, "vault.window-subject"), 10)
	var told int64
	for _, e := range w.rec.committed(t, "vault.window-close") {
		told += e.Facts["values"].Number()
	}
	require.Equal(t, int64(10), told)
}

func TestWindow_OfADeadProcessIsMarkedUnknown(t *testing.T) {
	w := newWorld(t)
	clock := newWallClock()
	with := []vault.Option{vault.WithClock(clock.now), vault.WithWindow(time.Minute)}
	crashed := w.vault(with...)
	at := emailOf(shop, "42", profile)
	w.opens(crashed, at, w.seal(crashed, at, "x"), "x")

	survivor := w.vault(with...)
	clock.advance(time.Minute + vault.WindowGrace)
	require.NoError(t, survivor.Sweep(t.Context()))
	require.Empty(t, w.rec.committed(t, "vault.window-close"), "it may still be slow")
	clock.advance(time.Second)
	for range 2 {
		require.NoError(t, survivor.Sweep(t.Context()))
		ends := w.rec.committed(t, "vault.window-close")
		require.Len(t, ends, 1)
		assert.Equal(t, troth.Unknown, ends[0].Outcome)
		assert.Equal(t, "mailer", ends[0].Actor.ID)
		assert.Equal(t, troth.Facts{"window": w.rec.committed(t, windows)[0].Facts["window"]}, ends[0].Facts)
	}
}

func TestWindow_CountsAreNotLostWhenTellingFails(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	const people = 700
	for i := range people {
		at := emailOf(shop, subject(i), profile)
		w.opens(v, at, w.seal(v, at, "x"), "x")
	}
	told := 0
	w.rec.setFail(func(e troth.Entry) error {
		if e.Act.Name == "vault.window-subject" {
			if told++; told > 600 {
				return errRecorder
			}
		}
		return nil
	})
	require.ErrorIs(t, v.CloseWindows(w.ctx), errRecorder)
	require.Empty(t, w.rec.committed(t, "vault.window-close"))
	stop := w.rec.failOn("vault.window-close")
	require.ErrorIs(t, v.CloseWindows(w.ctx), errRecorder)
	stop()
	require.NoError(t, v.CloseWindows(w.ctx))
	seen := map[string]int{}
	for _, e := range w.rec.committed(t, "vault.window-subject") {
		seen[e.SubjectID]++
	}
	require.Len(t, seen, people)
	for id, n := range seen {
		require.Equal(t, 1, n, id)
	}
	require.Equal(t, int64(people), w.rec.committed(t, "vault.window-close")[0].Facts["values"].Number())
}

func TestWindow_ClosingInsideATransactionDoesNotDependOnIt(t *testing.T) {
	w := newWorld(t)
	w.db = memory.Open(memory.WithWaitBound(0))
	w.store, w.rec = vaultmem.New(w.db), newRecorder(w.db)
	v := w.vault()
	at := emailOf(shop, "42", profile)
	w.opens(v, at, w.seal(v, at, "x"), "x")
	tx, err := w.db.Begin(w.ctx)
	require.NoError(t, err)
	require.ErrorIs(t, v.Close(w.db.WithTx(w.ctx, tx)), troth.ErrBusy)
	require.NoError(t, tx.Rollback())
	require.Empty(t, w.rec.committed(t, "vault.window-close"))
	require.NoError(t, v.Close(w.ctx))
	require.Len(t, w.rec.committed(t, "vault.window-close"), 1)
}

func TestWindow_ActorsTenantsAndPurposesAreApart(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	homes := []troth.Tenant{"", shop}
	for _, tenant := range []troth.Tenant{shop, bakery} {
		at := emailOf(tenant, "42", profile)
		sealed := w.seal(v, at, "x")
		h, err := v.For(asService(t.Context(), "handle"), at.Subject, at.Compartment, orders)
		require.NoError(t, err)
		_, err = h.AppendOpen(w.ctx, nil, at.Cell, sealed)
		require.NoError(t, err)
		for range 2 {
			for _, id := range []string{"mailer", "export"} {
				for _, home := range homes {
					for _, purpose := range []troth.Purpose{orders, "backup"} {
						ctx := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: id, Tenant: home})
						_, err := v.AppendOpen(ctx, nil, at, purpose, sealed)
						require.NoError(t, err)
					}
				}
			}
		}
	}
	require.NoError(t, v.Close(w.ctx))
	type who struct {
		actor   string
		home    troth.Tenant
		tenant  troth.Tenant
		purpose troth.Purpose
	}
	told := map[who]int64{}
	for _, e := range w.rec.committed(t, "vault.window-close") {
		told[who{e.Actor.ID, e.Actor.Home(), e.Tenant, e.Purpose}] += e.Facts["values"].Number()
	}
	require.Len(t, told, 2*2*2*2+2)
	for name, n := range told {
		want := int64(2)
		if name.actor == "handle" {
			want = 1
		}
		require.Equal(t, want, n, "%v", name)
	}
	require.Len(t, w.rec.committed(t, windows), len(told))
}

func TestWindow_LetsAServiceOpenInsideATransaction(t *testing.T) {
	w := newWorld(t)
	v := w.vault(vault.WithWindow(time.Minute), vault.WithFenceAge(time.Hour))
	clock := w.fakeMono(v)
	at := emailOf(shop, "42", profile)
	sealed := w.seal(v, at, "x")
	w.opens(v, at, sealed, "x")
	clock.advance(59 * time.Second)
	require.NoError(t, v.OpenWindow(w.ctx, shop, orders), "it makes a new one where little is left of the old")
	require.Len(t, w.rec.committed(t, windows), 2)
	tx, err := w.db.Begin(w.ctx)
	require.NoError(t, err)
	clock.advance(2 * time.Second)
	got, err := v.AppendOpen(w.db.WithTx(w.ctx, tx), nil, at, orders, sealed)
	require.NoError(t, err)
	require.Equal(t, "x", string(got))
	require.NoError(t, tx.Rollback())
	require.NoError(t, v.Close(w.ctx))
	var told int64
	for _, e := range w.rec.committed(t, "vault.window-close") {
		told += e.Facts["values"].Number()
	}
	require.Equal(t, int64(2), told, "a rollback does not un-see")
}

func TestWindow_CountsAreNeverBelowTheOpenings(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	v.LimitWindow(8)
	const people = 32
	at := make([]troth.Context, people)
	sealed := make([][]byte, people)
	for i := range people {
		at[i] = emailOf(shop, subject(i), profile)
		sealed[i] = w.seal(v, at[i], "x")
	}
	var opened [people]atomic.Int64
	stop := make(chan struct{})
	var closer, openers sync.WaitGroup
	closer.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if err := v.CloseWindows(w.ctx); err != nil {
					t.Error(err)
				}
			}
		}
	})
	for g := range 16 {
		openers.Go(func() {
			for n := range 200 {
				i := (g + n) % people
				if _, err := v.AppendOpen(w.ctx, nil, at[i], orders, sealed[i]); err != nil {
					t.Error(err)
					return
				}
				opened[i].Add(1)
			}
		})
	}
	openers.Wait()
	close(stop)
	closer.Wait()
	require.NoError(t, v.Close(w.ctx))
	told := map[string]int64{}
	for _, e := range w.rec.committed(t, "vault.window-subject") {
		told[e.SubjectID] += e.Facts["values"].Number()
	}
	for i := range people {
		require.GreaterOrEqual(t, told[subject(i)], opened[i].Load())
	}
	require.Len(t, w.rec.committed(t, "vault.window-close"), len(w.rec.committed(t, windows)))
}

func TestWindow_WaitingForItsBeginningEndsWithTheContext(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	at := emailOf(shop, "42", profile)
	sealed := w.seal(v, at, "x")
	begun, pass := make(chan struct{}), make(chan struct{})
	w.rec.setFail(func(troth.Entry) error {
		close(begun)
		<-pass
		return errRecorder
	})
	first := make(chan error)
	go func() { first <- lookup(v.AppendOpen(w.ctx, nil, at, orders, sealed)) }()
	<-begun
	ctx, cancel := context.WithCancel(w.ctx)
	cancel()
	require.ErrorIs(t, lookup(v.AppendOpen(ctx, nil, at, orders, sealed)), context.Canceled)
	close(pass)
	require.ErrorIs(t, <-first, errRecorder)
	w.rec.setFail(nil)
	w.opens(v, at, sealed, "x")
	require.Len(t, w.rec.committed(t, windows), 1)
}
