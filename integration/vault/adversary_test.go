package vault_test

import (
	"bytes"
	"encoding/binary"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/vaultsql"
	"github.com/trothdev/troth/vault"
)

// copied takes every byte of the database: SQLite's files, the write-ahead log
// included, or a dump. The copy is a database of its own, with the secrets of
// the first, which its adversary holds as well: the live key-encryption key.
func (d database) copied(t *testing.T) database {
	t.Helper()
	dir := t.TempDir()
	if d.Driver == "sqlite" {
		source, err := url.Parse(d.DSN)
		require.NoError(t, err)
		to := *source
		to.Path = filepath.Join(dir, "copy.db")
		for _, suffix := range []string{"", "-wal", "-shm"} {
			copyFile(t, source.Path+suffix, to.Path+suffix)
		}
		return database{Driver: d.Driver, DSN: to.String(), Secrets: d.Secrets}
	}
	dump := filepath.Join(dir, "dump.sql")
	run(t, "pg_dump", "--dbname", d.DSN, "--no-owner", "--file", dump)
	c := newPostgres(t)
	run(t, "psql", "--dbname", c.DSN, "--quiet", "--set", "ON_ERROR_STOP=1", "--file", dump)
	return database{Driver: d.Driver, DSN: c.DSN, Secrets: d.Secrets}
}

func run(t *testing.T, program string, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), pgtest.Program(t, program), args...).CombinedOutput()
	require.NoError(t, err, string(out))
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(to, b, 0o600))
}

// copiedFolder takes the EpochStore as it is now.
func (d database) copiedFolder(t *testing.T) vault.EpochStore {
	t.Helper()
	dir := t.TempDir()
	files, err := os.ReadDir(d.epochFolder())
	require.NoError(t, err)
	for _, f := range files {
		copyFile(t, filepath.Join(d.epochFolder(), f.Name()), filepath.Join(dir, f.Name()))
	}
	s, err := vault.OpenEpochFolder(vault.EpochFolder{Path: dir, Passphrase: passphrase})
	require.NoError(t, err)
	return s
}

// adversary has a copy of the database, the live key-encryption key, and a copy
// of the EpochStore. He plays by no rule that troth's code could hold him to: he
// opens roots by hand.
type adversary struct {
	*testing.T
	keys   *vaultsql.Store
	kek    vault.KEK
	epochs vault.EpochStore
	vault  *vault.Vault
}

func newAdversary(t *testing.T, stolen database, epochs vault.EpochStore) *adversary {
	t.Helper()
	secrets, err := secretsOf(stolen)
	require.NoError(t, err)
	h, err := sqlstore.Open(t.Context(), stolen.open(t), stolen.dialect())
	require.NoError(t, err)
	t.Cleanup(func() { _ = h.Close() })
	a := &adversary{T: t, kek: secrets.KEK, epochs: epochs}
	a.keys, err = vaultsql.New(t.Context(), h)
	require.NoError(t, err)
	a.vault, err = vault.Open(t.Context(), vault.Config{
		Store: a.keys, KEK: secrets.KEK, Recorder: troth.UnsafeNoEvidence(h), Epochs: epochs,
	})
	if err != nil { // his platform root does not open: then he goes on by hand
		require.ErrorIs(t, err, vault.ErrEpochStore)
	}
	return a
}

// reads reports whether the vault's own code gives him the value.
func (a *adversary) reads(subject string, sealed []byte) bool {
	a.Helper()
	if a.vault == nil {
		return false
	}
	plain, err := a.vault.AppendOpen(service(a.Context(), "adversary"), nil, emailOf(shop, subject), orders, sealed)
	if err == nil {
		require.Equal(a, plaintextOf(subject), plain)
	}
	return err == nil
}

// opensRoots reports whether he gets any root of the tenant in the clear: the
// outer layer by the key-encryption key, and the inner one by any epoch key that
// he has, bound as docs/formats.md says.
func (a *adversary) opensRoots(tenant troth.Tenant) bool {
	a.Helper()
	rows, err := a.keys.Roots(a.Context(), tenant)
	require.NoError(a, err)
	tried, opened := 0, false
	for _, row := range rows {
		if len(row.Sealed) == 0 {
			continue
		}
		inner, err := a.kek.DecryptWithContext(a.Context(), row.Sealed, rootMessage("troth.vault.root/1", row))
		require.NoError(a, err, "the key-encryption key is alive")
		for epoch := uint32(1); epoch < 6; epoch++ {
			tried++
			_, err := a.epochs.Unwrap(a.Context(), epoch, inner, rootMessage("troth.vault.epoch/1", row))
			opened = opened || err == nil
		}
	}
	require.Positive(a, tried)
	return opened
}

// TestHorizon_AnAdversaryWithEverythingFromBefore is the promise of epochs.
func TestHorizon_AnAdversaryWithEverythingFromBefore(t *testing.T) {
	eachEpochal(t, func(t *testing.T, d database) {
		e := d.epochal(t, vault.WithFenceAge(bound))
		ada, bob := e.seal(shop, "ada"), e.seal(shop, "bob")
		bread := e.seal("bakery-3", "bread")
		before := d.copied(t)
		keyFile, err := os.ReadFile(filepath.Join(d.epochFolder(), "epoch-0000000001.key"))
		require.NoError(t, err)

		receipt, err := e.Vault.Shred(e.svc, erasure, vault.Target{Tenant: shop, SubjectID: "ada"})
		require.NoError(t, err)
		require.Equal(t, shredded, e.reads(shop, "ada", ada))
		after := d.copied(t)

		// Before the horizon the attack works.
		h, err := e.Vault.Horizon(e.svc, receipt)
		require.NoError(t, err)
		require.False(t, h.Final)
		a := newAdversary(t, before, d.copiedFolder(t))
		require.True(t, a.reads("ada", ada), "an attack that never works proves nothing")
		require.True(t, a.opensRoots(shop))
		require.False(t, newAdversary(t, after, d.copiedFolder(t)).reads("ada", ada))

		e.advance()
		e.rewrap()
		middle := d.copied(t) // the new roots, and the old key still there
		require.True(t, newAdversary(t, before, d.copiedFolder(t)).reads("ada", ada))
		require.Equal(t, []uint32{1}, e.retire().Destroyed)
		require.Eventually(t, func() bool {
			h, err = e.Vault.Horizon(e.svc, receipt)
			return err == nil && h.Final
		}, patience, 10*time.Millisecond)
		t.Log(h)

		// After it, it does not, with whatever he combines.
		stolen := d.copiedFolder(t)
		for name, c := range map[string]database{"before": before, "after": after, "middle": middle, "now": d.copied(t)} {
			a := newAdversary(t, c, stolen)
			require.False(t, a.reads("ada", ada), name)
			require.Equal(t, name == "middle" || name == "now", a.opensRoots(shop), name)
		}
		noByteOf(t, keyFile, d.epochFolder())

		// Everybody else lives, in this process and in a new one.
		for _, e := range []*epochal{e, d.epochal(t)} {
			require.Equal(t, ok, e.reads(shop, "bob", bob))
			require.Equal(t, ok, e.reads("bakery-3", "bread", bread))
			require.Equal(t, shredded, e.reads(shop, "ada", ada))
		}
		require.Equal(t, 1, e.acts(shop, "vault.rotate"))
		for act, n := range map[string]int{"vault.epoch-open": 2, "vault.epoch-close": 1, "vault.epoch-end": 1} {
			require.Equal(t, n, e.acts(troth.Platform, act), act)
		}
	})
}

// noByteOf demands that no stretch of the file is left in the folder.
func noByteOf(t *testing.T, file []byte, folder string) {
	t.Helper()
	names, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.NotEmpty(t, names)
	// What docs/formats/sealedfile.md calls check, box and checksum: all that
	// the file does not share with others.
	random := file[len(file)-16-60-32:]
	for _, n := range names {
		b, err := os.ReadFile(filepath.Join(folder, n.Name()))
		require.NoError(t, err)
		for i := 0; i+8 <= len(random); i++ {
			require.False(t, bytes.Contains(b, random[i:i+8]), "%s has bytes of the key", n.Name())
		}
	}
}

// A key put back after the horizon is worth nothing to him either: he writes the
// old rows into the live database.
func TestHorizon_AnOldRowPutBackDoesNotOpen(t *testing.T) {
	eachEpochal(t, func(t *testing.T, d database) {
		e := d.epochal(t)
		ada := e.seal(shop, "ada")
		store, err := vaultsql.New(e.svc, e.Handle)
		require.NoError(t, err)
		roots, err := store.Roots(e.svc, shop)
		require.NoError(t, err)
		name := vault.KeyName{Tenant: shop, SubjectID: "ada", Compartment: profile}
		keys, err := store.Keys(e.svc, name)
		require.NoError(t, err)
		_, err = e.Vault.Shred(e.svc, erasure, vault.Target{Tenant: shop, SubjectID: "ada"})
		require.NoError(t, err)
		e.advance()
		e.rewrap()
		e.retire()

		rebind := d.dialect().Rebind
		exec := func(query string, args ...any) {
			_, err := e.db.ExecContext(e.svc, rebind(query), args...)
			require.NoError(t, err)
		}
		exec("UPDATE troth_vault_key SET sealed = ?, shredded_at = 0 WHERE tenant = ? AND subject = ?", keys[0].Sealed, shop, "ada")
		exec("UPDATE troth_vault_person SET closed_at = 0 WHERE tenant = ?", shop)
		for _, r := range roots {
			exec("UPDATE troth_vault_root SET sealed = ?, retired_at = 0, superseded_at = 0 WHERE tenant = ? AND lineage = ? AND epoch = ?",
				r.Sealed, shop, string(r.Lineage), int64(r.Epoch))
		}
		fresh := d.epochal(t)
		_, err = fresh.Vault.AppendOpen(fresh.svc, nil, emailOf(shop, "ada"), orders, ada)
		require.ErrorIs(t, err, vault.ErrEpochDestroyed)
	})
}

// rootMessage is what a root is bound to, by docs/formats.md alone.
func rootMessage(domain string, r vault.RootRow) []byte {
	b := append([]byte{1}, binary.BigEndian.AppendUint32(nil, uint32(len(domain)))...)
	b = append(b, domain...)
	for _, text := range []string{string(r.Tenant), string(r.Lineage)} {
		b = binary.BigEndian.AppendUint32(append(b, 2), uint32(len(text)))
		b = append(b, text...)
	}
	b = binary.BigEndian.AppendUint64(append(b, 3), uint64(r.Epoch))
	b = binary.BigEndian.AppendUint32(append(b, 1), 32)
	return append(b, r.Commitment[:]...)
}
