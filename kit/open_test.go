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
	"github.com/trothdev/troth/task"
	"github.com/trothdev/troth/vault/vaulttest"
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
		"no database": {kit.Config{Dialect: sqlstore.SQLite, Secrets: known}, "no database"},
		"no dialect":  {kit.Config{DB: db, Secrets: known}, "unknown dialect"},
		"no secrets":  {kit.Config{DB: db, Dialect: sqlstore.SQLite}, "no key-encryption key"},
		"a kind of nobody's": {
			kit.Config{DB: db, Dialect: sqlstore.SQLite, Secrets: known, Kinds: []task.Kind{{Name: "shop.notice"}}}, "shop.notice",
		},
		"a dialect of the future": {kit.Config{DB: db, Dialect: 99, Secrets: known}, "unknown dialect"},
	} {
		k, err := kit.Open(t.Context(), c.config)
		require.Nil(t, k, name)
		require.ErrorContains(t, err, "kit: open: ", name)
		require.ErrorContains(t, err, c.says, name)
	}
}

// known are secrets that nobody is to keep.
var known = kit.Secrets{KEK: vaulttest.InsecureKEK()}

func TestOpen_PassesOnWhyTheDatabaseDoesNotAnswer(t *testing.T) {
	db := sql.OpenDB(down{})
	defer db.Close()
	for _, d := range []sqlstore.Dialect{sqlstore.SQLite, sqlstore.Postgres} {
		_, err := kit.Open(t.Context(), kit.Config{DB: db, Dialect: d, Secrets: known})
		require.ErrorIs(t, err, errDown, d)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := kit.Open(ctx, kit.Config{DB: db, Dialect: sqlstore.Postgres, Secrets: known})
	require.ErrorIs(t, err, context.Canceled)
}
