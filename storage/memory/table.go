package memory

import "context"

// Table is a typed table. Its methods join the transaction of their context;
// outside of one, reads see what is committed and a write is a transaction of
// its own. All of them return the errors of [troth.Transactor].
type Table[K comparable, V any] struct {
	db        *DB
	compare   func(a, b K) int
	committed *rows[K, V] // under db.mu; written by who holds the writer too
	pending   *rows[K, V] // of the open transaction, nil until it writes here
}

// NewTable returns an empty table of db. compare orders keys; it must give zero
// for equal keys and for no others.
func NewTable[K comparable, V any](db *DB, compare func(a, b K) int) *Table[K, V] {
	return &Table[K, V]{db: db, compare: compare, committed: newRows[K, V](compare)}
}

// Get returns the value under k, and whether there is one.
func (t *Table[K, V]) Get(ctx context.Context, k K) (V, bool, error) {
	var zero V
	if err := ctx.Err(); err != nil {
		return zero, false, err
	}
	e, err := t.get(ctx, k)
	if e == nil || err != nil {
		return zero, false, err
	}
	return e.Value, true, nil
}

func (t *Table[K, V]) get(ctx context.Context, k K) (*entry[K, V], error) {
	f := t.db.frame(ctx)
	if f == nil {
		t.db.mu.RLock()
		e := t.committed.byKey[k]
		t.db.mu.RUnlock()
		return e, nil
	}
	if err := f.use(); err != nil {
		return nil, err
	}
	defer f.done()
	return t.inside(k), nil
}

// inside returns the entry that the open transaction sees, nil if it sees none.
// Committed rows cannot change under it: it holds the writer.
func (t *Table[K, V]) inside(k K) *entry[K, V] {
	if t.pending != nil {
		if e, ok := t.pending.byKey[k]; ok {
			if e.deleted {
				return nil
			}
			return e
		}
	}
	return t.committed.byKey[k]
}

// Insert adds a row unless there is one under k, and reports whether it did. A
// conflict is no error.
func (t *Table[K, V]) Insert(ctx context.Context, k K, v V) (inserted bool, err error) {
	err = t.write(ctx, func(tx *transaction) {
		if inserted = t.inside(k) == nil; inserted {
			t.put(tx, &entry[K, V]{Row: Row[K, V]{k, v}})
		}
	})
	return inserted && err == nil, err
}

// Put adds a row or replaces the one under k.
func (t *Table[K, V]) Put(ctx context.Context, k K, v V) error {
	return t.write(ctx, func(tx *transaction) {
		t.put(tx, &entry[K, V]{Row: Row[K, V]{k, v}})
	})
}

// Delete takes the row under k out, and reports whether there was one.
func (t *Table[K, V]) Delete(ctx context.Context, k K) (deleted bool, err error) {
	err = t.write(ctx, func(tx *transaction) {
		if deleted = t.inside(k) != nil; deleted {
			t.put(tx, &entry[K, V]{Row: Row[K, V]{Key: k}, deleted: true})
		}
	})
	return deleted && err == nil, err
}

// write runs a statement in the transaction of ctx, or in one of its own.
func (t *Table[K, V]) write(ctx context.Context, statement func(*transaction)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f := t.db.frame(ctx)
	if f == nil {
		return t.db.Atomically(ctx, func(ctx context.Context) error { return t.write(ctx, statement) })
	}
	if err := f.use(); err != nil {
		return err
	}
	defer f.done()
	statement(f.tx)
	return nil
}

// put writes to the pending rows, and remembers how to take that back.
func (t *Table[K, V]) put(tx *transaction, e *entry[K, V]) {
	if t.pending == nil {
		t.pending = newRows[K, V](t.compare)
		tx.touched = append(tx.touched, t)
	}
	if tx.inSavepoint() {
		before := t.pending.byKey[e.Key]
		tx.undo = append(tx.undo, func() {
			if before == nil {
				t.pending.remove(e.Key)
				return
			}
			t.pending.put(before)
		})
	}
	t.pending.put(e)
}

func (t *Table[K, V]) apply() {
	t.committed.unshare()
	for c := t.pending.from(nil); c.peek() != nil; c.next() {
		if e := c.peek(); e.deleted {
			t.committed.remove(e.Key)
		} else {
			t.committed.put(e)
		}
	}
	t.pending = nil
}

func (t *Table[K, V]) drop() { t.pending = nil }
