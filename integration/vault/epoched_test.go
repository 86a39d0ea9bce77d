package vault_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/auditsql"
	"github.com/trothdev/troth/storage/sqlstore/vaultsql"
	"github.com/trothdev/troth/vault"
)

// epochFolder is where the keys of epochs are: apart from the database.
func (d database) epochFolder() string { return filepath.Join(d.Secrets, "epochs") }

// folders are the folders that this process has opened: stretching a passphrase
// costs what it should.
var folders sync.Map // of the path: vault.EpochStore

func folderOf(path string) (vault.EpochStore, error) {
	if s, ok := folders.Load(path); ok {
		return s.(vault.EpochStore), nil
	}
	s, err := vault.OpenEpochFolder(vault.EpochFolder{Path: path, Passphrase: passphrase, KeptApart: true})
	if err == nil {
		folders.Store(path, s)
	}
	return s, err
}

// wireEpochs wires trail and vault as kit does, with epochs in a folder.
func wireEpochs(ctx context.Context, db *sql.DB, d database, opts ...vault.Option) (*kit.Kit, error) {
	secrets, err := secretsOf(d)
	if err != nil {
		return nil, err
	}
	epochs, err := folderOf(d.epochFolder())
	if err != nil {
		return nil, err
	}
	k := &kit.Kit{}
	if k.Handle, err = sqlstore.Open(ctx, db, d.dialect()); err != nil {
		return nil, err
	}
	keys, err := vaultsql.New(ctx, k.Handle)
	if err != nil {
		return nil, err
	}
	entries, err := auditsql.New(ctx, k.Handle)
	if err != nil {
		return nil, err
	}
	// The trail needs keys before it can keep the evidence of the first epoch:
	// until there is one, its root lies under none.
	alone := vault.Config{Store: keys, KEK: secrets.KEK, Recorder: troth.UnsafeNoEvidence(k.Handle)}
	if known, err := keys.Epochs(ctx); err != nil {
		return nil, err
	} else if len(known) > 0 {
		alone.Epochs = epochs
	}
	l := &late{}
	if l.v, err = vault.Open(ctx, alone); err != nil {
		return nil, err
	}
	if _, err = l.v.MAC(ctx, troth.KeyRef{Tenant: troth.Platform, Use: "test.open", ID: "check"}, nil); err != nil {
		return nil, err
	}
	if k.Trail, err = audit.New(ctx, entries, l, l); err != nil {
		return nil, err
	}
	k.Vault, err = vault.Open(ctx, vault.Config{Store: keys, KEK: secrets.KEK, Recorder: k.Trail, Epochs: epochs},
		append([]vault.Option{vault.Unmanaged("tests")}, opts...)...)
	if err == nil {
		l.v = k.Vault
	}
	return k, err
}

// epochal is a process's worth of a vault with epochs, on a real database.
type epochal struct {
	*testing.T
	*kit.Kit
	d   database
	db  *sql.DB
	svc context.Context
}

func (d database) epochal(t *testing.T, opts ...vault.Option) *epochal {
	t.Helper()
	db := d.open(t)
	k, err := wireEpochs(service(t.Context(), "keeper"), db, d, opts...)
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = k.Vault.Close(context.WithoutCancel(t.Context()))
		_ = k.Handle.Close()
	})
	return &epochal{T: t, Kit: k, d: d, db: db, svc: service(t.Context(), "keeper")}
}

// eachEpochal runs a test on both kinds of database, without anything that kit
// would prepare.
func eachEpochal(t *testing.T, test func(t *testing.T, d database)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, newBare(t, newSQLite))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, newBare(t, newPostgres))
	})
}

func (e *epochal) seal(tenant troth.Tenant, subject string) []byte {
	e.Helper()
	sealed, err := e.Vault.AppendSeal(e.svc, nil, emailOf(tenant, subject), plaintextOf(subject))
	require.NoError(e, err)
	return sealed
}

// reads tells what becomes of opening a value.
func (e *epochal) reads(tenant troth.Tenant, subject string, sealed []byte) string {
	e.Helper()
	plain, err := e.Vault.AppendOpen(e.svc, nil, emailOf(tenant, subject), orders, sealed)
	return openedAs(subject, plain, err)
}

func (e *epochal) advance() uint32 {
	e.Helper()
	n, err := e.Vault.Advance(e.svc)
	require.NoError(e, err)
	return n
}

// rewrap goes on until nothing is left.
func (e *epochal) rewrap() (moved int) {
	e.Helper()
	for range 1000 {
		r, err := e.Vault.Rewrap(e.svc, vault.RewrapParams{})
		require.NoError(e, err)
		require.Empty(e, r.Stuck)
		moved += r.Moved
		if r.Done {
			return moved
		}
	}
	require.FailNow(e, "rewrapping does not end")
	return moved
}

// retire destroys what can be, behind a key backup of now.
func (e *epochal) retire() vault.Retired {
	e.Helper()
	store, err := vaultsql.New(e.svc, e.Handle)
	require.NoError(e, err)
	closing, err := e.Vault.Retire(e.svc) // closes what nothing lies under
	if !errors.Is(err, vault.ErrNoKeyBackup) {
		require.NoError(e, err)
		return closing
	}
	rows, err := store.Epochs(e.svc)
	require.NoError(e, err)
	for _, row := range rows {
		_, err := store.EpochBackedUp(e.svc, row.Epoch, row.ClosedAt, time.Now().UnixMicro())
		require.NoError(e, err)
	}
	r, err := e.Vault.Retire(e.svc)
	require.NoError(e, err)
	r.Closed = closing.Closed
	return r
}

func (e *epochal) people(tenant troth.Tenant, prefix string, n int) map[string][]byte {
	e.Helper()
	values := map[string][]byte{}
	require.NoError(e, e.Handle.Atomically(e.svc, func(ctx context.Context) error {
		for i := range n {
			s := prefix + string(rune('a'+i/26%26)) + string(rune('a'+i%26)) + string(rune('a'+i/676))
			v, err := e.Vault.AppendSeal(ctx, nil, emailOf(tenant, s), plaintextOf(s))
			if err != nil {
				return err
			}
			values[s] = v
		}
		return nil
	}))
	return values
}

func (e *epochal) acts(tenant troth.Tenant, act string) int {
	e.Helper()
	n := 0
	for _, r := range entries(e, e.Trail, tenant) {
		if r.Act == act {
			n++
		}
	}
	return n
}
