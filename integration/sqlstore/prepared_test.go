package sqlstore_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/storage/sqlstore"
)

// Statements that the writer keeps prepared survive what another program does
// to the tables.
func TestPrepared_SchemaChangedByAnother(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h, other := d.handle(d.open()), d.open()
		all := d.dialect.Rebind("SELECT * FROM note WHERE body = ?") //nolint:unqueryvet // what changes is the point
		use := func(columns int) error {
			return h.Atomically(t.Context(), func(ctx context.Context) error {
				if err := d.add(ctx, h, "a"); err != nil {
					return err
				}
				dest := []any{new(string), new(string)}
				found, err := sqlstore.QueryRow(ctx, h.Querier(ctx), all, []any{"a"}, dest[:columns]...)
				if err == nil && (!found || *dest[0].(*string) != "a") {
					return errors.New("not found")
				}
				if err != nil {
					return err
				}
				_, err = h.Querier(ctx).Exec(ctx, d.dialect.Rebind("DELETE FROM note WHERE body = ?"), "a")
				return err
			})
		}
		require.NoError(t, use(1))
		for _, c := range []struct {
			statements []string
			columns    int
		}{
			{[]string{"CREATE INDEX note_body ON note (body)"}, 1},
			{[]string{"ALTER TABLE note ADD COLUMN more TEXT NOT NULL DEFAULT 'x'"}, 2},
			{[]string{"DROP TABLE note", "CREATE TABLE note (body TEXT PRIMARY KEY)"}, 1},
			{[]string{"ALTER TABLE note RENAME TO old", "CREATE TABLE note (body TEXT, more TEXT DEFAULT 'y')", "DROP TABLE old"}, 2},
		} {
			for _, statement := range c.statements {
				_, err := other.Exec(statement)
				require.NoError(t, err)
			}
			err := use(c.columns)
			if d.dialect == sqlstore.Postgres && err != nil {
				// The driver's plan for SELECT * has other columns; it forgets
				// it with the error, and nothing was written.
				require.ErrorContains(t, err, "cached plan")
				err = use(c.columns)
			}
			require.NoError(t, err, c.statements)
			require.Empty(t, d.notes())
		}
	})
}
