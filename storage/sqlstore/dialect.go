package sqlstore

import (
	"strconv"
	"strings"
)

// Dialect is one of the two kinds of SQL that this module speaks.
type Dialect int

// The dialects. The zero Dialect is none and is refused by [Open].
const (
	SQLite Dialect = iota + 1
	Postgres
)

// Name returns "sqlite" or "postgres", as it stands in the names of migration
// files.
func (d Dialect) Name() string {
	switch d {
	case SQLite:
		return "sqlite"
	case Postgres:
		return "postgres"
	}
	return "unknown"
}

// versionOf is a statement that a database of the dialect answers, and no other.
func versionOf(d Dialect) string {
	if d == SQLite {
		return "SELECT sqlite_version()"
	}
	return "SHOW server_version_num"
}

// String returns the name.
func (d Dialect) String() string { return d.Name() }

// Rebind turns the placeholders `?` of q into those of the dialect: $1, $2 …
// for PostgreSQL. Question marks in quotes and comments stay. Stores call it
// once, when they are made. PostgreSQL's own operators with a question mark
// cannot be written this way.
//
// A placeholder that is a limit SQLite takes for a hint, and plans the statement anew for
// each other value of it; so it gets an expression that says the same.
func (d Dialect) Rebind(q string) string {
	var out strings.Builder
	n, before := 0, ""
	for piece, k := range d.lex(q) {
		if k == other && piece == "?" {
			n++
			switch {
			case d == Postgres:
				piece = "$" + strconv.Itoa(n)
			case strings.EqualFold(before, "LIMIT"):
				piece = "+?"
			}
		}
		if k != blank {
			before = piece
		}
		out.WriteString(piece)
	}
	return out.String()
}
