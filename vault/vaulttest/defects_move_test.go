package vaulttest

import (
	"context"
	"maps"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

var moveDefects = []defect{
	{"pages end where they like", "stale keys come in order of their places, a page at a time", breaks(func(s vault.Backend, b *broken) {
		b.staleKeys = func(ctx context.Context, p vault.StaleKeys) ([]vault.KeyRow, error) {
			p.Limit = many
			return s.StaleKeys(ctx, p)
		}
	})},
	{"sealed keys lose a byte", "a key that moves is sealed anew and stays the same otherwise", breaks(movesAs(func(m *vault.KeyMove) {
		m.Sealed = m.Sealed[1:]
	}))},
	{"moves ask for no epoch", "a key moves only from the epoch that its move says", breaks(movesAs(func(m *vault.KeyMove) { m.From = 1 }))},
	{"names are changed on the way", "many keys move at once, whatever their names", breaks(movesAs(func(m *vault.KeyMove) {
		if m.SubjectID == "NULL" {
			m.SubjectID = "null"
		}
	}))},
	{"dead keys move, it is said", "a dead key does not move", breaks(movesAlways)},
	{"who shreds is not noticed", "who moves a key that somebody shreds moves nothing", breaks(movesAlways)},
	{"keys move anywhere", "no key moves under a root that is not there, superseded or dead", breaks(movesAlways)},
	{"all tenants' keys move", "moving keys moves nothing of another tenant's", breaks(func(s vault.Backend, b *broken) {
		var other vault.KeyRow
		b.insertKey = func(ctx context.Context, row vault.KeyRow) (bool, error) {
			other = row
			return s.InsertKey(ctx, row)
		}
		b.moveKeys = func(ctx context.Context, t troth.Tenant, to uint32, moves []vault.KeyMove) (int, error) {
			if _, err := s.InsertRoot(ctx, rootRow(other.Tenant, vault.WrapLineage, to)); err != nil {
				return 0, err
			}
			if _, err := s.MoveKeys(ctx, other.Tenant, to, moves); err != nil {
				return 0, err
			}
			return s.MoveKeys(ctx, t, to, moves)
		}
	})},
	{"nobody waits for who moves", "who shreds waits for who moves, and shreds what was moved", breaks(noTransactions)},
	{"who looks for keys waits", "who looks for stale keys does not wait for who shreds one", impatient},
	{"no root is left, it is said", "a superseded root is emptied when no living key lies under it", breaks(retiresAlways)},
	{"all tenants' roots are emptied", "emptying roots empties none of another tenant's", breaks(func(s vault.Backend, b *broken) {
		tenants := map[troth.Tenant]bool{}
		b.renewRoot = func(ctx context.Context, row vault.RootRow) (bool, error) {
			tenants[row.Tenant] = true
			return s.RenewRoot(ctx, row)
		}
		b.retireRoots = func(ctx context.Context, t troth.Tenant, below uint32, at int64) (int, error) {
			for other := range maps.Keys(tenants) {
				if _, err := s.RetireRoots(ctx, other, below, at); err != nil {
					return 0, err
				}
			}
			return s.RetireRoots(ctx, t, below, at)
		}
	})},
	{"keys come under emptied roots", "no living key lies under an emptied root, whoever raced", breaks(func(s vault.Backend, b *broken) {
		b.lockPerson = func(ctx context.Context, t troth.Tenant, id string, l vault.Lock) (vault.PersonState, error) {
			state, err := s.LockPerson(ctx, t, id, l)
			state.Epoch = 0
			return state, err
		}
		kept := map[vault.KeyName]vault.KeyRow{}
		b.insertKey = func(ctx context.Context, row vault.KeyRow) (bool, error) {
			kept[row.KeyName] = row
			return s.InsertKey(ctx, row)
		}
		b.keys = func(ctx context.Context, n vault.KeyName) ([]vault.KeyRow, error) {
			rows, err := s.Keys(ctx, n)
			if row, ok := kept[n]; ok && len(rows) == 0 {
				rows = append(rows, row)
			}
			return rows, err
		}
	})},
}

// movesAs changes every move.
func movesAs(change func(*vault.KeyMove)) func(vault.Backend, *broken) {
	return func(s vault.Backend, b *broken) {
		b.moveKeys = func(ctx context.Context, t troth.Tenant, to uint32, moves []vault.KeyMove) (int, error) {
			moves = slices.Clone(moves)
			for i := range moves {
				change(&moves[i])
			}
			return s.MoveKeys(ctx, t, to, moves)
		}
	}
}

func movesAlways(s vault.Backend, b *broken) {
	b.moveKeys = func(ctx context.Context, t troth.Tenant, to uint32, moves []vault.KeyMove) (int, error) {
		_, err := s.MoveKeys(ctx, t, to, moves)
		return len(moves), err
	}
}

func retiresAlways(s vault.Backend, b *broken) {
	b.retireRoots = func(ctx context.Context, t troth.Tenant, below uint32, at int64) (int, error) {
		_, err := s.RetireRoots(ctx, t, below, at)
		return 0, err
	}
}

var rewrapDefects = []defect{
	{"rewrapping always begins anew", "rewrapping is taken up where it was left", breaks(forgetsRewrap)},
	{"rewrapping never begins anew", "rewrapping for a higher epoch begins anew", breaks(func(s vault.Backend, b *broken) {
		b.takeRewrap = func(ctx context.Context, t troth.Tenant, epoch uint32, at int64) (vault.RewrapRow, bool, error) {
			row, taken, err := s.TakeRewrap(ctx, t, min(2, epoch), at)
			row.Epoch = epoch
			return row, taken, err
		}
	})},
	{"rewrapping goes backwards", "nobody rewraps for a lower epoch", breaks(func(s vault.Backend, b *broken) {
		b.takeRewrap = func(ctx context.Context, t troth.Tenant, epoch uint32, at int64) (vault.RewrapRow, bool, error) {
			return s.TakeRewrap(ctx, t, max(2, epoch), at)
		}
	})},
	{"rewrapping has no transactions", "rewrapping that is rolled back is where it was before", breaks(func(s vault.Backend, b *broken) {
		var last *vault.RewrapRow
		b.saveRewrap = func(_ context.Context, row vault.RewrapRow) error { last = &row; return nil }
		b.takeRewrap = func(ctx context.Context, t troth.Tenant, epoch uint32, at int64) (vault.RewrapRow, bool, error) {
			if last != nil {
				return *last, true, nil
			}
			return s.TakeRewrap(ctx, t, epoch, at)
		}
	})},
	{"rewrapping is never forgotten", "rewrapping is forgotten when no living root is left below", breaks(func(s vault.Backend, b *broken) {
		b.retireRoots = func(ctx context.Context, t troth.Tenant, below uint32, at int64) (left int, err error) {
			err = s.Transactor().Atomically(ctx, func(ctx context.Context) error {
				row, _, err := s.TakeRewrap(ctx, t, below, at)
				if err != nil {
					return err
				}
				if left, err = s.RetireRoots(ctx, t, below, at); err != nil {
					return err
				}
				if _, _, err = s.TakeRewrap(ctx, t, below, at); err != nil {
					return err
				}
				return s.SaveRewrap(ctx, row)
			})
			return left, err
		}
	})},
	{"everybody rewraps", "one at a time rewraps a tenant's keys", impatient},
	{"what covers is not looked at", "an export is told of what it covers and of what covers it", breaks(func(_ vault.Backend, b *broken) {
		notes := map[vault.KeyName]int64{}
		b.noteExport = func(_ context.Context, n vault.KeyName, at int64) error { notes[n] = at; return nil }
		b.exported = func(_ context.Context, n vault.KeyName) (int64, error) { return notes[n], nil }
	})},
	{"the last note counts", "the latest export counts", breaks(exportsLast)},
	{"exports are everybody's", "an export is not told of another tenant", breaks(exportsLast)},
	{"exports have no transactions", "an export that is rolled back was none", breaks(exportsLast)},
	{"one compartment's tombstones are listed", "a person's dead keys are listed, of all compartments and in order", breaks(func(s vault.Backend, b *broken) {
		b.tombstones = func(ctx context.Context, t troth.Tenant, id string) ([]vault.KeyRow, error) {
			rows, err := s.Tombstones(ctx, t, id)
			return rows[:min(1, len(rows))], err
		}
	})},
}

func forgetsRewrap(s vault.Backend, b *broken) {
	b.takeRewrap = func(ctx context.Context, t troth.Tenant, epoch uint32, at int64) (vault.RewrapRow, bool, error) {
		_, taken, err := s.TakeRewrap(ctx, t, epoch, at)
		return begun(t, epoch), taken, err
	}
}

func exportsLast(_ vault.Backend, b *broken) {
	var last int64
	b.noteExport = func(_ context.Context, _ vault.KeyName, at int64) error { last = at; return nil }
	b.exported = func(context.Context, vault.KeyName) (int64, error) { return last, nil }
}
