package vaulttest

import (
	"context"
	"sync"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

var kekDefects = []defect{
	{"names of key-encryption keys are cut", "a root keeps the name of its key-encryption key", breaks(func(s vault.Backend, b *broken) {
		b.insertRoot = func(ctx context.Context, row vault.RootRow) (bool, error) {
			row.KEK = row.KEK[:min(len(row.KEK), 255)]
			return s.InsertRoot(ctx, row)
		}
	})},
	{"roots are renewed under any key", "a root is renewed under its own key-encryption key only", breaks(func(s vault.Backend, b *broken) {
		b.renewRoot = func(ctx context.Context, row vault.RootRow) (bool, error) {
			row.KEK = own
			return s.RenewRoot(ctx, row)
		}
	})},
	{"rewrapping keeps the name", "rewrapping gives one root another seal", rewraps(func(row vault.RootRow, before []byte) (vault.RootRow, []byte) {
		row.KEK = ""
		return row, before
	})},
	{"whatever is there is rewrapped", "only the root that was read is rewrapped", breaks(rewrapsAlways)},
	{"a tombstone is rewrapped, it is said", "nobody rewraps a tombstone, or what was emptied", breaks(rewrapsAlways)},
	{"everybody rewraps, it is said", "of those who rewrap one root, one does", breaks(rewrapsAlways)},
	{"rewrapping is not rolled back", "rewrapping ends with its transaction", breaks(func(s vault.Backend, b *broken) {
		var mu sync.Mutex
		over := map[vault.Lineage]vault.RootRow{}
		b.rewrapRoot = func(ctx context.Context, row vault.RootRow, before []byte) (bool, error) {
			mu.Lock()
			defer mu.Unlock()
			over[row.Lineage] = row
			return s.RewrapRoot(ctx, row, before)
		}
		b.roots = func(ctx context.Context, t troth.Tenant) ([]vault.RootRow, error) {
			mu.Lock()
			defer mu.Unlock()
			rows, err := s.Roots(ctx, t)
			for i := range rows {
				if row, ok := over[rows[i].Lineage]; ok {
					rows[i] = row
				}
			}
			return rows, err
		}
	})},
	{"everybody's roots are one's own", "no root of another tenant's is listed or rewrapped", breaks(func(s vault.Backend, b *broken) {
		var others []vault.RootRow
		b.insertRoot = func(ctx context.Context, row vault.RootRow) (bool, error) {
			others = append(others, row)
			return s.InsertRoot(ctx, row)
		}
		b.roots = func(context.Context, troth.Tenant) ([]vault.RootRow, error) { return others, nil }
	})},
}

func rewraps(as func(row vault.RootRow, before []byte) (vault.RootRow, []byte)) func(h *Harness) {
	return breaks(func(s vault.Backend, b *broken) {
		b.rewrapRoot = func(ctx context.Context, row vault.RootRow, before []byte) (bool, error) {
			row, before = as(row, before)
			return s.RewrapRoot(ctx, row, before)
		}
	})
}

func rewrapsAlways(s vault.Backend, b *broken) {
	b.rewrapRoot = func(ctx context.Context, row vault.RootRow, before []byte) (bool, error) {
		_, err := s.RewrapRoot(ctx, row, before)
		return true, err
	}
}
