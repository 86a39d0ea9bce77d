package rights

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/storage/sqlstore"
)

const adasAddress = "ada@example.org"

// bureau is a host: tables in the database, and places outside that are folders.
type bureau struct {
	h      *sqlstore.Handle
	db     *sql.DB
	desk   *rights.Desk
	folder string
	now    time.Time
}

// build makes the host's tables.
func (b *bureau) build(ctx context.Context) error {
	for _, text := range []string{
		"CREATE TABLE IF NOT EXISTS noted (act TEXT NOT NULL, what TEXT NOT NULL, outcome TEXT NOT NULL)",
		"CREATE TABLE IF NOT EXISTS kept_record (place TEXT NOT NULL, owner TEXT NOT NULL, held INTEGER NOT NULL)",
		"CREATE TABLE IF NOT EXISTS gone_record (place TEXT NOT NULL, n INTEGER NOT NULL)",
	} {
		if _, err := b.h.Querier(ctx).Exec(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

// furnish puts in what the host has of Ada, and of somebody else.
func (b *bureau) furnish(ctx context.Context) error {
	for _, text := range []string{
		"INSERT INTO kept_record VALUES ('account', 'client-17', 0), ('account', 'client-18', 0)",
		"INSERT INTO kept_record VALUES ('orders', 'nr4711', 0), ('orders', 'nr4711', 0), ('orders', 'nr4711', 1), ('orders', 'nr4712', 0)",
		"INSERT INTO kept_record VALUES ('index', 'nr4711', 0), ('index', 'nr4711', 0), ('index', 'nr4712', 0)",
	} {
		if _, err := b.h.Querier(ctx).Exec(ctx, text); err != nil {
			return err
		}
	}
	for _, name := range []string{"mailer/nr4711-1", "mailer/nr4711-2", "mailer/nr4712-1", "mailer/middle", "courier/nr4711-1", "courier/dead", "index/fails-1", "index/fails-2"} {
		at := filepath.Join(b.folder, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o700), os.WriteFile(at, nil, 0o600)); err != nil {
			return err
		}
	}
	return nil
}

// sources are five in which there is something, one of them failing twice, one dead, and
// one that holds a record back, and one in which there is nothing.
func (b *bureau) sources() []rights.Source {
	var all []rights.Source
	for _, one := range []struct {
		name  string
		order rights.Order
	}{{"index", rights.Derived}, {"orders", rights.Primary}, {"letters", rights.Primary}, {"account", rights.Identity}} {
		s := rows{b, one.name}
		all = append(all, rights.Source{Name: one.name, Order: one.order, Locator: s, Eraser: s})
	}
	for _, name := range []string{"mailer", "courier"} {
		all = append(all, rights.Source{Name: name, Order: rights.Remote, Eraser: elsewhere{b, filepath.Join(b.folder, name)}})
	}
	return all
}

// rows are records in the host's database. The account names a number, by which the
// others know people.
type rows struct {
	b    *bureau
	name string
}

func (s rows) owner(q rights.Inquiry) string {
	if s.name == "account" {
		return q.SubjectID
	}
	return number(q)
}

func number(q rights.Inquiry) string {
	for _, id := range q.Identifiers {
		if v, err := id.Value.Reveal("test"); err == nil && id.Kind == "number" {
			return v
		}
	}
	return ""
}

func (b *bureau) ask(ctx context.Context, text string, args ...any) (n uint64, err error) {
	rows, err := b.h.Querier(ctx).Query(ctx, b.h.Dialect().Rebind(text), args...)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := rows.Scan(&n); err != nil {
			return 0, err
		}
	}
	return n, rows.Err()
}

func (b *bureau) count(ctx context.Context, place, owner string) (uint64, error) {
	return b.ask(ctx, "SELECT count(*) FROM kept_record WHERE place = ? AND owner = ?", place, owner)
}

func (s rows) Locate(ctx context.Context, q rights.Inquiry) (rights.Located, error) {
	n, err := s.b.count(ctx, s.name, s.owner(q))
	found := rights.Located{Records: n}
	if n > 0 && s.name == "account" {
		found.Identifiers = []rights.Identifier{{Kind: "number", Value: troth.Protect("nr4711")}}
	}
	return found, err
}

var errDown = errors.New("down, said to " + adasAddress)

// Erase takes out what is not held, in the transaction of the desk.
func (s rows) Erase(ctx context.Context, q rights.Inquiry) (rights.Report, error) {
	before, err := s.b.count(ctx, s.name, s.owner(q))
	if err != nil {
		return rights.Report{}, err
	}
	do := func(text string, args ...any) {
		if err == nil {
			_, err = s.b.h.Querier(ctx).Exec(ctx, s.b.h.Dialect().Rebind(text), args...)
		}
	}
	do("DELETE FROM kept_record WHERE place = ? AND owner = ? AND held = 0", s.name, s.owner(q))
	if err != nil {
		return rights.Report{}, err
	}
	left, err := s.b.count(ctx, s.name, s.owner(q))
	do("INSERT INTO gone_record VALUES (?, ?)", s.name, int64(before-left))
	if err != nil {
		return rights.Report{}, err
	}
	if fails, _ := filepath.Glob(filepath.Join(s.b.folder, s.name, "fails-*")); len(fails) > 0 { // after what it did
		return rights.Report{}, errors.Join(errDown, os.Remove(fails[0]))
	}
	r := rights.Report{Outcome: rights.Done, Method: rights.Deleted, Records: before - left, Asked: []string{"number"}}
	switch {
	case left > 0:
		r.Outcome = rights.Retained
		r.Kept = []rights.Kept{{Basis: rights.LegalClaims, Records: left, Review: s.b.now.AddDate(1, 0, 0)}}
	case before == 0:
		return rights.Report{Outcome: rights.NothingFound, Asked: []string{"number"}}, nil
	}
	return r, nil
}

// elsewhere is a processor: files in a folder.
type elsewhere struct {
	b    *bureau
	path string
}

// Erase moves what there is of a person into a folder of the inquiry's key, one file after
// the other, and says how much is there.
func (s elsewhere) Erase(_ context.Context, q rights.Inquiry) (rights.Report, error) {
	if _, err := os.Stat(filepath.Join(s.path, "dead")); err == nil {
		return rights.Report{}, errDown
	}
	done := filepath.Join(s.path, "done", strings.ReplaceAll(q.Key, "/", "-"))
	if err := os.MkdirAll(done, 0o700); err != nil {
		return rights.Report{}, err
	}
	found, err := filepath.Glob(filepath.Join(s.path, number(q)+"-*"))
	if err != nil {
		return rights.Report{}, err
	}
	for _, at := range found {
		if err := os.Rename(at, filepath.Join(done, filepath.Base(at))); err != nil {
			return rights.Report{}, err
		}
		if os.Remove(filepath.Join(s.path, "middle")) == nil {
			die()
		}
	}
	all, err := os.ReadDir(done)
	return rights.Report{Outcome: rights.Done, Method: rights.Deleted, Records: uint64(len(all)), Asked: []string{"number"}}, err
}
