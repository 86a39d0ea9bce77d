// Taskalone wires tasks and nothing else, on SQLite: no vault and no kit. An order
// and the notice about it are written in one transaction of the shop's own; the
// notice fails twice, is tried again, and arrives once. Another order is given up,
// and its notice with it.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/keyfile"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/tasksql"
	"github.com/trothdev/troth/task"
)

func main() {
	dir, err := os.MkdirTemp("", "taskalone")
	if err == nil {
		err = errors.Join(run(context.Background(), dir, os.Stdout), os.RemoveAll(dir))
	}
	if err != nil {
		log.Fatal(err)
	}
}

// shop is a program that keeps its orders and its work in one database.
type shop struct {
	handle *sqlstore.Handle
	engine *task.Engine
	out    io.Writer
	// seen is told when a notice was sent.
	seen chan struct{}
}

func run(ctx context.Context, dir string, out io.Writer) (err error) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "shop.db")+"?_txlock=immediate"+
		"&_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_pragma=synchronous(2)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	handle, err := sqlstore.Open(ctx, db, sqlstore.SQLite)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, handle.Close()) }()
	s := &shop{handle: handle, out: out, seen: make(chan struct{}, 2)}
	if s.engine, err = openEngine(ctx, handle, filepath.Join(dir, "keys")); err != nil {
		return err
	}
	return s.open(ctx, db)
}

func openEngine(ctx context.Context, handle *sqlstore.Handle, keys string) (*task.Engine, error) {
	store, err := tasksql.New(ctx, handle)
	if err != nil {
		return nil, err
	}
	if err := keyfile.Create(keys, "a passphrase"); err != nil {
		return nil, err
	}
	k, err := keyfile.Open(keys, "a passphrase")
	if err != nil {
		return nil, err
	}
	return task.New(ctx, task.Config{
		Store: store, Recorder: troth.UnsafeNoEvidence(handle), Sealer: sealer{k}, // a real host records on its trail
	}, task.Unmanaged("no-retention-keeper"), task.WithPoll(10*time.Millisecond))
}

func (s *shop) open(ctx context.Context, db *sql.DB) error {
	if _, err := db.ExecContext(ctx, "CREATE TABLE orders (id TEXT PRIMARY KEY)"); err != nil {
		return err
	}
	if err := s.register(); err != nil {
		return err
	}
	if err := s.order(ctx, db, "4711", "ada@shop-17.example", true); err != nil {
		return err
	}
	if err := s.order(ctx, db, "4712", "grace@shop-17.example", false); err != nil {
		return err
	}
	return s.work(ctx)
}

// work runs the engine until the notice has been sent.
func (s *shop) work(ctx context.Context) error {
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- s.engine.Run(running) }()
	<-s.seen
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		return err
	}
	p, err := s.engine.Progress(ctx, tenant)
	fmt.Fprintf(s.out, "%d open, %d ended\n", p.Open, p.Ended)
	return err
}
