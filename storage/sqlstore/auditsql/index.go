package auditsql

import (
	"context"

	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/sqlstore"
)

// indexText compares every index of a table with the rows, in both directions, and
// has one line "ok" if they fit. Its lines name numbers of rows and indexes, and no
// values. It finds each row in each index, which for entries costs more than to
// verify them.
const indexText = `SELECT integrity_check FROM pragma_integrity_check(?)`

// Indexes implements audit.LogSystem. In SQLite's file indexes are pages like
// others, which somebody can edit. PostgreSQL has no statement by which an index
// could be made to differ from its table; of who edits its files its amcheck tells.
func (s *Store) Indexes(heads []audit.Head) audit.IndexCheck {
	if s.postgres() {
		return nil
	}
	return newIndexCheck(s, heads)
}

// indexCheck implements audit.IndexCheck. Indexes of entries are read from one end
// to the other, and the sum of keyed hashes of what stands in them is held to that
// of the rows: who edits the file does not know the key. Where the two differ,
// because a row was redacted between the one reading and the other or because
// something is wrong, SQLite's own check has the word.
type indexCheck struct {
	store *Store
	rows  *indexSums
	read  *indexSums
	// odd says that an index holds something that is written there by nobody.
	odd   bool
	row   audit.RowError
	found bool
}

func newIndexCheck(s *Store, heads []audit.Head) *indexCheck {
	rows := newIndexSums(heads)
	return &indexCheck{store: s, rows: rows, read: rows.sibling()}
}

// Begin implements audit.IndexCheck.
func (c *indexCheck) Begin() { c.rows = c.rows.sibling() }

// Row implements audit.IndexCheck.
func (c *indexCheck) Row(row *audit.LogRow) { c.rows.addRow(row) }

// Read implements audit.IndexCheck.
func (c *indexCheck) Read(ctx context.Context) error {
	for kind := range entryIndexes {
		fits, err := c.store.readIndex(ctx, kind, c.read)
		if err != nil {
			return err
		}
		c.odd = c.odd || !fits
	}
	for _, table := range []string{headTable, tileTable, tenantTable, checkpointTable, partTable} {
		if err := c.check(ctx, table); err != nil || c.found {
			return err
		}
	}
	return nil
}

// Misindexed implements audit.IndexCheck.
func (c *indexCheck) Misindexed(ctx context.Context) (row audit.RowError, found bool, err error) {
	if !c.found && (c.odd || c.rows.sums != c.read.sums) {
		err = c.check(ctx, entryTable)
	}
	return c.row, c.found, err
}

// check has SQLite compare the indexes of one table with its rows.
func (c *indexCheck) check(ctx context.Context, table string) error {
	var line string
	_, err := sqlstore.QueryRow(ctx, c.store.handle.Querier(ctx), indexText, []any{table}, &line)
	if err == nil && line != "ok" {
		c.row, c.found = audit.RowError{Table: table, Place: line}, true
	}
	return err
}
