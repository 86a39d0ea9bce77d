// Package scan reads parts of tables in memory.
package scan

import (
	"context"

	"github.com/trothdev/troth/storage/memory"
)

// Prefix returns the rows of a table from the first key on for which within says
// that it belongs to what is looked for, until one that does not.
func Prefix[K comparable, V any](ctx context.Context, t *memory.Table[K, V], from K, within func(K) bool) ([]memory.Row[K, V], error) {
	const page = 256
	var found []memory.Row[K, V]
	after := &from
	for {
		rows, err := t.Scan(ctx, after, page, nil)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			if !within(r.Key) {
				return found, nil
			}
			found = append(found, r)
		}
		if len(rows) < page {
			return found, nil
		}
		after = &rows[len(rows)-1].Key
	}
}
