package auditsql

import (
	"fmt"

	"github.com/trothdev/troth/storage/sqlstore"
)

// A row may hold anything: who writes to the database writes what he likes, and
// SQLite keeps a value of any type in any column. Two values that read alike but
// do not compare alike, such as a text and the same bytes, would let an entry be
// verified that no query finds. So every column is held to its type and length
// where it is read.

// maxText bounds names that are read, in characters; valid ones are shorter.
const maxText = 1025

// short selects a column of text that is not empty, cut where it is too long to
// be a name. Anything else but NULL comes as a control character, which is in no
// name.
func short(d sqlstore.Dialect, column string) string {
	fits, none := column+" <> ''", "chr(1)"
	if d == sqlstore.SQLite {
		fits, none = "typeof("+column+") = 'text' AND "+fits, "char(1)"
	}
	return fmt.Sprintf("CASE WHEN %[2]s THEN substr(%[1]s, 1, %[3]d) WHEN %[1]s IS NOT NULL THEN %[4]s END",
		column, fits, maxText, none)
}

// whole selects a column of numbers. Anything else comes as what cannot be
// scanned as one.
func whole(d sqlstore.Dialect, column string) string {
	if d == sqlstore.SQLite {
		return "CASE typeof(" + column + ") WHEN 'integer' THEN " + column + " ELSE 'no number' END"
	}
	return column
}

// timeLeft selects when an entry was recorded: 0 if that is NULL, as it must be
// once the leaf is, and -1 for a zero that stands there instead.
func timeLeft(d sqlstore.Dialect) string {
	return "CASE WHEN recorded_at IS NULL THEN 0 WHEN recorded_at = 0 AND leaf IS NULL THEN -1 ELSE " +
		whole(d, "recorded_at") + " END"
}

// optional selects a column that may be NULL: a zero byte, which is nothing that
// is stored there, where it is too long to be loaded, or empty.
func optional(d sqlstore.Dialect, column string, limit int) string {
	zero, empty := "x'00'", "length("+column+") = 0"
	if d == sqlstore.Postgres {
		zero, empty = `'\x00'::bytea`, "octet_length("+column+") = 0"
	}
	return "CASE WHEN " + empty + " THEN " + zero + " WHEN " + column + " IS NOT NULL THEN COALESCE(" +
		bounded(d, column, limit) + ", " + zero + ") END"
}
