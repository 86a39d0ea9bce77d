package vault

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// BackupKeys writes a backup of the key tables: roots, people and keys, as they
// are stored, which is sealed, with restrictions, grants and notes of exports. All of it is of one instant; others go on working
// meanwhile, except on a database with one connection. Without the
// key-encryption key, and the keys of epochs, it opens nothing.
//
// A backup counts once [Vault.VerifyKeyBackup] has opened it where it will lie.
// Keep the newest, and destroy older ones: each holds keys that were shredded
// since, like any backup. It needs an actor, is not called inside a transaction,
// and is on the trail as "vault.back-up-keys".
func (v *Vault) BackupKeys(ctx context.Context, w io.Writer) (KeyBackup, error) {
	if err := v.mayBackUp(ctx); err != nil {
		return KeyBackup{}, err
	}
	key, err := v.journalKey(ctx, keyBackupsKey)
	if err != nil {
		return KeyBackup{}, err
	}
	b := newBackupWriter(w)
	at := v.micros() // what commits until the snapshot is taken is in it too
	b.made.At = time.UnixMicro(at).UTC()
	err = v.store.Snapshot(ctx, func(ctx context.Context) error {
		b.write(appendBackupHeader(nil, at))
		return v.writeRecords(ctx, b)
	})
	if err != nil {
		return KeyBackup{}, fmt.Errorf("vault: back up keys: %w", err)
	}
	b.sum.Sum(b.made.Digest[:0])
	end := appendBackupEnd(nil, &b.made)
	tag := macOf(key, end)
	b.write(canon.AppendBytes(end, tag[:]))
	if err := b.flush(); err != nil {
		return KeyBackup{}, fmt.Errorf("vault: back up keys: %w", err)
	}
	return b.made, v.tx.Atomically(ctx, func(ctx context.Context) error {
		return v.record(ctx, troth.Entry{
			Act: actBackUpKeys, Tenant: troth.Platform,
			Facts: troth.Facts{
				"backup": troth.Digest(b.made.Digest), "cut-off": troth.Instant(b.made.At),
				"roots": troth.Count(b.made.Roots), "controls": troth.Count(b.made.Controls),
				"people": troth.Count(b.made.People), "keys": troth.Count(b.made.Keys),
			},
		})
	})
}

// mayBackUp refuses what cannot be done, or not recorded.
func (v *Vault) mayBackUp(ctx context.Context) error {
	if v.closed.Load() {
		return ErrClosed
	}
	if v.tx.Scope(ctx) != nil {
		return ErrInTx
	}
	if _, err := troth.ActorFrom(ctx); err != nil {
		return err
	}
	return v.checkGate("")
}

// backupWriter writes messages and sums them up. After an error it does nothing.
type backupWriter struct {
	w    *bufio.Writer
	sum  hash.Hash
	made KeyBackup
	b    []byte
	err  error
}

func newBackupWriter(w io.Writer) *backupWriter {
	return &backupWriter{w: bufio.NewWriterSize(w, 1<<16), sum: sha256.New()}
}

func (b *backupWriter) write(message []byte) {
	var size [4]byte
	binary.BigEndian.PutUint32(size[:], uint32(len(message)))
	for _, part := range [][]byte{size[:], message} {
		if b.err == nil {
			_, _ = b.sum.Write(part) // never fails, package hash documents
			_, b.err = b.w.Write(part)
		}
	}
}

func (b *backupWriter) record(r backupRecord) error {
	b.b = r.append(b.b[:0])
	if len(b.b) > maxBackupMessage || !r.sound() {
		return ErrKeyRecord // no vault wrote such a row
	}
	b.made.count(&r)
	b.write(b.b)
	return b.err
}

func (b *backupWriter) flush() error {
	if b.err != nil {
		return b.err
	}
	return b.w.Flush()
}

// sound reports whether the names can be encoded.
func (r *backupRecord) sound() bool {
	for _, text := range r.texts() {
		if !utf8.ValidString(text) {
			return false
		}
	}
	return true
}

func joined(ps []troth.Purpose) string {
	var b strings.Builder
	for _, p := range ps {
		b.WriteString(string(p) + "\n")
	}
	return b.String()
}

func (r *backupRecord) texts() []string {
	switch {
	case r.epoch != nil:
		return []string{r.epoch.Place}
	case r.root != nil:
		return []string{string(r.root.Tenant), string(r.root.Lineage), r.root.KEK}
	case r.export != nil:
		return []string{string(r.export.Tenant), r.export.SubjectID, string(r.export.Compartment)}
	case r.limit != nil:
		return []string{string(r.limit.Tenant), r.limit.SubjectID, r.limit.Ground, joined(r.limit.Except)}
	case r.grant != nil:
		return []string{string(r.grant.Tenant), r.grant.SubjectID, r.grant.Ground}
	case r.person != nil:
		return []string{string(r.person.Tenant), r.person.SubjectID}
	}
	return []string{string(r.key.Tenant), r.key.SubjectID, string(r.key.Compartment)}
}

// writeRecords writes epochs, and then tenant by tenant their roots, what says how
// keys may be used, and people, each person in front of their keys: so who reads it needs the roots of one
// tenant at a time.
func (v *Vault) writeRecords(ctx context.Context, b *backupWriter) error {
	epochs, err := v.store.Epochs(ctx)
	if err != nil {
		return err
	}
	for i := range epochs {
		if err := b.record(backupRecord{epoch: &epochs[i]}); err != nil {
			return err
		}
	}
	roots, people, keys := newQueue(v.allRoots(ctx)), newQueue(v.allPeople(ctx)), newQueue(v.allKeys(ctx))
	exports := newQueue(v.allExports(ctx))
	defer exports.stop()
	defer roots.stop()
	defer people.stop()
	defer keys.stop()
	for roots.more || people.more || exports.more {
		tenant := people.head.Tenant
		if roots.more && (!people.more || roots.head.Tenant < tenant) {
			tenant = roots.head.Tenant
		}
		if exports.more && (!roots.more && !people.more || exports.head.Tenant < tenant) {
			tenant = exports.head.Tenant
		}
		for ; roots.more && roots.head.Tenant == tenant; roots.next() {
			if err := b.record(backupRecord{root: &roots.head}); err != nil {
				return err
			}
		}
		if err := v.writeControls(ctx, b, tenant, exports); err != nil {
			return err
		}
		for ; people.more && people.head.Tenant == tenant; people.next() {
			if err := b.record(backupRecord{person: &people.head}); err != nil {
				return err
			}
			for ; keys.more && keys.head.Tenant == tenant && keys.head.SubjectID == people.head.SubjectID; keys.next() {
				if err := b.record(backupRecord{key: &keys.head}); err != nil {
					return err
				}
			}
		}
	}
	if keys.more {
		return ErrKeyRecord
	}
	return errors.Join(roots.err, exports.err, people.err, keys.err)
}

// queue is a sequence with its first element at hand.
type queue[T any] struct {
	head T
	more bool
	err  error
	pull func() (T, error, bool)
	stop func()
}

func newQueue[T any](seq iter.Seq2[T, error]) *queue[T] {
	q := &queue[T]{}
	q.pull, q.stop = iter.Pull2(seq)
	q.next()
	return q
}

func (q *queue[T]) next() {
	q.head, q.err, q.more = q.pull()
	q.more = q.more && q.err == nil
}

func (v *Vault) allRoots(ctx context.Context) iter.Seq2[RootRow, error] {
	return paged(func(after RootRow) ([]RootRow, error) {
		return v.store.RootsAfter(ctx, RootAt{after.Tenant, after.Lineage, after.Epoch}, walkPage)
	})
}

func (v *Vault) allPeople(ctx context.Context) iter.Seq2[PersonEntry, error] {
	return paged(func(after PersonEntry) ([]PersonEntry, error) {
		return v.store.PeopleAfter(ctx, after.PersonName, walkPage)
	})
}

func (v *Vault) allKeys(ctx context.Context) iter.Seq2[KeyRow, error] {
	return paged(func(after KeyRow) ([]KeyRow, error) {
		return v.store.KeysAfter(ctx, KeyAt{after.KeyName, after.Generation}, walkPage)
	})
}

// paged yields rows page by page; what it asks the page for is the last row so
// far.
func paged[T any](page func(after T) ([]T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var last T
		for {
			rows, err := page(last)
			if err != nil {
				yield(last, err)
				return
			}
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
			if len(rows) < walkPage {
				return
			}
			last = rows[len(rows)-1]
		}
	}
}
