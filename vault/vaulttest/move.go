package vaulttest

import (
	"context"
	"slices"
	"strconv"

	"github.com/trothdev/troth"
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
	r.atomically(r.Context(), func(ctx context.Context) {
		var err error
		found, err = r.s.StaleKeys(ctx, vault.StaleKeys{Tenant: r.a, Below: 2, After: after, Limit: limit})
		r.ok(err, "stale keys")
	})
	return found
}

func (r *rig) moves(ctx context.Context, want int, to uint32, moves ...vault.KeyMove) {
	r.Helper()
	got, err := r.s.MoveKeys(ctx, r.a, to, moves)
	if err != nil || got != want {
		r.Fatalf("move keys: %d, %v; want %d", got, err, want)
	}
}

// renewed gives tenant a an old wrap root of epoch 1, a key under it, and then a
// new root of epoch 2.
func (r *rig) renewed() (key vault.KeyRow) {
	r.Helper()
	r.insertRoot(r.Context(), rootRow(r.a, vault.WrapLineage, 1))
	key = r.insertKey(r.Context(), keyIn(1, name(r.a, "42", "profile"), 1))
	r.renewRoot(r.Context(), rootRow(r.a, vault.WrapLineage, 2))
	return key
}

var moveChecks = []check{
	{name: "stale keys come in order of their places, a page at a time", run: func(r *rig) {
		ctx := r.Context()
		var rows []vault.KeyRow
		for i, n := range []vault.KeyName{name(r.a, "1", "b"), name(r.a, "1", "c"), name(r.a, "10", "a"), name(r.a, "2", "a")} {
			rows = append(rows, r.insertKey(ctx, keyIn(uint32(i%2), n, uint32(10+i))))
		}
		second := keyIn(1, name(r.a, "1", "b"), 20)
		second.Generation = 2
		rows = slices.Insert(rows, 1, r.insertKey(ctx, second))
		r.insertKey(ctx, keyIn(2, name(r.a, "1", "d"), 30))
		r.insertKey(ctx, keyIn(1, name(r.b, "1", "a"), 31))
		r.insertKey(ctx, keyIn(1, name(r.a, "3", "a"), 32))
		r.shred(ctx, vault.ShredKeys{Tenant: r.a, SubjectID: "3", At: instant})
		r.sameKeys(r.staleKeys(vault.KeyPlace{}, many), rows)
		r.sameKeys(r.staleKeys(vault.KeyPlace{}, 2), rows[:2])
		r.sameKeys(r.staleKeys(placeOf(rows[1]), 2), rows[2:4])
		r.sameKeys(r.staleKeys(placeOf(rows[4]), many), nil)
	}},
	{name: "a key that moves is sealed anew and stays the same otherwise", run: func(r *rig) {
		key := r.renewed()
		sealed := string(everyByte()[7:])
		r.moves(r.Context(), 1, 2, moveOf(key, sealed))
		r.keys(r.Context(), key.KeyName, moved(key, 2, sealed))
	}},
	{name: "a key moves only from the epoch that its move says", run: func(r *rig) {
		key := r.renewed()
		m := moveOf(key, "sealed")
		m.From = 0
		r.moves(r.Context(), 0, 2, m)
		r.keys(r.Context(), key.KeyName, key)
		r.moves(r.Context(), 1, 2, m, moveOf(key, "first"), moveOf(key, "second"))
		r.moves(r.Context(), 0, 2, moveOf(key, "third"))
	}},
	{name: "many keys move at once, whatever their names", run: func(r *rig) {
		ctx := r.Context()
		r.insertRoot(ctx, rootRow(r.a, vault.WrapLineage, 1))
		var rows []vault.KeyRow
		var ms []vault.KeyMove
		for i, subject := range []string{`"`, `\`, "{1,2}", "NULL", "a b", "ü", "'", "%s", "null", ","} {
			row := r.insertKey(ctx, keyIn(1, name(r.a, subject, troth.Compartment("c"+strconv.Itoa(i))), uint32(i+1)))
			rows, ms = append(rows, row), append(ms, moveOf(row, subject))
		}
		r.renewRoot(ctx, rootRow(r.a, vault.WrapLineage, 2))
		r.moves(ctx, len(ms), 2, ms...)
		for _, row := range rows {
			r.keys(ctx, row.KeyName, moved(row, 2, row.SubjectID))
		}
	}},
	{name: "a dead key does not move", run: func(r *rig) {
		key := r.renewed()
		r.shred(r.Context(), vault.ShredKeys{Tenant: r.a, SubjectID: "42", At: instant})
		r.moves(r.Context(), 0, 2, moveOf(key, "alive"))
		r.keys(r.Context(), key.KeyName, dead(key, instant))
	}},
	{name: "no key moves under a root that is not there, superseded or dead", run: func(r *rig) {
		key := r.renewed()
		r.moves(r.Context(), 0, 3, moveOf(key, "sealed"))
		r.insertRoot(r.Context(), rootRow(r.a, vault.IndexLineage, 3))
		r.insertRoot(r.Context(), rootRow(r.b, vault.WrapLineage, 3))
		r.moves(r.Context(), 0, 3, moveOf(key, "sealed"))
		r.renewRoot(r.Context(), rootRow(r.a, vault.WrapLineage, 3))
		r.moves(r.Context(), 0, 2, moveOf(key, "sealed"))
		r.shredRoots(r.Context(), r.a, instant)
		r.moves(r.Context(), 0, 3, moveOf(key, "sealed"))
		r.keys(r.Context(), key.KeyName, key)
	}},
	{name: "moving keys moves nothing of another tenant's", run: func(r *rig) {
		key := r.renewed()
		other := r.insertKey(r.Context(), keyIn(1, name(r.b, "42", "profile"), 1))
		r.moves(r.Context(), 1, 2, moveOf(key, "sealed"))
		r.keys(r.Context(), other.KeyName, other)
	}},
	{name: "who shreds waits for who moves, and shreds what was moved", run: func(r *rig) {
		key := r.renewed()
		var died []vault.KeyRow
		r.waits(func(ctx context.Context) { r.moves(ctx, 1, 2, moveOf(key, "sealed")) },
			r.exclusively(func(ctx context.Context, _ vault.PersonState) (err error) {
				died, err = r.s.ShredKeys(ctx, vault.ShredKeys{Tenant: r.a, SubjectID: "42", At: instant})
				return err
			}))
		r.sameKeys(died, []vault.KeyRow{dead(moved(key, 2, ""), instant)})
	}},
	{name: "who moves a key that somebody shreds moves nothing", run: func(r *rig) {
		key := r.renewed()
		count := 1
		r.waits(func(ctx context.Context) {
			r.lock(ctx, r.a, "42", vault.Exclusive)
			_, err := r.s.ShredKeys(ctx, vault.ShredKeys{Tenant: r.a, SubjectID: "42", At: instant})
			r.ok(err, "shred keys")
		}, func(ctx context.Context) (err error) {
			count, err = r.s.MoveKeys(ctx, r.a, 2, []vault.KeyMove{moveOf(key, "alive")})
			return err
		})
		r.wants(true, count == 0, nil, "a dead key stays where it is")
		r.keys(r.Context(), key.KeyName, dead(key, instant))
	}},
	{name: "who looks for stale keys does not wait for who shreds one", needs: manyWriters, run: func(r *rig) {
		outside := r.Context()
		key := r.renewed()
		other := keyIn(0, name(r.a, "43", "profile"), 1)
		r.insertKey(outside, other)
		r.atomically(outside, func(ctx context.Context) {
			r.lock(ctx, r.a, key.SubjectID, vault.Exclusive)
			_, err := r.s.ShredKeys(ctx, vault.ShredKeys{Tenant: r.a, SubjectID: key.SubjectID, At: instant})
			r.ok(err, "shred keys")
			r.sameKeys(r.staleKeys(vault.KeyPlace{}, many), []vault.KeyRow{other})
		})
	}},
	{name: "a superseded root is emptied when no living key lies under it", run: func(r *rig) {
		ctx := r.Context()
		old, index := rootRow(r.a, vault.WrapLineage, 1), rootRow(r.a, vault.IndexLineage, 1)
		next, nextIndex := rootRow(r.a, vault.WrapLineage, 2), rootRow(r.a, vault.IndexLineage, 2)
		r.insertRoot(ctx, old)
		r.insertRoot(ctx, index)
		keys := []vault.KeyRow{keyIn(1, name(r.a, "1", "profile"), 1), keyIn(1, name(r.a, "2", "profile"), 2)}
		for _, k := range keys {
			r.insertKey(ctx, k)
		}
		r.insertKey(ctx, keyIn(1, name(r.b, "1", "profile"), 1))
		r.retires(ctx, r.a, 2, 2) // nothing supersedes them
		r.renewRoot(ctx, next)
		r.renewRoot(ctx, nextIndex)
		r.moves(ctx, 1, 2, moveOf(keys[0], "sealed"))
		r.retires(ctx, r.a, 2, 1)
		r.rootsAre(ctx, r.a, retired(superseded(index, nextIndex)), nextIndex, superseded(old, next), next)
		r.shred(ctx, vault.ShredKeys{Tenant: r.a, SubjectID: "2", At: instant})
		r.retires(ctx, r.a, 1, 0)
		r.rootsAre(ctx, r.a, retired(superseded(index, nextIndex)), nextIndex, superseded(old, next), next)
		r.retires(ctx, r.a, 2, 0)
		r.rootsAre(ctx, r.a, retired(superseded(index, nextIndex)), nextIndex, retired(superseded(old, next)), next)
	}},
	{name: "emptying roots empties none of another tenant's", run: func(r *rig) {
		ctx := r.Context()
		old, next := rootRow(r.b, vault.WrapLineage, 1), rootRow(r.b, vault.WrapLineage, 2)
		r.insertRoot(ctx, old)
		r.renewRoot(ctx, next)
		r.insertRoot(ctx, rootRow(r.a, vault.WrapLineage, 1))
		r.renewRoot(ctx, rootRow(r.a, vault.WrapLineage, 2))
		r.retires(ctx, r.a, 2, 0)
		r.rootsAre(ctx, r.b, superseded(old, next), next)
	}},
	{name: "no living key lies under an emptied root, whoever raced", run: func(r *rig) {
		ctx := r.Context()
		r.insertRoot(ctx, rootRow(r.a, vault.WrapLineage, 0))
		for epoch := uint32(1); epoch <= 5; epoch++ {
			r.race(func(i int) error {
				if i == crowd/2 {
					return r.rotate(ctx, epoch)
				}
				return r.createUnderNewest(ctx, name(r.a, strconv.Itoa(i), troth.Compartment("c"+strconv.Itoa(int(epoch)))))
			})
			r.ok(r.rotate(ctx, epoch), "rotate")
			roots, err := r.s.Roots(ctx, r.a)
			r.ok(err, "roots")
			living := map[uint32]bool{}
			for _, row := range roots {
				living[row.Epoch] = len(row.Sealed) > 0
			}
			for i := range crowd {
				rows, err := r.s.Keys(ctx, name(r.a, strconv.Itoa(i), troth.Compartment("c"+strconv.Itoa(int(epoch)))))
				r.ok(err, "keys")
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
	err := r.tx.Atomically(ctx, func(ctx context.Context) error {
		_, err := r.s.RenewRoot(ctx, rootRow(r.a, vault.WrapLineage, epoch))
		return err
	})
	if err != nil {
		return err
	}
	return r.tx.Atomically(ctx, func(ctx context.Context) error {
		if err := r.s.SupersedeRoots(ctx, r.a, epoch, instant); err != nil {
			return err
		}
		rows, err := r.s.StaleKeys(ctx, vault.StaleKeys{Tenant: r.a, Below: epoch, Limit: many})
		if err != nil {
			return err
		}
		moves := make([]vault.KeyMove, len(rows))
		for i, row := range rows {
			moves[i] = moveOf(row, "sealed")
		}
		if _, err := r.s.MoveKeys(ctx, r.a, epoch, moves); err != nil {
			return err
		}
		_, err = r.s.RetireRoots(ctx, r.a, epoch, instant)
		return err
	})
}

// createUnderNewest creates a key as the vault does.
func (r *rig) createUnderNewest(ctx context.Context, n vault.KeyName) error {
	return r.tx.Atomically(ctx, func(ctx context.Context) error {
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
