// Package consentsql keeps the consent ledger's rows in a SQL database, through
// the handle of package sqlstore: SQLite or PostgreSQL.
//
//	h, err := sqlstore.Open(ctx, db, sqlstore.SQLite)
//	store, err := consentsql.New(ctx, h)
//	ledger, err := consent.New(ctx, consent.Config{Store: store, …})
//
// # What it does not promise
//
// Deleting a row does not overwrite its bytes everywhere: they stay in the
// write-ahead log, in dead rows and in backups until the database reuses or
// discards these. What is personal in them is sealed under keys that the vault
// destroys.
//
// # Errors
//
// Those of package sqlstore, and [ErrSnapshot]: who writes about a person in a
// transaction of the host's on PostgreSQL that is stricter than read committed
// could overlook what others recorded, and is refused. Stored rows that no ledger
// wrote, longer than any of its own or with numbers out of range, are
// consent.ErrRecord and are not loaded.
//
// # Storage
//
// Tables troth_consent_terms, _notice, _text, _person, _event, _state, _link,
// _request, _delivery, _due, _refusal, _feed and _setting, under the migration
// namespace "consent". On PostgreSQL also a transaction-level advisory lock, under
// which the feed is numbered.
package consentsql
