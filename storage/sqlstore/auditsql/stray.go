package auditsql

import (
	"context"
	"fmt"
	"strings"

	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/sqlstore"
)

// strayText finds one row that stands where no other statement reads: of a log
// outside of those that have a head, which have no gaps, or at a place that no
// log has. Each look goes by a primary key, so that it costs the same in a log
// of millions.
func strayText(d sqlstore.Dialect) string {
	var looks []string
	const last = `(SELECT COALESCE(MAX(log), 0) FROM ` + headTable + `)`
	for _, table := range []string{entryTable, tileTable, tenantTable, checkpointTable} {
		before, behind := `log < 1`, `log > `+last
		if table == entryTable && d == sqlstore.SQLite {
			before, behind = fmt.Sprintf(`place < 1 << %d`, indexBits), fmt.Sprintf(`place >= (%s + 1) << %d`, last, indexBits)
		}
		for _, outside := range []string{before, behind} {
			looks = append(looks, strayLook(table, `SELECT log FROM `+table+` WHERE `+outside))
		}
	}
	for _, misplaced := range []struct{ table, where string }{
		{entryTable, `x.idx < 0`},
		{tileTable, `x.level < 0`},
		{tileTable, `x.level > 7`},
		{tileTable, `x.level BETWEEN 0 AND 7 AND x.n < 0`},
		{tenantTable, `x.tenant <= ''`},
		{checkpointTable, `x.size < 0`},
	} {
		if misplaced.table == entryTable && d == sqlstore.SQLite {
			continue // no place has an index below zero
		}
		looks = append(looks, strayLook(misplaced.table, `SELECT x.log FROM `+headTable+` h
			JOIN `+misplaced.table+` x ON x.log = h.log AND `+misplaced.where))
	}
	return strings.Join(looks, " UNION ALL ") + ` LIMIT 1`
}

// strayLook names the table of the first row of a query for numbers of logs.
func strayLook(table, query string) string {
	return `SELECT '` + table + `', log FROM (` + query + ` LIMIT 1) found`
}

// Stray implements audit.LogSystem.
func (s *Store) Stray(ctx context.Context) (row audit.RowError, found bool, err error) {
	var log int64
	found, err = sqlstore.QueryRow(ctx, s.handle.Querier(ctx), s.log.stray, nil, &row.Table, &log)
	if err != nil || !found {
		return audit.RowError{}, false, err
	}
	row.Place = at("log %d", log)()
	return row, true, nil
}
