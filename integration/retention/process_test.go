package retention

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/integration/sqltest"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/retentionsql"
)

// childEnv makes the test binary another program, which sweeps the database that it
// names: a driver, a space, a data source.
const childEnv = "TROTH_TEST_RETENTION_CHILD"

func dialectOf(driver string) sqlstore.Dialect {
	if driver == "sqlite" {
		return sqlstore.SQLite
	}
	return sqlstore.Postgres
}

// sweepElsewhere is the other program: it says when the third document is being
// destroyed, and at the end how many were.
func sweepElsewhere(config string) error {
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	config, carries := strings.CutPrefix(config, "carry ")
	driver, source, _ := strings.Cut(config, " ")
	db, err := sql.Open(driver, source)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	h, err := sqlstore.Open(ctx, db, dialectOf(driver))
	if err != nil {
		return err
	}
	defer func() { _ = h.Close() }()
	s, err := retentionsql.New(ctx, h)
	if err != nil {
		return err
	}
	if carries {
		return carryElsewhere(ctx, h, s)
	}
	n := 0
	p := &process{h: h, destroyed: func() {
		if n++; n == 3 {
			fmt.Println("third")
		}
	}}
	p.k, err = retention.New(ctx, retention.Config{Store: s, Recorder: troth.UnsafeNoEvidence(h)}, retention.WithBatch(1), retention.UnsafeWithoutApproval(),
		retention.WithClock(func() time.Time { return began.AddDate(0, 0, 40) }),
		retention.WithRecords("document", retention.Registration{Handler: p}))
	if err != nil {
		return err
	}
	swept, err := p.k.Sweep(ctx)
	if err == nil && len(swept.Failed) > 0 {
		err = swept.Failed[0].Err
	}
	fmt.Println(swept.Destroyed)
	return err
}

// As TestHold_WinsOverASweepElsewhere, with the sweep in a program of its own.
func TestHold_WinsOverASweepOfAnotherProcess(t *testing.T) {
	againstProcess(t, func(office *process) error {
		hold := retention.Hold{Tenant: ours, ID: "h", Matter: "m", SubjectID: "p", Review: began.AddDate(1, 0, 0)}
		return office.k.Place(person(t.Context(), "lawyer", "counsel"), hold)
	})
}

// And a stop of everything: once StopAll has returned nothing goes any more.
func TestStop_WinsOverASweepOfAnotherProcess(t *testing.T) {
	againstProcess(t, func(office *process) error {
		return office.k.StopAll(person(t.Context(), "somebody", "operator"), troth.Platform, "incident-1")
	})
}

// againstProcess has another program sweep, and act when that is under way.
func againstProcess(t *testing.T, act func(office *process) error) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		file := url.URL{Scheme: "file", Path: filepath.Join(t.TempDir(), "test.db")}
		actAgainstProcess(t, "sqlite", file.String(), act)
	})
	t.Run("postgres", func(t *testing.T) { actAgainstProcess(t, "pgx", pgtest.DSN(t), act) })
}

func actAgainstProcess(t *testing.T, driver, source string, act func(office *process) error) {
	t.Helper()
	sqltest.Programs(t)
	db, err := sql.Open(driver, source)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	h, err := sqlstore.Open(t.Context(), db, dialectOf(driver))
	require.NoError(t, err)
	t.Cleanup(func() { _ = h.Close() })
	office := start(t, h, func() time.Time { return began.AddDate(0, 0, 40) })
	const total = 200
	documents(t, office, total)

	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), childEnv+"="+driver+" "+source)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan())
	require.Equal(t, "third", lines.Text())

	for {
		err := act(office)
		if !troth.Retryable(err) {
			require.NoError(t, err)
			break
		}
	}
	left := office.left(t)
	require.True(t, lines.Scan())
	require.NoError(t, cmd.Wait())
	require.Equal(t, left, office.left(t), "nothing went afterwards")
	require.Equal(t, fmt.Sprint(total-left), lines.Text())
	t.Logf("%d of %d were kept", left, total)
}
