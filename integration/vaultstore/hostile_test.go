package vaultstore_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/integration/sqltest"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/vaultsql"
	"github.com/trothdev/troth/vault"
)

// hostile gives a test a store, and a way to write to its database past it.
func hostile(t *testing.T, test func(t *testing.T, s *vaultsql.Store, h *sqlstore.Handle, write func(statement string, args ...any))) {
	sqltest.Each(t, func(t *testing.T, open func() *sqlstore.Handle) {
		h := open()
		s, err := vaultsql.New(t.Context(), h)
		require.NoError(t, err)
		test(t, s, h, func(statement string, args ...any) {
			t.Helper()
			_, err := h.Querier(t.Context()).Exec(t.Context(), h.Dialect().Rebind(statement), args...)
			require.NoError(t, err)
		})
	})
}

func TestHostile_ValuesOutOfRange(t *testing.T) {
	for what, set := range map[string]struct {
		column string
		value  any
	}{
		"a short commitment":    {"commitment", []byte("short")},
		"a long commitment":     {"commitment", make([]byte, 33)},
		"a negative epoch":      {"epoch", int64(-77001)},
		"a huge epoch":          {"epoch", int64(77001) << 32},
		"a negative generation": {"generation", int64(-77001)},
		"a huge key id":         {"key_id", int64(77001) << 32},
		"a huge record":         {"sealed", make([]byte, 4097)},
	} {
		t.Run(what, func(t *testing.T) {
			hostile(t, func(t *testing.T, s *vaultsql.Store, _ *sqlstore.Handle, write func(string, ...any)) {
				row := key("42", "profile", 1)
				row.Sealed = make([]byte, 4096)
				_, err := s.InsertKey(t.Context(), row)
				require.NoError(t, err)
				_, err = s.InsertRoot(t.Context(), vault.RootRow{Tenant: "t", Lineage: vault.WrapLineage, Sealed: row.Sealed})
				require.NoError(t, err)
				_, err = s.Keys(t.Context(), row.KeyName)
				require.NoError(t, err)
				_, found, err := s.Root(t.Context(), "t", vault.WrapLineage)
				require.True(t, found && err == nil)

				write("UPDATE troth_vault_key SET "+set.column+" = ?", set.value)
				_, err = s.Keys(t.Context(), row.KeyName)
				require.ErrorIs(t, err, vault.ErrKeyRecord)
				require.NotContains(t, err.Error(), "77001")
				if set.column == "generation" || set.column == "key_id" {
					return
				}
				write("UPDATE troth_vault_root SET "+set.column+" = ?", set.value)
				_, _, err = s.Root(t.Context(), "t", vault.WrapLineage)
				require.ErrorIs(t, err, vault.ErrKeyRecord)
				require.NotContains(t, err.Error(), "77001")
			})
		})
	}
}

// numbers is a table of the numbers up to a limit.
const numbers = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "

func TestHostile_ManyGenerations(t *testing.T) {
	hostile(t, func(t *testing.T, s *vaultsql.Store, _ *sqlstore.Handle, write func(string, ...any)) {
		for generation := range uint32(64) {
			row := key("42", "profile", generation+1)
			row.Generation = generation + 1
			_, err := s.InsertKey(t.Context(), row)
			require.NoError(t, err)
		}
		name := key("42", "profile", 1).KeyName
		rows, err := s.Keys(t.Context(), name)
		require.NoError(t, err)
		require.Len(t, rows, 64)
		write("INSERT INTO troth_vault_key (tenant, subject, compartment, generation, key_id, epoch, sealed, commitment, created_at) " +
			"SELECT tenant, subject, compartment, 65, 65, 0, sealed, commitment, created_at FROM troth_vault_key WHERE generation = 1")
		_, err = s.Keys(t.Context(), name)
		require.ErrorIs(t, err, vault.ErrKeyRecord)
	})
}

func TestHostile_ManyEvents(t *testing.T) {
	hostile(t, func(t *testing.T, s *vaultsql.Store, _ *sqlstore.Handle, write func(string, ...any)) {
		add := func(n int) {
			write("INSERT INTO troth_vault_fence (tenant, subject, compartment, died_at) "+numbers+
				"SELECT 't', '', '', 1 FROM n", n)
		}
		add(10_000)
		f, err := s.Follow(t.Context(), 0)
		require.NoError(t, err)
		require.Len(t, f.Events, 10_000)
		require.False(t, f.Gap)
		add(1)
		f, err = s.Follow(t.Context(), 0)
		require.NoError(t, err)
		require.Equal(t, vault.Followed{Head: 10_001, Gap: true}, f)
		add(10_001)
		f, err = s.Follow(t.Context(), 10_001)
		require.NoError(t, err)
		require.Equal(t, vault.Followed{Head: 20_002, Gap: true}, f, "they got positions all the same")
		f, err = s.Follow(t.Context(), f.Head)
		require.NoError(t, err)
		require.Equal(t, vault.Followed{Head: 20_002}, f)
		f, err = s.Follow(t.Context(), -1)
		require.NoError(t, err)
		require.Equal(t, vault.Followed{Head: 20_002}, f)
	})
}

// What a window says is not loaded beyond what a vault writes.
func TestHostile_LongWindows(t *testing.T) {
	for _, column := range []string{"tenant", "id", "actor", "home", "purpose"} {
		t.Run(column, func(t *testing.T) {
			hostile(t, func(t *testing.T, s *vaultsql.Store, _ *sqlstore.Handle, write func(string, ...any)) {
				longest := strings.Repeat("x", troth.MaxIdentifier)
				require.NoError(t, s.InsertWindow(t.Context(), vault.WindowRow{
					Tenant: troth.Tenant(longest), ID: troth.EntryID{1}, Actor: longest, Home: troth.Tenant(longest),
					Purpose: troth.Purpose(longest), OpenedAt: 1, Until: 2,
				}))
				rows, err := s.LapsedWindows(t.Context(), at, 10)
				require.NoError(t, err)
				require.Len(t, rows, 1)
				require.Equal(t, longest, rows[0].Actor)

				var forged any = strings.Repeat("é", 77001)
				if column == "id" {
					forged = make([]byte, 77001)
				}
				write("UPDATE troth_vault_window SET "+column+" = ?", forged)
				read, err := s.LapsedWindows(t.Context(), at, 10)
				require.ErrorContains(t, err, "values out of range")
				require.Empty(t, read)
				require.Less(t, len(err.Error()), 200)
			})
		})
	}
}

// follower is a process that follows, and knows which people it was told of.
type follower struct {
	s     *vaultsql.Store
	after int64
	told  map[string]bool
}

// look reports whether everybody was told of, one by one or by a gap.
func (f *follower) look(t *testing.T, shredded []string) (gap bool) {
	t.Helper()
	found, err := f.s.Follow(t.Context(), f.after)
	require.NoError(t, err)
	for _, e := range found.Events {
		f.told[e.SubjectID] = true
	}
	for _, subject := range shredded {
		f.told[subject] = f.told[subject] || found.Gap
		require.True(t, f.told[subject], "nobody told of %s", subject)
	}
	f.after = found.Head
	return found.Gap
}

// Whoever writes positions past the vault neither hides a shredding nor keeps
// one from happening.
func TestHostile_ForgedPositions(t *testing.T) {
	const highest = 1 << 62 // that a vault gives
	for what, forged := range map[string]int64{
		"the highest number":                 1<<63 - 1,
		"above the highest position":         highest + 1,
		"the highest position":               highest,
		"almost the highest position":        highest - 1,
		"where room for numbering begins":    highest - 1<<32,
		"far ahead":                          1 << 40,
		"the next one":                       3,
		"zero":                               0,
		"negative":                           -1,
		"the lowest number":                  -1 << 63,
		"the sequence alone, on SQLite":      -2,
		"the sequence's last, on SQLite":     -3,
		"a sequence of nonsense, on SQLite":  -4,
		"a sequence of fractions, on SQLite": -5,
		"the sequence taken away, on SQLite": -6,
	} {
		t.Run(what, func(t *testing.T) {
			hostile(t, func(t *testing.T, s *vaultsql.Store, h *sqlstore.Handle, write func(string, ...any)) {
				var shredded []string
				raise := func(subject string) {
					t.Helper()
					require.NoError(t, s.RaiseFence(t.Context(), vault.FenceEvent{
						KeyName: vault.KeyName{Tenant: "t", SubjectID: subject}, At: at,
					}))
					shredded = append(shredded, subject)
				}
				forge := func() {
					if strings.Contains(what, "SQLite") {
						if h.Dialect() == sqlstore.SQLite {
							write("DELETE FROM sqlite_sequence WHERE name = 'troth_vault_fence'")
							seq := map[int64]any{-2: int64(highest), -3: int64(1<<63 - 1), -4: "nonsense", -5: 1.5}[forged]
							if seq != nil {
								write("INSERT INTO sqlite_sequence (name, seq) VALUES ('troth_vault_fence', ?)", seq)
							}
						}
						return
					}
					write("INSERT INTO troth_vault_fence (position, tenant, subject, compartment, died_at) "+
						"VALUES (?, 't', 'forged', '', 1) ON CONFLICT DO NOTHING", forged)
				}
				eager, fresh := &follower{s: s, told: map[string]bool{}}, &follower{s: s, told: map[string]bool{}}
				raise("1")
				raise("2")
				eager.look(t, shredded)
				lazy := &follower{s: s, after: eager.after, told: map[string]bool{"1": true, "2": true}}
				for range 2 { // they forge again when the first one is done with
					forge()
					late := &follower{s: s, told: map[string]bool{}}
					late.look(t, shredded)
					for _, subject := range []string{"3", "4", "5"} {
						raise(subject)
						eager.look(t, shredded)
					}
					late.look(t, shredded)
					lazy.look(t, shredded)
					fresh.look(t, shredded)
					require.False(t, fresh.look(t, shredded), "who has seen all is not told again")
					raise("6")
					require.False(t, fresh.look(t, shredded), "and goes on as ever")
					require.NoError(t, s.PruneFence(t.Context(), at))
					require.False(t, fresh.look(t, shredded))
				}
			})
		})
	}
}

// An event that the database does not keep would never reach another process.
func TestHostile_EventIsKept(t *testing.T) {
	hostile(t, func(t *testing.T, s *vaultsql.Store, h *sqlstore.Handle, write func(string, ...any)) {
		if h.Dialect() == sqlstore.SQLite {
			write("CREATE TRIGGER x BEFORE INSERT ON troth_vault_fence BEGIN SELECT RAISE(IGNORE); END")
		} else {
			write("CREATE FUNCTION x() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$")
			write("CREATE TRIGGER x BEFORE INSERT ON troth_vault_fence FOR EACH ROW EXECUTE FUNCTION x()")
		}
		err := s.RaiseFence(t.Context(), vault.FenceEvent{KeyName: vault.KeyName{Tenant: "t"}, At: at})
		require.ErrorContains(t, err, "look for triggers")
	})
}

// A shredding that the database takes back, or never does, is not reported as
// done.
func TestHostile_ShreddingIsReadBack(t *testing.T) {
	ways := map[string]map[sqlstore.Dialect]string{
		"ignored": {
			sqlstore.SQLite:   `CREATE TRIGGER x BEFORE UPDATE ON TABLE BEGIN SELECT RAISE(IGNORE); END`,
			sqlstore.Postgres: `CREATE FUNCTION x() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$; CREATE TRIGGER x BEFORE UPDATE ON TABLE FOR EACH ROW EXECUTE FUNCTION x()`,
		},
		"a tombstone ignored": {
			sqlstore.SQLite:   `CREATE TRIGGER x BEFORE INSERT ON TABLE BEGIN SELECT RAISE(IGNORE); END`,
			sqlstore.Postgres: `CREATE FUNCTION x() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$; CREATE TRIGGER x BEFORE INSERT ON TABLE FOR EACH ROW EXECUTE FUNCTION x()`,
		},
		"taken back": {
			sqlstore.SQLite:   `CREATE TRIGGER x AFTER UPDATE ON TABLE WHEN NEW.shredded_at <> 0 BEGIN UPDATE TABLE SET shredded_at = 0, sealed = OLD.sealed; END`,
			sqlstore.Postgres: `CREATE FUNCTION x() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.shredded_at = 0; NEW.sealed = OLD.sealed; RETURN NEW; END $$; CREATE TRIGGER x BEFORE UPDATE ON TABLE FOR EACH ROW EXECUTE FUNCTION x()`,
		},
	}
	for what, way := range ways {
		t.Run(what, func(t *testing.T) {
			hostile(t, func(t *testing.T, s *vaultsql.Store, h *sqlstore.Handle, write func(string, ...any)) {
				p := vault.ShredKeys{Tenant: "t", SubjectID: "42", Compartments: []troth.Compartment{"profile"}, At: at}
				if !strings.Contains(what, "tombstone") {
					_, err := s.InsertKey(t.Context(), key("42", "profile", 1))
					require.NoError(t, err)
					for _, l := range []vault.Lineage{vault.WrapLineage, vault.IndexLineage} {
						_, err = s.InsertRoot(t.Context(), vault.RootRow{Tenant: "t", Lineage: l, Sealed: []byte("r")})
						require.NoError(t, err)
					}
				}
				function, trigger, two := strings.Cut(way[h.Dialect()], "$$; ")
				for _, table := range []string{"troth_vault_key", "troth_vault_root"} {
					name := strings.NewReplacer("ON TABLE", "ON "+table, "UPDATE TABLE", "UPDATE "+table,
						"x()", "x_"+table+"()", "TRIGGER x", "TRIGGER x_"+table)
					if !two {
						write(name.Replace(function))
						continue
					}
					write(name.Replace(function + "$$"))
					write(name.Replace(trigger))
				}
				dead, err := s.ShredKeys(t.Context(), p)
				require.ErrorContains(t, err, "look for triggers")
				require.Empty(t, dead)
				roots, err := s.ShredRoots(t.Context(), "t", at)
				require.ErrorContains(t, err, "look for triggers")
				require.Empty(t, roots)
			})
		})
	}
}
