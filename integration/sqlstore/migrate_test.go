package sqlstore_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/storage/sqlstore"
)

// schema makes migrations out of statements; each step is the same text in both
// dialects.
func schema(namespace string, steps ...string) sqlstore.Migrations {
	files := fstest.MapFS{}
	for i, text := range steps {
		for _, d := range []sqlstore.Dialect{sqlstore.SQLite, sqlstore.Postgres} {
			name := "000" + string(rune('1'+i)) + "_step." + d.Name() + ".sql"
			files[name] = &fstest.MapFile{Data: []byte(text)}
		}
	}
	return sqlstore.Migrations{Namespace: namespace, FS: files}
}

const (
	first  = "CREATE TABLE a (b TEXT);\nINSERT INTO a (b) VALUES ('once; and only once');\n"
	second = "ALTER TABLE a ADD COLUMN c TEXT; -- the second step\nCREATE INDEX a_c ON a (c);"
)

func count(t *testing.T, h *sqlstore.Handle, query string) int {
	t.Helper()
	var n int
	found, err := sqlstore.QueryRow(t.Context(), h.Querier(t.Context()), query, nil, &n)
	require.NoError(t, err)
	require.True(t, found)
	return n
}

func TestMigrate_Forward(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h := d.handle(d.open())
		require.NoError(t, h.Migrate(t.Context(), schema("shop", first)))
		require.NoError(t, h.Migrate(t.Context(), schema("shop", first)), "nothing is left to do")
		require.NoError(t, h.Migrate(t.Context(), schema("shop", first, second)))
		require.NoError(t, h.Migrate(t.Context(), schema("other", "CREATE TABLE other (b TEXT)")), "namespaces do not mix")
		require.Equal(t, 1, count(t, h, "SELECT count(*) FROM a WHERE c IS NULL"))
		require.Equal(t, 3, count(t, h, "SELECT count(*) FROM troth_migration"))
		var at int64
		_, err := sqlstore.QueryRow(t.Context(), h.Querier(t.Context()), "SELECT min(applied_at) FROM troth_migration", nil, &at)
		require.NoError(t, err)
		require.WithinDuration(t, time.Now(), time.UnixMicro(at), time.Hour)
	})
}

func TestMigrate_RefusesANewerDatabase(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h := d.handle(d.open())
		require.NoError(t, h.Migrate(t.Context(), schema("shop", first, second)))
		err := h.Migrate(t.Context(), schema("shop", first))
		newer, ok := errors.AsType[*sqlstore.SchemaError](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, sqlstore.SchemaError{Namespace: "shop", Have: 2, Want: 1}, *newer)
	})
}

func TestMigrate_RefusesAChangedStep(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h := d.handle(d.open())
		require.NoError(t, h.Migrate(t.Context(), schema("shop", first)))
		err := h.Migrate(t.Context(), schema("shop", strings.Replace(first, "once", "twice", 1), second))
		changed, ok := errors.AsType[*sqlstore.ChecksumError](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, sqlstore.ChecksumError{Namespace: "shop", Version: 1, Name: "step"}, *changed)
		require.Equal(t, 1, count(t, h, "SELECT count(*) FROM troth_migration"), "nothing was changed")

		require.NoError(t, h.Migrate(t.Context(), schema("shop", first, second)))
		_, err = h.Querier(t.Context()).Exec(t.Context(), "DELETE FROM troth_migration WHERE version = 1")
		require.NoError(t, err)
		_, ok = errors.AsType[*sqlstore.ChecksumError](h.Migrate(t.Context(), schema("shop", first, second)))
		require.True(t, ok, "a gap in what was applied")
	})
}

func TestMigrate_AllOrNothing(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h := d.handle(d.open())
		require.Error(t, h.Migrate(t.Context(), schema("shop", first, "CREATE TABLE nonsense (")))
		require.NoError(t, h.Migrate(t.Context(), schema("shop", first, second)), "no trace of the first try")
		require.Equal(t, 1, count(t, h, "SELECT count(*) FROM a"))
	})
}

// A run of its own even where the caller is in a transaction: what Migrate
// reports as done is not undone with it. On SQLite the one writer is taken.
func TestMigrate_NotInTheCallersTransaction(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h := d.handle(d.open())
		unwanted := errors.New("unwanted")
		err := h.Atomically(t.Context(), func(ctx context.Context) error {
			return errors.Join(h.Migrate(ctx, schema("shop", first)), unwanted)
		})
		require.ErrorIs(t, err, unwanted)
		if d.dialect == sqlstore.Postgres {
			require.Equal(t, 1, count(t, h, "SELECT count(*) FROM a"))
			return
		}
		require.NoError(t, h.Migrate(t.Context(), schema("shop", first)))
	})
}

// startUp is what a program does first.
func startUp(ctx context.Context, db *sql.DB, d sqlstore.Dialect) error {
	h, err := sqlstore.Open(ctx, db, d, sqlstore.WithWaitBound(20*time.Second))
	if err != nil {
		return err
	}
	return errors.Join(h.Migrate(ctx, schema("shop", first, second)),
		h.Migrate(ctx, schema("other", "CREATE TABLE other (b TEXT)")), h.Close())
}

// childEnv makes the test binary another program that starts up on the database
// which it names: driver and DSN.
const childEnv = "TROTH_TEST_START_UP"

func runChild(address string) error {
	driver, dsn, _ := strings.Cut(address, " ")
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return err
	}
	d := map[string]sqlstore.Dialect{"sqlite": sqlstore.SQLite, "pgx": sqlstore.Postgres}[driver]
	return errors.Join(startUp(context.Background(), db, d), db.Close())
}

// Handles and programs that start at once take turns.
func TestMigrate_AtTheSameTime(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		const handles, programs = 6, 2
		errs := make([]error, handles+programs)
		var wg sync.WaitGroup
		for i := range errs {
			db := d.open()
			wg.Go(func() {
				if i < handles {
					errs[i] = startUp(t.Context(), db, d.dialect)
					return
				}
				child := exec.Command(os.Args[0], "-test.run=^$")
				child.Env = append(os.Environ(), childEnv+"="+d.driver+" "+d.dsn)
				if out, err := child.CombinedOutput(); err != nil {
					errs[i] = fmt.Errorf("child: %w: %s", err, out)
				}
			})
		}
		wg.Wait()
		require.NoError(t, errors.Join(errs...))
		h := d.handle(d.open())
		require.Equal(t, 1, count(t, h, "SELECT count(*) FROM a"))
		require.Equal(t, 3, count(t, h, "SELECT count(*) FROM troth_migration"))
	})
}
