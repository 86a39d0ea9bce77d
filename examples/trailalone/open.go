package main

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"

	_ "modernc.org/sqlite"

	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/keyfile"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/auditsql"
)

// with opens the trail under a signer, as a process does when it starts, and
// closes the database behind do.
func (s *story) with(ctx context.Context, key audit.Signer, do func(context.Context, *audit.Trail) error) (err error) {
	db, err := sql.Open("sqlite", "file:"+s.path("shop.db")+"?_txlock=immediate"+
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
	store, err := auditsql.New(ctx, handle)
	if err != nil {
		return err
	}
	keys, err := s.openKeys()
	if err != nil {
		return err
	}
	trail, err := audit.New(ctx, store, keys, sealer{keys},
		audit.WithSigner(key), audit.WithVerifiers(s.keys),
		audit.WithSink(audit.FileSink(s.path("kept.checkpoint")))) // better on another machine
	if err != nil {
		return err
	}
	return do(ctx, trail)
}

// openKeys makes the key file when it is first asked for.
func (s *story) openKeys() (*keyfile.Keys, error) {
	if err := keyfile.Create(s.path("keys"), "a passphrase"); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return keyfile.Open(s.path("keys"), "a passphrase")
}
