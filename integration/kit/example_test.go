package kit_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/storage/sqlstore"
)

// A shop seals a customer's e-mail in its own transaction, lets a member of
// staff open it, and reads the evidence of that.
func Example() {
	dir, err := os.MkdirTemp("", "shop")
	check(err)
	defer os.RemoveAll(dir)

	// Who acts: the middleware of a real host puts this in each request's context.
	ctx := troth.WithActor(context.Background(), troth.Actor{Kind: troth.Person, ID: "staff-17"})

	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "shop.db")+
		"?_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_pragma=synchronous(2)")
	check(err)
	secrets, err := kit.LocalSecrets(filepath.Join(dir, "secrets"), "a passphrase")
	check(err)
	k, err := kit.Open(ctx, kit.Config{DB: db, Dialect: sqlstore.SQLite, Secrets: secrets})
	check(err)
	_, err = db.ExecContext(ctx, "CREATE TABLE customers (id TEXT PRIMARY KEY, email BLOB NOT NULL)")
	check(err)

	// Whose it is, which class of data, and where it stands.
	email := troth.Context{
		Subject:     troth.Subject{Tenant: "acme", ID: "c-1017"},
		Compartment: troth.DefaultCompartment,
		Cell:        troth.Cell{Table: "customers", Column: "email", Row: "c-1017"},
	}

	tx, err := db.BeginTx(ctx, nil)
	check(err)
	sealed, err := k.Vault.Seal(k.WithTx(ctx, tx), nil, email, []byte("ada@example.org"))
	check(err)
	_, err = tx.ExecContext(ctx, "INSERT INTO customers (id, email) VALUES (?, ?)", email.Cell.Row, sealed)
	check(err)
	check(tx.Commit())

	plain, err := k.Vault.Open(ctx, nil, email, "support-case", sealed)
	check(err)
	fmt.Printf("%s\n", plain)

	for record, err := range k.Trail.Entries(ctx, "acme", audit.Query{}) {
		check(err)
		fmt.Println(record.Act, record.Outcome, "by a", record.Actor.Kind, "for", record.Purpose, record.Facts)
	}
	check(k.Close(ctx))
	check(db.Close())
	// Output:
	// ada@example.org
	// vault.open done by a person for support-case [compartments=default columns=customers.email values=1]
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
