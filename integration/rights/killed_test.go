package rights

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/rights"
)

// A program that carries an erasure on is killed at each of its transactions, before the
// commit and after it, and in the middle of what is done elsewhere; another goes on each
// time. Meanwhile a hold keeps a record, one source fails twice, and a processor is dead. What
// comes out is what there is: nothing is done twice, counted twice or claimed that was not
// done, and the release of the hold finishes the rest.
func TestErase_SurvivesBeingKilledAtEveryStep(t *testing.T) { onDatabases(t, killed) }

// onDatabases runs a test of programs that share a database, on each kind of it.
func onDatabases(t *testing.T, test func(t *testing.T, m mortal)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		file := url.URL{Scheme: "file", Path: filepath.Join(t.TempDir(), "test.db"), RawQuery: "_pragma=busy_timeout(5000)"}
		test(t, mortal{Driver: "sqlite", DSN: file.String(), Folder: t.TempDir()})
	})
	t.Run("postgres", func(t *testing.T) {
		test(t, mortal{Driver: "pgx", DSN: pgtest.DSN(t), Folder: t.TempDir()})
	})
}

func killed(t *testing.T, m mortal) {
	t.Helper()
	ctx := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "shop"})
	began := time.Date(2026, 3, 5, 10, 0, 0, 0, time.UTC)
	m.Now = began.UnixMicro()
	b, err := m.open(ctx)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, b.h.Close())
		require.NoError(t, b.db.Close())
	})
	require.NoError(t, b.furnish(ctx))

	deaths := m.chain(t)
	require.GreaterOrEqual(t, deaths, map[bool]int{false: 24, true: 5}[testing.Short()], "each of twelve transactions twice")
	b.now = time.UnixMicro(m.Now).AddDate(0, 0, 20)
	r, err := b.desk.Request(ctx, "acme", "e")
	require.NoError(t, err)
	require.Equal(t, rights.StatePartiallyFulfilled, r.State)
	certificate := b.holds(t, map[string]uint64{"index": 2, "mailer": 2, "courier": 0, "orders": 2, "letters": 0, "account": 1},
		map[string]rights.Outcome{
			"index": rights.Done, "mailer": rights.Done, "courier": rights.Failed, "orders": rights.Retained,
			"letters": rights.NothingFound, "account": rights.Done,
		})
	require.Equal(t, rights.Provisional, certificate.Stage)
	require.Nil(t, certificate.Complete, "nobody knows")
	require.FileExists(t, filepath.Join(m.Folder, "courier", "nr4711-1"))

	// The hold is released, and a person sees to the dead processor.
	_, err = b.h.Querier(ctx).Exec(ctx, "UPDATE kept_record SET held = 0")
	require.NoError(t, err)
	m.Now = b.now.UnixMicro()
	require.NotZero(t, m.chain(t))
	require.NoError(t, os.Remove(filepath.Join(m.Folder, "courier", "nr4711-1")))
	b.now = time.UnixMicro(m.Now).AddDate(0, 0, 20)
	require.NoError(t, b.desk.Settle(ctx, "acme", "e", "courier", rights.Report{
		Outcome: rights.Done, Method: rights.Deleted, Records: 1, Ref: "ticket-9",
	}))
	certificate = b.holds(t, map[string]uint64{"index": 2, "mailer": 2, "courier": 1, "orders": 3, "letters": 0, "account": 1},
		map[string]rights.Outcome{
			"index": rights.Done, "mailer": rights.Done, "courier": rights.Done, "orders": rights.Done,
			"letters": rights.NothingFound, "account": rights.Done,
		})
	require.Equal(t, rights.Final, certificate.Stage)
	for place, owner := range map[string]string{"account": "client-18", "orders": "nr4712", "index": "nr4712"} {
		n, err := b.count(ctx, place, owner)
		require.NoError(t, err)
		require.EqualValues(t, 1, n, "somebody else's %s", place)
	}
	require.FileExists(t, filepath.Join(m.Folder, "mailer", "nr4712-1"))
}

// Two programs carry the same erasure on at once, each as fast as it can: everything is done
// by one of them, and counted once.
func TestErase_ByTwoProgramsAtOnce(t *testing.T) { onDatabases(t, together) }

func together(t *testing.T, m mortal) {
	t.Helper()
	ctx := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "shop"})
	m.Now = time.Date(2026, 3, 5, 10, 0, 0, 0, time.UTC).UnixMicro()
	programs := make([]*bureau, 2)
	for i := range programs {
		b, err := m.open(ctx)
		require.NoError(t, err)
		t.Cleanup(func() {
			require.NoError(t, b.h.Close())
			require.NoError(t, b.db.Close())
		})
		programs[i] = b
	}
	require.NoError(t, programs[0].furnish(ctx))
	require.NoError(t, os.Remove(filepath.Join(m.Folder, "mailer", "middle")))
	ends := make(chan rights.State, len(programs))
	for _, b := range programs {
		go func() {
			state := rights.State("")
			for range 400 {
				_ = b.goOn(ctx) // one finds what the other has done, or that it is busy
				if r, err := b.desk.Request(ctx, "acme", "e"); err == nil {
					if state = r.State; state.Final() {
						break
					}
				}
				b.now = b.now.Add(time.Minute)
			}
			ends <- state
		}()
	}
	for range programs {
		require.Equal(t, rights.StatePartiallyFulfilled, <-ends)
	}
	programs[0].holds(t, map[string]uint64{"index": 2, "mailer": 2, "courier": 0, "orders": 2, "letters": 0, "account": 1},
		map[string]rights.Outcome{
			"index": rights.Done, "mailer": rights.Done, "courier": rights.Failed, "orders": rights.Retained,
			"letters": rights.NothingFound, "account": rights.Done,
		})
}

// chain runs one program after the other until one lives: each is killed at its first
// transaction that writes, before and after its commit in turn, so that every transaction of
// the way is met by both. The short form meets each third.
func (m mortal) chain(t *testing.T) (deaths int) {
	t.Helper()
	at := m
	at.Transaction = 1
	if testing.Short() {
		at.Transaction = 3
	}
	middle := filepath.Join(m.Folder, "mailer", "middle")
	for range 300 {
		before := exists(middle)
		if !at.run(t) {
			require.NoFileExists(t, middle, "nobody was killed in the middle")
			return deaths
		}
		deaths++
		if exists(middle) == before { // or else it did not come to its turn
			at.Late = !at.Late
		}
	}
	require.Fail(t, "it never came to an end")
	return 0
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// holds checks that what the desk and its certificate say is so, and returns the
// certificate.
func (b *bureau) holds(t *testing.T, records map[string]uint64, outcomes map[string]rights.Outcome) rights.Certificate {
	t.Helper()
	ctx := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "shop"})
	made, err := b.desk.Certify(ctx, "acme", "e")
	require.NoError(t, err)
	text, err := made.Marshal()
	require.NoError(t, err)
	require.False(t, strings.Contains(string(text), "client-17") || strings.Contains(string(text), adasAddress) || strings.Contains(string(text), "nr4711"))
	require.Len(t, made.Sources, len(records))
	for _, s := range made.Sources {
		require.Equal(t, outcomes[s.Name], s.Outcome, s.Name)
		require.Equal(t, records[s.Name], s.Records, s.Name)
		noted, err := b.ask(ctx, "SELECT count(*) FROM noted WHERE act = 'rights.source' AND what = ? AND outcome = ?", s.Name, string(s.Outcome))
		require.NoError(t, err)
		require.EqualValues(t, 1, noted, "evidence of %s", s.Name)
		var kept uint64
		for _, k := range s.Kept {
			kept += k.Records
		}
		switch s.Name {
		case "index", "orders", "letters", "account":
			gone, err := b.ask(ctx, "SELECT coalesce(sum(n), 0) FROM gone_record WHERE place = ?", s.Name)
			require.NoError(t, err)
			require.Equal(t, gone, s.Records, "what was taken out of %s", s.Name)
			left, err := b.count(ctx, s.Name, map[bool]string{true: "client-17", false: "nr4711"}[s.Name == "account"])
			require.NoError(t, err)
			require.Equal(t, left, kept, "what is left of %s", s.Name)
		case "mailer":
			done, err := os.ReadDir(filepath.Join(b.folder, "mailer", "done", "e-mailer"))
			require.NoError(t, err)
			require.Len(t, done, int(s.Records))
		}
	}
	for what, n := range map[rights.Kind]uint64{rights.WasAccepted: 1, rights.Approved: 1, rights.CooledOff: 1, rights.Executed: 1, rights.Delivered: 1} {
		noted, err := b.ask(ctx, "SELECT count(*) FROM noted WHERE act = 'rights.event' AND what = ?", string(what))
		require.NoError(t, err)
		require.Equal(t, n, noted, what)
	}
	return made.Certificate
}
