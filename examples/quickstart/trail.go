package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// tellTrail shows that the evidence is such that others can check it.
func (s *story) tellTrail(ctx context.Context) error {
	s.say("\n== The trail, verified")
	if err := s.sign(ctx); err != nil {
		return err
	}
	report, err := s.kit.Trail.Verify(ctx, audit.VerifyParams{})
	if err != nil {
		return err
	}
	log := report.Logs[0]
	if log.Signed != log.Size || report.Backlog.Count > 0 {
		return errors.New("not all of the log is signed")
	}
	s.say("log %s: %d entries of %d tenants, each as it was recorded, in its place and signed for", log.Origin, log.Size, log.Tenants)
	erasure, err := s.erasure(ctx)
	if err != nil {
		return err
	}
	damage, err := s.verifyTampered(ctx, erasure)
	if err != nil {
		return err
	}
	s.say("a copy of the database, in which one byte of the erasure's entry was changed:")
	s.say("  %v", damage)
	return s.tellProof(ctx, erasure)
}

// sign moves what was recorded into the log and signs it. A program that stays
// leaves that to kit.Run.
func (s *story) sign(ctx context.Context) error {
	for {
		n, err := s.kit.Trail.Sequence(ctx)
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
	}
	_, err := s.kit.Trail.Checkpoint(ctx)
	return err
}

// erasure finds the entry that tells of the erasure, in this run or an earlier
// one.
func (s *story) erasure(ctx context.Context) (audit.Record, error) {
	who, _, err := s.kit.Trail.Pseudonym(ctx, troth.Subject{Tenant: ours, ID: erased})
	if err != nil {
		return audit.Record{}, err
	}
	for r, err := range s.kit.Trail.Entries(ctx, ours, audit.Query{Act: "vault.shred", Subject: who}) {
		return r, err
	}
	return audit.Record{}, errors.New("the erasure was not recorded")
}

// errUnnoticed is the one thing that must not happen.
var errUnnoticed = errors.New("the changed byte was not noticed")

// verifyTampered changes one byte of the entry in a copy of the database and
// returns what verification says of the copy.
func (s *story) verifyTampered(ctx context.Context, r audit.Record) (damage *audit.DamageError, err error) {
	c, err := s.copy(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.remove(context.WithoutCancel(ctx))) }()
	var leaf []byte
	if err := c.db.QueryRowContext(ctx, "SELECT leaf FROM troth_audit_entry WHERE log = $1 AND idx = $2", r.Log, r.Index).Scan(&leaf); err != nil {
		return nil, err
	}
	leaf[len(leaf)/2] ^= 1
	if _, err := c.db.ExecContext(ctx, "UPDATE troth_audit_entry SET leaf = $1 WHERE log = $2 AND idx = $3", leaf, r.Log, r.Index); err != nil {
		return nil, err
	}
	_, err = c.kit.Trail.Verify(ctx, audit.VerifyParams{})
	damage, found := errors.AsType[*audit.DamageError](err)
	if !found {
		return nil, errors.Join(errUnnoticed, err)
	}
	return damage, nil
}

// tellProof leaves what a stranger needs in the folder.
func (s *story) tellProof(ctx context.Context, r audit.Record) error {
	proof, err := s.kit.Trail.Prove(ctx, ours, r.ID)
	if err != nil {
		return err
	}
	if _, err := audit.VerifyProof(proof, s.kit.Verifiers()); err != nil {
		return err
	}
	key, bundle := filepath.Join(s.dir, "trail.pub"), filepath.Join(s.dir, "erasure.proof")
	if err := os.WriteFile(key, []byte(s.kit.Verifiers().String()), 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(bundle, proof, 0o600); err != nil {
		return err
	}
	s.say("the proof of the erasure, for anybody who has the verifier key, offline:")
	s.say("  go run ./examples/auditverify -key %s %s", key, bundle)
	s.say("\nRead next: README.md; what this keeps safe, and from whom it does not: vault/doc.go, audit/doc.go and docs/threats.md.")
	s.say("Your own logs: audit/redact keeps personal data out of what zap writes.")
	return nil
}
