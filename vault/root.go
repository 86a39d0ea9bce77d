package vault

import (
	"context"
	"crypto/cipher"
	"crypto/hkdf"
	crand "crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"math/rand/v2" //nolint:depguard // spreads expiry, nothing secret hangs on it
	"sync/atomic"
	"time"

	"github.com/trothdev/troth"
)

// root is an unwrapped tenant root, reduced to what is derived from it.
type root struct {
	epoch uint32
	// wrap seals data keys; set in the wrap lineage.
	wrap cipher.AEAD
	// index derives keys for hashes and tokens; set in the index lineage.
	index []byte
	// until is when a tenant's own key-encryption key must be asked again, on
	// the vault's monotonic clock. It moves when that answers the same again.
	until atomic.Int64
	// box is a hash of what that key unwrapped; zero under the platform's.
	box [sha256.Size]byte
	// used says that somebody wanted the root since it was last asked for.
	used atomic.Bool
}

type rootName struct {
	tenant  troth.Tenant
	lineage Lineage
	// epoch is newest for the one that new keys are sealed under.
	epoch int64
}

const newest = -1

// overlayRoot is the key of a transaction's own view of a root.
type overlayRoot struct {
	v    *Vault
	name rootName
}

// root returns the tenant's root of that lineage and epoch. It returns nil if
// there is none, and ErrShredded if it is a tombstone.
func (v *Vault) root(ctx context.Context, n rootName) (*root, error) {
	if r := v.roots.get(n, v.fence.AsOf()); r != nil {
		return r, nil
	}
	scope := v.tx.Scope(ctx)
	applied := v.fence.applied.Load()
	if scope != nil {
		if r, ok := overlay[*root](scope, overlayRoot{v, n}, applied); ok && v.mono() <= r.until.Load() {
			r.used.Store(true)
			return r, nil
		}
	}
	if err := v.checkPending(ctx, &KeyName{Tenant: n.tenant}); err != nil {
		return nil, err
	}
	if scope != nil && !scope.Current() { // as in loadInTx
		if r, err := v.root(v.tx.Detach(ctx), n); err != nil || r != nil {
			return r, err
		}
	}
	r, err := v.readRoot(ctx, n)
	if err != nil || r == nil {
		return nil, err
	}
	if scope != nil {
		setOverlay(scope, overlayRoot{v, n}, overlaid[*root]{r, applied})
		return r, nil
	}
	v.roots.put(n, r, min(r.until.Load(), v.mono()+jitter(v.opt.rootTTL)), v.sinceEviction(applied))
	return r, nil
}

func (v *Vault) readRoot(ctx context.Context, n rootName) (*root, error) {
	var row RootRow
	var found bool
	var err error
	if n.epoch == newest {
		row, found, err = v.store.Root(ctx, n.tenant, n.lineage)
	} else {
		row, found, err = v.store.RootAt(ctx, n.tenant, n.lineage, uint32(n.epoch))
	}
	if err != nil {
		return nil, fmt.Errorf("vault: read root: %w", err)
	}
	if !found {
		return nil, nil
	}
	if row.Tenant != n.tenant || row.Lineage != n.lineage {
		return nil, ErrKeyRecord
	}
	switch {
	case row.ShreddedAt != 0:
		return nil, ErrShredded
	case row.RetiredAt != 0:
		return nil, errRetired
	case len(row.Sealed) == 0:
		return nil, ErrShredded
	}
	return v.unwrapRoot(ctx, &row)
}

// unwrapRoot returns what the record holds, which depends on the record alone:
// so it is no matter who asks the key-encryption key, or in which transaction.
func (v *Vault) unwrapRoot(ctx context.Context, row *RootRow) (*root, error) {
	record := recordDigest(row)
	for {
		r, f, first := v.roots.openedAs(record, v.mono())
		switch {
		case r != nil:
			return r, nil
		case first:
			v.openRoot(ctx, row, f)
			return f.value, f.err
		}
		if err := v.waitForRoot(ctx, row, f); err != nil {
			return nil, err
		}
		if !gaveUp(f.err) { // else the one who asked gave up, we did not
			return f.value, f.err
		}
	}
}

// waitForRoot waits for somebody else's answer, inside a transaction no longer
// than for an own one.
func (v *Vault) waitForRoot(ctx context.Context, row *RootRow, f *flight[[32]byte, *root]) error {
	if row.KEK == "" || v.tx.Scope(ctx) == nil {
		return f.wait(ctx)
	}
	short, cancel := context.WithTimeout(ctx, min(v.opt.kekTimeout, kekPatienceInTx))
	defer cancel()
	if err := f.wait(short); err != nil && ctx.Err() == nil {
		return fmt.Errorf("%w: unwrap root: %w", ErrKEK, errKEKPatient)
	}
	return ctx.Err()
}

func (v *Vault) openRoot(ctx context.Context, row *RootRow, f *flight[[32]byte, *root]) {
	f.err = errAbandoned // stands if the key-encryption key panics
	defer v.roots.landOpening(f)
	applied := v.fence.applied.Load()
	if f.value, f.err = v.askToUnwrap(ctx, row); f.err == nil {
		v.roots.remember(f.key, row, f.value, v.sinceEviction(applied))
	}
}

func (v *Vault) askToUnwrap(ctx context.Context, row *RootRow) (*root, error) {
	asked := v.mono()
	box, err := v.unseal(ctx, row)
	if err != nil {
		return nil, err
	}
	defer clear(box)
	if row.Epoch == 0 {
		return v.reduce(row, box, box, asked)
	}
	secret, err := v.unbox(ctx, row, box)
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	return v.reduce(row, secret, box, asked)
}

// unseal has the key-encryption key take its seal off. Inside is the root, or
// what the key of its epoch made of it.
func (v *Vault) unseal(ctx context.Context, row *RootRow) ([]byte, error) {
	box, err := v.kekFor(row).DecryptWithContext(ctx, row.Sealed, rootAAD(row))
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, ErrKeyRecord) && !errors.Is(err, errKEKRests):
		return nil, ErrKeyRecord
	default:
		return nil, fmt.Errorf("%w: unwrap root: %w", ErrKEK, err)
	}
	if row.Epoch == 0 {
		if err := v.checkRoot(row, box); err != nil {
			return nil, err
		}
	}
	return box, nil
}

// unbox has the key of the row's epoch unwrap the root.
func (v *Vault) unbox(ctx context.Context, row *RootRow, box []byte) ([]byte, error) {
	secret, err := v.unwrapInEpoch(ctx, row, box)
	if err != nil {
		if ctx.Err() == nil {
			err = v.blame(row, err) // what it gave may have been something else
		}
		return nil, err
	}
	return secret, v.checkRoot(row, secret)
}

// checkRoot demands that the secret is what the row commits to.
func (v *Vault) checkRoot(row *RootRow, secret []byte) error {
	if len(secret) == keySize {
		got := commitment((*[keySize]byte)(secret))
		if subtle.ConstantTimeCompare(got[:], row.Commitment[:]) == 1 {
			return nil
		}
	}
	clear(secret)
	return v.blame(row, ErrKeyRecord)
}

// reduce reduces a secret, which lay in the box, to what is derived from it. It
// may be used for as long as an answer to a question of that instant may.
func (v *Vault) reduce(row *RootRow, secret, box []byte, asked int64) (*root, error) {
	r := &root{epoch: row.Epoch}
	r.until.Store(v.goodUntil(row, asked))
	r.used.Store(true)
	if row.KEK != "" {
		r.box = sha256.Sum256(box)
	}
	if row.Lineage == IndexLineage {
		r.index = append([]byte(nil), secret...)
		return r, nil
	}
	key, err := hkdf.Expand(sha256.New, secret, wrapInfo, keySize)
	if err != nil {
		return nil, fmt.Errorf("vault: derive wrap key: %w", err)
	}
	defer clear(key)
	r.wrap, err = newGCM(key)
	return r, err
}

// prepareRoot asks the key-encryption key, which may be far away, for what
// ensureRoot will need inside a transaction, which others wait for. It returns
// the row of a first root, nil if the tenant has one.
func (v *Vault) prepareRoot(ctx context.Context, tenant troth.Tenant, l Lineage) (*RootRow, error) {
	n := rootName{tenant: tenant, lineage: l, epoch: newest}
	r, err := v.root(ctx, n)
	if err != nil || r != nil {
		return nil, err
	}
	for {
		row, f, first := v.roots.freshOf(n)
		switch {
		case row != nil:
			return row, nil
		case first:
			v.makeRoot(ctx, n, f)
			return f.value, f.err
		}
		if err := f.wait(ctx); err != nil {
			return nil, err
		}
		if !gaveUp(f.err) { // as in unwrapRoot
			return f.value, f.err
		}
	}
}

func (v *Vault) makeRoot(ctx context.Context, n rootName, f *flight[rootName, *RootRow]) {
	f.err = errAbandoned
	defer v.roots.landMaking(f)
	applied := v.fence.applied.Load()
	if f.value, f.err = v.firstRoot(ctx, n.tenant, n.lineage); f.err == nil {
		v.roots.keepFresh(n, f.value, v.sinceEviction(applied))
	}
}

// ensureRoot returns the newest root of the lineage. Where there is none it
// adds the given one, or makes it. A root made inside a transaction lives and
// dies with it.
func (v *Vault) ensureRoot(ctx context.Context, tenant troth.Tenant, l Lineage, row *RootRow) (*root, error) {
	n := rootName{tenant: tenant, lineage: l, epoch: newest}
	r, err := v.root(ctx, n)
	if err != nil || r != nil {
		return r, err
	}
	if row == nil {
		if row, err = v.firstRoot(ctx, tenant, l); err != nil {
			return nil, err
		}
	}
	if err := v.checkBuried(ctx, KeyName{Tenant: tenant}); err != nil {
		return nil, err
	}
	if _, err := v.store.InsertRoot(ctx, *row); err != nil {
		return nil, fmt.Errorf("vault: insert root: %w", err)
	}
	// Another process may have been first; its root is the tenant's then. If
	// nobody was, the row's epoch has been closed meanwhile.
	r, err = v.root(ctx, n)
	if err == nil && r == nil {
		err = errSuperseded
	}
	return r, err
}

// firstRoot makes a tenant's first root of a lineage, under the key-encryption
// key of its other one.
func (v *Vault) firstRoot(ctx context.Context, tenant troth.Tenant, l Lineage) (*RootRow, error) {
	kek, err := v.kekOf(ctx, tenant)
	if err != nil {
		return nil, err
	}
	return v.newRoot(ctx, tenant, l, kek)
}

// newRoot makes a first root, under the newest epoch.
func (v *Vault) newRoot(ctx context.Context, tenant troth.Tenant, l Lineage, kek string) (*RootRow, error) {
	epoch, err := v.newestEpoch(ctx)
	if err != nil {
		return nil, err
	}
	var secret [keySize]byte
	defer clear(secret[:])
	_, _ = crand.Read(secret[:]) // never fails, crypto/rand documents
	return v.sealRoot(ctx, rootName{tenant: tenant, lineage: l, epoch: int64(epoch)}, kek, &secret)
}

// sealRoot makes the row of a root out of its secret.
func (v *Vault) sealRoot(ctx context.Context, n rootName, kek string, secret *[keySize]byte) (*RootRow, error) {
	row := &RootRow{
		Tenant: n.tenant, Lineage: n.lineage, Epoch: uint32(n.epoch), KEK: kek,
		Commitment: commitment(secret), CreatedAt: v.micros(),
	}
	asked := v.mono()
	applied := v.fence.applied.Load()
	inner := secret[:]
	if row.Epoch != 0 {
		var err error
		if inner, err = v.wrapInEpoch(ctx, row, inner); err != nil {
			return nil, err
		}
	}
	sealed, err := v.kekFor(row).EncryptWithContext(ctx, inner, rootAAD(row))
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%w: wrap root: %w", ErrKEK, err)
	}
	row.Sealed = sealed
	r, err := v.reduce(row, secret[:], inner, asked)
	if err != nil {
		return nil, err
	}
	v.roots.remember(recordDigest(row), row, r, v.sinceEviction(applied))
	return row, nil
}

// jitter returns d less up to a tenth, so that what was loaded together does
// not expire together.
func jitter(d time.Duration) int64 {
	return int64(d) - rand.Int64N(int64(d)/10+1) //nolint:gosec // nothing secret hangs on it
}
