package vault

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/trothdev/troth"
)

// KeysRestored tells what [Vault.RestoreKeys] did.
type KeysRestored struct {
	// Backup is what the backup holds.
	Backup KeyBackup
	// Added counts rows that were not here, or lay under an older epoch here, and
	// people who were not closed here and are in the backup; Died keys that lived here and are dead in the backup; Refused keys that
	// live in the backup and are dead here, or buried, and stayed dead.
	Added, Died, Refused int64
	// Controls counts restrictions and grants that were not here, restrictions that
	// were not lifted here, and notes of exports that were not here or older.
	Controls int64
	// Flagged counts keys that live here and were put under other restrictions.
	Flagged int64
}

func (k *KeysRestored) add(o KeysRestored) {
	k.Added += o.Added
	k.Died += o.Died
	k.Refused += o.Refused
	k.Controls += o.Controls
	k.Flagged += o.Flagged
}

// RestoreKeys puts the rows of a backup of the key tables into a store that was
// restored from older data: keys made since appear, keys shredded since die.
// Dead beats alive, a newer epoch an older one, and a restriction none, unless one
// of the two knows that it was lifted, whichever of the two is
// newer: so a backup that is too old brings back nobody who is dead here. But a
// person who was shredded after the backup, and after the data, is brought back:
// call [Vault.Replay] afterwards, and open the vault with [ForReplay], so that
// nothing is opened in between.
//
// The backup is read twice: nothing of it is believed before its end was. It may
// be broken off and called again. It returns [ErrBadKeyBackup] for a backup that is
// damaged, was changed, or is another store's; then nothing was changed. It needs
// an actor, and is not called inside a transaction.
func (v *Vault) RestoreKeys(ctx context.Context, r io.ReadSeeker) (KeysRestored, error) {
	if _, err := troth.ActorFrom(ctx); err != nil {
		return KeysRestored{}, err
	}
	if err := v.mayRestore(ctx); err != nil {
		return KeysRestored{}, err
	}
	start, err := r.Seek(0, io.SeekCurrent)
	if err != nil {
		return KeysRestored{}, fmt.Errorf("vault: restore keys: %w", err)
	}
	known, err := v.checkBackup(ctx, r)
	if err != nil {
		return KeysRestored{}, err
	}
	if _, err := r.Seek(start, io.SeekStart); err != nil {
		return KeysRestored{}, fmt.Errorf("vault: restore keys: %w", err)
	}
	defer v.unscrubbed.Store(true) // keys that lived here may have died
	defer v.forgetAll()
	return known.restore(ctx, r)
}

func (v *Vault) mayRestore(ctx context.Context) error {
	if v.closed.Load() {
		return ErrClosed
	}
	if v.tx.Scope(ctx) != nil {
		return ErrInTx
	}
	return nil
}

// RestorePlatform puts the platform's own index roots of a backup into the store,
// epochs with them, and nothing else. It is for a trail that cannot begin, because
// the roots that its keys come from lie under an epoch that was destroyed since
// the data was backed up ([ErrEpochDestroyed]): a vault with a recorder that keeps
// nothing, opened with [ForReplay], calls it; then the trail can be made, and
// [Vault.RestoreKeys] does the rest and tells of all. It records nothing itself: a
// root that is there already, under another epoch, lets nobody do what nobody
// could before.
func (v *Vault) RestorePlatform(ctx context.Context, r io.Reader) error {
	if err := v.mayRestore(ctx); err != nil {
		return err
	}
	k, err := v.checkBackup(ctx, r)
	if err != nil {
		return err
	}
	defer v.forgetAll()
	if err := k.beginEpochs(ctx); err != nil {
		return err
	}
	return v.tx.Atomically(ctx, func(ctx context.Context) error {
		k.roots = k.platform
		_, err := k.putRoots(ctx)
		return err
	})
}

// checkBackup reads a backup to its end.
func (v *Vault) checkBackup(ctx context.Context, r io.Reader) (*keyRestore, error) {
	b, err := readBackup(r)
	if err != nil {
		return nil, err
	}
	var epochs []EpochRow
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var record backupRecord
		if record, more, err = b.next(); err != nil {
			return nil, err
		}
		if record.epoch != nil {
			epochs = append(epochs, *record.epoch)
		}
	}
	platform, err := b.authentic(ctx, v)
	if err != nil {
		return nil, err
	}
	if err := b.ours(ctx, v); err != nil {
		return nil, err
	}
	key, err := platform.deriveKey(macInfo, journalRef(namesKey))
	if err != nil {
		return nil, err
	}
	k := &keyRestore{v: v, names: newNames(key), done: KeysRestored{Backup: b.made}, platform: b.all, epochs: epochs}
	k.lines, err = platform.deriveKey(macInfo, journalRef(linesKey))
	return k, err
}

// keyRestore puts the rows of one backup into the store.
type keyRestore struct {
	v     *Vault
	names *names
	lines []byte // the key of lines
	done  KeysRestored
	// platform are the platform's index roots. They come first: evidence needs
	// them, and those that are here may lie under an epoch that was destroyed.
	platform []RootRow
	// What waits to be put in one transaction: roots of one tenant, or controls of
	// one, or people with their keys.
	roots    []RootRow
	controls []backupRecord
	people   []restoredPerson
	epochs   []EpochRow
	// begun says that epochs are known to the store, for the roots behind them.
	begun bool
}

type restoredPerson struct {
	PersonEntry
	keys []KeyRow
}

// restorePeople is how many people are put in one transaction.
const restorePeople = 64

func (k *keyRestore) restore(ctx context.Context, r io.Reader) (KeysRestored, error) {
	b, err := readBackup(r)
	if err != nil {
		return k.done, err
	}
	for {
		record, more, err := b.next()
		if err != nil {
			return k.done, err
		}
		if err := k.make(ctx, &record, more); err != nil {
			return k.done, err
		}
		if !more {
			break
		}
		k.take(&record)
	}
	if b.made != k.done.Backup {
		return k.done, fmt.Errorf("%w: it changed while it was read", ErrBadKeyBackup)
	}
	return k.done, k.endEpochs(ctx)
}

func (k *keyRestore) take(r *backupRecord) {
	switch {
	case r.epoch != nil: // known since the first reading
	case r.root != nil:
		k.roots = append(k.roots, *r.root)
	case r.control():
		k.controls = append(k.controls, *r)
	case r.person != nil:
		k.people = append(k.people, restoredPerson{PersonEntry: *r.person})
	default:
		p := &k.people[len(k.people)-1]
		p.keys = append(p.keys, *r.key)
	}
}

// make puts what waits, where the next record does not belong to it.
func (k *keyRestore) make(ctx context.Context, next *backupRecord, more bool) error {
	if !k.begun && next.epoch == nil {
		if err := k.begin(ctx); err != nil {
			return err
		}
		k.begun = true
	}
	switch {
	case len(k.roots) > 0 && (next.root == nil || next.root.Tenant != k.roots[0].Tenant):
		if err := k.put(ctx, k.putRoots); err != nil {
			return err
		}
	case len(k.controls) > 0 && (!next.control() || next.tenant() != k.controls[0].tenant()):
		if err := k.put(ctx, k.putControls); err != nil {
			return err
		}
	case len(k.people) > 0 && (!more || next.root != nil || next.control() || next.person != nil && len(k.people) >= restorePeople):
		if err := k.put(ctx, k.putPeople); err != nil {
			return err
		}
	}
	return nil
}

// put runs one transaction, with its evidence if it changed something or is the
// first.
func (k *keyRestore) put(ctx context.Context, rows func(ctx context.Context) (KeysRestored, error)) error {
	var did KeysRestored
	err := k.v.tx.Atomically(ctx, func(ctx context.Context) (err error) {
		// The first one is told in any case: a restore began.
		if did, err = rows(ctx); err != nil || did == (KeysRestored{}) && k.begun {
			return err
		}
		return k.v.record(ctx, troth.Entry{
			Act: actRestoreKeys, Tenant: troth.Platform,
			Facts: troth.Facts{
				"backup": troth.Digest(k.done.Backup.Digest), "added": troth.Count(did.Added),
				"died": troth.Count(did.Died), "refused": troth.Count(did.Refused),
				"controls": troth.Count(did.Controls), "flagged": troth.Count(did.Flagged),
			},
		})
	})
	if err != nil {
		return err
	}
	k.done.add(did)
	k.roots, k.controls, k.people = nil, nil, nil
	return nil
}

// putRoots puts one tenant's roots. A tenant that is dead on either side is dead.
func (k *keyRestore) putRoots(ctx context.Context) (did KeysRestored, err error) {
	tenant := k.roots[0].Tenant
	here, err := k.v.store.Roots(ctx, tenant)
	if err != nil {
		return did, fmt.Errorf("vault: restore keys: read roots: %w", err)
	}
	dead := slices.ContainsFunc(here, func(r RootRow) bool { return r.ShreddedAt != 0 })
	if !dead && tenant != troth.Platform {
		buried, err := k.v.store.Buried(ctx, [][32]byte{k.names.tenant(tenant)})
		if err != nil {
			return did, fmt.Errorf("vault: restore keys: look for buried names: %w", err)
		}
		dead = len(buried) > 0
	}
	// The wrap lineage first: it is the one that everybody locks first.
	slices.SortStableFunc(k.roots, func(a, b RootRow) int { return strings.Compare(string(b.Lineage), string(a.Lineage)) })
	for _, row := range k.roots {
		if dead && row.ShreddedAt == 0 {
			if row.Sealed != nil {
				did.Refused++
			}
			continue
		}
		lives := slices.ContainsFunc(here, func(r RootRow) bool { return r.sameName(&row) && len(r.Sealed) > 0 })
		if lives && row.Sealed == nil {
			row.RestoredAt = k.v.micros()
		}
		put, err := k.v.store.PutRoot(ctx, row)
		if err != nil {
			return did, fmt.Errorf("vault: restore keys: put root: %w", err)
		}
		if put && (row.ShreddedAt == 0 || !slices.ContainsFunc(here, func(r RootRow) bool { return r.sameName(&row) })) {
			did.Added++
		}
	}
	at := slices.IndexFunc(k.roots, func(r RootRow) bool { return r.ShreddedAt != 0 })
	if dead || at < 0 {
		return did, nil
	}
	// Those that the backup does not know of die too.
	if _, err := k.v.store.ShredRoots(ctx, tenant, k.v.micros()); err != nil {
		return did, fmt.Errorf("vault: restore keys: shred roots: %w", err)
	}
	did.Died += livingRoots(here)
	return did, k.v.raiseAll(ctx, KeyName{Tenant: tenant})
}

func (r *RootRow) sameName(o *RootRow) bool { return r.Lineage == o.Lineage && r.Epoch == o.Epoch }

func livingRoots(rows []RootRow) (n int64) {
	for _, r := range rows {
		if len(r.Sealed) > 0 {
			n++
		}
	}
	return n
}

// raiseAll tells other processes that something died under the name.
func (v *Vault) raiseAll(ctx context.Context, name KeyName) error {
	if err := v.store.RaiseFence(ctx, FenceEvent{KeyName: name, At: v.micros()}); err != nil {
		return fmt.Errorf("vault: restore keys: raise fence: %w", err)
	}
	return nil
}

// begin makes epochs and the platform's roots known.
func (k *keyRestore) begin(ctx context.Context) error {
	if err := k.beginEpochs(ctx); err != nil {
		return err
	}
	k.roots = k.platform
	return k.put(ctx, k.putRoots)
}

// beginEpochs makes epochs known.
func (k *keyRestore) beginEpochs(ctx context.Context) error {
	return k.v.tx.Atomically(ctx, func(ctx context.Context) error {
		for _, e := range k.epochs {
			if _, err := k.v.store.InsertEpoch(ctx, e); err != nil {
				return fmt.Errorf("vault: restore keys: epochs: %w", err)
			}
		}
		return nil
	})
}

// endEpochs closes epochs that are closed in the backup, where nothing here lies
// under them.
func (k *keyRestore) endEpochs(ctx context.Context) error {
	return k.v.tx.Atomically(ctx, func(ctx context.Context) error {
		for _, e := range k.epochs {
			var err error
			if e.ClosedAt != 0 {
				_, err = k.v.store.CloseEpoch(ctx, e.Epoch, e.ClosedAt)
			}
			if err == nil && e.DestroyedAt != 0 {
				_, err = k.v.store.EndEpoch(ctx, e.Epoch, e.FinalAt, e.DestroyedAt)
			}
			if err != nil {
				return fmt.Errorf("vault: restore keys: epochs: %w", err)
			}
		}
		return nil
	})
}
