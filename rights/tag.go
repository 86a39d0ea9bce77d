package rights

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// recordDomain is for the tags of stored records: who writes to the database past the
// desk must not be able to make a proof, or an approval.
const recordDomain = "troth.rights.record/1"

const tagSize = sha256.Size

// usual is how many bytes there is room for from the beginning in a record, and in what its
// tag is of: few are longer, and those grow.
const usual = 512

// tagged are buffers for what tags are of.
var tagged = sync.Pool{New: func() any { return new([]byte) }}

// table names what a record is of, in its tag.
type table string

const (
	requestTable table = "request"
	eventTable   table = "event"
	itemTable    table = "item"
)

// place is where a record stands: the parts of its row that name it.
type place struct {
	tenant  troth.Tenant
	table   table
	a, b, c string
}

func requestPlace(tenant troth.Tenant, id string) place {
	return place{tenant: tenant, table: requestTable, a: id}
}

func itemPlace(k ItemKey) place { return place{k.Tenant, itemTable, k.Owner, string(k.Kind), k.ID} }

// tag is a keyed hash of where a record stands and of what it says.
func (d *Desk) tag(ctx context.Context, at place, message []byte) ([32]byte, error) {
	buf := tagged.Get().(*[]byte)
	defer tagged.Put(buf)
	b := canon.AppendDomain((*buf)[:0], recordDomain)
	b = canon.AppendText(b, at.tenant)
	b = canon.AppendText(b, at.table)
	b = canon.AppendText(b, at.a)
	b = canon.AppendText(b, at.b)
	b = canon.AppendText(b, at.c)
	b = canon.AppendBytes(b, message)
	*buf = b
	tag, err := d.keys.MAC(ctx, troth.KeyRef{Tenant: at.tenant, Use: "rights.record", ID: "1"}, b)
	return tag, wrap("tag record", err)
}

// seal returns the record of a message: the message and its tag.
func (d *Desk) seal(ctx context.Context, at place, message []byte) ([]byte, error) {
	if len(message) > MaxRecord-tagSize {
		return nil, ErrTooMuch
	}
	tag, err := d.tag(ctx, at, message)
	if err != nil {
		return nil, err
	}
	return append(message, tag[:]...), nil
}

// open returns the message of a record, or [ErrRecord].
func (d *Desk) open(ctx context.Context, at place, record []byte) ([]byte, error) {
	n := len(record) - tagSize
	if n < 0 || len(record) > MaxRecord {
		return nil, ErrRecord
	}
	tag, err := d.tag(ctx, at, record[:n])
	if err != nil {
		return nil, err
	}
	if !hmac.Equal(tag[:], record[n:]) {
		return nil, ErrRecord
	}
	return record[:n:n], nil
}

// reader reads the fields of a record.
type reader struct {
	canon.Walker
	bad bool
}

func (r *reader) done() bool { return r.Done() && !r.bad }

func (r *reader) text() string { return string(r.Text()) }

func (r *reader) small() uint32 {
	n := r.Uint()
	r.bad = r.bad || n > 1<<32-1
	return uint32(n)
}

func (r *reader) flag() bool {
	n := r.Uint()
	r.bad = r.bad || n > 1
	return n == 1
}

func (r *reader) fixed(to []byte) {
	b := r.Bytes()
	r.bad = r.bad || len(b) != len(to)
	copy(to, b)
}

func (r *reader) texts() []string {
	var all []string
	for range r.List() {
		if len(all) == maxList {
			r.bad = true
			break
		}
		all = append(all, r.text())
	}
	return all
}

func appendFlag(b []byte, is bool) []byte {
	if is {
		return canon.AppendUint(b, 1)
	}
	return canon.AppendUint(b, 0)
}

func appendTexts[T ~string](b []byte, all []T) []byte {
	b = canon.AppendList(b, len(all))
	for _, t := range all {
		b = canon.AppendText(b, t)
	}
	return b
}

// maxList bounds every list of a record.
const maxList = 64

// micros is an instant as it is stored; the zero time is 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// instant is the inverse of micros.
func instant(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
