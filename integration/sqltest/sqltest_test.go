package sqltest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/storage/sqlstore"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestEach_OpensTheSameDatabaseAgain(t *testing.T) {
	var seen []string
	Each(t, func(t *testing.T, open func() *sqlstore.Handle) {
		one, two := open(), open()
		require.NotSame(t, one, two)
		_, err := one.Querier(t.Context()).Exec(t.Context(), "CREATE TABLE note (body TEXT)")
		require.NoError(t, err)
		_, err = two.Querier(t.Context()).Exec(t.Context(), "INSERT INTO note VALUES ('a')")
		require.NoError(t, err)
		seen = append(seen, one.Dialect().Name())
	})
	require.Contains(t, seen, "sqlite")
}
