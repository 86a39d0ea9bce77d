package auditsql

import (
	"context"
	"database/sql"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/sqlstore"
)

// logReader scans rows of entries. All leaves of a page share one buffer: a
// million of them are read in one go.
type logReader struct {
	rows []audit.LogRow

	// Where the reader stands, for errors.
	log    int
	index  int64
	buffer []byte

	number, recordedAt                       int64
	tenant, id, hash, leaf, by, act, subject sql.RawBytes
	dest                                     []any
}

// oversized is what optional selects in place of a leaf that is too long.
const oversized = "\x00"

// bufferSize is how much of leaves is held in one piece.
const bufferSize = 64 << 10

func newLogReader(limit int) *logReader {
	r := &logReader{rows: make([]audit.LogRow, 0, min(limit, 1024))}
	r.dest = []any{
		&r.log, &r.index, &r.tenant, &r.id, &r.number, &r.hash, &r.leaf, &r.by, &r.recordedAt, &r.act, &r.subject,
	}
	return r
}

// scan appends a row.
func (r *logReader) scan(rows *sqlstore.Rows) error {
	if err := rows.Scan(r.dest...); err != nil {
		return err
	}
	r.rows = append(r.rows, audit.LogRow{Log: r.log, RecordedAt: r.recordedAt})
	row := &r.rows[len(r.rows)-1]
	err := firstError(unsigned(&row.Index, r.index), unsigned(&row.Number, r.number), copyFixed(row.ID[:], r.id),
		copyFixed(row.Hash[:], r.hash), copyOptional(row.RedactedBy[:], r.by), copyOptional(row.Subject[:], r.subject))
	if err != nil {
		r.rows = r.rows[:len(r.rows)-1]
		return err
	}
	var last audit.LogRow // its strings are often the same
	if n := len(r.rows); n > 1 {
		last = r.rows[n-2]
	}
	row.Tenant = troth.Tenant(share(string(last.Tenant), r.tenant))
	row.Act = share(last.Act, r.act)
	if row.Oversized = string(r.leaf) == oversized; !row.Oversized {
		row.Leaf = r.keep(r.leaf)
	}
	return nil
}

// share returns b as a string, the given one where it is the same.
func share(s string, b []byte) string {
	if s == string(b) {
		return s
	}
	return string(b)
}

// keep copies a leaf into the buffer.
func (r *logReader) keep(leaf []byte) []byte {
	if len(leaf) == 0 {
		return nil
	}
	if cap(r.buffer)-len(r.buffer) < len(leaf) {
		room := (cap(r.rows) - len(r.rows) + 1) * len(leaf) // of as many more as are asked for
		r.buffer = make([]byte, 0, max(min(bufferSize, room), len(leaf)))
	}
	begin := len(r.buffer)
	r.buffer = append(r.buffer, leaf...)
	return r.buffer[begin:len(r.buffer):len(r.buffer)]
}

// LogRange implements audit.LogSystem.
func (s *Store) LogRange(ctx context.Context, log int, from uint64, limit int) ([]audit.LogRow, error) {
	r := newLogReader(limit)
	q := reading{table: entryTable, text: s.log.logRange, args: []any{log, signed(from), limit}, place: func() string {
		next := from
		if n := len(r.rows); n > 0 {
			next = r.rows[n-1].Index + 1
		}
		return at("log %d, index %d or the next after it", log, next)()
	}}
	if err := s.read(ctx, q, r.scan); err != nil {
		if _, ok := err.(*audit.RowError); ok { //nolint:errorlint // as read made it
			return r.rows, err
		}
		return nil, err
	}
	return r.rows, nil
}

// LogEntries implements audit.LogStore.
func (s *Store) LogEntries(ctx context.Context, p audit.LogPage) ([]audit.LogRow, error) {
	r := newLogReader(p.Limit)
	read := s.logEntries
	if (p.From != 0 || p.To != 0) && p.Subject.IsZero() { // of a person there are few
		read = s.entriesByTime
	}
	if err := read(ctx, p, r); err != nil {
		return nil, err
	}
	return r.rows, nil
}

// logEntries reads a page in the order of the log.
func (s *Store) logEntries(ctx context.Context, p audit.LogPage, r *logReader) error {
	return s.readEntries(ctx, p, r, s.log.logEntries, []any{string(p.Tenant), p.Log, signed(p.Number)})
}

// readEntries adds the filters to a query and reads what it finds.
func (s *Store) readEntries(ctx context.Context, p audit.LogPage, r *logReader, text string, args []any) error {
	act := " AND act = ?"
	if !p.Subject.IsZero() && !s.postgres() {
		act = " AND +act = ?" // the plus keeps SQLite from walking over everybody's
	}
	for _, f := range []struct {
		set   bool
		text  string
		value any
	}{
		{!p.Subject.IsZero(), " AND subject = ?", p.Subject[:]},
		{p.Act != "", act, p.Act},
		{p.From != 0, " AND recorded_at >= ?", p.From},
		{p.To != 0, " AND recorded_at < ?", p.To},
	} {
		if f.set {
			text += f.text
			args = append(args, f.value)
		}
	}
	text = s.handle.Dialect().Rebind(text + " ORDER BY log, number LIMIT ?")
	q := reading{table: entryTable, text: text, args: append(args, p.Limit-len(r.rows)), place: func() string {
		after := audit.LogRow{Log: p.Log, Number: p.Number}
		if n := len(r.rows); n > 0 {
			after = r.rows[n-1]
		}
		return at("the tenant's first behind log %d, number %d", after.Log, after.Number)()
	}}
	return s.read(ctx, q, r.scan)
}

// LogEntry implements audit.LogStore.
func (s *Store) LogEntry(ctx context.Context, tenant troth.Tenant, id troth.EntryID) (audit.LogRow, bool, error) {
	r := newLogReader(1)
	q := reading{table: entryTable, text: s.log.logEntry, args: []any{string(tenant), id[:]}, place: at("id %s", id)}
	if err := s.read(ctx, q, r.scan); err != nil || len(r.rows) == 0 {
		return audit.LogRow{}, false, err
	}
	return r.rows[0], true, nil
}

// LeafHashes implements audit.LogSystem.
func (s *Store) LeafHashes(ctx context.Context, log int, from, to uint64) ([]byte, error) {
	var hashes []byte
	q := reading{table: entryTable, text: s.log.leafHashes, args: []any{log, signed(from), signed(to)}, place: func() string {
		return at("log %d, index %d or the next after it", log, from+uint64(len(hashes)/32))()
	}}
	var raw sql.RawBytes
	dest := []any{&raw}
	err := s.read(ctx, q, func(rows *sqlstore.Rows) error {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		if len(raw) != 32 {
			return errSize
		}
		hashes = append(hashes, raw...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return hashes, nil
}

// Redact implements audit.LogStore.
func (s *Store) Redact(ctx context.Context, r audit.Redaction) (bool, error) {
	return s.exec(ctx, s.log.redact, r.By[:], string(r.Tenant), r.ID[:])
}
