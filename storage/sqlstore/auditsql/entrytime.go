package auditsql

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"

	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/sqlstore"
)

// Entries are in the order of the log, which is nearly that of time: what was
// recorded within some bounds stands in one stretch, or, where a clock jumped or a
// transaction took long, in a few. So a page by time is read in stretches, and where
// one has nothing a look by time tells where the next one begins. That look goes by
// the index of ids, which begin with the time: there is no index to keep for it.
// What is read for a page thus depends on how much there is within the bounds, and
// not on how much the tenant has.

// A stretch is so many numbers of a tenant, and twice as many where the one before
// it had nothing of what is asked for and was within the bounds.
const (
	stretch    = 512
	maxStretch = 64 << 10
)

// entriesByTime reads a page of entries that were recorded within bounds.
func (s *Store) entriesByTime(ctx context.Context, p audit.LogPage, r *logReader) error {
	length := uint64(stretch)
	for {
		if p.Log > 0 {
			before := len(r.rows)
			args := []any{string(p.Tenant), p.Log, signed(p.Number), signed(p.Number + length)}
			if err := s.readEntries(ctx, p, r, s.log.stretch, args); err != nil || len(r.rows) == p.Limit {
				return err
			}
			p.Number += length
			if len(r.rows) > before {
				continue
			}
		}
		log, number, found, err := s.nextInTime(ctx, p)
		if err != nil || !found {
			return err
		}
		if length = min(2*length, maxStretch); log != p.Log || number > p.Number+length {
			length = stretch
		}
		p.Log, p.Number = log, number-1
	}
}

// nextInTime finds the first entry behind the cursor that was recorded within the
// bounds.
func (s *Store) nextInTime(ctx context.Context, p audit.LogPage) (log int, number uint64, found bool, err error) {
	first, last := int64(0), int64(math.MaxInt64)
	if p.From != 0 {
		first = p.From
	}
	if p.To != 0 {
		last = p.To - 1
	}
	if last < first {
		return 0, 0, false, nil
	}
	from, to := idsBetween(first, last)
	var n int64
	found, err = sqlstore.QueryRow(ctx, s.handle.Querier(ctx), s.log.nextInTime,
		[]any{string(p.Tenant), from, to, first, last, p.Log, signed(p.Number)}, &log, &n)
	if err == nil && found {
		err = unsigned(&number, n)
	}
	return log, number, found, err
}

// idsBetween returns the lowest and the highest id of entries that were recorded
// between two instants, both included, in microseconds since 1970.
func idsBetween(first, last int64) (from, to []byte) {
	from, to = make([]byte, 16), bytes.Repeat([]byte{0xff}, 16)
	const most = 1<<48 - 1 // milliseconds that an id has room for
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(min(max(first, 0)/1000, most)))
	copy(from, ms[2:])
	binary.BigEndian.PutUint64(ms[:], uint64(min(max(last, 0)/1000, most)))
	copy(to, ms[2:])
	return from, to
}
