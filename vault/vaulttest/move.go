package vaulttest

import (
	"context"
	"slices"
	"strconv"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/suite"
	"github.com/trothdev/troth/vault"
)

func placeOf(k vault.KeyRow) vault.KeyPlace {
	return vault.KeyPlace{SubjectID: k.SubjectID, Compartment: k.Compartment, Generation: k.Generation}
}

func moveOf(k vault.KeyRow, sealed string) vault.KeyMove {
	return vault.KeyMove{KeyPlace: placeOf(k), From: k.Epoch, Sealed: []byte(sealed)}
}

// moved is what becomes of a key that moves.
func moved(k vault.KeyRow, to uint32, sealed string) vault.KeyRow {
	k.Epoch, k.Sealed = to, []byte(sealed)
	return k
}

// staleKeys reads keys below epoch 2 in a transaction of its own.
func (r *rig) staleKeys(after vault.KeyPlace, limit int) (found []vault.KeyRow) {
	r.Helper()
	r.Atomically(r.Context(), func(ctx context.Context) {
		var err error
		found, err = r.s.StaleKeys(ctx, vault.StaleKeys{Tenant: r.A, Below: 2, After: after, Limit: limit})
		r.OK(err, "stale keys")
	})
	return found
}

func (r *rig) moves(ctx context.Context, want int, to uint32, moves ...vault.KeyMove) {
	r.Helper()
	got, err := r.s.MoveKeys(ctx, r.A, to, moves)
	if err != nil || got != want {
		r.Fatalf("move keys: %d, %v; want %d", got, err, want)
	}
}

// renewed gives tenant a an old wrap root of epoch 1, a key under it, and then a
// new root of epoch 2.
func (r *rig) renewed() (key vault.KeyRow) {
	r.Helper()
	r.insertRoot(r.Context(), rootRow(r.A, vault.WrapLineage, 1))
	key = r.insertKey(r.Context(), keyIn(1, name(r.A, "42", "profile"), 1))
	r.renewRoot(r.Context(), rootRow(r.A, vault.WrapLineage, 2))
	return key
}

var moveChecks = []check{
	{Name: "stale keys come in order of their places, a page at a time", Run: func(r *rig) {
		ctx := r.Context()
		var rows []vault.KeyRow
		for i, n := range []vault.KeyName{name(r.A, "1", "b"), name(r.A, "1", "c"), name(r.A, "10", "a"), name(r.A, "2", "a")} {
			rows = append(rows, r.insertKey(ctx, keyIn(uint32(i%2), n, uint32(10+i))))
		}
		second := keyIn(1, name(r.A, "1", "b"), 20)
		second.Generation = 2
		rows = slices.Insert(rows, 1, r.insertKey(ctx, second))
		r.insertKey(ctx, keyIn(2, name(r.A, "1", "d"), 30))
		r.insertKey(ctx, keyIn(1, name(r.B, "1", "a"), 31))
		r.insertKey(ctx, keyIn(1, name(r.A, "3", "a"), 32))
		r.shred(ctx, vault.ShredKeys{Tenant: r.A, SubjectID: "3", At: instant})
		r.sameKeys(r.staleKeys(vault.KeyPlace{}, many), rows)
		r.sameKeys(r.staleKeys(vault.KeyPlace{}, 2), rows[:2])
		r.sameKeys(r.staleKeys(placeOf(rows[1]), 2), rows[2:4])
		r.sameKeys(r.staleKeys(placeOf(rows[4]), many), nil)
	}},
	{Name: "a key that moves is sealed anew and stays the same otherwise", Run: func(r *rig) {
		key := r.renewed()
		sealed := string(suite.EveryByte()[7:])
		r.moves(r.Context(), 1, 2, moveOf(key, sealed))
		r.keys(r.Context(), key.KeyName, moved(key, 2, sealed))
	}},
	{Name: "a key moves only from the epoch that its move says", Run: func(r *rig) {
		key := r.renewed()
		m := moveOf(key, "sealed")
		m.From = 0
		r.moves(r.Context(), 0, 2, m)
		r.keys(r.Context(), key.KeyName, key)
		r.moves(r.Context(), 1, 2, m, moveOf(key, "first"), moveOf(key, "second"))
		r.moves(r.Context(), 0, 2, moveOf(key, "third"))
	}},
	{Name: "many keys move at once, whatever their names", Run: func(r *rig) {
		ctx := r.Context()
		r.insertRoot(ctx, rootRow(r.A, vault.WrapLineage, 1))
		var rows []vault.KeyRow
		var ms []vault.KeyMove
		for i, subject := range []string{`"`, `\`, "{1,2}", "NULL", "a b", "ü", "'", "%s", "null", ","} {
			row := r.insertKey(ctx, keyIn(1, name(r.A, subject, troth.Compartment("c"+strconv.Itoa(i))), uint32(i+1)))
			rows, ms = append(rows, row), append(ms, moveOf(row, subject))
		}
		r.renewRoot(ctx, rootRow(r.A, vault.WrapLineage, 2))
		r.moves(ctx, len(ms), 2, ms...)
		for _, row := range rows {
			r.keys(ctx, row.KeyName, moved(row, 2, row.SubjectID))
		}
	}},
	{Name: "a dead key does not move", Run: func(r *rig) {
		key := r.renewed()
		r.shred(r.Context(), vault.ShredKeys{Tenant: r.A, SubjectID: "42", At: instant})
		r.moves(r.Context(), 0, 2, moveOf(key, "alive"))
		r.keys(r.Context(), key.KeyName, dead(key, instant))
	}},
	{Name: "no key moves under a root that is not there, superseded or dead", Run: func(r *rig) {
		key := r.renewed()
		r.moves(r.Context(), 0, 3, moveOf(key, "sealed"))
		r.insertRoot(r.Context(), rootRow(r.A, vault.IndexLineage, 3))
		r.insertRoot(r.Context(), rootRow(r.B, vault.WrapLineage, 3))
		r.moves(r.Context(), 0, 3, moveOf(key, "sealed"))
		r.renewRoot(r.Context(), rootRow(r.A, vault.WrapLineage, 3))
		r.moves(r.Context(), 0, 2, moveOf(key, "sealed"))
		r.shredRoots(r.Context(), r.A, instant)
		r.moves(r.Context(), 0, 3, moveOf(key, "sealed"))
		r.keys(r.Context(), key.KeyName, key)
	}},
	{Name: "moving keys moves nothing of another tenant's", Run: func(r *rig) {
		key := r.renewed()
		other := r.insertKey(r.Context(), keyIn(1, name(r.B, "42", "profile"), 1))
		r.moves(r.Context(), 1, 2, moveOf(key, "sealed"))
		r.keys(r.Context(), other.KeyName, other)
	}},
	{Name: "who shreds waits for who moves, and shreds what was moved", Run: func(r *rig) {
		key := r.renewed()
		var died []vault.KeyRow
		r.waits(func(ctx context.Context) { r.moves(ctx, 1, 2, moveOf(key, "sealed")) },
			r.exclusively(func(ctx context.Context, _ vault.PersonState) (err error) {
				died, err = r.s.ShredKeys(ctx, vault.ShredKeys{Tenant: r.A, SubjectID: "42", At: instant})
				return err
			}))
		r.sameKeys(died, []vault.KeyRow{dead(moved(key, 2, ""), instant)})
	}},
	{Name: "who moves a key that somebody shreds moves nothing", Run: func(r *rig) {
		key := r.renewed()
		count := 1
		r.waits(func(ctx context.Context) {
			r.lock(ctx, r.A, "42", vault.Exclusive)
			_, err := r.s.ShredKeys(ctx, vault.ShredKeys{Tenant: r.A, SubjectID: "42", At: instant})
			r.OK(err, "shred keys")
		}, func(ctx context.Context) (err error) {
			count, err = r.s.MoveKeys(ctx, r.A, 2, []vault.KeyMove{moveOf(key, "alive")})
			return err
		})
		r.Wants(true, count == 0, nil, "a dead key stays where it is")
		r.keys(r.Context(), key.KeyName, dead(key, instant))
	}},
	{Name: "who looks for stale keys does not wait for who shreds one", Needs: suite.ManyWriters, Run: func(r *rig) {
		outside := r.Context()
		key := r.renewed()
		other := keyIn(0, name(r.A, "43", "profile"), 1)
		r.insertKey(outside, other)
		r.Atomically(outside, func(ctx context.Context) {
			r.lock(ctx, r.A, key.SubjectID, vault.Exclusive)
			_, err := r.s.ShredKeys(ctx, vault.ShredKeys{Tenant: r.A, SubjectID: key.SubjectID, At: instant})
			r.OK(err, "shred keys")
			r.sameKeys(r.staleKeys(vault.KeyPlace{}, many), []vault.KeyRow{other})
		})
	}},
	{Name: "a superseded root is emptied when no living key lies under it", Run: func(r *rig) {
		ctx := r.Context()
		old, index := rootRow(r.A, vault.WrapLineage, 1), rootRow(r.A, vault.IndexLineage, 1)
		next, nextIndex := rootRow(r.A, vault.WrapLineage, 2), rootRow(r.A, vault.IndexLineage, 2)
		r.insertRoot(ctx, old)
		r.insertRoot(ctx, index)
		keys := []vault.KeyRow{keyIn(1, name(r.A, "1", "profile"), 1), keyIn(1, name(r.A, "2", "profile"), 2)}
		for _, k := range keys {
			r.insertKey(ctx, k)
		}
		r.insertKey(ctx, keyIn(1, name(r.B, "1", "profile"), 1))
		r.retires(ctx, r.A, 2, 2) // nothing supersedes them
		r.renewRoot(ctx, next)
		r.renewRoot(ctx, nextIndex)
		r.moves(ctx, 1, 2, moveOf(keys[0], "sealed"))
		r.retires(ctx, r.A, 2, 1)
		r.rootsAre(ctx, r.A, retired(superseded(index, nextIndex)), nextIndex, superseded(old, next), next)
		r.shred(ctx, vault.ShredKeys{Tenant: r.A, SubjectID: "2", At: instant})
		r.retires(ctx, r.A, 1, 0)
		r.rootsAre(ctx, r.A, retired(superseded(index, nextIndex)), nextIndex, superseded(old, next), next)
		r.retires(ctx, r.A, 2, 0)
		r.rootsAre(ctx, r.A, retired(superseded(index, nextIndex)), nextIndex, retired(superseded(old, next)), next)
	}},
	{Name: "emptying roots empties none of another tenant's", Run: func(r *rig) {
		ctx := r.Context()
		old, next := rootRow(r.B, vault.WrapLineage, 1), rootRow(r.B, vault.WrapLineage, 2)
		r.insertRoot(ctx, old)
		r.renewRoot(ctx, next)
		r.insertRoot(ctx, rootRow(r.A, vault.WrapLineage, 1))
		r.renewRoot(ctx, rootRow(r.A, vault.WrapLineage, 2))
		r.retires(ctx, r.A, 2, 0)
		r.rootsAre(ctx, r.B, superseded(old, next), next)
	}},
	{Name: "no living key lies under an emptied root, whoever raced", Run: func(r *rig) {
		ctx := r.Context()
		r.insertRoot(ctx, rootRow(r.A, vault.WrapLineage, 0))
		for epoch := uint32(1); epoch <= 5; epoch++ {
			r.Race(func(i int) error {
				if i == crowd/2 {
					return r.rotate(ctx, epoch)
				}
				return r.createUnderNewest(ctx, name(r.A, strconv.Itoa(i), troth.Compartment("c"+strconv.Itoa(int(epoch)))))
			})
			r.OK(r.rotate(ctx, epoch), "rotate")
			roots, err := r.s.Roots(ctx, r.A)
			r.OK(err, "roots")
			living := map[uint32]bool{}
			for _, row := range roots {
				living[row.Epoch] = len(row.Sealed) > 0
			}
			for i := range crowd {
				rows, err := r.s.Keys(ctx, name(r.A, strconv.Itoa(i), troth.Compartment("c"+strconv.Itoa(int(epoch)))))
				r.OK(err, "keys")
				for _, row := range rows {
					if !living[row.Epoch] {
						r.Fatalf("epoch %d: a key lies under the emptied root of epoch %d", epoch, row.Epoch)
					}
				}
			}
		}
	}},
}

// rotate moves tenant a to the epoch as the vault does.
func (r *rig) rotate(ctx context.Context, epoch uint32) error {
	err := r.TX.Atomically(ctx, func(ctx context.Context) error {
		_, err := r.s.RenewRoot(ctx, rootRow(r.A, vault.WrapLineage, epoch))
		return err
	})
	if err != nil {
		return err
	}
	return r.TX.Atomically(ctx, func(ctx context.Context) error {
		if err := r.s.SupersedeRoots(ctx, r.A, epoch, instant); err != nil {
			return err
		}
		rows, err := r.s.StaleKeys(ctx, vault.StaleKeys{Tenant: r.A, Below: epoch, Limit: many})
		if err != nil {
			return err
		}
		moves := make([]vault.KeyMove, len(rows))
		for i, row := range rows {
			moves[i] = moveOf(row, "sealed")
		}
		if _, err := r.s.MoveKeys(ctx, r.A, epoch, moves); err != nil {
			return err
		}
		_, err = r.s.RetireRoots(ctx, r.A, epoch, instant)
		return err
	})
}

// createUnderNewest creates a key as the vault does.
func (r *rig) createUnderNewest(ctx context.Context, n vault.KeyName) error {
	return r.TX.Atomically(ctx, func(ctx context.Context) error {
		state, err := r.s.LockPerson(ctx, n.Tenant, n.SubjectID, vault.Shared)
		if err != nil {
			return err
		}
		id, err := strconv.Atoi(string(n.Compartment[1:]))
		if err != nil {
			return err
		}
		_, err = r.s.InsertKey(ctx, keyIn(state.Epoch, n, uint32(id)))
		return err
	})
}
