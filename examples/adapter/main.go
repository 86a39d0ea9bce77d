// Adapter shows a Store that was written by hand: the trail of package audit,
// kept in the host's own tables by the host's own SQL (journal.go), on a
// sqlstore.Handle, so that evidence joins the host's transactions. It passes the
// suite that every such store must pass (journal_test.go). The program ships two
// parcels, rolls one back, and lists what remained: act and evidence, or neither.
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

	_ "modernc.org/sqlite"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/keyfile"
	"github.com/trothdev/troth/storage/sqlstore"
)

// shipped is the host's own act. Facts that it does not declare are refused.
var shipped = &troth.Act{
	Name: "shop.ship", Version: 1, Doc: "A parcel was handed to the carrier.",
	Fields: []troth.Field{{Name: "parcel", Kind: troth.CountFact, Doc: "number of the parcel"}},
}

func main() {
	dir, err := os.MkdirTemp("", "adapter")
	if err == nil {
		err = errors.Join(run(context.Background(), dir, os.Stdout), os.RemoveAll(dir))
	}
	if err != nil {
		log.Fatal(err)
	}
}

// shop is the host: its database, troth's handle on it, and the trail.
type shop struct {
	db     *sql.DB
	handle *sqlstore.Handle
	trail  *audit.Trail
}

func run(ctx context.Context, dir string, out io.Writer) (err error) {
	db, err := openDB(filepath.Join(dir, "shop.db"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return err
	}
	handle, err := sqlstore.Open(ctx, db, sqlstore.SQLite)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, handle.Close()) }()
	keyPath := filepath.Join(dir, "keys")
	if err := keyfile.Create(keyPath, "a passphrase"); err != nil {
		return err
	}
	keys, err := keyfile.Open(keyPath, "a passphrase")
	if err != nil {
		return err
	}
	store, err := newJournal(ctx, handle)
	if err != nil {
		return err
	}
	trail, err := audit.New(ctx, store, keys, sealer{keys})
	if err != nil {
		return err
	}
	return shop{db, handle, trail}.tell(ctx, out)
}

// openDB sets what the handle asks of connections that run the host's transactions.
func openDB(path string) (*sql.DB, error) {
	return sql.Open("sqlite", "file:"+path+"?_txlock=immediate&_pragma=busy_timeout(5000)"+
		"&_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=foreign_keys(on)")
}

func (s shop) tell(ctx context.Context, out io.Writer) error {
	ctx = troth.WithActor(ctx, troth.Actor{Kind: troth.Person, ID: "staff-17"})
	for i, end := range []string{"committed", "rolled back"} {
		if err := s.ship(ctx, i+1, end == "committed"); err != nil {
			return err
		}
		fmt.Fprintf(out, "parcel %d: %s\n", i+1, end)
	}
	var parcels int
	if err := s.db.QueryRowContext(ctx, "SELECT count(*) FROM parcel").Scan(&parcels); err != nil {
		return err
	}
	fmt.Fprintf(out, "what remained: %d parcel, and on the trail\n", parcels)
	for record, err := range s.trail.Entries(ctx, "acme", audit.Query{}) {
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "  %s %s, %v, by a %s\n", record.Act, record.Outcome, record.Facts[0], record.Actor.Kind)
	}
	return nil
}

// ship stores a parcel and its evidence in one transaction of the host's own.
func (s shop) ship(ctx context.Context, number int, commit bool) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	if _, err := tx.ExecContext(ctx, "INSERT INTO parcel (number) VALUES (?)", number); err != nil {
		return err
	}
	_, err = s.trail.Record(s.handle.WithTx(ctx, tx), troth.Entry{
		Act: shipped, Tenant: "acme", SubjectID: "c-1017", Facts: troth.Facts{"parcel": troth.Count(number)},
	})
	if err != nil || !commit {
		return err
	}
	return tx.Commit()
}
