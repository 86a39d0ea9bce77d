package interop

import (
	"database/sql"
	"fmt"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/integration/sqltest"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/auditsql"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// Witnesses that answer at the same time, to two processes, lose none of each
// other's cosignatures.
func TestCosignatures_OfManyWitnessesAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		dialect sqlstore.Dialect
		open    func(t testing.TB) *sql.DB
	}{
		"sqlite":   {sqlstore.SQLite, sqltest.SQLite},
		"postgres": {sqlstore.Postgres, pgtest.Open},
	} {
		t.Run(name, func(t *testing.T) {
			key, err := audit.GenerateSigningKey(origin)
			require.NoError(t, err)
			keys, v, db := audittest.NewKeys(), verifiers(t, key.VerifierKey()), c.open(t)
			all := []audit.Option{audit.WithSigner(key)}
			const witnesses = 8
			for i := range witnesses {
				w := audittest.NewWitness(t, fmt.Sprintf("witness-%d.example", i), key.VerifierKey())
				server := httptest.NewServer(w)
				t.Cleanup(server.Close)
				v, err = v.WithWitness(w.VerifierKey())
				require.NoError(t, err)
				all = append(all, audit.WithWitness(audit.Witness{URL: server.URL, Key: w.VerifierKey()}))
			}
			process := func() *audit.Trail {
				h, err := sqlstore.Open(t.Context(), db, c.dialect)
				require.NoError(t, err)
				t.Cleanup(func() { _ = h.Close() })
				store, err := auditsql.New(t.Context(), h)
				require.NoError(t, err)
				trail, err := audit.New(t.Context(), store, keys, audittest.NewSealer(), all...)
				require.NoError(t, err)
				return trail
			}
			first := process()
			for range 4 {
				second := process() // has the newest cosigned again when it begins
				var both sync.WaitGroup
				both.Go(func() {
					_, err := first.Checkpoint(t.Context())
					if err != nil {
						t.Error(err)
					}
				})
				both.Go(func() {
					_, err := second.Sequence(t.Context())
					if err != nil {
						t.Error(err)
					}
				})
				both.Wait()
				note, err := first.Latest(t.Context())
				require.NoError(t, err)
				_, sigs, err := audit.OpenCheckpoint(note, v)
				require.NoError(t, err)
				require.Len(t, sigs, 1+witnesses)
			}
		})
	}
}
