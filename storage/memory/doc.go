// Package memory keeps stores in the memory of one process. It is for tests,
// for trying things out, and the model against which the SQL adapters are
// tested: it keeps every rule of [troth.Transactor].
//
// A store is written on [Table]s of its own, opened on a [DB] that it shares
// with others:
//
//	db := memory.Open()
//	notes := memory.NewTable[string, *note](db, strings.Compare)
//	err := db.Atomically(ctx, func(ctx context.Context) error {
//		_, err := notes.Insert(ctx, "a", &note{})
//		return err
//	})
//
// Nothing is durable: all is gone when the process ends. Deleted values stay in
// memory until the garbage collector takes them, so deleting is not erasing.
//
// # Errors
//
// Those of [troth.Transactor]. Cancellation is returned as it is.
//
// # Concurrency
//
// One transaction writes at a time; others wait, within the bound that
// [WithWaitBound] sets. Reads outside of transactions see committed rows only
// and never wait for a transaction, only for the moment in which one is
// applied.
//
// # Storage
//
// Keys and values are kept as they are given and handed out as they are kept.
// They must not be changed after they were put; stores clone what their callers
// may change.
package memory
