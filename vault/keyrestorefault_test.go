package vault_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/faultstore"
	"github.com/trothdev/troth/vault"
)

// TestRestoreKeys_EveryFaultOnTheWay breaks the restore of the key tables off at
// every call. Done again it is done; and who does not heed the error and replays
// brings nobody back, nor opens anybody who is restricted.
func TestRestoreKeys_EveryFaultOnTheWay(t *testing.T) {
	l := newLimited(t)
	late, left := emailOf(shop, "late", profile), emailOf(shop, "left", profile)
	sealed := map[troth.Context][]byte{}
	for _, at := range []troth.Context{ada, bob, left, adasTwin} {
		sealed[at] = l.seal(l.v, at, "data of "+at.Subject.ID)
	}
	r := l.restrict(l.v, orders) // lifted since
	l.old = l.backUp()
	l.lift(l.v, r)
	l.restrict(l.v, claims)
	l.shred(l.v, personOf(shop, "ada"))
	sealed[late] = l.seal(l.v, late, "data of late")
	_, err := l.v.InsecureExportCleartextKeyset(l.ctx, token, vault.KeysetExport{Tenant: shop, SubjectID: "left", Ground: "move"})
	require.NoError(t, err)
	_, keys := l.backUpKeys(l.v)
	l.shred(l.v, personOf(shop, "bob"))
	l.pump()

	run := func(t *testing.T, i *faultstore.Injection, again bool) (calls []faultstore.Call) {
		plan := faultstore.NewPlan()
		w := l.restored(l.old).in(t)
		v := w.faultyReplay(plan)
		before := len(plan.Calls())
		ctx := w.ctx
		if i != nil {
			plan.Add(*i)
			var cancel context.CancelFunc
			ctx, cancel = plan.Context(w.ctx)
			defer cancel()
		}
		_, err := v.RestoreKeys(ctx, bytes.NewReader(keys))
		calls = plan.Calls()[before:]
		if i == nil {
			require.NoError(t, err)
		}
		broken := err != nil
		for at, b := range sealed {
			w.refuses(v, at, b, vault.ErrJournalAhead)
		}
		next := w.vault(vault.ForReplay())
		if again {
			w.restoreKeys(next, keys)
		}
		_, err = next.Replay(w.ctx)
		require.NoError(t, err)
		for _, v := range []*vault.Vault{next, w.vault()} {
			w.opens(v, adasTwin, sealed[adasTwin], "data of ada")
			w.opens(v, left, sealed[left], "data of left")
			w.refuses(v, ada, sealed[ada], vault.ErrShredded)
			w.refuses(v, bob, sealed[bob], vault.ErrShredded)
			for _, p := range []troth.Purpose{orders, consent} {
				require.ErrorIs(t, lookup(v.AppendOpen(w.ctx, nil, cyd, p, l.sealed)), vault.ErrRestricted)
			}
			if again || !broken {
				w.opens(v, late, sealed[late], "data of late")
				_, err := v.AppendOpen(w.ctx, nil, cyd, claims, l.sealed)
				require.NoError(t, err)
			}
		}
		h, err := next.Horizon(w.ctx, w.shred(next, personOf(shop, "left")))
		require.NoError(t, err)
		require.True(t, h.Exported)
		return calls
	}
	calls := run(t, nil, false)
	require.Greater(t, len(calls), 10)
	faults := []faultstore.Fault{faultstore.FailBefore, faultstore.FailAfter, faultstore.CancelAfter}
	if testing.Short() {
		faults = faults[1:2]
	}
	for i := range faultstore.Each(calls, faults...) {
		for _, again := range []bool{true, false} {
			t.Run(fmt.Sprint(i.Method, i.Nth, i.Fault, again), func(t *testing.T) { run(t, &i, again) })
		}
	}
}
