package vault

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// backupReader reads a backup strictly: records in their order and of their
// shape, the end at the end. What it gives before that is not yet authentic.
type backupReader struct {
	r    *bufio.Reader
	sum  hash.Hash
	made KeyBackup
	// last is the record before, and person whom keys now belong to.
	last   string
	person PersonName
	// platform is the newest living index root of the platform, from which the
	// key comes that authenticates the end; all are all of them.
	platform *RootRow
	all      []RootRow
	end, tag []byte
}

// readBackup reads the header.
func readBackup(r io.Reader) (*backupReader, error) {
	b := &backupReader{r: bufio.NewReaderSize(r, 1<<16), sum: sha256.New()}
	m, raw, err := b.message()
	if err != nil {
		return nil, err
	}
	f := &fields{left: m.Fields}
	at := f.int()
	if m.Domain != backupDomain || f.bad || len(f.left) > 0 {
		return nil, errBackupShape
	}
	b.made.At = time.UnixMicro(at).UTC()
	b.add(raw)
	return b, nil
}

// message reads one message behind its length.
func (b *backupReader) message() (m canon.Message, raw []byte, err error) {
	var size [4]byte
	if _, err := io.ReadFull(b.r, size[:]); err != nil {
		return m, nil, unreadable(err)
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > maxBackupMessage {
		return m, nil, errBackupShape
	}
	raw = make([]byte, n)
	if _, err := io.ReadFull(b.r, raw); err != nil {
		return m, nil, unreadable(err)
	}
	if m, err = canon.Parse(raw); err != nil {
		return m, nil, errBackupShape
	}
	return m, raw, nil
}

func unreadable(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errBackupShape
	}
	return fmt.Errorf("vault: read key backup: %w", err)
}

func (b *backupReader) add(message []byte) {
	var size [4]byte
	binary.BigEndian.PutUint32(size[:], uint32(len(message)))
	_, _ = b.sum.Write(size[:]) // never fails, package hash documents
	_, _ = b.sum.Write(message)
}

// next returns the next record; more is false at the end, which was read then.
func (b *backupReader) next() (r backupRecord, more bool, err error) {
	m, raw, err := b.message()
	if err != nil {
		return r, false, err
	}
	if m.Domain == backupEndDomain {
		return r, false, b.finish(m)
	}
	r, ok := readBackupRecord(m)
	if !ok || !b.inOrder(&r) {
		return r, false, errBackupShape
	}
	b.add(raw)
	b.made.count(&r)
	if row := r.root; row != nil && row.Tenant == troth.Platform && row.Lineage == IndexLineage {
		b.all = append(b.all, *row)
		if row.Sealed != nil {
			b.platform = row
		}
	}
	return r, true, nil
}

// inOrder reports whether the record may come behind the one before.
func (b *backupReader) inOrder(r *backupRecord) bool {
	place := r.place()
	if place <= b.last {
		return false
	}
	b.last = place
	if r.person != nil {
		b.person = r.person.PersonName
	}
	return r.key == nil || b.person == PersonName{r.key.Tenant, r.key.SubjectID}
}

// place is text that sorts as the records of a backup are sorted. Names hold no
// byte 0 that could confuse it: what does is not the name of anything here.
func (r *backupRecord) place() string {
	number := func(n uint32) string { return string(binary.BigEndian.AppendUint32(nil, n)) }
	join := func(parts ...string) string { return strings.Join(parts, "\x00") }
	switch {
	case r.epoch != nil:
		return join("0", number(r.epoch.Epoch))
	case r.root != nil:
		return join("1"+string(r.root.Tenant), "0", string(r.root.Lineage), number(r.root.Epoch))
	case r.export != nil:
		e := r.export
		return join("1"+string(e.Tenant), "1", e.SubjectID, string(e.Compartment))
	case r.limit != nil:
		return join("1"+string(r.limit.Tenant), "2", string(r.limit.ID[:]))
	case r.grant != nil:
		return join("1"+string(r.grant.Tenant), "3", string(r.grant.ID[:]))
	case r.person != nil:
		return join("1"+string(r.person.Tenant), "4", r.person.SubjectID)
	}
	k := r.key
	return join("1"+string(k.Tenant), "4", k.SubjectID, string(k.Compartment), number(k.Generation))
}

// finish reads the end, and demands that it is one.
func (b *backupReader) finish(m canon.Message) error {
	f := &fields{left: m.Fields}
	var told KeyBackup
	for _, n := range []*int64{&told.Epochs, &told.Roots, &told.Controls, &told.People, &told.Keys} {
		*n = int64(f.next(canon.TagUint).Uint)
	}
	told.Digest, told.At = f.digest(), b.made.At
	tag := f.digest()
	b.sum.Sum(b.made.Digest[:0])
	if f.bad || len(f.left) > 0 || told != b.made {
		return errBackupShape
	}
	if _, err := b.r.ReadByte(); !errors.Is(err, io.EOF) {
		return errBackupShape
	}
	b.end, b.tag = appendBackupEnd(nil, &b.made), tag[:]
	return nil
}

// authentic unwraps the root that the backup brings along, and believes the
// backup if its end was made with a key derived from that: who has not the
// key-encryption key cannot make one.
func (b *backupReader) authentic(ctx context.Context, v *Vault) (*root, error) {
	if b.platform == nil {
		return nil, errBackupTag
	}
	r, err := v.unwrapRoot(ctx, b.platform)
	if errors.Is(err, ErrKeyRecord) {
		return nil, errBackupTag
	}
	if err != nil {
		return nil, err
	}
	key, err := r.deriveKey(macInfo, journalRef(keyBackupsKey))
	if err != nil {
		return nil, err
	}
	if want := macOf(key, b.end); !hmac.Equal(want[:], b.tag) {
		return nil, errBackupTag
	}
	return r, nil
}

// ours makes sure that the backup is of this store, if the store has a root of
// the platform yet.
func (b *backupReader) ours(ctx context.Context, v *Vault) error {
	row, found, err := v.store.Root(ctx, troth.Platform, IndexLineage)
	if err != nil {
		return fmt.Errorf("vault: read root: %w", err)
	}
	if found && row.Commitment != b.platform.Commitment {
		return errBackupOther
	}
	return nil
}
