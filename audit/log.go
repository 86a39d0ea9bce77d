package audit

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"strconv"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
	"github.com/trothdev/troth/internal/merkle"
)

// Domains of what the tenant map is made of.
const (
	tenantKeyDomain  = "troth.audit.tenant-key/1"
	tenantHeadDomain = "troth.audit.tenant-head/1"
	saltDomain       = "troth.audit.salt/1"
)

// ledger is what the sequencer keeps of the log between two steps. It is changed
// only after the rows that it tells of are committed.
type ledger struct {
	head    Head
	front   *merkle.Frontier
	tenants map[troth.Tenant]TenantHead
	names   *merkle.Map
	// pins are facts of the first entry of a log that goes on from another.
	pins troth.Facts
}

// newLedger returns an empty log under the signer's name.
func newLedger(log int, s Signer) *ledger {
	l := &ledger{
		head:    Head{Log: log, Origin: s.Name(), Signer: s.VerifierKey()},
		front:   new(merkle.Frontier),
		tenants: make(map[troth.Tenant]TenantHead),
		names:   new(merkle.Map),
	}
	l.head.Root = l.front.Root()
	_, _ = rand.Read(l.head.Salt[:]) // never fails, crypto/rand documents
	return l
}

// stands reports whether the stored head is the one that the ledger tells of.
func (l *ledger) stands(h Head) bool {
	return l != nil && l.head.Log == h.Log && l.head.Size == h.Size && l.head.Root == h.Root &&
		l.head.Salt == h.Salt && l.head.Origin == h.Origin
}

// knows reports whether the stored head is of the log that the ledger tells of.
func (l *ledger) knows(h Head) bool {
	return l != nil && l.head.Log == h.Log && l.head.Salt == h.Salt && l.head.Origin == h.Origin
}

// take makes a committed step part of the ledger.
func (l *ledger) take(s *step) {
	l.head = s.head
	l.head.Size, l.head.Root = s.front.Size(), s.front.Root()
	l.front = s.front
	for tenant, at := range s.moved {
		l.setTenant(tenant, at)
	}
}

func (l *ledger) setTenant(tenant troth.Tenant, at TenantHead) {
	l.tenants[tenant] = at
	l.names.Set(tenantKey(l.head.Salt, tenant), at.digest())
}

// tenantKey is where the tenant stands in the tenant map of a log.
func tenantKey(salt [32]byte, tenant troth.Tenant) [32]byte {
	m := canon.AppendDomain(nil, tenantKeyDomain)
	m = canon.AppendBytes(m, salt[:])
	return sha256.Sum256(canon.AppendText(m, tenant))
}

// digest is what the tenant map says of a tenant.
func (h TenantHead) digest() [32]byte {
	m := canon.AppendDomain(nil, tenantHeadDomain)
	m = canon.AppendUint(m, h.Number)
	return sha256.Sum256(canon.AppendBytes(m, h.Hash[:]))
}

// saltCommitment is what a checkpoint says of the salt.
func saltCommitment(salt [32]byte) [32]byte {
	return sha256.Sum256(canon.AppendBytes(canon.AppendDomain(nil, saltDomain), salt[:]))
}

// Position is where an entry stands.
type Position struct {
	// Log is the number of the log in the store, from 1.
	Log int
	// Index is the position in that log, from 0; Number counts the tenant's own
	// entries in it, from 1.
	Index, Number uint64
}

// Sentinels of the log.
var (
	// ErrNoSigner says that the trail was made without [WithSigner], so that it
	// records and reads, and neither sequences nor signs.
	ErrNoSigner = errors.New("audit: trail has no signer")
	// ErrSigner says that the log is not the signer's: its origin is another,
	// or its key was replaced, see [Trail.Rotate].
	ErrSigner = errors.New("audit: log belongs to another signer")
	// ErrInTransaction says that the call needs transactions of its own and
	// was made inside one.
	ErrInTransaction = errors.New("audit: call must not be made inside a transaction")
)

// DamageError says that the stored log is not what the trail wrote, and names
// the first thing that does not fit.
type DamageError struct {
	// Log is the number of the log; 0 where Place names it, or no log has it.
	Log int
	// Table is what kind of row it is, such as "entry" or "tile"; Place which
	// one, such as "index 17".
	Table, Place string
	// Reason is a phrase, such as "hash does not match the leaf".
	Reason string
}

func (e *DamageError) Error() string {
	log := ""
	if e.Log != 0 {
		log = "log " + itoa(e.Log) + ": "
	}
	return "audit: " + log + e.Table + ", " + e.Place + ": " + e.Reason
}

// RolledBackError says that the store lags behind a signed checkpoint that was
// kept elsewhere, or contradicts it: an older copy was put back. See
// [Trail.Continue].
type RolledBackError struct {
	Origin string
	// Known is the size of the checkpoint kept outside; Have that of the log.
	Known, Have uint64
}

func isRolledBack(err error) bool {
	_, ok := errors.AsType[*RolledBackError](err)
	return ok
}

func (e *RolledBackError) Error() string {
	return "audit: log " + e.Origin + " has size " + utoa(e.Have) +
		" and does not lead to the checkpoint of size " + utoa(e.Known) + " that is known outside"
}

func itoa(n int) string { return strconv.Itoa(n) }

// defaults of the sequencer.
const (
	// batchLimit is how many entries are sequenced in one transaction.
	batchLimit = 1024
	// signEvery is how often a log that grows is signed, idleEvery one that does
	// not.
	signEvery = 10 * time.Second
	idleEvery = time.Hour
)
