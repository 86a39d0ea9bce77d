// Package sqlstore is the handle on a SQL database through which every store
// of this module reads and writes: transactions, two dialects (SQLite and
// PostgreSQL) and forward-only migrations, and nothing else. It imports no
// driver; the host opens its *sql.DB with the one it likes.
//
//	db, err := sql.Open("sqlite", "file:shop.db?_txlock=immediate"+
//		"&_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_pragma=synchronous(2)")
//	h, err := sqlstore.Open(ctx, db, sqlstore.SQLite)
//	defer h.Close()
//	err = h.Atomically(ctx, func(ctx context.Context) error {
//		_, err := h.Querier(ctx).Exec(ctx, `INSERT INTO note (body) VALUES (?)`, "hello")
//		return err
//	})
//
// A host that runs its own transaction lets the stores write inside it with
// [Handle.WithTx].
//
// # What it does not promise
//
// Under the host's own transaction nothing here hears the commit. Statements of
// the handle in it wait for a lock no longer than the wait bound, or than the
// host's own lock_timeout or busy_timeout if that is shorter; the host's own
// statements wait as long as the host says, which is for ever by default on
// PostgreSQL. There the bound costs two more round trips for each statement or
// savepoint of the handle, or one where the host's is not longer. On SQLite the closures of
// concurrent callers share one commit: a closure sees what the ones before it
// in the same batch wrote, and all of them fail together if the commit fails.
// A closure that leaves the database idle for longer than the wait bound while
// others wait for that commit makes it fail: slow work belongs outside.
//
// # Errors
//
// [troth.ErrBusy], [troth.ErrTxDone] and [troth.ErrTxConcurrent] as the
// contract of [troth.Transactor] says; [*BatchError], [*SettingError],
// [*SchemaError] and [*ChecksumError] of its own. What a driver reports is
// wrapped, never replaced.
//
// # Concurrency
//
// A Handle may be used by any number of goroutines; the context of one closure
// by one at a time.
//
// # Storage
//
// One table of its own, troth_migration. On SQLite the journal mode becomes
// WAL, which the file keeps; the other settings hold for the handle's own
// connection only. What that one needs for a while, such as pages that a savepoint
// may have to undo, it keeps in memory and in no file, unless the host has set
// temp_store; while somebody migrates it is in a file, as SQLite has it. Stores read
// there what they look for by its key, while nobody writes: it has the pages, which other
// connections forget after each commit.
//
// Where the pool holds one connection only, which the host shares with the
// handle, they are set again before every transaction. A database file that is
// no longer the one that was opened, deleted or replaced by a backup, is not
// written to: [*SettingError], until the handle is opened anew. A file that goes
// away while a commit is under way cannot be noticed in time.
//
// So a host that begins transactions of its own on SQLite sets up every
// connection of its pool, in the address above in the words of modernc.org/sqlite:
// foreign keys and synchronous, which WithTx checks; a time to wait for the write
// lock, and taking it when a transaction begins, which it does not. Without these
// two, writers at the same time fail with "database is locked".
package sqlstore
