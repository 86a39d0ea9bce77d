package vault_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// limited is a past in which cyd can be restricted.
type limited struct {
	*past
	v      *vault.Vault
	sealed []byte
}

func newLimited(t *testing.T) *limited {
	t.Helper()
	w := journalWorld(t)
	l := &limited{past: &past{world: w}, v: w.vault()}
	l.sealed = l.seal(l.v, cyd, "cyd")
	_, err := l.v.MAC(w.ctx, troth.KeyRef{Tenant: troth.Platform, Use: "u", ID: "i"}, nil)
	require.NoError(t, err)
	return l
}

func (l *limited) restrict(v *vault.Vault, except ...troth.Purpose) vault.Restricted {
	l.t.Helper()
	r, err := v.Restrict(l.ctx, restriction("cyd", except...))
	require.NoError(l.t, err)
	return r
}

func (l *limited) lift(v *vault.Vault, r vault.Restricted) {
	l.t.Helper()
	g, err := v.Grant(l.ctx, grantFor(r))
	require.NoError(l.t, err)
	_, err = v.Lift(l.ctx, g)
	require.NoError(l.t, err)
}

func (l *limited) pump() {
	l.t.Helper()
	require.NoError(l.t, l.v.PumpJournal(l.ctx))
}

// leaves demands that in every process cyd's value opens for these purposes and no
// others, and that a new compartment is under the same rule.
func (l *limited) leaves(w *world, v *vault.Vault, ps ...troth.Purpose) {
	l.t.Helper()
	for _, v := range []*vault.Vault{v, w.vault()} {
		fresh := w.seal(v, emailOf(shop, "cyd", invoice), "new")
		for _, p := range []troth.Purpose{orders, claims, consent} {
			for at, sealed := range map[troth.Context][]byte{cyd: l.sealed, emailOf(shop, "cyd", invoice): fresh} {
				_, err := v.AppendOpen(w.ctx, nil, at, p, sealed)
				want := vault.ErrRestricted
				for _, left := range ps {
					if p == left {
						want = nil
					}
				}
				require.ErrorIs(l.t, err, want, "%s in %s", p, at.Compartment)
			}
		}
	}
	if len(ps) < 3 {
		require.Positive(l.t, w.person("cyd").Restricted)
	}
}

// TestRestoreKeys_ARestrictionOutlivesTheData on a key that the older data has,
// without asking the tenant's key-encryption key to seal anything.
func TestRestoreKeys_ARestrictionOutlivesTheData(t *testing.T) {
	l := newLimited(t)
	l.old = l.backUp()
	l.restrict(l.v, claims)
	l.pump()
	made, keys := l.backUpKeys(l.v)
	require.EqualValues(t, 1, made.Controls)
	row := l.keyRow(cyd)
	w := l.restored(l.old)
	v := w.vault(vault.ForReplay())
	done := w.restoreKeys(v, keys)
	require.EqualValues(t, 1, done.Controls)
	require.EqualValues(t, 1, done.Flagged)
	require.Equal(t, row.Sealed, w.keyRow(cyd).Sealed, "it is taken as it is")
	require.Equal(t, vault.KeysRestored{Backup: done.Backup}, w.restoreKeys(v, keys))
	_, err := v.Replay(w.ctx)
	require.NoError(t, err)
	l.leaves(w, v, claims)
	rs, err := v.Restrictions(w.ctx, shop, "cyd")
	require.NoError(t, err)
	require.Len(t, rs, 1)
	l.lift(v, rs[0])
	l.leaves(w, v, orders, claims, consent)
}

// TestRestoreKeys_WhatWasLiftedStaysLifted, and what was restricted since stays
// restricted, whichever of data and key tables is older.
func TestRestoreKeys_WhatWasLiftedStaysLifted(t *testing.T) {
	l := newLimited(t)
	first := l.restrict(l.v, claims)
	l.old = l.backUp()
	_, oldKeys := l.backUpKeys(l.v)
	l.lift(l.v, first)
	l.pump()
	between := l.backUp()
	_, keys := l.backUpKeys(l.v)

	w, v := l.restore(keys) // the data knows it in force
	l.leaves(w, v, orders, claims, consent)
	w.restoreKeys(v, oldKeys) // and so does this backup: it is older
	l.leaves(w, v, orders, claims, consent)

	w = l.restored(between) // the data knows it lifted
	v = w.vault()
	w.restoreKeys(v, oldKeys)
	l.leaves(w, v, orders, claims, consent)

	// Somebody is restricted after the restore, and then another backup is put in.
	l.restrict(v, consent)
	l.leaves(w, v, consent)
	for _, keys := range [][]byte{keys, oldKeys} {
		w.restoreKeys(v, keys)
		l.leaves(w, v, consent)
	}
}

// TestReplay_ARestrictionOfWhichOnlyTheJournalTellsLeavesNothing until it is lifted:
// the exceptions are lost, the right is not.
func TestReplay_ARestrictionOfWhichOnlyTheJournalTellsLeavesNothing(t *testing.T) {
	for _, withKeys := range []bool{true, false} {
		l := newLimited(t)
		l.old = l.backUp()
		_, keys := l.backUpKeys(l.v)
		if !withKeys {
			keys = nil
		}
		r := l.restrict(l.v, claims)
		ended := l.restrict(l.v, consent)
		l.lift(l.v, ended)
		_, err := l.v.Restrict(l.ctx, restriction("zoe")) // of whom nothing is known
		require.NoError(t, err)
		l.pump()

		w, v := l.restore(keys)
		l.leaves(w, v)
		_, err = v.Replay(w.ctx) // twice is once
		require.NoError(t, err)
		rs, err := v.Restrictions(w.ctx, shop, "cyd")
		require.NoError(t, err)
		require.Len(t, rs, 1)
		require.Equal(t, r.Entry, rs[0].Entry)
		require.Empty(t, rs[0].Except)
		l.lift(v, rs[0])
		require.NoError(t, v.PumpJournal(w.ctx))
		l.leaves(w, v, orders, claims, consent)
		_, err = v.Replay(w.ctx)
		require.NoError(t, err)
		l.leaves(w, v, orders, claims, consent)
	}
}

// TestRestoreKeys_AForgedEndOfARestrictionEndsNothing: who writes the database
// cannot have a restore take a restriction off a key.
func TestRestoreKeys_AForgedEndOfARestrictionEndsNothing(t *testing.T) {
	l := newLimited(t)
	r := l.restrict(l.v, claims)
	l.pump()
	l.old = l.backUp()
	_, keys := l.backUpKeys(l.v)
	for i := range l.old.limits {
		l.old.limits[i].LiftedAt, l.old.limits[i].LiftedBy = time.Now().UnixMicro(), troth.EntryID{1}
	}
	w := l.restored(l.old)
	v := w.vault()
	w.restoreKeys(v, keys)
	_, err := v.AppendOpen(w.ctx, nil, cyd, orders, l.sealed)
	require.ErrorIs(t, err, vault.ErrRestricted)
	_, err = v.Grant(w.ctx, grantFor(r))
	require.ErrorIs(t, err, vault.ErrForged)
}

// TestRestoreKeys_ARevokedKEKHoldsUpNobody: a restriction comes back without it,
// and where it would have to tell that one was lifted the restriction stays until
// it can.
func TestRestoreKeys_ARevokedKEKHoldsUpNobody(t *testing.T) {
	for _, lifted := range []bool{false, true} {
		l := newLimited(t)
		k := l.kms(ourKey)
		l.v = l.vault()
		l.move(l.v, shop, ourKey)
		var first vault.Restricted
		if lifted {
			first = l.restrict(l.v, claims)
			l.old = l.backUp()
			l.lift(l.v, first)
		} else {
			l.old = l.backUp()
			l.restrict(l.v, claims)
		}
		l.pump()
		_, keys := l.backUpKeys(l.v)
		k.keys[ourKey].revoke()
		w := l.restored(l.old)
		v := w.vault(vault.ForReplay())
		w.restoreKeys(v, keys)
		k.keys[ourKey].restore()
		_, err := w.vault(vault.ForReplay()).Replay(w.ctx)
		require.NoError(t, err)
		v = w.vault()
		_, err = v.AppendOpen(w.ctx, nil, cyd, orders, l.sealed)
		require.ErrorIs(t, err, vault.ErrRestricted, "lifted: %t", lifted)
		if lifted {
			w.restoreKeys(v, keys)
			l.leaves(w, v, orders, claims, consent)
		} else {
			l.leaves(w, v, claims)
		}
	}
}

// TestReplay_ALiftInALaterBatchLifts: a replay in steps ends what it began.
func TestReplay_ALiftInALaterBatchLifts(t *testing.T) {
	for _, limit := range []int{1, 2, 100} {
		for _, known := range []bool{true, false} {
			l := newLimited(t)
			if !known {
				l.old = l.backUp()
			}
			first := l.restrict(l.v, claims)
			if known {
				l.old = l.backUp()
			}
			l.lift(l.v, first)
			l.restrict(l.v, claims, consent)
			l.pump()
			w := l.restored(l.old)
			v := w.vault(vault.ForReplay(), vault.LimitReplay(limit))
			_, err := v.Replay(w.ctx)
			require.NoError(t, err)
			all, err := v.Restrictions(w.ctx, shop, "cyd")
			require.NoError(t, err)
			inForce := 0
			for _, r := range all {
				if r.LiftedAt.IsZero() {
					inForce++
				}
			}
			require.Equal(t, 1, inForce, "limit %d, known %t", limit, known)
		}
	}
}
