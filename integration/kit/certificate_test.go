package kit_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/vault"
)

// rotated is a policy whose records lie in backups for thirty days.
const rotated = `
format: troth.retention.policy/1
policy: shop
version: 1
title: What the shop keeps
effective: 2020-01-01
zone: UTC
sweep: P1D
copies:
  - {copy: database, kind: primary}
  - {copy: backups, kind: backup, of: database, rotation: P30D}
classes:
  - class: order
    title: Orders
    records: [order]
    copies: [database]
    stages:
      - {stage: active, visible: all, for: P3Y}
`

// TestRights_ACertificateIsFinalWhenNoCopyIsLeft: a certificate is provisional until an epoch
// of the vault is retired in which the person's keys lay, and until the copies of what the
// policy destroyed have expired; each time it says what it waits for, and the last one says
// that nothing is left.
func TestRights_ACertificateIsFinalWhenNoCopyIsLeft(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		if testing.Short() && d.driver == "pgx" {
			t.Skip("the way is the same on each database, and long; the whole run goes it on both")
		}
		clock, h := &hand{at: time.Now()}, &orders{}
		secrets, err := kit.LocalSecrets(t.TempDir(), "correct horse battery", kit.KeptApart(48*time.Hour))
		require.NoError(t, err)
		c := d.config(d.connect(t))
		c.Clock, c.Secrets, c.Origin = clock.now, secrets, origin
		c.Retention = func(k *kit.Kit) []retention.Option {
			h.k = k
			return []retention.Option{
				retention.WithRecords("order", retention.Registration{Handler: h}), retention.UnsafeWithoutApproval(),
			}
		}
		c.Rights = func(*kit.Kit) []rights.Option {
			return []rights.Option{rights.WithCoolingOff(0), rights.WithController("Acme Ltd.")}
		}
		k, err := kit.Open(t.Context(), c, vault.UnsafeWithoutKeyBackups("a test"))
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, k.Close(context.WithoutCancel(t.Context()))) })
		p, err := retention.ParseYAML([]byte(rotated))
		require.NoError(t, err)
		require.NoError(t, k.Keeper.Activate(as(t, "officer", "dpo"), p))
		ctx := asService(t)
		place := troth.Context{
			Subject: reader("ada"), Compartment: "orders", Cell: troth.Cell{Table: "t", Column: "c", Row: "1"},
		}
		_, err = k.Vault.AppendSeal(ctx, nil, place, []byte("x"))
		require.NoError(t, err)
		require.NoError(t, k.Keeper.Created(ctx, retention.NewRecord{
			RecordKey: retention.RecordKey{Tenant: "acme", Type: "order", ID: "4711"}, SubjectID: "ada",
		}))
		var files [][]byte
		certify := func() rights.Certificate {
			t.Helper()
			require.NoError(t, k.Rights.Sweep(ctx))
			made, err := k.Rights.Certify(ctx, "acme", "e")
			require.NoError(t, err)
			_, err = k.Trail.Sequence(t.Context())
			require.NoError(t, err)
			file, err := k.Rights.ProveCertificate(ctx, made)
			require.NoError(t, err)
			got, err := rights.VerifyCertificate(file, k.Verifiers().Proven)
			require.NoError(t, err)
			files = append(files, file)
			return got
		}
		of := func(c rights.Certificate, source string) rights.CertificateSource {
			for _, s := range c.Sources {
				if s.Name == source {
					return s
				}
			}
			require.Fail(t, source)
			return rights.CertificateSource{}
		}

		r := asked(t, k, rights.Submission{
			ID: "e", Right: rights.Erase, SubjectID: "ada",
			Contents: rights.Contents{Name: troth.Protect("Ada"), Channel: "email", Address: troth.Protect("ada" + at)},
		})
		require.Equal(t, rights.StateDelivering, r.State)
		require.Equal(t, []string{"4711"}, h.destroyed())
		erased := clock.now()
		_, err = k.Rights.Deliver(ctx, "acme", "e", time.Time{})
		require.NoError(t, err)

		// Nobody knows yet how long older copies open.
		cert := certify()
		require.Equal(t, rights.Provisional, cert.Stage)
		require.Nil(t, cert.Complete)
		require.Equal(t, rights.Pending, of(cert, "troth.vault").Outcome)
		require.Equal(t, rights.Done, of(cert, "troth.retention").Outcome)
		copies := of(cert, "troth.retention").CopiesUntil
		require.NotNil(t, copies)
		require.WithinRange(t, copies.Time, erased.AddDate(0, 0, 29), erased.AddDate(0, 0, 32))
		clock.move(5 * 24 * time.Hour)
		require.Equal(t, rights.Pending, of(certify(), "troth.vault").Outcome, "the epoch is in use")

		// The next epoch begins, everything moves there, and the old one is destroyed.
		_, err = k.Vault.Advance(ctx)
		require.NoError(t, err)
		for done := false; !done; {
			moved, err := k.Vault.Rewrap(ctx, vault.RewrapParams{})
			require.NoError(t, err)
			done = moved.Done
		}
		retired, err := k.Vault.Retire(ctx)
		require.NoError(t, err)
		require.NotEmpty(t, retired.Destroyed)
		clock.move(25 * time.Hour)
		cert = certify()
		require.Equal(t, rights.Provisional, cert.Stage)
		require.Equal(t, rights.Done, of(cert, "troth.vault").Outcome)
		require.NotNil(t, of(cert, "troth.vault").CopiesUntil, "a copy of the folder may live on")
		require.NotNil(t, cert.Complete)
		require.True(t, cert.Complete.Equal(copies.Time), "the last of all")

		clock.move(15 * 24 * time.Hour)
		require.Equal(t, rights.Provisional, certify().Stage, "the vault's copies are gone, the policy's are not")
		clock.move(copies.Sub(clock.now()) + time.Hour)
		cert = certify()
		require.Equal(t, rights.Final, cert.Stage)
		require.Nil(t, cert.Complete)
		left, err := k.Rights.Obligations(ctx, "acme", "e")
		require.NoError(t, err)
		require.Empty(t, left)
		require.NoError(t, k.Rights.Reconcile(ctx, "acme"))

		// It is a certificate of this and of nothing else.
		last := files[len(files)-1]
		for name, edit := range map[string][2]string{
			"stage":  {`"stage": "final"`, `"stage": "provisional"`},
			"tenant": {`"tenant": "acme"`, `"tenant": "globex"`},
			"method": {`"key-destroyed"`, `"anonymised"`},
			"issued": {fmt.Sprintf(`"issued": "%d`, cert.Issued.Year()), fmt.Sprintf(`"issued": "%d`, cert.Issued.Year()-1)},
		} {
			forged := bytes.Replace(last, []byte(edit[0]), []byte(edit[1]), 1)
			require.NotEqual(t, last, forged, name)
			_, err := rights.VerifyCertificate(forged, k.Verifiers().Proven)
			require.ErrorIs(t, err, rights.ErrCertificateProof, name)
		}
		first, err := rights.ParseCertificate(files[0])
		require.NoError(t, err)
		cert.Proof = first.Proof
		swapped, err := cert.Marshal()
		require.NoError(t, err)
		_, err = rights.VerifyCertificate(swapped, k.Verifiers().Proven)
		require.ErrorIs(t, err, rights.ErrCertificateProof, "another's proof")
		for _, file := range files {
			for _, secret := range []string{`"ada"`, "ada" + at} { // fewer letters may be in a hash
				require.NotContains(t, string(file), secret)
			}
		}
	})
}
