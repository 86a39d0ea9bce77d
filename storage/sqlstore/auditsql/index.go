package auditsql

import (
	"context"

	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/sqlstore"
)

// indexText compares every index of a table with the rows, in both directions, and
// has one line "ok" if they fit. Its lines name numbers of rows and indexes, and no
// values.
const indexText = `SELECT integrity_check FROM pragma_integrity_check(?)`

// Misindexed implements audit.LogSystem. In SQLite's file indexes are pages like
// others, which somebody can edit. PostgreSQL has no statement by which an index
// could be made to differ from its table; of who edits its files its amcheck tells.
func (s *Store) Misindexed(ctx context.Context) (row audit.RowError, found bool, err error) {
	if s.postgres() {
		return row, false, ctx.Err()
	}
	for _, table := range []string{headTable, entryTable, tileTable, tenantTable, checkpointTable, partTable} {
		var line string
		_, err := sqlstore.QueryRow(ctx, s.handle.Querier(ctx), indexText, []any{table}, &line)
		if err != nil {
			return row, false, err
		}
		if line != "ok" {
			return audit.RowError{Table: table, Place: line}, true, nil
		}
	}
	return row, false, nil
}
