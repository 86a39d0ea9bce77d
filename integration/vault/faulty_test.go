package vault_test

import (
	"context"
	"crypto/cipher"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/storage/faultstore"
	"github.com/trothdev/troth/storage/faultstore/auditfault"
	"github.com/trothdev/troth/storage/faultstore/vaultfault"
	"github.com/trothdev/troth/storage/sqlstore/auditsql"
	"github.com/trothdev/troth/storage/sqlstore/vaultsql"
	"github.com/trothdev/troth/vault"
)

// faulty is a vault wired as kit does it, with a plan between it and its
// database, and an honest kit beside it to look with. Each has a tenant of its
// own, so that many share one database.
type faulty struct {
	*testing.T
	d      database
	db     *sql.DB
	honest *kit.Kit
	keys   vault.Backend
	tenant troth.Tenant
	plan   *faultstore.Plan
	tx     troth.Transactor
	vault  *vault.Vault
	// sealed is the value of person 1.
	sealed []byte
}

// aged is a fence that is not looked at again by itself, so that the calls of
// an operation are always the same.
const aged = time.Hour

// bench is where faulty vaults are made.
type bench struct {
	d      database
	db     *sql.DB
	honest *kit.Kit
	made   int

	keys    vault.Backend
	entries audit.Backend
}

func newBench(t *testing.T, d database) *bench {
	t.Helper()
	db := d.open(t)
	b := &bench{d: d, db: db, honest: d.kitOn(t, db, vault.WithFenceAge(aged))}
	var err error
	b.entries, err = auditsql.New(t.Context(), b.honest.Handle)
	require.NoError(t, err)
	b.keys, err = vaultsql.New(t.Context(), b.honest.Handle)
	require.NoError(t, err)
	return b
}

// beside is a kit of which the vault alone is another one, with nothing cached.
func (f *faulty) beside(opts ...vault.Option) *kit.Kit {
	f.Helper()
	secrets, err := secretsOf(f.d)
	require.NoError(f, err)
	v, err := vault.Open(f.Context(), vault.Config{
		Store: f.keys, KEK: secrets.KEK, KEKs: ownKEKs{}, Epochs: secrets.Epochs, Journal: secrets.Journal, Recorder: f.honest.Trail,
	}, append([]vault.Option{vault.Unmanaged("tests")}, opts...)...)
	require.NoError(f, err)
	return &kit.Kit{Handle: f.honest.Handle, Trail: f.honest.Trail, Vault: v}
}

func (b *bench) faulty(t *testing.T) *faulty {
	t.Helper()
	b.made++
	f := &faulty{
		T: t, d: b.d, db: b.db, honest: b.honest, keys: b.keys, tenant: troth.Tenant(fmt.Sprintf("shop-%d", b.made)),
		plan: faultstore.NewPlan(),
	}
	f.tx = faultstore.Transactor(b.honest.Handle, f.plan)
	secrets, err := secretsOf(b.d)
	require.NoError(t, err)
	l := &late{v: b.honest.Vault} // gives the same keys, until the other is there
	trail, err := audit.New(t.Context(), auditfault.New(b.entries, f.tx, f.plan), l, l)
	require.NoError(t, err)
	f.vault, err = vault.Open(t.Context(), vault.Config{
		Store: vaultfault.New(b.keys, f.tx, f.plan), KEK: secrets.KEK, KEKs: ownKEKs{}, Epochs: secrets.Epochs, Journal: secrets.Journal, Recorder: trail,
	}, vault.Unmanaged("tests"), vault.WithFenceAge(aged))
	require.NoError(t, err)
	l.v = f.vault
	return f
}

// late gives the trail a vault that is made after it.
type late struct{ v *vault.Vault }

func (l *late) MAC(ctx context.Context, ref troth.KeyRef, message []byte) ([32]byte, error) {
	return l.v.MAC(ctx, ref, message)
}

func (l *late) AEAD(ctx context.Context, ref troth.KeyRef) (cipher.AEAD, error) {
	return l.v.AEAD(ctx, ref)
}

func (l *late) Seal(ctx context.Context, dst []byte, at troth.Context, plaintext []byte) ([]byte, error) {
	return l.v.Seal(ctx, dst, at, plaintext)
}

func (l *late) Open(ctx context.Context, dst []byte, at troth.Context, p troth.Purpose, sealed []byte) ([]byte, error) {
	return l.v.Open(ctx, dst, at, p, sealed)
}

// operation is what is tried with every fault in every call.
type operation struct {
	// prepare comes before the first fault; nil does nothing.
	prepare func(f *faulty)
	do      func(f *faulty, ctx context.Context) error
	// check looks at what is left after the fault, and then tries again.
	check func(f *faulty, i faultstore.Injection, err error)
	// shared says that the calls depend on what others left waiting for the
	// journal, so that one may not come.
	shared bool
}

// eachFault tries an operation on both kinds of database.
func eachFault(t *testing.T, op operation) {
	t.Helper()
	each(t, func(t *testing.T, d database) {
		b := newBench(t, d)
		dry := b.faulty(t)
		op.begin(dry)
		before := len(dry.plan.Calls())
		require.NoError(t, op.do(dry, t.Context()))
		calls := dry.plan.Calls()[before:]
		require.Greater(t, len(calls), 3)
		n := -1
		for i := range faultstore.Each(calls, faultstore.Faults()...) {
			// Every call fails on each database, in one way of three, and the ways
			// differ; in all ways, as the vault's own tests on memory do it, in the long
			// form. Where races are watched for it is fewer calls.
			ways, offset := len(faultstore.Faults()), 0
			if d.Driver == "pgx" {
				offset = 1
			}
			if n++; n/ways%slowdown != 0 || (n+n/ways+offset)%ways != 0 && times(0, 1) == 0 {
				continue
			}
			t.Run(fmt.Sprintf("%s %d %s", i.Method, i.Nth, i.Fault), func(t *testing.T) {
				f := b.faulty(t)
				op.begin(f)
				f.plan.Add(i)
				ctx, cancel := f.plan.Context(t.Context())
				defer cancel()
				err := op.do(f, ctx)
				if op.shared && f.plan.Injected() == 0 {
					require.NoError(t, err)
					return
				}
				require.Equal(t, 1, f.plan.Injected())
				op.check(f, i, err)
			})
		}
	})
}

func (op operation) begin(f *faulty) {
	f.Helper()
	if op.prepare != nil {
		op.prepare(f)
	}
}

// sealHonestly makes person 1 known before the faults.
func (f *faulty) sealHonestly() {
	f.Helper()
	v, err := f.honest.Vault.AppendSeal(service(f.Context(), "importer"), nil, f.email(), plaintextOf("1"))
	require.NoError(f, err)
	f.sealed = v
}

func (f *faulty) email() troth.Context { return emailOf(f.tenant, "1") }

// open opens person 1's value with the vault under the plan.
func (f *faulty) open(ctx context.Context, p troth.Purpose) (string, error) {
	plain, err := f.vault.AppendOpen(ctx, nil, f.email(), p, f.sealed)
	return openedAs("1", plain, err), err
}

// recorded returns the tenant's entries of one act.
func (f *faulty) recorded(act string) []audit.Record {
	f.Helper()
	var list []audit.Record
	for _, r := range entries(f, f.honest.Trail, f.tenant) {
		if r.Act == act {
			list = append(list, r)
		}
	}
	return list
}

func (f *faulty) rows(table, where string) int {
	f.Helper()
	return f.d.count(f, f.db, "SELECT count(*) FROM "+table+" WHERE tenant = ? AND "+where, string(f.tenant))
}
