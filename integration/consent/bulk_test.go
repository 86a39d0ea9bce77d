package consent_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/storage/sqlstore"
)

// TestPostgres_StatesOfManyHoweverTheyLie asks for people who are neighbours in the
// index, scattered over it, and both: whether their range is read or each is looked
// up, the states are those of who was asked about.
func TestPostgres_StatesOfManyHoweverTheyLie(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	const people = 12_000
	db := pgtest.Open(t)
	_, s := open(t, db, sqlstore.Postgres)
	// Of every ten one has none; another tenant and purpose hold the same ids.
	_, err := db.ExecContext(t.Context(), `INSERT INTO troth_consent_state (tenant, subject, purpose, record)
		SELECT t, 'c-' || lpad(i::text, 7, '0'), p, convert_to(t || '/' || p || '/' || i, 'UTF8')
		FROM generate_series(0, $1::int - 1) i, (VALUES ('a'), ('b')) AS ts (t), (VALUES ('p'), ('q')) AS ps (p)
		WHERE i % 10 <> 3`, people)
	require.NoError(t, err)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	pick := func(which func(i int) bool) (ids []int) {
		for i := range people {
			if which(i) {
				ids = append(ids, i)
			}
		}
		return ids
	}
	cases := map[string][]int{
		"all":                     pick(func(int) bool { return true }),
		"one in three":            pick(func(i int) bool { return i%3 == 0 }),
		"one in twenty":           pick(func(i int) bool { return i%20 == 0 }),
		"close, then scattered":   pick(func(i int) bool { return i < 5000 || i%40 == 0 }),
		"scattered, then close":   pick(func(i int) bool { return i > 7000 || i%40 == 0 }),
		"at random":               pick(func(int) bool { return random.IntN(5) == 0 }),
		"nobody who has one":      pick(func(i int) bool { return i%10 == 3 }),
		"beyond both ends":        append(pick(func(i int) bool { return i > 11_000 }), -5, people, people+7, 9_999_999),
		"the first stride's edge": pick(func(i int) bool { return i <= 570 }),
	}
	for name, numbers := range cases {
		t.Run(name, func(t *testing.T) {
			want := map[string]string{}
			var ids []string
			for _, i := range numbers {
				ids = append(ids, id(i))
				if i >= 0 && i < people && i%10 != 3 {
					want[id(i)] = fmt.Sprint("a/p/", i)
				}
			}
			ids = append(ids, ids[0], `"`, "NULL", "é") // twice, and odd ones
			random.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
			before := slices.Clone(ids)
			rows, err := s.StatesOf(t.Context(), "a", "p", ids)
			require.NoError(t, err)
			require.Equal(t, before, ids, "what was passed is the caller's")
			got := map[string]string{}
			for _, r := range rows {
				require.Equal(t, troth.Tenant("a"), r.Tenant)
				require.Equal(t, troth.Purpose("p"), r.Purpose)
				require.NotContains(t, got, r.SubjectID, "each once")
				got[r.SubjectID] = string(r.Record)
			}
			require.Equal(t, want, got)
		})
	}
	t.Run("a record that no ledger wrote is not loaded", func(t *testing.T) {
		_, err := db.ExecContext(t.Context(), `UPDATE troth_consent_state SET record = convert_to(repeat('x', 9000), 'UTF8')
			WHERE tenant = 'a' AND purpose = 'p' AND subject = $1`, id(600))
		require.NoError(t, err)
		for _, ids := range [][]string{{id(600)}, names(people)} { // looked up, and in a range
			_, err = s.StatesOf(t.Context(), "a", "p", ids)
			require.ErrorIs(t, err, consent.ErrRecord)
		}
	})
}

func names(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = id(i)
	}
	return all
}
