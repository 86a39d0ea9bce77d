package auditmem

import (
	"context"
	"fmt"
	"slices"

	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/memory"
)

// Stray implements audit.LogSystem.
func (s *Store) Stray(ctx context.Context) (row audit.RowError, found bool, err error) {
	heads, err := s.Heads(ctx)
	if err != nil {
		return row, false, err
	}
	none := func(log int) bool {
		return !slices.ContainsFunc(heads, func(h audit.Head) bool { return h.Log == log })
	}
	for _, look := range []struct {
		table string
		it    func() (bool, error)
	}{
		{"entry", func() (bool, error) {
			return has(ctx, s.log, func(at place) bool { return none(at.log) })
		}},
		{"tile", func() (bool, error) {
			return has(ctx, s.tiles, func(at tile) bool { return none(at.log) || at.level < 0 || at.level > 7 })
		}},
		{"tenant", func() (bool, error) {
			return has(ctx, s.tenants, func(at tenantLog) bool { return none(at.log) || at.tenant == "" })
		}},
		{"checkpoint", func() (bool, error) {
			return has(ctx, s.checkpoints, func(at sized) bool { return none(at.log) })
		}},
	} {
		if found, err := look.it(); err != nil || found {
			return audit.RowError{Table: "troth_audit_" + look.table, Place: fmt.Sprintf("outside of the %d logs", len(heads))}, found, err
		}
	}
	return row, false, nil
}

// has reports whether the table has a key of that kind.
func has[K comparable, V any](ctx context.Context, t *memory.Table[K, V], kind func(K) bool) (bool, error) {
	rows, err := t.Scan(ctx, nil, 1, func(at K, _ V) bool { return kind(at) })
	return len(rows) > 0, err
}

// Indexes implements audit.LogSystem: there are none but the rows.
func (*Store) Indexes([]audit.Head) audit.IndexCheck { return nil }
