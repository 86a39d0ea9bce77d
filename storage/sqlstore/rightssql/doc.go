// Package rightssql keeps the rights desk's rows in a SQL database, through the handle of
// package sqlstore: SQLite or PostgreSQL.
//
//	h, err := sqlstore.Open(ctx, db, sqlstore.SQLite)
//	store, err := rightssql.New(ctx, h)
//	desk, err := rights.New(ctx, rights.Config{Store: store, …})
//
// # Errors
//
// Those of package sqlstore, and [ErrSnapshot]: who locks a request in a transaction of
// the host's on PostgreSQL that is stricter than read committed could overlook what
// happened to it, and is refused. Stored rows that no desk wrote are rights.ErrRecord.
//
// # Storage
//
// Tables troth_rights_request, _event, _item and _managed, under the migration namespace
// "rights". Staff's queue is read by indexes that end with deadline and id, so that a
// page costs the same whatever there is; what is due is found by its instant.
package rightssql
