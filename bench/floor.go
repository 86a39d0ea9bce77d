package main

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"time"
)

// openFloor returns how a table of SQLite is opened that is written to by as little
// as can be: whoever waits shares one synced transaction, each with one row of 310 bytes,
// which is about what a leaf takes, and nothing is indexed, hashed or kept beside
// it. No log on SQLite can be faster.
func openFloor(driver string, writers int) func(context.Context, string) (func(context.Context) error, func() error, error) {
	return func(ctx context.Context, dir string) (func(context.Context) error, func() error, error) {
		db, err := sql.Open(driver, filepath.Join(dir, "floor.db"))
		if err != nil {
			return nil, nil, err
		}
		conn, err := db.Conn(ctx)
		for _, text := range []string{
			"PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "CREATE TABLE leaf (place INTEGER PRIMARY KEY, leaf BLOB NOT NULL)",
		} {
			if err == nil {
				_, err = conn.ExecContext(ctx, text)
			}
		}
		if err != nil {
			return nil, nil, errors.Join(err, db.Close())
		}
		insert, err := conn.PrepareContext(ctx, "INSERT INTO leaf (leaf) VALUES (?)")
		if err != nil {
			return nil, nil, errors.Join(err, db.Close())
		}
		f := &floor{conn: conn, insert: insert, writers: writers, come: make(chan chan error, writers), stop: make(chan struct{}), ended: make(chan struct{})}
		go f.run(ctx)
		closing := func() error {
			close(f.stop)
			<-f.ended
			return errors.Join(insert.Close(), conn.Close(), db.Close())
		}
		return f.write, closing, nil
	}
}

// floor commits what many write.
type floor struct {
	conn        *sql.Conn
	insert      *sql.Stmt
	writers     int
	come        chan chan error
	stop, ended chan struct{}
}

func (f *floor) write(context.Context) error {
	done := make(chan error, 1)
	f.come <- done
	return <-done
}

func (f *floor) run(ctx context.Context) {
	defer close(f.ended)
	for {
		var waiting []chan error
		select {
		case first := <-f.come:
			waiting = append(waiting, first)
		case <-f.stop:
			return
		}
		for late := time.After(time.Millisecond); len(waiting) < f.writers; {
			select {
			case next := <-f.come:
				waiting = append(waiting, next)
				continue
			case <-late:
			}
			break
		}
		err := f.commit(ctx, len(waiting))
		for _, done := range waiting {
			done <- err
		}
	}
}

func (f *floor) commit(ctx context.Context, rows int) error {
	if _, err := f.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	leaf := make([]byte, 310)
	for range rows {
		if _, err := f.insert.ExecContext(ctx, leaf); err != nil {
			return err
		}
	}
	_, err := f.conn.ExecContext(ctx, "COMMIT")
	return err
}
