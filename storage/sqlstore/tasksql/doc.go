// Package tasksql keeps the rows of tasks in a SQL database, through the handle
// of package sqlstore: SQLite or PostgreSQL.
//
//	h, err := sqlstore.Open(ctx, db, sqlstore.Postgres)
//	store, err := tasksql.New(ctx, h)
//	e, err := task.New(ctx, task.Config{Store: store, …})
//
// # What it does not promise
//
// Emptying a payload does not overwrite its bytes everywhere: they stay in the
// write-ahead log, in backups, and on PostgreSQL in dead rows. They are sealed
// under a key that is destroyed.
//
// # Errors
//
// Those of package sqlstore. On PostgreSQL two transactions that end and add
// tasks which wait for each other's may deadlock: the database ends one, with
// troth.ErrBusy.
//
// # Storage
//
// Tables troth_task, troth_task_turn, _edge, _group, _lease, _due, _disposal, _alarm,
// _rate and _managed, under the migration namespace "task". On PostgreSQL, while tasks of a
// kind with limits are claimed, a transaction-level advisory lock for that kind.
// The clock of leases is that of the database server on PostgreSQL, to the
// microsecond, and that of the machine on SQLite, to the millisecond.
package tasksql
