package vaulttest

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/trothdev/troth/vault"
)

var keyDefects = []defect{
	{"there is always a key", "a name without keys has none", breaks(func(s vault.Backend, b *broken) {
		b.keys = func(ctx context.Context, n vault.KeyName) ([]vault.KeyRow, error) {
			rows, err := s.Keys(ctx, n)
			if len(rows) == 0 {
				rows = []vault.KeyRow{{KeyName: n}}
			}
			return rows, err
		}
	})},
	{"keys are kept as text", "a key comes back bit for bit", breaks(func(s vault.Backend, b *broken) {
		b.insertKey = func(ctx context.Context, row vault.KeyRow) (bool, error) {
			row.Sealed = []byte(strings.ToValidUTF8(string(row.Sealed), "?"))
			return s.InsertKey(ctx, row)
		}
	})},
	{"keys come oldest first", "keys come newest first, tombstones included", breaks(func(s vault.Backend, b *broken) {
		b.keys = func(ctx context.Context, n vault.KeyName) ([]vault.KeyRow, error) {
			rows, err := s.Keys(ctx, n)
			slices.Reverse(rows)
			return rows, err
		}
	})},
	{"inserting overwrites", "a name has one key of a generation", breaks(overwrites)},
	{"inserting overwrites tombstones", "nobody inserts a key over a tombstone", breaks(overwrites)},
	{"inserting overwrites tombstones of names", "nobody inserts a key where a name was shredded before it had one", breaks(overwrites)},
	{"everybody inserts a key, it is said", "of those who insert one key, one does", breaks(overwrites)},
	{"key ids may be shared", "a person has one key of an id", breaks(sharesKeyIDs)},
	{"everybody takes one key id", "of those who take one key id, one does", breaks(sharesKeyIDs)},
	{"the id of a dead key is free", "a key id stays taken when the key is dead", breaks(sharesKeyIDs)},
	{"a conflict is an error", "a refused insert leaves the transaction whole", breaks(func(s vault.Backend, b *broken) {
		b.insertKey = func(ctx context.Context, row vault.KeyRow) (bool, error) {
			inserted, err := s.InsertKey(ctx, row)
			if err == nil && !inserted {
				err = errBroken
			}
			return inserted, err
		}
	})},
	{"slices are shared", "slices belong to the caller", breaks(func(s vault.Backend, b *broken) {
		var mu sync.Mutex
		kept := map[vault.KeyName][]vault.KeyRow{}
		b.keys = func(ctx context.Context, n vault.KeyName) ([]vault.KeyRow, error) {
			mu.Lock()
			defer mu.Unlock()
			if rows, ok := kept[n]; ok {
				return rows, nil
			}
			rows, err := s.Keys(ctx, n)
			kept[n] = rows
			return rows, err
		}
	})},
}

func sharesKeyIDs(s vault.Backend, b *broken) {
	b.insertKey = func(ctx context.Context, row vault.KeyRow) (bool, error) {
		inserted, err := s.InsertKey(ctx, row)
		if err == nil && !inserted {
			row.KeyID = 0
			return s.InsertKey(ctx, row)
		}
		return inserted, err
	}
}

// overwrites inserts whatever is there.
func overwrites(s vault.Backend, b *broken) {
	var mu sync.Mutex
	over := map[vault.KeyName]vault.KeyRow{}
	b.insertKey = func(ctx context.Context, row vault.KeyRow) (bool, error) {
		inserted, err := s.InsertKey(ctx, row)
		if err == nil && !inserted {
			mu.Lock()
			defer mu.Unlock()
			over[row.KeyName] = row
		}
		return err == nil, err
	}
	b.keys = func(ctx context.Context, n vault.KeyName) ([]vault.KeyRow, error) {
		mu.Lock()
		defer mu.Unlock()
		if row, ok := over[n]; ok {
			return []vault.KeyRow{row}, nil
		}
		return s.Keys(ctx, n)
	}
}
