package audit

import (
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/storage/sqlstore"
)

// forger changes rows of the trail's tables as somebody does who owns the
// database: over a connection of its own, without constraints.
type forger struct {
	testing.TB
	conn    *sql.Conn
	dialect sqlstore.Dialect
	tables  map[string]*forgedTable
}

// forgedTable is a table with its rows as they were.
type forgedTable struct {
	name    string
	columns []string
	key     []string
	rows    [][]any
}

// forger takes the constraints off the given tables, or off all of them.
func (b backend) forger(t testing.TB, db *sql.DB, of ...string) *forger {
	t.Helper()
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	f := &forger{TB: t, conn: conn, dialect: b.dialect, tables: make(map[string]*forgedTable)}
	if b.dialect == sqlstore.SQLite {
		f.must("PRAGMA ignore_check_constraints = on")
		f.must("PRAGMA synchronous = off")
		f.must("PRAGMA busy_timeout = 5000")
	}
	for _, name := range f.names() {
		f.tables[name] = &forgedTable{name: name, columns: f.columns(name), key: f.key(name)}
	}
	if b.dialect == sqlstore.Postgres {
		if len(of) == 0 {
			of = slices.Collect(maps.Keys(f.tables))
		}
		for _, name := range of {
			f.dropConstraints(name)
		}
	}
	return f
}

func (f *forger) try(query string, args ...any) error {
	_, err := f.conn.ExecContext(f.Context(), f.dialect.Rebind(query), args...)
	return err
}

func (f *forger) must(query string, args ...any) {
	f.Helper()
	require.NoError(f, f.try(query, args...), query)
}

// strings returns the first column of a query.
func (f *forger) strings(query string, args ...any) (all []string) {
	f.Helper()
	rows, err := f.conn.QueryContext(f.Context(), f.dialect.Rebind(query), args...)
	require.NoError(f, err, query)
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var s string
		require.NoError(f, rows.Scan(&s))
		all = append(all, s)
	}
	require.NoError(f, rows.Err())
	return all
}

// names are all tables of the trail.
func (f *forger) names() []string {
	if f.dialect == sqlstore.SQLite {
		return f.strings("SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'troth_audit_%'")
	}
	return f.strings(`SELECT table_name FROM information_schema.tables
		WHERE table_schema = current_schema() AND table_name LIKE 'troth_audit_%'`)
}

func (f *forger) columns(table string) []string {
	if f.dialect == sqlstore.SQLite {
		return f.strings("SELECT name FROM pragma_table_info(?) ORDER BY cid", table)
	}
	return f.strings(`SELECT column_name FROM information_schema.columns
		WHERE table_schema = current_schema() AND table_name = ? ORDER BY ordinal_position`, table)
}

func (f *forger) key(table string) []string {
	if f.dialect == sqlstore.SQLite {
		return f.strings("SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk", table)
	}
	return f.strings(`SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
		WHERE i.indisprimary AND i.indrelid = CAST(? AS regclass) ORDER BY array_position(i.indkey::int2[], a.attnum)`, table)
}

// dropConstraints makes every row of the table possible.
func (f *forger) dropConstraints(name string) {
	for _, c := range f.strings("SELECT quote_ident(conname) FROM pg_constraint WHERE conrelid = CAST(? AS regclass)", name) {
		f.must("ALTER TABLE " + name + " DROP CONSTRAINT " + c)
	}
	for _, i := range f.strings(`SELECT CAST(indexrelid::regclass AS text) FROM pg_index
		WHERE indisunique AND indrelid = CAST(? AS regclass)`, name) {
		f.must("DROP INDEX " + i)
	}
	for _, c := range f.columns(name) {
		f.must("ALTER TABLE " + name + " ALTER COLUMN " + c + " DROP NOT NULL")
	}
	if key := f.tables[name].key; len(key) > 0 {
		f.must("CREATE INDEX ON " + name + " (" + strings.Join(key, ", ") + ")")
	}
}

// keep remembers the rows of a table.
func (f *forger) keep(t *forgedTable) {
	f.Helper()
	f.must("CREATE TEMPORARY TABLE kept_" + t.name + " AS SELECT " + t.list() + " FROM " + t.name)
	t.rows = f.read(t)
}

func (f *forger) read(t *forgedTable) (all [][]any) {
	f.Helper()
	query := "SELECT " + t.list() + " FROM " + t.name + " ORDER BY " + strings.Join(t.key, ", ") //nolint:gosec // names of ours
	rows, err := f.conn.QueryContext(f.Context(), query)
	require.NoError(f, err)
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		row := make([]any, len(t.columns))
		to := make([]any, len(row))
		for i := range row {
			to[i] = &row[i]
		}
		require.NoError(f, rows.Scan(to...))
		all = append(all, row)
	}
	require.NoError(f, rows.Err())
	return all
}

// restore puts all rows back as they were.
func (f *forger) restore(t *forgedTable) {
	f.Helper()
	f.must("DELETE FROM " + t.name)
	f.must("INSERT INTO " + t.name + " (" + t.list() + ") SELECT " + t.list() + " FROM kept_" + t.name)
}

// list is the columns for a statement.
func (t *forgedTable) list() string { return strings.Join(t.columns, ", ") }

// where names a row by its key as it was.
func (t *forgedTable) where(row []any) (text string, args []any) {
	var terms []string
	for i, c := range t.columns {
		if slices.Contains(t.key, c) {
			terms = append(terms, c+" = ?")
			args = append(args, row[i])
		}
	}
	return strings.Join(terms, " AND "), args
}

// update sets a column of one row; an error says that the database refuses.
func (f *forger) update(t *forgedTable, row []any, column, expression string, args ...any) error {
	where, key := t.where(row)
	return f.try("UPDATE "+t.name+" SET "+column+" = "+expression+" WHERE "+where, append(args, key...)...)
}

// same reports whether the column of the row is, to the database, what it was.
func (f *forger) same(t *forgedTable, row []any, column string) bool {
	f.Helper()
	typed := "COALESCE(CAST(" + column + " AS text), 'null')"
	if f.dialect == sqlstore.SQLite {
		typed = "typeof(" + column + ") || '/' || COALESCE(hex(" + column + "), '')"
	}
	where, key := t.where(row)
	now := f.strings("SELECT "+typed+" FROM "+t.name+" WHERE "+where, key...)
	was := f.strings("SELECT "+typed+" FROM kept_"+t.name+" WHERE "+where, key...)
	return slices.Equal(now, was)
}

// insert adds a row.
func (f *forger) insert(t *forgedTable, row []any) error {
	marks := strings.TrimSuffix(strings.Repeat("?, ", len(row)), ", ")
	return f.try("INSERT INTO "+t.name+" ("+t.list()+") VALUES ("+marks+")", row...)
}

func (f *forger) remove(t *forgedTable, row []any) {
	f.Helper()
	where, key := t.where(row)
	f.must("DELETE FROM "+t.name+" WHERE "+where, key...)
}

// place names a row in words.
func (t *forgedTable) place(row []any) string {
	var words []string
	for i, c := range t.columns {
		if slices.Contains(t.key, c) {
			words = append(words, fmt.Sprintf("%s %v", c, row[i]))
		}
	}
	return strings.TrimPrefix(t.name, "troth_audit_") + " " + strings.Join(words, " ")
}

// changesOf returns other values for one that is stored: each byte of bytes and
// text, both ends, the neighbours of numbers.
func changesOf(value any, step int) (all []any) {
	switch v := value.(type) {
	case nil:
		return []any{int64(0), int64(1), "x", []byte{1}, make([]byte, 16), make([]byte, 32), []byte{}}
	case int64:
		return []any{v + 1, v - 1, -v - 1, v + 256, v + 1<<40, nil}
	case bool:
		return []any{!v, nil}
	case string:
		for _, b := range bytesOf([]byte(v), 1) {
			all = append(all, string(b))
		}
		return append(all, nil)
	case []byte:
		for _, b := range bytesOf(v, step) {
			all = append(all, b)
		}
		return append(all, nil)
	}
	panic(fmt.Sprintf("a type of column that nobody thought of: %T", value))
}

func bytesOf(b []byte, step int) (all [][]byte) {
	for i := 0; i < len(b); i += step {
		c := slices.Clone(b)
		c[i] ^= 1 << (i % 7)
		all = append(all, c)
	}
	all = append(all, append(slices.Clone(b), 'x'))
	if len(b) > 0 {
		all = append(all, b[:len(b)-1])
	}
	return all
}

// equal compares two values as they were read.
func equal(a, b any) bool { return fmt.Sprintf("%T %v", a, a) == fmt.Sprintf("%T %v", b, b) }
