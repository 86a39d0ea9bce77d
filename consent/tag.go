package consent

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"sync"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// recordDomain is for the tags of stored records: who writes to the database
// past the ledger must not be able to make a grant.
const recordDomain = "troth.consent.record/1"

const tagSize = sha256.Size

// table names what a record is of, in its tag.
type table string

const (
	termsTable   table = "terms"
	noticeTable  table = "notice"
	personTable  table = "person"
	eventTable   table = "event"
	stateTable   table = "state"
	linkTable    table = "link"
	requestTable table = "request"
)

// recordKey makes and checks the tags of one tenant's records.
type recordKey struct {
	tenant troth.Tenant
	pool   sync.Pool
}

// tagger is a keyed hash that is used again, and the room for what it hashes.
type tagger struct {
	mac hash.Hash
	buf []byte
	sum [tagSize]byte
}

func newRecordKey(tenant troth.Tenant, key [32]byte) *recordKey {
	k := &recordKey{tenant: tenant}
	k.pool.New = func() any { return &tagger{mac: hmac.New(sha256.New, key[:])} }
	return k
}

// tag is HMAC-SHA-256 of where the record stands and of what it says.
func (g *tagger) tag(tenant troth.Tenant, t table, a, b string, message []byte) []byte {
	g.buf = canon.AppendDomain(g.buf[:0], recordDomain)
	g.buf = canon.AppendText(g.buf, tenant)
	g.buf = canon.AppendText(g.buf, t)
	g.buf = canon.AppendText(g.buf, a)
	g.buf = canon.AppendText(g.buf, b)
	g.buf = canon.AppendBytes(g.buf, message)
	g.mac.Reset()
	g.mac.Write(g.buf)
	return g.mac.Sum(g.sum[:0])
}

// seal returns the record of a message: the message and its tag. a and b name the
// row in its table.
func (k *recordKey) seal(t table, a, b string, message []byte) []byte {
	g := k.pool.Get().(*tagger)
	defer k.pool.Put(g)
	return append(message, g.tag(k.tenant, t, a, b, message)...)
}

// open returns the message of a record, or [ErrRecord].
func (k *recordKey) open(t table, a, b string, record []byte) ([]byte, error) {
	n := len(record) - tagSize
	if n < 0 || len(record) > MaxRecord {
		return nil, ErrRecord
	}
	g := k.pool.Get().(*tagger)
	defer k.pool.Put(g)
	if !hmac.Equal(g.tag(k.tenant, t, a, b, record[:n]), record[n:]) {
		return nil, ErrRecord
	}
	return record[:n:n], nil
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }
