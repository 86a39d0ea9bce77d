package kit_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/storage/sqlstore"
)

var errDown = errors.New("no server there")

// down is a database that nobody answers for.
type down struct{}

func (down) Connect(context.Context) (driver.Conn, error) { return nil, errDown }
func (down) Driver() driver.Driver                        { return nil }

func TestOpen_SaysWhatIsMissing(t *testing.T) {
	db := sql.OpenDB(down{})
	defer db.Close()
	for name, c := range map[string]struct {
		config kit.Config
		says   string
	}{
		"no database":             {kit.Config{Dialect: sqlstore.SQLite}, "no database"},
		"no dialect":              {kit.Config{DB: db}, "unknown dialect"},
		"a dialect of the future": {kit.Config{DB: db, Dialect: 99}, "unknown dialect"},
	} {
		k, err := kit.Open(t.Context(), c.config)
		require.Nil(t, k, name)
		require.ErrorContains(t, err, "kit: open: ", name)
		require.ErrorContains(t, err, c.says, name)
	}
}

func TestOpen_PassesOnWhyTheDatabaseDoesNotAnswer(t *testing.T) {
	db := sql.OpenDB(down{})
	defer db.Close()
	for _, d := range []sqlstore.Dialect{sqlstore.SQLite, sqlstore.Postgres} {
		_, err := kit.Open(t.Context(), kit.Config{DB: db, Dialect: d})
		require.ErrorIs(t, err, errDown, d)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := kit.Open(ctx, kit.Config{DB: db, Dialect: sqlstore.Postgres})
	require.ErrorIs(t, err, context.Canceled)
}
