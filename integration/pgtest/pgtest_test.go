package pgtest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { Main(m) }

func TestOpen_GivesEachTestItsOwnDatabase(t *testing.T) {
	one, two := Open(t), Open(t)
	_, err := one.ExecContext(t.Context(), "CREATE TABLE note (body TEXT)")
	require.NoError(t, err)
	_, err = two.ExecContext(t.Context(), "CREATE TABLE note (body TEXT)")
	require.NoError(t, err)
}

func TestWithDatabase(t *testing.T) {
	for base, want := range map[string]string{
		"host=/run user=u":                     "host=/run user=u dbname=x",
		"host=/run dbname=old":                 "host=/run dbname=old dbname=x",
		"postgres://u@h:5432":                  "postgres://u@h:5432/x",
		"postgres://u@h:5432/":                 "postgres://u@h:5432/x",
		"postgres://u@h/old?sslmode=disable":   "postgres://u@h/x?sslmode=disable",
		"postgresql://u@h/old":                 "postgresql://u@h/x",
		"postgres://u:p%2Fq@h/?sslmode=prefer": "postgres://u:p%2Fq@h/x?sslmode=prefer",
	} {
		got, err := withDatabase(base, "x")
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	_, err := withDatabase("postgres://h:notaport/x", "x")
	require.Error(t, err)
}

func TestOpen_NothingIsLeftOfEarlierTests(t *testing.T) {
	for range 3 {
		t.Run("again", func(t *testing.T) {
			db := Open(t)
			for _, statement := range []string{
				"CREATE TABLE note (body TEXT)", "CREATE SCHEMA other", "CREATE TABLE other.note (body TEXT)",
			} {
				_, err := db.ExecContext(t.Context(), statement)
				require.NoError(t, err)
			}
		})
	}
}
