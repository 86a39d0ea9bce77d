package main

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"sync/atomic"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/auditsql"
)

const tenant troth.Tenant = "acme"

// act takes an envelope of about as many bytes as the peers' values.
var act = &troth.Act{
	Name: "bench.touch", Version: 1, Doc: "Something was touched.",
	Fields: []troth.Field{{Name: "class", Kind: troth.WordFact, Doc: "what"}},
}

// deed is what is recorded, and by whom.
type deed struct {
	name    string
	actor   troth.Actor
	subject string
}

var (
	service = deed{name: "a service acts", actor: troth.Actor{Kind: troth.Service, ID: "bench"}}
	people  = deed{name: "a person about a person", actor: troth.Actor{Kind: troth.Person, ID: "kim"}, subject: "17"}
)

// trails are the trail on SQLite by that driver, for both deeds.
func trails(driver, name string) []*contestant {
	var both []*contestant
	for _, d := range []deed{service, people} {
		s := &steps{}
		both = append(both, &contestant{name: name + ", " + d.name, open: openTrail(driver, d, s), steps: s})
	}
	return both
}

// steps counts how often the log was moved, each time in one commit with one sync of
// the disk, and by how many entries.
type steps struct{ count, entries atomic.Int64 }

func (s *steps) reset() {
	s.count.Store(0)
	s.entries.Store(0)
}

func (s *steps) mean() float64 { return float64(s.entries.Load()) / float64(max(1, s.count.Load())) }

// counting is a store that counts its steps.
type counting struct {
	*auditsql.Store
	steps *steps
}

func (c counting) AppendLog(ctx context.Context, rows []audit.LogRow) error {
	c.steps.count.Add(1)
	c.steps.entries.Add(int64(len(rows)))
	return c.Store.AppendLog(ctx, rows)
}

// openTrail returns how a trail on SQLite is opened, with its sequencer running. An
// entry is acknowledged when it stands in the log, durably.
func openTrail(driver string, d deed, s *steps) func(context.Context, string) (func(context.Context) error, func() error, error) {
	return func(ctx context.Context, dir string) (func(context.Context) error, func() error, error) {
		db, err := sql.Open(driver, filepath.Join(dir, "trail.db"))
		if err != nil {
			return nil, nil, err
		}
		handle, err := sqlstore.Open(ctx, db, sqlstore.SQLite)
		if err != nil {
			return nil, nil, errors.Join(err, db.Close())
		}
		trail, err := newTrail(ctx, handle, s)
		if err != nil {
			return nil, nil, errors.Join(err, handle.Close(), db.Close())
		}
		running, stop := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- trail.Run(running) }()
		ctx = troth.WithActor(ctx, d.actor)
		entry := troth.Entry{
			Act: act, Tenant: tenant, SubjectID: d.subject, Purpose: "support-case",
			Facts: troth.Facts{"class": troth.Word("orders")},
		}
		write := func(context.Context) error {
			id, err := trail.Record(ctx, entry)
			if err == nil {
				_, err = trail.Await(ctx, tenant, id)
			}
			return err
		}
		closing := func() error {
			stop()
			err := <-ended
			if errors.Is(err, context.Canceled) {
				err = nil
			}
			return errors.Join(err, handle.Close(), db.Close())
		}
		return write, closing, nil
	}
}

func newTrail(ctx context.Context, handle *sqlstore.Handle, s *steps) (*audit.Trail, error) {
	store, err := auditsql.New(ctx, handle)
	if err != nil {
		return nil, err
	}
	signer, err := audit.GenerateSigningKey("troth.example/bench")
	if err != nil {
		return nil, err
	}
	return audit.New(ctx, counting{store, s}, audittest.NewKeys(), audittest.NewSealer(), audit.WithSigner(signer))
}
