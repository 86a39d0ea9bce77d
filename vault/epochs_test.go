package vault_test

import (
	"context"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
	"github.com/trothdev/troth/vault/vaulttest"
)

// epochal is a world with epochs and a clock.
type epochal struct {
	*world
	epochs *vaulttest.EpochStore
	at     time.Time
}

func newEpochal(t testing.TB) *epochal {
	t.Helper()
	return &epochal{
		world:  newWorld(t),
		epochs: &vaulttest.EpochStore{Declared: vault.EpochPlace{Name: "elsewhere", Apart: true}},
		at:     time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC),
	}
}

// open opens another vault, as another process does.
func (e *epochal) open(opts ...vault.Option) *vault.Vault {
	e.t.Helper()
	return e.openOn(e.store, opts...)
}

func (e *epochal) openOn(s vault.Backend, opts ...vault.Option) *vault.Vault {
	e.t.Helper()
	c := e.config()
	c.Store, c.Epochs = s, e.epochs
	v, err := vault.Open(e.ctx, c, append([]vault.Option{vault.Unmanaged("tests"), vault.WithClock(e.clock)}, opts...)...)
	require.NoError(e.t, err)
	return v
}

func (e *epochal) clock() time.Time { return e.at }

// pass lets time pass.
func (e *epochal) pass(d time.Duration) { e.at = e.at.Add(d) }

func (e *epochal) advance(v *vault.Vault) uint32 {
	e.t.Helper()
	n, err := v.Advance(e.ctx)
	require.NoError(e.t, err)
	return n
}

func (e *epochal) rewrap(v *vault.Vault) vault.Rewrapped {
	e.t.Helper()
	r, err := v.Rewrap(e.ctx, vault.RewrapParams{})
	require.NoError(e.t, err)
	require.True(e.t, r.Done)
	require.Empty(e.t, r.Stuck)
	return r
}

// backedUp is a key backup of this moment that was opened as a test.
func (e *epochal) backedUp() { noteBackup(e.ctx, e.t, e.store, e.at) }

func noteBackup(ctx context.Context, t require.TestingT, store vault.Backend, at time.Time) {
	rows, err := store.Epochs(ctx)
	require.NoError(t, err)
	for _, row := range rows {
		_, err := store.EpochBackedUp(ctx, row.Epoch, row.ClosedAt, at.UnixMicro())
		require.NoError(t, err)
	}
}

// retire destroys what can be, behind a key backup.
func (e *epochal) retire(v *vault.Vault) vault.Retired {
	e.t.Helper()
	e.pass(time.Second)
	e.backedUp()
	r, err := v.Retire(e.ctx)
	require.NoError(e.t, err)
	return r
}

// facts returns the facts of the committed entries of an act.
func (e *epochal) facts(act string) (all []troth.Facts) {
	e.t.Helper()
	for _, r := range e.rec.committed(e.t, act) {
		all = append(all, r.Facts)
	}
	return all
}

func TestOpen_OpensTheFirstEpochAndNoOther(t *testing.T) {
	e := newEpochal(t)
	for range 2 {
		all, err := e.open().Epochs(e.ctx)
		require.NoError(t, err)
		require.Equal(t, []vault.Epoch{{Number: 1, Place: "elsewhere", Opened: e.at}}, all)
	}
	require.Equal(t, []troth.Facts{{"epoch": troth.Count(1), "place": troth.Word("elsewhere")}}, e.facts("vault.epoch-open"))
}

func TestOpen_NeedsTheEpochsThatTheStoreKnows(t *testing.T) {
	e := newEpochal(t)
	e.open()
	_, err := vault.Open(e.ctx, e.config())
	require.ErrorIs(t, err, vault.ErrNoEpochs)
}

func TestEpochs_ARootLiesUnderBothKeys(t *testing.T) {
	e := newEpochal(t)
	at := emailOf(shop, "42", profile)
	sealed := e.seal(e.open(), at, "ada")
	row := e.rootRow(shop, vault.WrapLineage)
	require.EqualValues(t, 1, row.Epoch)
	key := e.keyRow(at)
	require.Equal(t, []uint32{1, 1}, []uint32{key.Epoch, key.FirstEpoch})
	inner, err := e.kek.DecryptWithContext(e.ctx, row.Sealed, vault.RootAAD(row))
	require.NoError(t, err)
	require.Greater(t, len(inner), 32, "the key-encryption key alone does not give the root")
	e.opens(e.open(), at, sealed, "ada")

	// With another epoch's key it does not open.
	e.epochs.Declared.Name = "elsewhere"
	other := &vaulttest.EpochStore{Declared: e.epochs.Declared}
	require.NoError(t, other.Create(e.ctx, 1))
	c := e.config()
	c.Epochs = other
	v, err := vault.Open(e.ctx, c)
	require.NoError(t, err)
	_, err = v.AppendOpen(e.ctx, nil, at, orders, sealed)
	require.ErrorIs(t, err, vault.ErrEpochStore)
}

func TestAdvance_RefusesWhereItCannot(t *testing.T) {
	e := newEpochal(t)
	_, err := e.vault().Advance(e.ctx)
	require.ErrorIs(t, err, vault.ErrNoEpochs)
	v := e.open()
	_, err = v.Advance(t.Context())
	require.ErrorIs(t, err, troth.ErrNoActor)
	require.NoError(t, e.db.Atomically(e.ctx, func(ctx context.Context) error {
		for _, call := range epochCalls(v) {
			require.ErrorIs(t, call(ctx), vault.ErrInTx)
		}
		return nil
	}))
	require.NoError(t, v.Close(e.ctx))
	for _, call := range epochCalls(v) {
		require.ErrorIs(t, call(e.ctx), vault.ErrClosed)
	}
}

func epochCalls(v *vault.Vault) []func(ctx context.Context) error {
	return []func(ctx context.Context) error{
		func(ctx context.Context) error { _, err := v.Advance(ctx); return err },
		func(ctx context.Context) error { _, err := v.Rotate(ctx, shop); return err },
		func(ctx context.Context) error { _, err := v.Rewrap(ctx, vault.RewrapParams{}); return err },
		func(ctx context.Context) error { _, err := v.Retire(ctx); return err },
	}
}

func TestAdvance_TwoAtOnceOpenOneEpoch(t *testing.T) {
	e := newEpochal(t)
	vaults := []*vault.Vault{e.open(), e.open()}
	// Both have made the key before either writes the row.
	var both sync.WaitGroup
	both.Add(2)
	e.epochs.Before = func(_ context.Context, call string, _ uint32) error {
		if call == "Create" {
			both.Done()
			both.Wait()
		}
		return nil
	}
	numbers := make([]uint32, 2)
	var wg sync.WaitGroup
	for i, v := range vaults {
		wg.Go(func() {
			var err error
			if numbers[i], err = v.Advance(e.ctx); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.Equal(t, []uint32{2, 2}, numbers)
	require.Len(t, e.facts("vault.epoch-open"), 2)
}

func TestAdvance_ACrashBetweenKeyAndRowIsMadeGoodFor(t *testing.T) {
	e := newEpochal(t)
	v := e.open()
	stop := e.rec.failOn("vault.epoch-open")
	_, err := v.Advance(e.ctx)
	require.ErrorIs(t, err, errRecorder)
	require.True(t, e.epochs.Has(2))
	all, err := v.Epochs(e.ctx)
	require.NoError(t, err)
	require.Len(t, all, 1)
	stop()
	require.EqualValues(t, 2, e.advance(v))
	require.False(t, e.epochs.Has(3))
}

// After a restore the store may lack an epoch whose key was destroyed since.
func TestAdvance_PassesOverNumbersWhoseKeysAreDestroyed(t *testing.T) {
	e := newEpochal(t)
	v := e.open()
	for _, n := range []uint32{2, 3} {
		_, err := e.epochs.Destroy(e.ctx, n)
		require.NoError(t, err)
	}
	require.EqualValues(t, 4, e.advance(v))
}

func TestAdvance_DoesNotCountAround(t *testing.T) {
	e := newEpochal(t)
	v := e.open()
	_, err := e.store.InsertEpoch(e.ctx, vault.EpochRow{Epoch: math.MaxUint32, Place: "elsewhere"})
	require.NoError(t, err)
	_, err = v.Advance(e.ctx)
	require.ErrorIs(t, err, vault.ErrKeyRecord)
}

func TestAdvance_TellsThatTheEpochStoreFails(t *testing.T) {
	e := newEpochal(t)
	v := e.open()
	e.epochs.Before = func(context.Context, string, uint32) error { return errKMS }
	_, err := v.Advance(e.ctx)
	require.ErrorIs(t, err, vault.ErrEpochStore)
	require.ErrorIs(t, err, errKMS)
	ctx, cancel := context.WithCancel(e.ctx)
	cancel()
	_, err = v.Advance(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, vault.ErrEpochStore)
}

func TestRetire_DestroysOnlyWhatNothingLiesUnder(t *testing.T) {
	e := newEpochal(t)
	v := e.open()
	at := emailOf(shop, "42", profile)
	sealed := e.seal(v, at, "ada")
	require.Equal(t, vault.Retired{}, e.retire(v), "the newest epoch stays")
	e.advance(v)
	require.Equal(t, vault.Retired{}, e.retire(v), "a root lies under it")
	e.rewrap(v)
	closed, err := v.Epochs(e.ctx)
	require.NoError(t, err)
	require.Equal(t, e.at, closed[0].Closed, "Rewrap closes what it has emptied")
	require.True(t, e.epochs.Has(1))

	require.Equal(t, vault.Retired{Destroyed: []uint32{1}}, e.retire(v))
	require.False(t, e.epochs.Has(1))
	require.True(t, e.epochs.Has(2))
	require.Equal(t, vault.Retired{}, e.retire(v))
	e.opens(e.open(), at, sealed, "ada")
	require.Equal(t, []troth.Facts{{"epoch": troth.Count(1)}}, e.facts("vault.epoch-close"))
	ends := e.facts("vault.epoch-end")
	require.Len(t, ends, 1)
	require.Equal(t, troth.Word("destroyed"), ends[0]["state"])
	require.Equal(t, troth.Word("tested"), ends[0]["backup"])
}

func TestRetire_WaitsForANewerKeyBackup(t *testing.T) {
	e := newEpochal(t)
	v := e.open()
	e.seal(v, emailOf(shop, "42", profile), "ada")
	e.advance(v)
	e.backedUp() // before the closing: it holds what was moved later as it was
	e.rewrap(v)
	for range 2 {
		r, err := v.Retire(e.ctx)
		require.ErrorIs(t, err, vault.ErrNoKeyBackup)
		require.Equal(t, []uint32{1}, r.Waiting)
		require.True(t, e.epochs.Has(1))
	}
	require.Equal(t, vault.Retired{Destroyed: []uint32{1}}, e.retire(v))
}

func TestUnsafeWithoutKeyBackups_IsInTheEvidence(t *testing.T) {
	_, err := vault.Open(t.Context(), newWorld(t).config(), vault.UnsafeWithoutKeyBackups(""))
	require.Error(t, err)
	e := newEpochal(t)
	v := e.open(vault.UnsafeWithoutKeyBackups("a demonstration"))
	e.advance(v)
	r, err := v.Retire(e.ctx)
	require.NoError(t, err)
	require.Equal(t, vault.Retired{Closed: []uint32{1}, Destroyed: []uint32{1}}, r)
	ends := e.facts("vault.epoch-end")
	require.Equal(t, troth.Word("none"), ends[0]["backup"])
	require.Equal(t, troth.Word("a demonstration"), ends[0]["ground"])
}

func TestRetire_ConfirmsWhatWasPending(t *testing.T) {
	e := newEpochal(t)
	v := e.open()
	e.advance(v)
	final := e.at.Add(7 * 24 * time.Hour)
	e.epochs.FinalAt = func(uint32) time.Time { return final }
	_, err := v.Retire(e.ctx)
	require.ErrorIs(t, err, vault.ErrNoKeyBackup)
	for range 3 { // the instant has passed and nothing was confirmed
		require.Equal(t, vault.Retired{Pending: []uint32{1}}, e.retire(v))
		e.pass(10 * 24 * time.Hour)
	}
	require.Len(t, e.facts("vault.epoch-end"), 1, "what is known is not told again")
	final = e.at.Add(time.Hour) // somebody took it back, and it began anew
	require.Equal(t, vault.Retired{Pending: []uint32{1}}, e.retire(v))
	e.epochs.FinalAt = nil
	require.Equal(t, vault.Retired{Destroyed: []uint32{1}}, e.retire(v))
	var states []troth.Fact
	for _, f := range e.facts("vault.epoch-end") {
		states = append(states, f["state"])
	}
	require.Equal(t, []troth.Fact{troth.Word("pending"), troth.Word("pending"), troth.Word("destroyed")}, states)
}

func TestRetire_GoesOnBehindAnEpochThatCannotBeDestroyed(t *testing.T) {
	e := newEpochal(t)
	v := e.open()
	e.advance(v)
	e.advance(v)
	e.epochs.Before = func(_ context.Context, call string, epoch uint32) error {
		if call == "Destroy" && epoch == 1 {
			return errKMS
		}
		return nil
	}
	_, err := v.Retire(e.ctx)
	require.ErrorIs(t, err, vault.ErrNoKeyBackup)
	e.pass(time.Second)
	e.backedUp()
	r, err := v.Retire(e.ctx)
	require.ErrorIs(t, err, errKMS)
	require.Equal(t, []uint32{2}, r.Destroyed)
	e.epochs.Before = nil
	require.Equal(t, vault.Retired{Destroyed: []uint32{1}}, e.retire(v))
}

// A crash between destroying a key and saying so leaves the row as it was.
func TestRetire_ACrashAfterTheDestructionIsMadeGoodFor(t *testing.T) {
	e := newEpochal(t)
	v := e.open()
	e.advance(v)
	stop := e.rec.failOn("vault.epoch-end")
	_, err := v.Retire(e.ctx)
	require.ErrorIs(t, err, vault.ErrNoKeyBackup)
	e.pass(time.Second)
	e.backedUp()
	_, err = v.Retire(e.ctx)
	require.ErrorIs(t, err, errRecorder)
	require.False(t, e.epochs.Has(1))
	stop()
	require.Equal(t, vault.Retired{Destroyed: []uint32{1}}, e.retire(v))
}

func TestRetire_AnotherEpochStoreDestroysNothing(t *testing.T) {
	e := newEpochal(t)
	v := e.open()
	e.advance(v)
	_, err := v.Retire(e.ctx)
	require.ErrorIs(t, err, vault.ErrNoKeyBackup)
	e.epochs.Declared.Name = "moved"
	e.pass(time.Second)
	e.backedUp()
	_, err = v.Retire(e.ctx)
	require.ErrorIs(t, err, vault.ErrEpochStore)
	require.True(t, e.epochs.Has(1))
	_, err = v.AppendSeal(e.ctx, nil, emailOf(shop, "1", profile), []byte("x"))
	require.ErrorIs(t, err, vault.ErrEpochStore, "no root comes under a key that is not here")
	require.EqualValues(t, 3, e.advance(v))
	e.seal(v, emailOf(shop, "1", profile), "x")
}

func TestEpochStore_ItsDeadlineIsNotTheCallers(t *testing.T) {
	e := newEpochal(t)
	v := e.open()
	e.epochs.Before = func(context.Context, string, uint32) error {
		return fmt.Errorf("slow: %w", context.DeadlineExceeded)
	}
	_, err := v.AppendSeal(e.ctx, nil, emailOf(shop, "1", profile), []byte("x"))
	require.ErrorIs(t, err, vault.ErrEpochStore)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}
