// Package vaultsql keeps the vault's rows in a SQL database, through the handle
// of package sqlstore: SQLite or PostgreSQL.
//
//	h, err := sqlstore.Open(ctx, db, sqlstore.SQLite)
//	store, err := vaultsql.New(ctx, h)
//	v, err := vault.Open(ctx, vault.Config{Store: store, …})
//
// # What it does not promise
//
// Emptying a row does not overwrite its bytes everywhere: they stay in the
// write-ahead log and in backups until the database reuses or discards these
// (on SQLite Scrub empties the log, which the vault calls after shreddings),
// and on PostgreSQL in dead rows; on SQLite free pages are overwritten.
// They are keys that only the key-encryption key opens.
//
// # Errors
//
// Those of package sqlstore, and [ErrSnapshot]. On PostgreSQL a transaction of
// the host's that is stricter than read committed may create keys and read, but
// what it may have overlooked ends in an error: in a serialization failure of
// the database, which is troth.ErrBusy, or in [ErrSnapshot].
//
// Keys and roots that no vault wrote are vault.ErrKeyRecord and are not loaded:
// numbers out of range, more than 4096 bytes of sealed key, more than 64
// generations. A shredding is read back in its transaction, and is an error if
// a trigger kept it from happening.
//
// # Storage
//
// Tables troth_vault_root, _person, _key, _fence, _window, _epoch, _rewrap,
// _export, _restriction, _grant, _mark, _setting, _line, _journal and _buried,
// under the migration namespace "vault". On PostgreSQL, transaction-level
// advisory locks too: one for each person or tenant whose keys are being
// destroyed, one for each tenant whose keys are being moved, and one to number
// the fence.
package vaultsql
