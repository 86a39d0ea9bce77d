// Retentionalone wires the keeper and nothing else, on SQLite: no vault and no kit. A
// note goes from the trash out of sight and to its end as its policy says, while a clock
// is moved; a legal hold keeps another; an account is closed, which is one report for
// all of its notes.
package main

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/retentionsql"
)

//go:embed policy.yaml
var policyYAML []byte

func main() {
	dir, err := os.MkdirTemp("", "retentionalone")
	if err == nil {
		err = errors.Join(run(context.Background(), dir, os.Stdout), os.RemoveAll(dir))
	}
	if err != nil {
		log.Fatal(err)
	}
}

// program is the notes, their keeper, and a clock that is moved.
type program struct {
	*notes
	now time.Time
	out io.Writer
}

func run(ctx context.Context, dir string, out io.Writer) (err error) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "notes.db")+"?_txlock=immediate"+
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
	if _, err := db.ExecContext(ctx, "CREATE TABLE note (id TEXT PRIMARY KEY, visible TEXT NOT NULL)"); err != nil {
		return err
	}
	p := &program{notes: &notes{handle: handle}, now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), out: out}
	if err := p.open(ctx); err != nil {
		return err
	}
	return p.tell(ctx)
}

func (p *program) open(ctx context.Context) error {
	store, err := retentionsql.New(ctx, p.handle)
	if err != nil {
		return err
	}
	p.keeper, err = retention.New(ctx, retention.Config{
		Store: store, Recorder: troth.UnsafeNoEvidence(p.handle), // a real host records on its trail
	}, retention.WithRecords("note", retention.Registration{Handler: p.notes}),
		retention.WithClock(func() time.Time { return p.now }),
		retention.UnsafeWithoutApproval()) // a program of one person
	if err != nil {
		return err
	}
	policy, err := retention.ParseYAML(policyYAML)
	if err != nil {
		return err
	}
	return p.keeper.Activate(as(ctx, "officer", "dpo"), policy)
}

// as is ctx with a person who has a role.
func as(ctx context.Context, id, role string) context.Context {
	return troth.WithActor(ctx, troth.Actor{Kind: troth.Person, ID: id, Roles: []string{role}})
}

// tell is what happens to three notes, day by day.
func (p *program) tell(ctx context.Context) error {
	for id, account := range map[string]string{"one": "home", "two": "home", "three": "work"} {
		if err := p.write(ctx, id, account); err != nil {
			return err
		}
	}
	trash := retention.Occurrence{Event: "trashed"}
	hold := retention.Hold{Tenant: "acme", ID: "case-7", Matter: "lawsuit", SubjectID: "ada", Review: p.now.AddDate(1, 0, 0)}
	closed := retention.Occurrence{Event: "account.closed"}
	steps := []struct {
		day  int
		what string
		do   func() error
	}{
		{0, "notes one and two are trashed", func() error {
			return errors.Join(p.keeper.Happened(ctx, keyOf("one"), trash), p.keeper.Happened(ctx, keyOf("two"), trash))
		}},
		{10, "account home is closed", func() error {
			return p.keeper.HappenedTo(ctx, retention.Whole{Tenant: "acme", ID: "home"}, closed)
		}},
		{20, "note three is trashed", func() error { return p.keeper.Happened(ctx, keyOf("three"), trash) }},
		{36, "nobody did anything", nil},
		{46, "nobody did anything", nil},
		{60, "counsel places a hold", func() error { return p.keeper.Place(as(ctx, "lawyer", "counsel"), hold) }},
		{80, "nobody did anything", nil},
		{90, "two people release the hold", func() error {
			return errors.Join(p.keeper.ProposeRelease(as(ctx, "lawyer", "counsel"), "acme", hold.ID),
				p.keeper.Release(as(ctx, "officer", "dpo"), "acme", hold.ID))
		}},
	}
	began := p.now
	for _, s := range steps {
		p.now = began.AddDate(0, 0, s.day)
		if s.do != nil {
			if err := s.do(); err != nil {
				return err
			}
		}
		if err := p.sweep(ctx, s.day, s.what); err != nil {
			return err
		}
	}
	return nil
}

// sweep does what is due, and shows who sees what.
func (p *program) sweep(ctx context.Context, day int, what string) error {
	swept, err := p.keeper.Sweep(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "day %2d, %s:", day, what)
	for _, id := range []string{"one", "two", "three"} {
		to, err := p.visible(ctx, id)
		if err != nil {
			return err
		}
		fmt.Fprintf(p.out, " %s %s,", id, to)
	}
	fmt.Fprintf(p.out, " %d destroyed, %d held\n", swept.Destroyed, swept.Held)
	return nil
}
