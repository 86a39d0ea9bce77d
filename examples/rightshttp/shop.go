package main

import (
	"context"
	"database/sql"
	"errors"
	"iter"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite"

	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/rights/export"
	"github.com/trothdev/troth/storage/sqlstore"
)

// shop has two tables about people.
type shop struct {
	db  *sql.DB
	kit *kit.Kit
}

const schema = `
CREATE TABLE IF NOT EXISTS purchase (id INTEGER PRIMARY KEY, customer TEXT NOT NULL, article TEXT NOT NULL, cents INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS letter (id INTEGER PRIMARY KEY, customer TEXT NOT NULL, text TEXT NOT NULL, clerk TEXT NOT NULL);
INSERT OR IGNORE INTO purchase VALUES (1, 'customer-17', 'A globe', 4900), (2, 'customer-17', 'A map', 900), (3, 'customer-18', 'A compass', 1900);
INSERT OR IGNORE INTO letter VALUES (1, 'customer-17', 'Where is my globe?', 'Bob');
`

func open(ctx context.Context, dir string) (*shop, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	secrets, err := kit.LocalSecrets(filepath.Join(dir, "secrets"), "a passphrase from the environment")
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "shop.db")+
		"?_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_pragma=synchronous(2)")
	if err != nil {
		return nil, err
	}
	s := &shop{db: db}
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	s.kit, err = kit.Open(ctx, kit.Config{DB: db, Dialect: sqlstore.SQLite, Secrets: secrets, Origin: "shop.example/trail", Rights: s.rights})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

// rights tells the desk of the shop's tables; what troth itself holds it knows.
func (s *shop) rights(k *kit.Kit) []rights.Option {
	purchases := table{k, "purchase", "SELECT id, article, cents FROM purchase WHERE customer = $1 ORDER BY id", []export.Column{
		{Name: "article", About: export.Person}, {Name: "cents", About: export.Person},
	}}
	letters := table{k, "letter", "SELECT id, text, clerk FROM letter WHERE customer = $1 ORDER BY id", []export.Column{
		{Name: "text", About: export.Person}, {Name: "clerk", About: export.Others}, // kept back
	}}
	return []rights.Option{
		rights.WithController("Shop"), rights.WithRegimes("gdpr"),
		rights.WithCoolingOff(0), // a real host leaves the three days
		rights.WithSource(rights.Source{
			Name: "purchases", Title: "What you bought", Order: rights.Primary, Records: []string{"purchase"},
			Locator: purchases, Exporter: purchases, Eraser: purchases,
		}),
		rights.WithSource(rights.Source{
			Name: "letters", Title: "What you wrote to us", Order: rights.Primary, Records: []string{"letter"},
			Locator: letters, Exporter: letters, Eraser: letters,
		}),
	}
}

// table is a table as a source: its name, what is read of a customer, and whom that is
// about.
type table struct {
	k       *kit.Kit
	name    string
	query   string
	columns []export.Column
}

// read reads all of a customer's rows; a table with many reads page after page.
func (t table) read(ctx context.Context, q rights.Inquiry) (all []export.Record, err error) {
	rows, err := t.k.Handle.Querier(ctx).Query(ctx, t.query, q.SubjectID)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var id, first, second string
		if err := rows.Scan(&id, &first, &second); err != nil {
			return nil, err
		}
		all = append(all, export.Record{Type: t.name, ID: id, Fields: []export.Field{
			export.Text(t.columns[0].Name, first), export.Text(t.columns[1].Name, second),
		}})
	}
	return all, rows.Err()
}

func (t table) Locate(ctx context.Context, q rights.Inquiry) (rights.Located, error) {
	all, err := t.read(ctx, q)
	return rights.Located{Records: uint64(len(all))}, err
}

func (t table) Types() []export.Type {
	return []export.Type{{Name: t.name, Columns: t.columns}}
}

func (t table) Export(ctx context.Context, q rights.Inquiry) iter.Seq2[export.Record, error] {
	return func(yield func(export.Record, error) bool) {
		all, err := t.read(ctx, q)
		if err != nil {
			yield(export.Record{}, err)
			return
		}
		for _, r := range all {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// Erase deletes in the desk's transaction: what it reports commits with it.
func (t table) Erase(ctx context.Context, q rights.Inquiry) (rights.Report, error) {
	done, err := t.k.Handle.Querier(ctx).Exec(ctx, "DELETE FROM "+t.name+" WHERE customer = $1", q.SubjectID)
	if err != nil {
		return rights.Report{}, err
	}
	n, err := done.RowsAffected()
	if err != nil {
		return rights.Report{}, err
	}
	if n == 0 {
		return rights.Report{Outcome: rights.NothingFound, Asked: []string{"subject"}}, nil
	}
	return rights.Report{Outcome: rights.Done, Method: rights.Deleted, Records: uint64(n), Asked: []string{"subject"}}, nil
}
