// Package unsubscribesql keeps the opt-out registry's rows in a SQL database, through
// the handle of package sqlstore: SQLite or PostgreSQL.
//
//	h, err := sqlstore.Open(ctx, db, sqlstore.SQLite)
//	store, err := unsubscribesql.New(ctx, h)
//	registry, err := unsubscribe.New(ctx, unsubscribe.Config{Store: store, …})
//
// # Errors
//
// Those of package sqlstore, and [ErrSnapshot]: who writes in a transaction of the
// host's on PostgreSQL that is stricter than read committed could overlook what
// others recorded, and is refused. Stored rows that no registry wrote, longer than
// any of its own or with numbers out of range, are unsubscribe.ErrRecord.
//
// # Storage
//
// Tables troth_unsubscribe_entry, _event, _delivery, _epoch, _setting and _feed, under
// the migration namespace "unsubscribe". On PostgreSQL also transaction-level
// advisory locks: one, under which the feed is numbered, and one for each registry
// whose keys were never changed, which who writes there shares.
package unsubscribesql
