package sqlstore

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

// String returns the name.
func (d Dialect) String() string { return d.Name() }
