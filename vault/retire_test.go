package vault_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

func nothingLeft(context.Context, uint32) (bool, error) { return true, nil }

func retirementOf(at troth.Context, generation uint32) vault.Retirement {
	return vault.Retirement{
		Subject: at.Subject, Compartment: at.Compartment, Generation: generation, NothingLeft: nothingLeft,
	}
}

// aged opens a vault for which two hours have passed.
func (w *world) aged(opts ...vault.Option) *vault.Vault {
	w.t.Helper()
	later := func() time.Time { return time.Now().Add(2 * time.Hour) }
	return w.vault(append([]vault.Option{vault.WithClock(later)}, opts...)...)
}

func TestRetireKey_LetsOneGenerationGo(t *testing.T) {
	w := newWorld(t)
	v, there := w.vault(), w.vault()
	clock := w.fakeMono(there)
	at := emailOf(shop, "42", profile)
	first := w.seal(v, at, "first")
	firstKey := w.keyRow(at)
	w.renew(v, at)
	second := w.seal(v, at, "second")
	w.renew(v, at)
	third := w.seal(v, at, "third")
	for i, sealed := range [][]byte{first, second, third} {
		w.opens(there, at, sealed, []string{"first", "second", "third"}[i])
	}

	v = w.aged()
	r := retirementOf(at, 2)
	secondID, _ := vault.KeyID(second)
	r.NothingLeft = func(_ context.Context, id uint32) (bool, error) {
		require.Equal(t, secondID, id)
		return true, nil
	}
	receipt, err := v.RetireKey(w.ctx, erasure, r)
	require.NoError(t, err)
	require.Len(t, receipt.Keys, 1)
	require.EqualValues(t, 2, receipt.Keys[0].Generation)
	require.Equal(t, secondID, receipt.Keys[0].KeyID)

	for _, at2 := range []*vault.Vault{v, w.vault()} {
		w.opens(at2, at, first, "first")
		w.opens(at2, at, third, "third")
		require.ErrorIs(t, lookup(at2.AppendOpen(w.ctx, nil, at, orders, second)), vault.ErrOpen)
	}
	clock.advance(bound + 1)
	require.ErrorIs(t, lookup(there.AppendOpen(w.ctx, nil, at, orders, second)), vault.ErrOpen)
	w.opens(there, at, third, "third")

	// A second time it is gone already.
	again, err := v.RetireKey(w.ctx, erasure, retirementOf(at, 2))
	require.NoError(t, err)
	require.True(t, again.Already)
	require.Zero(t, again.Entry)
	es := w.rec.committed(t, "vault.retire")
	require.Len(t, es, 1)
	require.Equal(t, receipt.Entry, es[0].ID)
	require.EqualValues(t, 2, es[0].Facts["generation"].Number())
	require.Equal(t, "unmanaged", es[0].Facts["permit"].Text())

	// The compartment lives on, and dies as ever.
	require.EqualValues(t, 4, w.renew(v, at))
	dead := w.shred(v, personOf(shop, "42"))
	require.Len(t, dead.Keys, 3)
	require.Equal(t, firstKey.Commitment, dead.Keys[0].Commitment)
	for _, sealed := range [][]byte{first, second, third} {
		w.refuses(v, at, sealed, vault.ErrShredded)
	}
	_, err = v.RetireKey(w.ctx, erasure, retirementOf(at, 1))
	require.ErrorIs(t, err, vault.ErrShredded)
}

func TestRetireKey_Refuses(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	at := emailOf(shop, "42", profile)
	first := w.seal(v, at, "first")
	_, err := w.aged().RetireKey(w.ctx, erasure, retirementOf(at, 1))
	require.ErrorIs(t, err, vault.ErrInUse, "the only one")
	w.renew(v, at)
	_, err = v.RetireKey(w.ctx, erasure, retirementOf(at, 1))
	require.ErrorIs(t, err, vault.ErrInUse, "too early")
	slow := w.aged(vault.WithFenceAge(time.Hour + time.Minute))
	_, err = slow.RetireKey(w.ctx, erasure, retirementOf(at, 1))
	require.ErrorIs(t, err, vault.ErrInUse, "too early by the fence's age")

	v = w.aged()
	_, err = v.RetireKey(w.ctx, erasure, retirementOf(at, 2))
	require.ErrorIs(t, err, vault.ErrInUse, "the newest")
	for _, bad := range []func(r *vault.Retirement){
		func(r *vault.Retirement) { r.NothingLeft = nil },
		func(r *vault.Retirement) { r.Generation = 0 },
		func(r *vault.Retirement) { r.Generation = 3 },
	} {
		r := retirementOf(at, 1)
		bad(&r)
		_, err = v.RetireKey(w.ctx, erasure, r)
		require.ErrorIs(t, err, vault.ErrTarget)
	}
	r := retirementOf(at, 1)
	r.NothingLeft = func(context.Context, uint32) (bool, error) { return false, nil }
	_, err = v.RetireKey(w.ctx, erasure, r)
	require.ErrorIs(t, err, vault.ErrInUse)
	unsure := errors.New("unsure")
	r.NothingLeft = func(context.Context, uint32) (bool, error) { return true, unsure }
	_, err = v.RetireKey(w.ctx, erasure, r)
	require.ErrorIs(t, err, unsure)

	_, err = v.RetireKey(w.ctx, troth.Permit{}, retirementOf(at, 1))
	require.ErrorIs(t, err, vault.ErrNotPermitted)
	_, err = v.RetireKey(t.Context(), erasure, retirementOf(at, 1))
	require.ErrorIs(t, err, troth.ErrNoActor)
	_, err = v.RetireKey(w.ctx, erasure, retirementOf(emailOf(shop, "42", invoice), 1))
	require.ErrorIs(t, err, vault.ErrNoKey)
	_, err = v.RetireKey(w.ctx, erasure, retirementOf(emailOf(bakery, "42", profile), 1))
	require.ErrorIs(t, err, vault.ErrNoKey)
	stop := w.rec.failOn("vault.retire")
	_, err = v.RetireKey(w.ctx, erasure, retirementOf(at, 1))
	require.ErrorIs(t, err, errRecorder)
	stop()
	w.opens(v, at, first, "first")
	w.opens(w.vault(), at, first, "first")

	require.NoError(t, w.store.SetManaged(w.ctx))
	_, err = v.RetireKey(w.ctx, erasure, retirementOf(at, 1))
	require.ErrorIs(t, err, vault.ErrUnmanaged)
}
