package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"path/filepath"

	_ "modernc.org/sqlite"

	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/storage/keyfile"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/auditsql"
	"github.com/trothdev/troth/storage/sqlstore/consentsql"
)

// program is what a host wires at its start.
type program struct {
	db     *sql.DB
	handle *sqlstore.Handle
	trail  *audit.Trail
	ledger *consent.Ledger
	keys   audit.Verifiers
}

func (p *program) close() error { return errors.Join(p.handle.Close(), p.db.Close()) }

func open(ctx context.Context, dir string) (*program, error) {
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
	if err := p.wire(ctx, dir); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

func (p *program) wire(ctx context.Context, dir string) error {
	path, passphrase := filepath.Join(dir, "keys"), rand.Text() // a host has it in its configuration
	if err := keyfile.Create(path, passphrase); err != nil {
		return err
	}
	keys, err := keyfile.Open(path, passphrase)
	if err != nil {
		return err
	}
	signer, err := audit.GenerateSigningKey("shop.example/trail") // a host keeps its Secret
	if err != nil {
		return err
	}
	if p.keys, err = p.keys.With(signer.VerifierKey()); err != nil {
		return err
	}
	entries, err := auditsql.New(ctx, p.handle)
	if err != nil {
		return err
	}
	if p.trail, err = audit.New(ctx, entries, keys, sealer{keys}, audit.WithSigner(signer)); err != nil {
		return err
	}
	store, err := consentsql.New(ctx, p.handle)
	if err != nil {
		return err
	}
	p.ledger, err = consent.New(ctx, consent.Config{Store: store, Recorder: p.trail, Keys: keys},
		consent.WithProver(p.trail),
		consent.WithController(consent.Controller{Name: "Acme Ltd", Contact: "privacy@acme.example"}))
	return err
}
