package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/vault"
)

// tellCopies shows that what was erased dies in older copies of the database too:
// with the key of their epoch.
func (s *story) tellCopies(ctx context.Context, receipt vault.Receipt, old *copied) error {
	s.say("\n== Erasing them from copies of the database that somebody may have")
	row, err := s.row(ctx, erased)
	if err != nil {
		return err
	}
	items := row.items()
	plain, err := old.kit.Vault.OpenBatch(ctx, fulfilment, items)
	if err != nil {
		return err
	}
	s.say("a copy from before, with the key-encryption key at hand, still opens them: %d bytes of a name", len(plain[0]))
	if err := s.renewEpoch(ctx); err != nil {
		return err
	}
	horizon, err := s.kit.Vault.Horizon(ctx, receipt)
	if err != nil {
		return err
	}
	if horizon.At.IsZero() {
		return errors.New("there is no horizon: " + horizon.String())
	}
	s.say("from %s on nobody can read them:", horizon.At.Format(time.RFC3339))
	for _, step := range horizon.Steps {
		s.say("- %s", step.Text)
	}
	err = old.reopen(ctx, s)
	if err := expect(err, vault.ErrEpochDestroyed); err != nil {
		return err
	}
	s.say("the same copy, the same key-encryption key: %v", vault.ErrEpochDestroyed)
	return s.tellEverybodyElse(ctx)
}

// renewEpoch moves all tenants to a new epoch and destroys the key of the one
// before, once a backup of the key tables was made and opened as a test. A host
// does so once a week.
func (s *story) renewEpoch(ctx context.Context) error {
	if _, err := s.kit.Vault.Advance(ctx); err != nil {
		return err
	}
	moved, err := s.kit.Vault.Rewrap(ctx, vault.RewrapParams{})
	if err != nil {
		return err
	}
	s.say("epoch %d: a new key beside the database, under which %d keys of %d tenants lie now, the platform's too; no value touched", moved.Epoch, moved.Moved, moved.Tenants)
	_, err = s.kit.Vault.Retire(ctx)
	if err := expect(err, vault.ErrNoKeyBackup); err != nil {
		return err
	}
	if err := s.backUpKeys(ctx); err != nil {
		return err
	}
	retired, err := s.kit.Vault.Retire(ctx)
	if err != nil {
		return err
	}
	s.say("key tables backed up and opened as a test; the key of epoch %d is destroyed", retired.Destroyed[0])
	return nil
}

func (s *story) backUpKeys(ctx context.Context) error {
	var backup bytes.Buffer
	if _, err := s.kit.Vault.BackupKeys(ctx, &backup); err != nil {
		return err
	}
	path := filepath.Join(s.dir, "keys.backup")
	if err := os.WriteFile(path, backup.Bytes(), 0o600); err != nil {
		return err
	}
	written, err := os.Open(path)
	if err != nil {
		return err
	}
	_, err = s.kit.Vault.VerifyKeyBackup(ctx, written)
	return errors.Join(err, written.Close())
}

// reopen opens a copy anew, as a process does that has nothing in its memory.
func (c *copied) reopen(ctx context.Context, s *story) error {
	if err := c.kit.Close(ctx); err != nil {
		return err
	}
	c.kit = nil
	k, err := kit.Open(ctx, kit.Config{DB: c.db, Dialect: s.dialect, Secrets: s.stolen(), Retention: s.retention})
	if err == nil {
		c.kit = k
	}
	return err
}
