package retention

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/storage/sqlstore"
)

// spot is a database that can be copied and opened again.
type spot struct{ driver, source, path string }

// places makes a fresh one, and says how it is backed up and restored.
var places = map[string]struct {
	fresh  func(t *testing.T) spot
	backUp func(t *testing.T, p spot) (restore func() spot)
}{
	"sqlite": {func(t *testing.T) spot {
		t.Helper()
		path := filepath.Join(t.TempDir(), "site.db")
		return spot{"sqlite", "file:" + path, path}
	}, func(t *testing.T, p spot) func() spot {
		t.Helper()
		kept := filepath.Join(t.TempDir(), "backup.db")
		db, err := sql.Open(p.driver, p.source)
		require.NoError(t, err)
		_, err = db.ExecContext(t.Context(), "VACUUM INTO ?", kept)
		require.NoError(t, err)
		require.NoError(t, db.Close())
		return func() spot { return spot{"sqlite", "file:" + kept, kept} }
	}},
	"postgres": {func(t *testing.T) spot {
		t.Helper()
		return spot{"pgx", pgtest.DSN(t), ""}
	}, func(t *testing.T, p spot) func() spot {
		t.Helper()
		dump := filepath.Join(t.TempDir(), "backup.dump")
		program(t, "pg_dump", "--format=custom", "--no-owner", "--file="+dump, "--dbname="+p.source)
		return func() spot {
			restored := spot{"pgx", pgtest.DSN(t), ""}
			program(t, "pg_restore", "--no-owner", "--exit-on-error", "--dbname="+restored.source, dump)
			return restored
		}
	}},
}

func program(t *testing.T, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, pgtest.Program(t, name), args...).CombinedOutput()
	require.NoError(t, err, "%s: %s", name, out)
}

// sealedSite is a keeper with keys and a folder outside, on a database that a test writes
// to past it.
type sealedSite struct {
	*process
	db  *sql.DB
	now time.Time
}

func openSealed(t *testing.T, p spot, folder string, at time.Time) *sealedSite {
	t.Helper()
	db, err := sql.Open(p.driver, p.source)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	h, err := sqlstore.Open(t.Context(), db, dialectOf(p.driver))
	require.NoError(t, err)
	t.Cleanup(func() { _ = h.Close() })
	s := &sealedSite{db: db, now: at}
	s.process = start(t, h, func() time.Time { return s.now }, retention.WithKeys(macs{}), retention.WithOutside(retention.Folder(folder)))
	return s
}

func lawyer(t *testing.T) context.Context { return person(t.Context(), "lawyer", "counsel") }

func (s *sealedSite) place(t *testing.T, id string) {
	t.Helper()
	hold := retention.Hold{Tenant: ours, ID: id, Matter: "m", SubjectID: "p", Review: began.AddDate(3, 0, 0)}
	require.NoError(t, s.k.Place(lawyer(t), hold))
}

// stopped demands that a sweep destroys nothing, and names this.
func (s *sealedSite) stopped(t *testing.T, want ...retention.Tampering) {
	t.Helper()
	swept, err := s.k.Sweep(t.Context())
	if err == nil {
		require.Len(t, swept.Stopped, 1)
		err = swept.Stopped[0].Err
	}
	bad, ok := errors.AsType[*retention.TamperedError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, want, bad.Found)
	require.Zero(t, swept.Destroyed)
	require.EqualValues(t, 3, s.left(t))
}

// Whoever writes to the database past the keeper destroys nothing by it: each of these
// is named.
func TestControl_AttacksBySQLAreNamed(t *testing.T) {
	for kind, at := range places {
		for name, c := range map[string]struct {
			attack string
			found  retention.Tampering
		}{
			"a deleted hold": {
				`DELETE FROM troth_retention_hold WHERE id = 'h'`,
				retention.Tampering{What: retention.RowMissing, Kind: "hold", ID: "h"},
			},
			"a forged release": {
				`UPDATE troth_retention_hold SET released_at = 1 WHERE id = 'h'`,
				retention.Tampering{What: retention.RowMissing, Kind: "hold", ID: "h"},
			},
			"a hold about somebody else": {
				`UPDATE troth_retention_hold SET subject = 'q' WHERE id = 'h'`,
				retention.Tampering{What: retention.RowChanged, Kind: "hold", ID: "h"},
			},
			"a deleted exception": {
				`DELETE FROM troth_retention_control WHERE kind = 'exception'`,
				retention.Tampering{What: retention.RowMissing, Kind: "exception", ID: "x"},
			},
			"a deleted seal": {
				`DELETE FROM troth_retention_control WHERE kind = 'seal' AND tenant = 'acme'`,
				retention.Tampering{What: retention.SealBehind, Kind: "seal", ID: "1"},
			},
			"everything deleted": {
				`DELETE FROM troth_retention_hold; DELETE FROM troth_retention_control WHERE tenant = 'acme'`,
				retention.Tampering{What: retention.SealBehind, Kind: "seal", ID: "1"},
			},
			"a deleted policy seal": {
				`DELETE FROM troth_retention_control WHERE kind = 'seal' AND tenant <> 'acme'`,
				retention.Tampering{What: retention.SealBehind, Kind: "seal", ID: "1"},
			},
			"an edited policy": {
				`UPDATE troth_retention_policy SET activated_at = activated_at + 1`,
				retention.Tampering{What: retention.RowChanged, Kind: "policy", ID: "1"},
			},
		} {
			if kind == "postgres" && c.found.What != retention.RowMissing {
				continue // what is found does not depend on the database
			}
			t.Run(kind+" "+name, func(t *testing.T) {
				p, folder := at.fresh(t), t.TempDir()
				s := openSealed(t, p, folder, began)
				documents(t, s.process, 3)
				s.place(t, "h")
				x := retention.ExceptionRecord{Tenant: ours, ID: "x", Reason: retention.BecauseDispute, Until: began.AddDate(1, 0, 0)}
				require.NoError(t, s.k.ProposeException(lawyer(t), x))
				require.NoError(t, s.k.GrantException(person(t.Context(), "officer", "dpo"), ours, "x"))
				_, err := s.k.Sweep(t.Context())
				require.NoError(t, err)
				_, err = s.db.ExecContext(t.Context(), c.attack)
				require.NoError(t, err)
				// Another process, which has seen nothing of it before.
				openSealed(t, p, folder, began.AddDate(0, 0, 40)).stopped(t, c.found)
			})
		}
	}
}

// An older copy of the database is put back: a hold, an exception and an erasure that are
// missing in it are noticed, nothing is destroyed, and they are put back.
func TestControl_SurvivesBackupAndRestore(t *testing.T) {
	for kind, at := range places {
		t.Run(kind, func(t *testing.T) {
			p, folder := at.fresh(t), t.TempDir()
			s := openSealed(t, p, folder, began)
			documents(t, s.process, 3)
			s.place(t, "old")
			s.place(t, "ended")
			restore := at.backUp(t, p)

			s.place(t, "late")
			require.NoError(t, s.k.ProposeRelease(lawyer(t), ours, "ended"))
			require.NoError(t, s.k.Release(person(t.Context(), "second", "dpo"), ours, "ended"))
			service := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "desk"})
			require.NoError(t, s.k.GrantErasure(service, retention.ErasureGrant{Tenant: ours, Request: "r", SubjectID: "p"}))
			_, err := s.k.Sweep(t.Context())
			require.NoError(t, err)
			require.NoError(t, s.db.Close())

			// The restored copy knows "old" and "ended", and the host's documents are due.
			r := openSealed(t, restore(), folder, began.AddDate(0, 0, 40))
			r.stopped(t, retention.Tampering{What: retention.SealBehind, Kind: "seal", ID: "1"})
			done, err := r.k.PutBack(service)
			require.NoError(t, err)
			require.Equal(t, retention.PutBack{Tenants: 1, Holds: 1, Erasures: 1}, done)
			again, err := r.k.PutBack(service)
			require.NoError(t, err)
			require.Zero(t, again)
			holds, err := r.k.Holds(t.Context(), ours)
			require.NoError(t, err)
			require.Len(t, holds, 3, "the one that was released since is in force again")

			r.now = r.now.Add(time.Hour)
			swept, err := r.k.Sweep(t.Context())
			require.NoError(t, err)
			require.Empty(t, swept.Stopped)
			require.Equal(t, 3, swept.Held)
			for _, id := range []string{"old", "ended", "late"} {
				require.NoError(t, r.k.ProposeRelease(lawyer(t), ours, id))
				require.NoError(t, r.k.Release(person(t.Context(), "second", "dpo"), ours, id))
			}
			swept, err = r.k.Sweep(t.Context())
			require.NoError(t, err)
			require.Equal(t, 3, swept.Destroyed)
			state, err := r.k.Erasure(t.Context(), ours, "r")
			require.NoError(t, err)
			require.EqualValues(t, 3, state.Destroyed)
		})
	}
}

// Backups are of rows: holds that were there when one was made are there when it is
// restored, with or without keys.
func TestControl_HoldsAreInBackups(t *testing.T) {
	for kind, at := range places {
		t.Run(kind, func(t *testing.T) {
			p, folder := at.fresh(t), filepath.Join(t.TempDir(), "kept")
			require.NoError(t, os.Mkdir(folder, 0o700))
			s := openSealed(t, p, folder, began)
			documents(t, s.process, 3)
			s.place(t, "h")
			restore := at.backUp(t, p)
			r := openSealed(t, restore(), folder, began.AddDate(0, 0, 40))
			swept, err := r.k.Sweep(t.Context())
			require.NoError(t, err)
			require.Empty(t, swept.Stopped)
			require.Equal(t, 3, swept.Held)
			require.EqualValues(t, 3, r.left(t))
		})
	}
}
