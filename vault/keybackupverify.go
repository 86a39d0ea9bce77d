package vault

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/trothdev/troth"
)

// VerifyKeyBackup opens a backup of the key tables as a test: it reads it to the
// end, unwraps every root in it that lives through the key-encryption key and
// every key that lives through these, and believes nothing that this vault did
// not write. Then it notes in the store which epochs are closed in the backup, on
// which their destruction waits, and the backup on the trail.
//
// It returns [ErrBadKeyBackup] for a backup that is damaged or another store's, a
// *[DeadBackupError] if something in it does not unwrap, and [ErrKEK] if the
// key-encryption key cannot be asked. It needs an actor, and is not called inside
// a transaction.
func (v *Vault) VerifyKeyBackup(ctx context.Context, r io.Reader) (KeyBackup, error) {
	if err := v.mayBackUp(ctx); err != nil {
		return KeyBackup{}, err
	}
	b, err := readBackup(r)
	if err != nil {
		return KeyBackup{}, err
	}
	t := backupTest{v: v}
	for {
		record, more, err := b.next()
		if err != nil {
			return KeyBackup{}, err
		}
		if !more {
			break
		}
		if err := t.try(ctx, &record); err != nil {
			return KeyBackup{}, err
		}
	}
	if _, err := b.authentic(ctx, v); err != nil {
		return KeyBackup{}, err
	}
	if err := b.ours(ctx, v); err != nil {
		return KeyBackup{}, err
	}
	if t.dead != (DeadBackupError{}) {
		return b.made, &t.dead
	}
	return b.made, v.noteBackup(ctx, &b.made, &t)
}

func (v *Vault) noteBackup(ctx context.Context, made *KeyBackup, t *backupTest) error {
	return v.tx.Atomically(ctx, func(ctx context.Context) error {
		for _, e := range t.closed {
			// Of an epoch that was closed anew since it counts for nothing.
			if _, err := v.store.EpochBackedUp(ctx, e.Epoch, e.ClosedAt, v.micros()); err != nil {
				return fmt.Errorf("vault: note key backup: %w", err)
			}
		}
		return v.record(ctx, troth.Entry{
			Act: actVerifyKeys, Tenant: troth.Platform,
			Facts: troth.Facts{
				"backup": troth.Digest(made.Digest), "cut-off": troth.Instant(made.At),
				"roots": troth.Count(t.roots), "keys": troth.Count(t.keys),
			},
		})
	})
}

// backupTest unwraps what a backup holds.
type backupTest struct {
	v *Vault
	// tenant is the one whose roots are at hand, by epoch; shredded if they are
	// dead, and their keys with them.
	tenant   troth.Tenant
	wraps    map[uint32]*root
	shredded bool

	// closed are the epochs that are closed in the backup.
	closed []EpochRow

	roots, keys int64
	dead        DeadBackupError
}

func (t *backupTest) try(ctx context.Context, r *backupRecord) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	switch {
	case r.epoch != nil && r.epoch.ClosedAt != 0:
		t.closed = append(t.closed, *r.epoch)
	case r.root != nil:
		return t.tryRoot(ctx, r.root)
	case r.key != nil:
		t.tryKey(r.key)
	}
	return nil
}

func (t *backupTest) tryRoot(ctx context.Context, row *RootRow) error {
	if row.Tenant != t.tenant || t.wraps == nil {
		t.tenant, t.wraps, t.shredded = row.Tenant, map[uint32]*root{}, false
	}
	if row.ShreddedAt != 0 {
		t.shredded = true
	}
	if row.Sealed == nil {
		return nil
	}
	// Past the cache, which is for those who are used.
	r, err := t.v.askToUnwrap(ctx, row)
	if errors.Is(err, ErrKeyRecord) {
		t.dead.Roots++
		return nil
	}
	if err != nil {
		return err
	}
	t.roots++
	if row.Lineage == WrapLineage {
		t.wraps[row.Epoch] = r
	}
	return nil
}

func (t *backupTest) tryKey(row *KeyRow) {
	if row.ShreddedAt != 0 || t.shredded && row.Tenant == t.tenant {
		return
	}
	r := t.wraps[row.Epoch]
	if row.Tenant != t.tenant || r == nil {
		t.dead.Keys++
		return
	}
	var key [keySize]byte
	defer clear(key[:])
	if err := unwrapInto(&key, row, r.wrap); err != nil {
		t.dead.Keys++
		return
	}
	t.keys++
}
