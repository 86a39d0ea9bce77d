package sqlstore

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDialect_Rebind(t *testing.T) {
	for q, want := range map[string]string{
		"":                         "",
		"SELECT 1":                 "SELECT 1",
		"a = ? AND b=?":            "a = $1 AND b=$2",
		"?,?,?,?,?,?,?,?,?,?,?":    "$1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11",
		"a = '?' AND b = ?":        "a = '?' AND b = $1",
		"a = 'it''s ?' AND b = ?":  "a = 'it''s ?' AND b = $1",
		`"odd?name" = ?`:           `"odd?name" = $1`,
		"? -- really?\n, ?":        "$1 -- really?\n, $2",
		"? /* why? */, ?":          "$1 /* why? */, $2",
		"$$ what? $$ || ?":         "$$ what? $$ || $1",
		"$x$ a $$ ? $x$ || ?":      "$x$ a $$ ? $x$ || $1",
		"a = ? -- no end?":         "a = $1 -- no end?",
		"a = ? AND 'never closed?": "a = $1 AND 'never closed?",
		"ü = ? AND 'ß?' = ?":       "ü = $1 AND 'ß?' = $2",
		"?::bytea[] = ?":           "$1::bytea[] = $2",
	} {
		require.Equal(t, want, Postgres.Rebind(q))
		require.Equal(t, q, SQLite.Rebind(q), "SQLite takes question marks as they are")
	}
}

// A limit that SQLite could take for a hint is an expression, however it is written.
func TestDialect_RebindLimit(t *testing.T) {
	for q, want := range map[string]string{
		"SELECT a LIMIT ?":                        "SELECT a LIMIT +?",
		"SELECT a limit\n\t/* all? */ ? OFFSET ?": "SELECT a limit\n\t/* all? */ +? OFFSET ?",
		"SELECT a LIMIT ?1":                       "SELECT a LIMIT +?1",
		"SELECT a LIMIT 0 + ?":                    "SELECT a LIMIT 0 + ?",
		"SELECT \"LIMIT\" = ?":                    "SELECT \"LIMIT\" = ?",
		"SELECT a LIMIT ?) WHERE b = ?":           "SELECT a LIMIT +?) WHERE b = ?",
		"SELECT unlimit ?":                        "SELECT unlimit ?",
	} {
		require.Equal(t, want, SQLite.Rebind(q))
	}
	require.Equal(t, "SELECT a LIMIT $1", Postgres.Rebind("SELECT a LIMIT ?"))
}

func FuzzDialect_Rebind(f *testing.F) {
	f.Add("SELECT ? FROM \"a?\" WHERE b = '?' -- ?\n AND c = $tag$ ? $tag$")
	f.Fuzz(func(t *testing.T, q string) {
		if strings.Contains(q, "?$") {
			t.Skip("a quote that a placeholder runs into is none")
		}
		once := Postgres.Rebind(q)
		require.Equal(t, once, Postgres.Rebind(once), "nothing is left to replace")
		once = SQLite.Rebind(q)
		require.Equal(t, once, SQLite.Rebind(once), "nothing is left to replace")
		Postgres.split(q)
		SQLite.split(q)
	})
}

func TestDialect_Split(t *testing.T) {
	for _, c := range []struct {
		name string
		d    Dialect
		text string
		want []string
	}{
		{"nothing", SQLite, " \n-- only a comment;\n/* ; */ ;;", nil},
		{"two", SQLite, "CREATE TABLE a (b);\nCREATE TABLE c (d);\n", []string{"CREATE TABLE a (b)", "CREATE TABLE c (d)"}},
		{"last without semicolon", Postgres, "SELECT 1; SELECT 2", []string{"SELECT 1", "SELECT 2"}},
		{
			"semicolons in text and comments", SQLite, "INSERT INTO a VALUES ('x;y'); -- one; two\nSELECT \";\"",
			[]string{"INSERT INTO a VALUES ('x;y')", "-- one; two\nSELECT \";\""},
		},
		{
			"trigger", SQLite,
			"CREATE TRIGGER t AFTER INSERT ON a BEGIN\n UPDATE a SET b = CASE b WHEN 1 THEN 2 END; DELETE FROM c;\nEND;\nSELECT 1;",
			[]string{"CREATE TRIGGER t AFTER INSERT ON a BEGIN\n UPDATE a SET b = CASE b WHEN 1 THEN 2 END; DELETE FROM c;\nEND", "SELECT 1"},
		},
		{
			"temporary trigger", SQLite, "CREATE TEMP TRIGGER t DELETE ON a BEGIN SELECT 1; END; SELECT 2",
			[]string{"CREATE TEMP TRIGGER t DELETE ON a BEGIN SELECT 1; END", "SELECT 2"},
		},
		{"dropped trigger", SQLite, "DROP TRIGGER t; SELECT 1", []string{"DROP TRIGGER t", "SELECT 1"}},
		{
			"function", Postgres, "CREATE FUNCTION f() RETURNS int AS $$ BEGIN; RETURN 1; END $$ LANGUAGE plpgsql; SELECT $1;",
			[]string{"CREATE FUNCTION f() RETURNS int AS $$ BEGIN; RETURN 1; END $$ LANGUAGE plpgsql", "SELECT $1"},
		},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, c.d.split(c.text)) })
	}
}

func TestDialect_PlainRead(t *testing.T) {
	for q, want := range map[string]bool{
		"SELECT a FROM b":                      true,
		"  -- comment\n select a from b":       true,
		"WITH x AS (SELECT 1) SELECT * FROM x": true,
		"SELECT 'for update'":                  true,
		`SELECT "update" FROM b`:               true,
		"PRAGMA page_count":                    true,
		"":                                     false,
		"-- nothing":                           false,
		"SELECT a FROM b FOR UPDATE":           false,
		"SELECT a INTO c FROM b":               false,
		"INSERT INTO a VALUES (1) RETURNING b": false,
		"WITH x AS (DELETE FROM a RETURNING b) SELECT 1": false,
		"EXPLAIN ANALYZE SELECT 1":                       false,
		"UPDATE a SET b = 1 RETURNING c":                 false,
	} {
		require.Equal(t, want, Postgres.plainRead(q), q)
		require.Equal(t, want, SQLite.plainRead(q), q)
	}
}

func TestDialect_Controls(t *testing.T) {
	for _, q := range []string{"BEGIN", " commit;", "/* x */ ROLLBACK TO a", "savepoint a", "RELEASE a", "END", "START TRANSACTION", "ABORT", "PREPARE TRANSACTION 'a'", ";COMMIT"} {
		require.True(t, SQLite.controls(q), q)
	}
	for _, q := range []string{"", "SELECT 1", "INSERT INTO begin VALUES (1)", "-- begin", "PREPARE a AS SELECT 1"} {
		require.False(t, SQLite.controls(q), q)
	}
}

// What ends a statement is found as the databases find it: nothing hides in
// what only looks quoted.
func TestDialect_Single(t *testing.T) {
	for _, q := range []string{
		"", "SELECT 1", "SELECT 1;", "SELECT 1; ;\n", "SELECT 1; -- and; more", "SELECT ';', \";\" /* ; */",
	} {
		require.True(t, SQLite.single(q), q)
		require.True(t, Postgres.single(q), q)
	}
	for _, q := range []string{"SELECT 1; COMMIT", "SELECT trigger FROM a; COMMIT", "SELECT 1 -- ;\n; END", "CREATE TABLE trigger (a); COMMIT"} {
		require.False(t, SQLite.single(q), q)
		require.False(t, Postgres.single(q), q)
	}
	for q, want := range map[string]bool{
		"SELECT [;]":                                             true,
		"SELECT [']; COMMIT; --']":                               false,
		"SELECT $a('); COMMIT; --'":                              false,
		"SELECT a$b(') x'; COMMIT; --'":                          false,
		"CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END": true,
		"CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END; COMMIT; END;":               false,
		"CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END /* x */; COMMIT; a; END;":    false,
		"CREATE TEMP TRIGGER t AFTER INSERT ON a BEGIN SELECT CASE 1 WHEN 1 THEN 2 END; END": true,
	} {
		require.Equal(t, want, SQLite.single(q), q)
	}
	for q, want := range map[string]bool{
		"SELECT E'\\'; ;'":                   true,
		"SELECT E'\\''; COMMIT; --'":         false,
		"SELECT /* /* */ ' */ 1; COMMIT --'": false,
		"SELECT a$$; COMMIT; --$$":           false,
		"SELECT $x$;$x$":                     true,
	} {
		require.Equal(t, want, Postgres.single(q), q)
	}
}

func TestDialect_Name(t *testing.T) {
	require.Equal(t, []string{"sqlite", "postgres", "unknown"},
		slices.Collect(func(yield func(string) bool) {
			_ = yield(SQLite.String()) && yield(Postgres.String()) && yield(Dialect(0).String())
		}))
}
