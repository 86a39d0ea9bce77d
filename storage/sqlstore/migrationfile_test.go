package sqlstore

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func files(texts map[string]string) fstest.MapFS {
	out := fstest.MapFS{}
	for name, text := range texts {
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

func TestMigrations_Steps(t *testing.T) {
	m := Migrations{Namespace: "vault", FS: files(map[string]string{
		"0001_keys.sqlite.sql":     "CREATE TABLE a (b);\nCREATE TABLE c (d);",
		"0001_keys.postgres.sql":   "CREATE TABLE a (b BYTEA)",
		"0002_epochs.sqlite.sql":   "CREATE TABLE e (f)",
		"0002_epochs.postgres.sql": "CREATE TABLE e (f BYTEA)",
		"notes.txt":                "not a migration",
	})}
	steps, err := m.steps(SQLite)
	require.NoError(t, err)
	require.Len(t, steps, 2)
	require.Equal(t, "keys", steps[0].name)
	require.Equal(t, []string{"CREATE TABLE a (b)", "CREATE TABLE c (d)"}, steps[0].statements)
	require.Equal(t, 2, steps[1].version)
	require.NotEqual(t, steps[0].checksum, steps[1].checksum)
}

func TestMigrations_LineEndsDoNotCount(t *testing.T) {
	sum := func(text string) string {
		steps, err := Migrations{Namespace: "a", FS: files(map[string]string{"0001_a.sqlite.sql": text})}.steps(SQLite)
		require.NoError(t, err)
		return steps[0].checksum
	}
	require.Equal(t, sum("SELECT\n1;"), sum("SELECT\r\n1;"))
	require.NotEqual(t, sum("SELECT\n1;"), sum("SELECT 1;"))
}

func TestMigrations_Refused(t *testing.T) {
	one := "SELECT 1"
	for name, m := range map[string]Migrations{
		"a namespace with a space":  {"my vault", files(map[string]string{"0001_a.sqlite.sql": one})},
		"no namespace":              {"", files(map[string]string{"0001_a.sqlite.sql": one})},
		"no files":                  {"a", files(nil)},
		"none for this dialect":     {"a", files(map[string]string{"0001_a.postgres.sql": one})},
		"a gap":                     {"a", files(map[string]string{"0001_a.sqlite.sql": one, "0003_c.sqlite.sql": one})},
		"a number twice":            {"a", files(map[string]string{"0001_a.sqlite.sql": one, "0001_b.sqlite.sql": one})},
		"not from the start":        {"a", files(map[string]string{"0002_a.sqlite.sql": one})},
		"numbered from nought":      {"a", files(map[string]string{"0000_a.sqlite.sql": one})},
		"another file name":         {"a", files(map[string]string{"0001_a.sqlite.sql": one, "2_b.sql": one})},
		"an unknown dialect":        {"a", files(map[string]string{"0001_a.sqlite.sql": one, "0001_a.oracle.sql": one})},
		"nothing in it":             {"a", files(map[string]string{"0001_a.sqlite.sql": "-- later"})},
		"its own transaction in it": {"a", files(map[string]string{"0001_a.sqlite.sql": "BEGIN; SELECT 1; COMMIT"})},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := m.steps(SQLite)
			require.Error(t, err)
		})
	}
}
