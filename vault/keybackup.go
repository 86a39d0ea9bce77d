package vault

import (
	"errors"
	"fmt"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// KeyBackup tells what a backup of the key tables holds.
type KeyBackup struct {
	// At is the cut-off: what had committed when the service's clock showed it is
	// in the backup. Other machines' clocks may show another time.
	At time.Time
	// Digest is SHA-256 of all but the end of the backup, by which evidence names
	// it.
	Digest [32]byte
	// Epochs, Roots, People and Keys count records, tombstones included; Controls
	// count notes of exports, restrictions and grants.
	Epochs, Roots, Controls, People, Keys int64
}

var (
	// ErrBadKeyBackup says that a backup of the key tables is damaged, cut off, was
	// changed, or is another store's.
	ErrBadKeyBackup = errors.New("vault: backup of the key tables is not usable")

	errBackupShape = fmt.Errorf("%w: it is damaged or cut off", ErrBadKeyBackup)
	errBackupTag   = fmt.Errorf("%w: it was not written with this key-encryption key, or was changed", ErrBadKeyBackup)
	errBackupOther = fmt.Errorf("%w: it is another store's", ErrBadKeyBackup)
)

// DeadBackupError is [ErrBadKeyBackup] for a backup that is whole, and in which
// keys that should live do not unwrap.
type DeadBackupError struct {
	// Roots and Keys count those that do not unwrap.
	Roots, Keys int64
}

func (e *DeadBackupError) Error() string {
	return fmt.Sprintf("%v: %d roots and %d keys do not unwrap", ErrBadKeyBackup, e.Roots, e.Keys)
}

// Unwrap returns [ErrBadKeyBackup].
func (e *DeadBackupError) Unwrap() error { return ErrBadKeyBackup }

// A backup is a sequence of messages, each behind its length as u32: the header,
// the records, the end. docs/formats/vault.md has the fields.
const (
	backupDomain       = "troth.vault.keys/1"
	backupEpochDomain  = "troth.vault.keys.epoch/1"
	backupRootDomain   = "troth.vault.keys.root/1"
	backupExportDomain = "troth.vault.keys.export/1"
	backupLimitDomain  = "troth.vault.keys.restriction/1"
	backupGrantDomain  = "troth.vault.keys.grant/1"
	backupPersonDomain = "troth.vault.keys.person/1"
	backupKeyDomain    = "troth.vault.keys.key/1"
	backupEndDomain    = "troth.vault.keys.end/1"

	// maxBackupMessage bounds what a length can claim.
	maxBackupMessage = 1 << 14
)

// backupRecord is one record of a backup; one of the pointers is set.
type backupRecord struct {
	epoch  *EpochRow
	root   *RootRow
	export *ExportRow
	limit  *RestrictionRow
	grant  *GrantRow
	person *PersonEntry
	key    *KeyRow
}

// control reports whether the record says what may be done with keys, and what
// was.
func (r *backupRecord) control() bool { return r.export != nil || r.limit != nil || r.grant != nil }

func appendBackupHeader(b []byte, at int64) []byte {
	return canon.AppendInt(canon.AppendDomain(b, backupDomain), at)
}

func (r *backupRecord) append(b []byte) []byte {
	switch {
	case r.epoch != nil:
		e := r.epoch
		b = canon.AppendUint(canon.AppendDomain(b, backupEpochDomain), uint64(e.Epoch))
		b = canon.AppendText(b, e.Place)
		return appendInts(b, e.OpenedAt, e.ClosedAt, e.FinalAt, e.DestroyedAt)
	case r.root != nil:
		row := r.root
		b = canon.AppendText(canon.AppendDomain(b, backupRootDomain), row.Tenant)
		b = canon.AppendText(b, row.Lineage)
		b = canon.AppendUint(b, uint64(row.Epoch))
		b = canon.AppendText(b, row.KEK)
		b = canon.AppendBytes(b, row.Sealed)
		b = canon.AppendBytes(b, row.Commitment[:])
		b = canon.AppendBytes(b, row.Evidence[:])
		return appendInts(b, row.CreatedAt, row.ShreddedAt, row.SupersededAt, row.RetiredAt, row.MovedAt, row.RestoredAt)
	case r.control():
		return r.appendControl(b)
	case r.person != nil:
		p := r.person
		b = canon.AppendText(canon.AppendDomain(b, backupPersonDomain), p.Tenant)
		b = canon.AppendText(b, p.SubjectID)
		b = canon.AppendBytes(b, p.Evidence[:])
		return appendInts(b, p.ClosedAt)
	}
	k := r.key
	b = canon.AppendText(canon.AppendDomain(b, backupKeyDomain), k.Tenant)
	b = canon.AppendText(b, k.SubjectID)
	b = canon.AppendText(b, k.Compartment)
	for _, n := range []uint32{k.Generation, k.KeyID, k.Epoch, k.FirstEpoch} {
		b = canon.AppendUint(b, uint64(n))
	}
	b = canon.AppendBytes(b, k.Sealed)
	b = canon.AppendBytes(b, k.Commitment[:])
	b = canon.AppendBytes(b, k.Flag)
	b = canon.AppendBytes(b, k.Evidence[:])
	retired := int64(0)
	if k.Retired {
		retired = 1
	}
	return appendInts(b, k.CreatedAt, k.ShreddedAt, retired, k.RestoredAt)
}

func appendInts(b []byte, ns ...int64) []byte {
	for _, n := range ns {
		b = canon.AppendInt(b, n)
	}
	return b
}

// appendBackupEnd appends the end without its tag.
func appendBackupEnd(b []byte, k *KeyBackup) []byte {
	b = canon.AppendDomain(b, backupEndDomain)
	for _, n := range []int64{k.Epochs, k.Roots, k.Controls, k.People, k.Keys} {
		b = canon.AppendUint(b, uint64(n))
	}
	return canon.AppendBytes(b, k.Digest[:])
}

// count counts the record.
func (k *KeyBackup) count(r *backupRecord) {
	switch {
	case r.epoch != nil:
		k.Epochs++
	case r.root != nil:
		k.Roots++
	case r.control():
		k.Controls++
	case r.person != nil:
		k.People++
	default:
		k.Keys++
	}
}

// fields takes the fields of a message one by one; one that is not of the kind
// that was asked for spoils all.
type fields struct {
	left []canon.Field
	bad  bool
}

func (f *fields) next(tag byte) (field canon.Field) {
	if f.bad || len(f.left) == 0 || f.left[0].Tag != tag {
		f.bad = true
		return canon.Field{}
	}
	field, f.left = f.left[0], f.left[1:]
	return field
}

func (f *fields) text() string { return f.next(canon.TagText).Text }
func (f *fields) int() int64   { return f.next(canon.TagInt).Int }

func (f *fields) uint32() uint32 {
	n := f.next(canon.TagUint).Uint
	f.bad = f.bad || n>>32 != 0
	return uint32(n)
}

func (f *fields) digest() (d [32]byte) {
	b := f.next(canon.TagBytes).Bytes
	f.bad = f.bad || len(b) != len(d)
	copy(d[:], b)
	return d
}

func (f *fields) entry() (id troth.EntryID) {
	b := f.next(canon.TagBytes).Bytes
	f.bad = f.bad || len(b) != len(id)
	copy(id[:], b)
	return id
}

// sealed is nil where it is empty.
func (f *fields) sealed() []byte {
	if b := f.next(canon.TagBytes).Bytes; len(b) > 0 {
		return b
	}
	return nil
}

func (f *fields) tenant() troth.Tenant { return troth.Tenant(f.text()) }

// readBackupRecord makes a record of a message; false if it is not one.
func readBackupRecord(m canon.Message) (r backupRecord, ok bool) {
	f := &fields{left: m.Fields}
	switch m.Domain {
	case backupEpochDomain:
		r.epoch = &EpochRow{
			Epoch: f.uint32(), Place: f.text(),
			OpenedAt: f.int(), ClosedAt: f.int(), FinalAt: f.int(), DestroyedAt: f.int(),
		}
	case backupRootDomain:
		r.root = &RootRow{
			Tenant: f.tenant(), Lineage: Lineage(f.text()), Epoch: f.uint32(), KEK: f.text(), Sealed: f.sealed(),
			Commitment: f.digest(), Evidence: f.entry(), CreatedAt: f.int(), ShreddedAt: f.int(), SupersededAt: f.int(), RetiredAt: f.int(), MovedAt: f.int(),
			RestoredAt: f.int(),
		}
		f.bad = f.bad || r.root.Sealed != nil && (r.root.ShreddedAt != 0 || r.root.RetiredAt != 0)
	case backupExportDomain, backupLimitDomain, backupGrantDomain:
		r.readControl(m.Domain, f)
	case backupPersonDomain:
		r.person = &PersonEntry{PersonName: PersonName{Tenant: f.tenant(), SubjectID: f.text()}, Evidence: f.entry(), ClosedAt: f.int()}
	case backupKeyDomain:
		r.key = &KeyRow{
			KeyName:    KeyName{Tenant: f.tenant(), SubjectID: f.text(), Compartment: troth.Compartment(f.text())},
			Generation: f.uint32(), KeyID: f.uint32(), Epoch: f.uint32(), FirstEpoch: f.uint32(),
			Sealed: f.sealed(), Commitment: f.digest(), Flag: f.sealed(), Evidence: f.entry(),
			CreatedAt: f.int(), ShreddedAt: f.int(),
		}
		retired := f.int()
		r.key.RestoredAt = f.int()
		r.key.Retired = retired == 1
		f.bad = f.bad || r.key.Sealed != nil && r.key.ShreddedAt != 0 ||
			retired != 0 && (retired != 1 || r.key.ShreddedAt == 0)
	default:
		return r, false
	}
	return r, !f.bad && len(f.left) == 0
}
