// Package retentionsql keeps the retention keeper's rows in a SQL database, through the
// handle of package sqlstore: SQLite or PostgreSQL.
//
//	h, err := sqlstore.Open(ctx, db, sqlstore.SQLite)
//	store, err := retentionsql.New(ctx, h)
//	keeper, err := retention.New(ctx, retention.Config{Store: store, …})
//
// # Errors
//
// Those of package sqlstore, and [ErrSnapshot]: who locks in a transaction of the
// host's on PostgreSQL that is stricter than read committed could overlook a hold, and
// is refused. Stored rows that no keeper wrote are retention.ErrRecord.
//
// # Storage
//
// Tables troth_retention_policy, _record, _hold, _gate, _event and _lease, under the migration namespace
// "retention". What is due is found by indexes on class, stage, cohort and anchor, and
// on the few rows that have an instant of their own; so a sweep costs what is due.
// The row of a tenant in _gate is locked by who sweeps, with others, and by who places
// or releases a hold, alone.
package retentionsql
