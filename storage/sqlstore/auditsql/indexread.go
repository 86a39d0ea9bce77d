package auditsql

import (
	"bytes"
	"context"
	"database/sql"
	"slices"
	"strconv"
	"strings"

	"github.com/trothdev/troth/storage/sqlstore"
)

// entryIndex is an index of entries in SQLite, and how it is read: without the
// table, and with many entries in a row of the result, because a row costs more
// than what stands in it.
type entryIndex struct {
	name string
	// columns are those of the index, where what comes under the name of key is
	// the second.
	columns []string
	key     string
	// where is what the index is of.
	where string
	// chunk reads what stands in the index up to a bound.
	chunk string
}

// indexChunk is how many entries of an index are read at a time.
const indexChunk = 16 << 10

// entryIndexes are all indexes of entries. The place, which is the key of the table,
// stands at the end of each, as SQLite has it.
var entryIndexes = [indexKinds]entryIndex{
	byNumber:  listedIndex("troth_audit_entry_number", "", ""),
	bySubject: listedIndex("troth_audit_entry_subject", "subject", "blob"),
	byAct:     listedIndex("troth_audit_entry_act", "act", "text"),
	byID: {
		name: "troth_audit_entry_id", columns: []string{"tenant", "id"}, key: "id", where: "id IS NOT NULL",
		// A text sorts before bytes, and behind numbers.
		chunk: `SELECT tenant, CAST(group_concat(id, '') AS BLOB), '', COUNT(*), '', group_concat(place),
			typeof(tenant) = 'text' AND typeof(min(id)) = 'blob'`,
	},
}

// listedIndex is one that leads to entries in the order of the log.
func listedIndex(name, key, kind string) entryIndex {
	x := entryIndex{name: name, columns: []string{"tenant", "log", "number"}, key: key, where: "number IS NOT NULL"}
	column, typed := "''", ""
	if key != "" {
		x.columns, x.where = []string{"tenant", key, "log", "number"}, key+" IS NOT NULL"
		column, typed = key, " AND typeof("+key+") = '"+kind+"'"
	}
	x.chunk = `SELECT tenant, ` + column + `, log, COUNT(*), group_concat(number), group_concat(place),
		typeof(tenant) = 'text'` + typed + ` AND typeof(log) = 'integer' AND typeof(max(number)) = 'integer'`
	return x
}

// from is where both statements on an index read.
func (x *entryIndex) from() string {
	return ` FROM ` + entryTable + ` INDEXED BY ` + x.name + ` WHERE ` + x.where
}

// boundText finds the entry of the index up to which a chunk is read.
func (x *entryIndex) boundText(behind string) string {
	columns := strings.Join(x.columns, ", ")
	return `SELECT ` + columns + x.from() + behind + ` ORDER BY ` + columns + ` LIMIT 1 OFFSET ?`
}

// chunkText reads a chunk, all but the last column of the index together.
func (x *entryIndex) chunkText(within string) string {
	return x.chunk + x.from() + within + ` GROUP BY ` + strings.Join(x.columns[:len(x.columns)-1], ", ")
}

// readIndex adds all that stands in an index. fits is false if any of it is what
// nobody writes there, or not in order.
func (s *Store) readIndex(ctx context.Context, kind int, sums *indexSums) (fits bool, err error) {
	x := &entryIndexes[kind]
	r := &indexReader{kind: kind, sums: sums, fits: true}
	columns := "(" + strings.Join(x.columns, ", ") + ")"
	marks := "(?" + strings.Repeat(", ?", len(x.columns)-1) + ")"
	var within string
	var after []any
	for {
		bound, found, err := s.indexBound(ctx, x, within, after)
		if err != nil {
			return false, err
		}
		args, upTo := after, ""
		if found {
			args, upTo = slices.Concat(after, bound), " AND "+columns+" <= "+marks
		}
		q := reading{table: entryTable, text: x.chunkText(within + upTo), args: args, place: at("index %s", x.name)}
		if err := s.read(ctx, q, r.scan); err != nil || !found {
			return r.fits, err
		}
		within, after = " AND "+columns+" > "+marks, bound
	}
}

// indexBound finds where to stop reading; found is false if the rest is no more
// than is read at a time.
func (s *Store) indexBound(ctx context.Context, x *entryIndex, within string, after []any) (bound []any, found bool, err error) {
	bound = make([]any, len(x.columns))
	dest := make([]any, len(bound))
	for i := range bound {
		dest[i] = &bound[i]
	}
	args := append(slices.Clone(after), indexChunk-1)
	found, err = sqlstore.QueryRow(ctx, s.handle.Querier(ctx), x.boundText(within), args, dest...)
	return bound, found, err
}

// indexReader takes chunks of one index apart.
type indexReader struct {
	kind int
	sums *indexSums
	fits bool

	tenant, key, log, numbers, places sql.RawBytes
	// last is the tenant, key and log of the group before, and where it ended.
	last       [3][]byte
	lastNumber uint64
}

// scan reads one group of entries.
func (r *indexReader) scan(rows *sqlstore.Rows) error {
	var count int
	var typed sql.NullBool
	if err := rows.Scan(&r.tenant, &r.key, &r.log, &count, &r.numbers, &r.places, &typed); err != nil {
		return err
	}
	r.fits = typed.Bool && r.fits
	if r.kind == byID {
		r.ids(count)
	} else {
		r.listed(count)
	}
	return nil
}

// listed reads a group of one tenant, key and log.
func (r *indexReader) listed(count int) {
	log := number(r.log)
	c := bytes.Compare(r.tenant, r.last[0])
	if c == 0 {
		c = bytes.Compare(r.key, r.last[1])
	}
	if c == 0 {
		c = int(log) - int(number(r.last[2]))
	}
	if c != 0 {
		r.lastNumber = 0
		r.last = [3][]byte{bytes.Clone(r.tenant), bytes.Clone(r.key), bytes.Clone(r.log)}
	}
	r.fits = r.fits && c >= 0
	r.sums.begin(string(r.tenant))
	r.sums.entry = append(r.sums.entry, r.key...)
	numbers, places := list(r.numbers), list(r.places)
	for range count {
		n := numbers.next()
		in, i := apart(places.next())
		r.fits = r.fits && n > r.lastNumber && in == int(log)
		r.lastNumber = n
		r.sums.add(r.kind, in, n, i)
	}
	r.fits = r.fits && numbers.ended() && places.ended()
}

// ids reads a group of one tenant.
func (r *indexReader) ids(count int) {
	c := bytes.Compare(r.tenant, r.last[0])
	if c != 0 {
		r.last = [3][]byte{bytes.Clone(r.tenant)}
	}
	if c < 0 || len(r.key) != 16*count {
		r.fits = false
		return
	}
	places := list(r.places)
	tenant, last := string(r.tenant), r.last[1]
	for n := range count {
		id := r.key[16*n : 16*n+16]
		r.fits = r.fits && bytes.Compare(id, last) > 0
		last = id
		r.sums.begin(tenant)
		r.sums.entry = append(r.sums.entry, id...)
		log, i := apart(places.next())
		r.sums.add(r.kind, log, 0, i)
	}
	r.last[1] = bytes.Clone(last)
	r.fits = r.fits && places.ended()
}

// list is numbers with commas between them.
type list []byte

// next takes the first number, and is beyond all logs where there is none.
func (l *list) next() uint64 {
	text := *l
	if end := bytes.IndexByte(text, ','); end >= 0 {
		text, *l = text[:end], text[end+1:]
	} else {
		*l = nil
	}
	return number(text)
}

func (l *list) ended() bool { return len(*l) == 0 }

// number reads what SQLite wrote of an integer.
func number(text []byte) uint64 {
	n, err := strconv.ParseUint(string(text), 10, 63)
	if err != nil {
		return 1 << 63
	}
	return n
}

// apart returns the log and the index of a place; of what is none, a log that is none.
func apart(place uint64) (log int, index uint64) {
	return int(place >> indexBits), place & (1<<indexBits - 1)
}
