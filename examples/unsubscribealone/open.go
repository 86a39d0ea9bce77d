package main

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/keyfile"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/tasksql"
	"github.com/trothdev/troth/storage/sqlstore/unsubscribesql"
	"github.com/trothdev/troth/task"
	"github.com/trothdev/troth/unsubscribe"
)

// program is what a host wires at its start.
type program struct {
	db       *sql.DB
	handle   *sqlstore.Handle
	engine   *task.Engine
	registry *unsubscribe.Registry
}

func (p *program) close() error { return errors.Join(p.handle.Close(), p.db.Close()) }

func open(ctx context.Context, dir string, mailer unsubscribe.Provider) (*program, error) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "shop.db")+"?_txlock=immediate"+
		"&_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_pragma=synchronous(2)")
	if err != nil {
		return nil, err
	}
	handle, err := sqlstore.Open(ctx, db, sqlstore.SQLite)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	p := &program{db: db, handle: handle}
	if err := p.wire(ctx, filepath.Join(dir, "keys"), mailer); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

func (p *program) wire(ctx context.Context, path string, mailer unsubscribe.Provider) error {
	if err := keyfile.Create(path, "a passphrase"); err != nil { // a host has both already
		return err
	}
	keys, err := keyfile.Open(path, "a passphrase")
	if err != nil {
		return err
	}
	evidence := troth.UnsafeNoEvidence(p.handle) // a real host records on its trail
	tasks, err := tasksql.New(ctx, p.handle)
	if err != nil {
		return err
	}
	p.engine, err = task.New(ctx, task.Config{Store: tasks, Recorder: evidence, Sealer: sealer{keys}},
		task.Unmanaged("no-retention-keeper"), task.WithPoll(10*time.Millisecond))
	if err != nil {
		return err
	}
	store, err := unsubscribesql.New(ctx, p.handle)
	if err != nil {
		return err
	}
	p.registry, err = unsubscribe.New(ctx, unsubscribe.Config{Store: store, Recorder: evidence, Keys: keys},
		unsubscribe.WithEnqueuer(p.engine), unsubscribe.WithProvider("mailer", mailer))
	if err != nil {
		return err
	}
	return p.engine.Handle(task.Kind{Name: unsubscribe.WorkPropagate, Backoff: 10 * time.Millisecond}, p.registry.Do)
}
