package vaulttest

import (
	"bytes"
	"context"
	"crypto/rand"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/suite"
	"github.com/trothdev/troth/vault"
)

// rig is a harness with the vocabulary of the checks: the store, its
// transactor, and two tenants that nobody else uses.
type rig struct {
	suite.Rig
	Harness
	s vault.Backend
}

func newRig(t suite.TB, h Harness) *rig {
	return &rig{Rig: suite.NewRig(t, h.Backend.Transactor(), h.Host), Harness: h, s: h.Backend}
}

// instant is a time whose last microsecond matters.
const instant = suite.Instant

func rootRow(tenant troth.Tenant, l vault.Lineage, epoch uint32) vault.RootRow {
	row := vault.RootRow{Tenant: tenant, Lineage: l, Epoch: epoch, Sealed: suite.EveryByte(), CreatedAt: instant - int64(epoch)}
	_, _ = rand.Read(row.Commitment[:])
	return row
}

func name(tenant troth.Tenant, subject string, c troth.Compartment) vault.KeyName {
	return vault.KeyName{Tenant: tenant, SubjectID: subject, Compartment: c}
}

func keyRow(n vault.KeyName, generation, id uint32) vault.KeyRow {
	row := vault.KeyRow{KeyName: n, Generation: generation, KeyID: id, Sealed: suite.EveryByte(), CreatedAt: instant + int64(id)}
	_, _ = rand.Read(row.Commitment[:])
	return row
}

func (r *rig) insertRoot(ctx context.Context, row vault.RootRow) vault.RootRow {
	r.Helper()
	inserted, err := r.s.InsertRoot(ctx, row)
	r.Wants(true, inserted, err, "insert root")
	return row
}

func (r *rig) insertKey(ctx context.Context, row vault.KeyRow) vault.KeyRow {
	r.Helper()
	inserted, err := r.s.InsertKey(ctx, row)
	r.Wants(true, inserted, err, "insert key")
	return row
}

// dead is what becomes of a key.
func dead(k vault.KeyRow, at int64) vault.KeyRow {
	k.Sealed, k.ShreddedAt = nil, at
	return k
}

// deadRoot is what becomes of a root that dies at instant.
func deadRoot(row vault.RootRow) vault.RootRow {
	row.Sealed, row.ShreddedAt = nil, instant
	return row
}

func sameKey(x, y vault.KeyRow) bool {
	equal := bytes.Equal(x.Sealed, y.Sealed) && bytes.Equal(x.Flag, y.Flag)
	x.Sealed, y.Sealed, x.Flag, y.Flag = nil, nil, nil, nil
	return equal && x.Evidence == y.Evidence && x.KeyName == y.KeyName && x.Generation == y.Generation && x.KeyID == y.KeyID &&
		x.Epoch == y.Epoch && x.FirstEpoch == y.FirstEpoch && x.Commitment == y.Commitment && x.CreatedAt == y.CreatedAt && x.ShreddedAt == y.ShreddedAt &&
		x.RestoredAt == y.RestoredAt
}

func sameRoot(x, y vault.RootRow) bool {
	return bytes.Equal(x.Sealed, y.Sealed) && x.Evidence == y.Evidence && x.Tenant == y.Tenant && x.Lineage == y.Lineage && x.Epoch == y.Epoch &&
		x.KEK == y.KEK && x.MovedAt == y.MovedAt && x.Commitment == y.Commitment && x.CreatedAt == y.CreatedAt && x.ShreddedAt == y.ShreddedAt &&
		x.SupersededAt == y.SupersededAt && x.RetiredAt == y.RetiredAt && x.RestoredAt == y.RestoredAt
}

// keys demands that ctx sees these rows under the name, in this order.
func (r *rig) keys(ctx context.Context, n vault.KeyName, want ...vault.KeyRow) {
	r.Helper()
	got, err := r.s.Keys(ctx, n)
	r.OK(err, "keys")
	r.sameKeys(got, want)
}

func (r *rig) sameKeys(got, want []vault.KeyRow) {
	r.Helper()
	if !slices.EqualFunc(got, want, sameKey) {
		r.Fatalf("keys: got %+v, want %+v", got, want)
	}
}

// root demands that ctx sees this row as the lineage's newest.
func (r *rig) root(ctx context.Context, want vault.RootRow) {
	r.Helper()
	got, found, err := r.s.Root(ctx, want.Tenant, want.Lineage)
	r.Wants(true, found, err, "root")
	if !sameRoot(got, want) {
		r.Fatalf("root: got %+v, want %+v", got, want)
	}
}

// sameRoots demands the same rows in any order.
func (r *rig) sameRoots(got []vault.RootRow, want ...vault.RootRow) {
	r.Helper()
	if len(got) != len(want) {
		r.Fatalf("roots: got %d rows, want %d", len(got), len(want))
	}
	for _, w := range want {
		if !slices.ContainsFunc(got, func(g vault.RootRow) bool { return sameRoot(g, w) }) {
			r.Fatalf("roots: got %+v, which has no %+v", got, w)
		}
	}
}

// person demands that ctx sees the person in this state.
func (r *rig) person(ctx context.Context, tenant troth.Tenant, subject string, want vault.PersonState) {
	r.Helper()
	got, err := r.s.Person(ctx, tenant, subject)
	if err != nil || got != want {
		r.Fatalf("person: got %+v, %v; want %+v", got, err, want)
	}
}

func (r *rig) lock(ctx context.Context, tenant troth.Tenant, subject string, l vault.Lock) vault.PersonState {
	r.Helper()
	state, err := r.s.LockPerson(ctx, tenant, subject, l)
	r.OK(err, "lock person")
	return state
}

// shred shreds as the vault does: in a transaction, under the exclusive lock.
func (r *rig) shred(ctx context.Context, p vault.ShredKeys) (died []vault.KeyRow) {
	r.Helper()
	r.Atomically(ctx, func(ctx context.Context) {
		r.lock(ctx, p.Tenant, p.SubjectID, vault.Exclusive)
		var err error
		died, err = r.s.ShredKeys(ctx, p)
		r.OK(err, "shred keys")
	})
	return died
}

func (r *rig) close(ctx context.Context, tenant troth.Tenant, subject string, at int64) {
	r.Helper()
	r.Atomically(ctx, func(ctx context.Context) {
		r.lock(ctx, tenant, subject, vault.Exclusive)
		r.OK(r.s.ClosePerson(ctx, tenant, subject, at), "close person")
	})
}

func (r *rig) shredRoots(ctx context.Context, tenant troth.Tenant, at int64) []vault.RootRow {
	r.Helper()
	died, err := r.s.ShredRoots(ctx, tenant, at)
	r.OK(err, "shred roots")
	return died
}
