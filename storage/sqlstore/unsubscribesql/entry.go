package unsubscribesql

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/statement"
	"github.com/trothdev/troth/unsubscribe"
)

func scanEntry(rows *sqlstore.Rows) (e unsubscribe.EntryRow, err error) {
	var key, mailbox []byte
	var tenant, channel string
	var generation int64
	err = rows.Scan(&key, &tenant, &channel, &e.List, &mailbox, &e.Marks[0], &e.Marks[1], &e.Marks[2], &e.Marks[3],
		&e.OptInAt, &generation, &e.Event)
	if err != nil {
		return e, err
	}
	e.Tenant, e.Channel = troth.Tenant(tenant), unsubscribe.Channel(channel)
	if !fill(&e.Key, key) || !fill(&e.Mailbox, mailbox) || !statement.Small(generation, &e.Generation) {
		return unsubscribe.EntryRow{}, unsubscribe.ErrRecord
	}
	return e, nil
}

func placeOf(c unsubscribe.Cursor) []any {
	return []any{c.Key[:], string(c.Tenant), string(c.Channel), c.List}
}

func rest(e *unsubscribe.EntryRow) []any {
	return []any{e.Mailbox[:], e.Marks[0], e.Marks[1], e.Marks[2], e.Marks[3], e.OptInAt, int64(e.Generation), e.Event}
}

// LockEntry implements unsubscribe.Store.
func (s *Store) LockEntry(ctx context.Context, fresh unsubscribe.EntryRow) (unsubscribe.EntryRow, error) {
	if err := s.db.Locking(ctx); err != nil {
		return unsubscribe.EntryRow{}, err
	}
	at := placeOf(fresh.Cursor())
	if _, err := s.db.Exec(ctx, s.q.insertEntry, append(placeOf(fresh.Cursor()), rest(&fresh)...)...); err != nil {
		return unsubscribe.EntryRow{}, err
	}
	row, found, err := statement.One(ctx, s.db, scanEntry, s.q.lockEntry, at...)
	if err == nil && !found {
		err = s.db.ErrLost
	}
	return row, err
}

// PutEntry implements unsubscribe.Store.
func (s *Store) PutEntry(ctx context.Context, row unsubscribe.EntryRow) error {
	return s.db.Must(ctx, s.q.putEntry, append(rest(&row), placeOf(row.Cursor())...)...)
}

// Entries implements unsubscribe.Store.
func (s *Store) Entries(ctx context.Context, tenant troth.Tenant, keys []unsubscribe.Key) ([]unsubscribe.EntryRow, error) {
	if len(keys) == 0 {
		return nil, ctx.Err()
	}
	of, list := string(tenant), s.list(keys)
	args := []any{of, list, of, of, list}
	if s.db.Postgres() {
		args = []any{of, list, of, list, of}
	}
	return statement.Query(ctx, s.db, scanEntry, s.q.entries, args...)
}

// list is many keys as one argument: an array of PostgreSQL's, or a JSON array of
// hexadecimal digits.
func (s *Store) list(keys []unsubscribe.Key) string {
	open, before, after, end := "[", `"`, `"`, "]"
	if s.db.Postgres() {
		open, before, after, end = "{", `"\\x`, `"`, "}"
	}
	var b strings.Builder
	b.Grow(len(keys)*72 + 2)
	b.WriteString(open)
	for i, k := range keys {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(before)
		b.WriteString(hex.EncodeToString(k[:]))
		b.WriteString(after)
	}
	b.WriteString(end)
	return b.String()
}

// Prefixes implements unsubscribe.Store. The database gives them in one value: a
// million rows of one each would take longer than finding them.
func (s *Store) Prefixes(ctx context.Context, tenant troth.Tenant, r unsubscribe.PrefixRange) ([]uint64, error) {
	var from [8]byte
	binary.BigEndian.PutUint64(from[:], r.From)
	to := make([]byte, len(unsubscribe.Key{})) // the last key with that prefix
	for i := range to {
		to[i] = 0xff
	}
	binary.BigEndian.PutUint64(to[:8], r.To)
	one := []any{string(tenant), from[:], to, r.Limit}
	var packed []byte
	if _, err := sqlstore.QueryRow(ctx, s.db.Querier(ctx), s.q.prefixes, append(one, one...), &packed); err != nil {
		return nil, err
	}
	if !s.db.Postgres() {
		n, err := hex.Decode(packed, packed)
		if err != nil {
			return nil, unsubscribe.ErrRecord
		}
		packed = packed[:n]
	}
	all := make([]uint64, 0, len(packed)/8)
	for ; len(packed) >= 8; packed = packed[8:] {
		all = append(all, binary.BigEndian.Uint64(packed))
	}
	return all[:min(len(all), r.Limit)], nil
}

// EntriesOf implements unsubscribe.Store.
func (s *Store) EntriesOf(ctx context.Context, tenant troth.Tenant, after unsubscribe.Cursor, limit int) ([]unsubscribe.EntryRow, error) {
	return statement.Query(ctx, s.db, scanEntry, s.q.entriesOf, string(tenant), after.Key[:], string(after.Channel), after.List, limit)
}

// EntriesAfter implements unsubscribe.SystemStore.
func (s *Store) EntriesAfter(ctx context.Context, after unsubscribe.Cursor, limit int) ([]unsubscribe.EntryRow, error) {
	return statement.Query(ctx, s.db, scanEntry, s.q.entriesAfter, append(placeOf(after), limit)...)
}

// Epoch implements unsubscribe.Store.
func (s *Store) Epoch(ctx context.Context, tenant troth.Tenant) (uint32, error) {
	return s.epoch(ctx, s.q.epoch, tenant)
}

func (s *Store) epoch(ctx context.Context, text string, tenant troth.Tenant) (uint32, error) {
	epoch, _, err := s.findEpoch(ctx, text, tenant)
	return epoch, err
}

func (s *Store) findEpoch(ctx context.Context, text string, tenant troth.Tenant) (epoch uint32, found bool, err error) {
	n := int64(1)
	if found, err = sqlstore.QueryRow(ctx, s.db.Querier(ctx), text, []any{string(tenant)}, &n); err != nil {
		return 0, false, err
	}
	if !statement.Small(n, &epoch) || n == 0 {
		return 0, false, unsubscribe.ErrRecord
	}
	return epoch, found, nil
}

// HoldEpoch implements unsubscribe.Store. Where there is no row yet none is made, for
// which others would wait until this transaction ends: it holds a lock that is shared
// as the row's is.
func (s *Store) HoldEpoch(ctx context.Context, tenant troth.Tenant) (uint32, error) {
	if err := s.db.Locking(ctx); err != nil {
		return 0, err
	}
	epoch, found, err := s.findEpoch(ctx, s.q.holdEpoch, tenant)
	if err != nil || found || !s.db.Postgres() {
		return epoch, err
	}
	if _, err := s.db.Exec(ctx, s.q.holdFirst, epochLock(tenant)); err != nil {
		return 0, err
	}
	return s.epoch(ctx, s.q.holdEpoch, tenant) // by whoever held it alone
}

// lockEpoch keeps out who holds the epoch, with a row and without.
func (s *Store) lockEpoch(ctx context.Context, tenant troth.Tenant) (uint32, error) {
	if err := s.db.Locking(ctx); err != nil {
		return 0, err
	}
	if !s.db.Postgres() {
		return s.Epoch(ctx, tenant)
	}
	if _, err := s.db.Exec(ctx, s.q.lockFirst, epochLock(tenant)); err != nil {
		return 0, err
	}
	if _, err := s.db.Exec(ctx, s.q.insertEpoch, string(tenant)); err != nil {
		return 0, err
	}
	return s.epoch(ctx, s.q.lockEpoch, tenant)
}

// epochLock is the key of the advisory lock of a registry that has no row of its
// epoch. Two that share one only wait for each other.
func epochLock(tenant troth.Tenant) int64 {
	sum := sha256.Sum256([]byte("troth.unsubscribesql.epoch/1\x00" + string(tenant)))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}

// pair are the keys of one row or more.
type pair struct{ key, mailbox unsubscribe.Key }

func scanPair(rows *sqlstore.Rows) (p pair, err error) {
	var key, mailbox []byte
	if err = rows.Scan(&key, &mailbox); err == nil && (!fill(&p.key, key) || !fill(&p.mailbox, mailbox)) {
		err = unsubscribe.ErrRecord
	}
	return p, err
}

// Rekey implements unsubscribe.Store. It takes a statement for each address.
func (s *Store) Rekey(ctx context.Context, p unsubscribe.RekeyParams) (entries int, err error) {
	if err := s.db.Locking(ctx); err != nil {
		return 0, err
	}
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		epoch, err := s.lockEpoch(ctx, p.Tenant)
		if err != nil {
			return err
		}
		if epoch != p.From {
			return unsubscribe.ErrEpoch
		}
		if entries, err = s.rekey(ctx, p, s.q.entryPairs, s.q.rekeyEntry); err != nil {
			return err
		}
		if _, err := s.rekey(ctx, p, s.q.eventPairs, s.q.rekeyEvent); err != nil {
			return err
		}
		return s.db.Must(ctx, s.q.putEpoch, string(p.Tenant), int64(p.To))
	})
	if err != nil {
		return 0, err
	}
	return entries, nil
}

func (s *Store) rekey(ctx context.Context, p unsubscribe.RekeyParams, read, write string) (changed int, err error) {
	pairs, err := statement.Query(ctx, s.db, scanPair, read, string(p.Tenant))
	if err != nil {
		return 0, err
	}
	for _, old := range pairs {
		key, mailbox := p.Wrap(old.key), p.Wrap(old.mailbox)
		n, err := s.db.Exec(ctx, write, key[:], mailbox[:], string(p.Tenant), old.key[:], old.mailbox[:])
		if err != nil {
			return 0, err
		}
		changed += n
	}
	return changed, nil
}
