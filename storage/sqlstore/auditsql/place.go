package auditsql

import (
	"fmt"

	"github.com/trothdev/troth/storage/sqlstore"
)

// On SQLite the key of an entry is one whole number, its place: so a new one is put
// at the end of the table, and no page is split for it. The log is in the upper bits
// and the index in the lower ones.
const (
	indexBits = 48
	// maxLog is the greatest number of a log, of which the next would still have places:
	// a new one begins after a restore.
	maxLog = 1<<(63-indexBits) - 2
)

// place is the key of an entry on SQLite. An index that no log reaches is as good as
// any other.
func place(log int, index uint64) (int64, error) {
	if log < 0 || log > maxLog {
		return 0, fmt.Errorf("auditsql: log %d is not between 0 and %d", log, maxLog)
	}
	return int64(log)<<indexBits | int64(min(index, 1<<indexBits-1)), nil
}

// placed selects the log of an entry, which on SQLite is in its place too. Where the
// two differ it comes as what cannot be scanned as a number.
func placed(d sqlstore.Dialect, of string) string {
	if d == sqlstore.SQLite {
		return fmt.Sprintf("CASE WHEN typeof(%[1]slog) = 'integer' AND %[1]slog = %[1]splace >> %[2]d THEN %[1]slog ELSE 'no number' END", of, indexBits)
	}
	return of + "log"
}

// stretches choose entries by their places, in each dialect by its primary key.
type stretches struct {
	// from takes the log and its first index; before the log and the index behind the
	// last, from the beginning; between the log and both.
	from, before, between string
	order                 string
}

func stretchesOf(d sqlstore.Dialect) stretches {
	if d == sqlstore.Postgres {
		return stretches{
			from: `log = ? AND idx >= ?`, before: `log = ? AND idx < ?`, between: `log = ? AND idx >= ? AND idx < ?`, order: `idx`,
		}
	}
	at := func(log, index string) string { return fmt.Sprintf(`(%s << %d) + %s`, log, indexBits, index) }
	end := func(index string) string { return `min(` + at("?1", index) + `, ` + at("(?1 + 1)", "0") + `)` }
	return stretches{
		from:    `place >= ` + at("?1", "?2") + ` AND place < ` + at("(?1 + 1)", "0"),
		before:  `place >= ` + at("?1", "0") + ` AND place < ` + end("?2"),
		between: `place >= ` + at("?1", "?2") + ` AND place < ` + end("?3"),
		order:   `place`,
	}
}
