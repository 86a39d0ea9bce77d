package memory

import "context"

// Scan returns rows in the order of their keys: those behind after, or from the
// first on where it is nil, that keep accepts, where it is not nil, at most
// limit of them, or all where limit is zero or less. All rows are of one moment.
//
// Outside of a transaction keep may use the database. Inside of one it may not
// use ctx, see [troth.ErrTxConcurrent].
func (t *Table[K, V]) Scan(
	ctx context.Context, after *K, limit int, keep func(K, V) bool,
) ([]Row[K, V], error) {
	return t.scan(ctx, after, limit, nil, keep)
}

// ScanWhile is [Table.Scan] that ends with the first key that within does not accept: where
// keys that belong together stand together, it reads no others.
func (t *Table[K, V]) ScanWhile(ctx context.Context, after *K, limit int, within func(K) bool) ([]Row[K, V], error) {
	return t.scan(ctx, after, limit, within, nil)
}

func (t *Table[K, V]) scan(
	ctx context.Context, after *K, limit int, within func(K) bool, keep func(K, V) bool,
) ([]Row[K, V], error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f := t.db.frame(ctx)
	if f == nil {
		t.db.mu.RLock()
		c := t.committed.snapshot(after)
		t.db.mu.RUnlock()
		return collect(limit, within, keep, func() *entry[K, V] {
			defer c.next()
			return c.peek()
		}), nil
	}
	if err := f.use(); err != nil {
		return nil, err
	}
	defer f.done()
	return collect(limit, within, keep, t.merged(after)), nil
}

// merged walks over what the open transaction sees.
func (t *Table[K, V]) merged(after *K) func() *entry[K, V] {
	below, above := t.committed.from(after), cursor[K, V]{}
	if t.pending != nil {
		above = t.pending.from(after)
	}
	return func() *entry[K, V] {
		for {
			e := t.step(&below, &above)
			if e == nil || !e.deleted {
				return e
			}
		}
	}
}

// step takes the next entry of two cursors; of two with one key, that above.
func (t *Table[K, V]) step(below, above *cursor[K, V]) *entry[K, V] {
	b, a := below.peek(), above.peek()
	var order int
	switch {
	case a == nil && b == nil:
		return nil
	case a == nil:
		order = -1
	case b == nil:
		order = 1
	default:
		order = t.compare(b.Key, a.Key)
	}
	if order <= 0 {
		below.next()
	}
	if order < 0 {
		return b
	}
	above.next()
	return a
}

func collect[K comparable, V any](
	limit int, within func(K) bool, keep func(K, V) bool, next func() *entry[K, V],
) []Row[K, V] {
	var found []Row[K, V]
	for limit <= 0 || len(found) < limit {
		e := next()
		if e == nil || within != nil && !within(e.Key) {
			break
		}
		if keep == nil || keep(e.Key, e.Value) {
			found = append(found, e.Row)
		}
	}
	return found
}
