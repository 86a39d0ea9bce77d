package vaulttest

import (
	"context"

	"github.com/trothdev/troth/vault"
)

var backupKeyDefects = []defect{
	{"what was let go is put back as a tombstone", "a generation that was let go is walked by and put back as such", breaks(func(s vault.Backend, b *broken) {
		b.putKey = func(ctx context.Context, row vault.KeyRow) (bool, error) {
			row.Retired = false
			return s.PutKey(ctx, row)
		}
	})},
}
