package retention

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/integration/sqltest"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/retentionsql"
	"github.com/trothdev/troth/storage/sqlstore/tasksql"
	"github.com/trothdev/troth/task"
)

// warrantEnv makes the test binary another program, which destroys a document and stops
// in the middle of telling its index.
const warrantEnv = "TROTH_TEST_WARRANT_CHILD"

// folder is an index outside of the database: a file for each document. It hangs where
// told to.
type folder struct {
	path string
	hang bool
}

func (f *folder) file(id string) string { return filepath.Join(f.path, id) }

func (f *folder) Destroy(ctx context.Context, o retention.CopyOrder) error {
	if f.hang {
		fmt.Println("telling", o.Handle)
		<-ctx.Done()
		return ctx.Err()
	}
	if err := os.Remove(f.file(o.ID)); errors.Is(err, os.ErrNotExist) {
		return retention.ErrNotFound
	} else if err != nil {
		return err
	}
	return nil
}

func (f *folder) Confirm(_ context.Context, o retention.CopyOrder) (bool, error) {
	_, err := os.Stat(f.file(o.ID))
	return errors.Is(err, os.ErrNotExist), nil
}

// indexed is a keeper over documents with an index and paper, with the engine that does
// its work.
type indexed struct {
	*process
	tasks *task.Engine
}

func startIndexed(ctx context.Context, h *sqlstore.Handle, f *folder, now func() time.Time) (*indexed, error) {
	s, err := retentionsql.New(ctx, h)
	if err != nil {
		return nil, err
	}
	ts, err := tasksql.New(ctx, h)
	if err != nil {
		return nil, err
	}
	rec := troth.UnsafeNoEvidence(h)
	p := &indexed{process: &process{h: h}}
	p.tasks, err = task.New(ctx, task.Config{Store: ts, Recorder: rec, Sealer: sealer{}}, task.Unmanaged("test"),
		task.WithLease(time.Second), task.WithPoll(10*time.Millisecond))
	if err != nil {
		return nil, err
	}
	p.k, err = retention.New(ctx, retention.Config{Store: s, Recorder: rec}, retention.WithClock(now),
		retention.WithRecords("document", retention.Registration{Handler: p.process}), retention.UnsafeWithoutApproval(),
		retention.WithTasks(p.tasks), retention.WithCopy("index", f))
	if err != nil {
		return nil, err
	}
	for _, kind := range retention.Works() {
		if err := p.tasks.Handle(task.Kind{Name: kind, Backoff: 10 * time.Millisecond, Owner: "custodian"}, p.k.Do); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func spreadPolicy(t testing.TB) *retention.Policy {
	t.Helper()
	p := policyOf(t)
	p.Copies = append(p.Copies,
		retention.Copy{Name: "index", Kind: retention.SearchIndex, Of: "primary"},
		retention.Copy{Name: "paper", Kind: retention.Paper, Of: "primary"})
	return p
}

// indexedDocument activates the policy and makes a document, with its copy.
func indexedDocument(t *testing.T, p *indexed, f *folder) {
	t.Helper()
	ctx := t.Context()
	require.NoError(t, p.k.Activate(person(ctx, "officer", "dpo"), spreadPolicy(t)))
	_, err := p.h.Querier(ctx).Exec(ctx, `CREATE TABLE file (id TEXT PRIMARY KEY, visible TEXT NOT NULL)`)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(f.file("1"), []byte("x"), 0o600))
	require.NoError(t, p.h.Atomically(ctx, func(ctx context.Context) error {
		if _, err := p.h.Querier(ctx).Exec(ctx, `INSERT INTO file (id, visible) VALUES ('1', 'all')`); err != nil {
			return err
		}
		return p.k.Created(ctx, retention.NewRecord{
			RecordKey: retention.RecordKey{Tenant: ours, Type: "document", ID: "1"}, SubjectID: "p", At: began,
		})
	}))
}

// runWorks drives the engine until done says so.
func (p *indexed) runWorks(t *testing.T, done func() bool) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	ended := make(chan struct{})
	go func() { defer close(ended); _ = p.tasks.Run(ctx) }()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() && ctx.Err() == nil {
		<-tick.C
	}
	stop()
	<-ended
	require.True(t, done())
}

func (p *indexed) status(t *testing.T, handle string) map[string]retention.CopyStatus {
	t.Helper()
	states, err := p.k.Gone(t.Context(), ours, handle)
	require.NoError(t, err)
	all := map[string]retention.CopyStatus{}
	for _, s := range states {
		all[s.Copy] = s.Status
	}
	return all
}

// manual is a task that waits for a person.
func (p *indexed) manual(t *testing.T) (found []task.Task) {
	t.Helper()
	for one, err := range p.tasks.Tasks(t.Context(), task.Query{Tenant: ours, State: task.Manual}) {
		require.NoError(t, err)
		found = append(found, one)
	}
	return found
}

func dueDay() time.Time { return began.AddDate(0, 0, 40) }

// destroyAndHang is the other program: it destroys what is due, and begins to tell the
// index of it.
func destroyAndHang(config string) error {
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	driver, rest, _ := strings.Cut(config, " ")
	path, source, _ := strings.Cut(rest, " ")
	db, err := sql.Open(driver, source)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	h, err := sqlstore.Open(ctx, db, dialectOf(driver))
	if err != nil {
		return err
	}
	p, err := startIndexed(ctx, h, &folder{path: path, hang: true}, dueDay)
	if err != nil {
		return err
	}
	swept, err := p.k.Sweep(ctx)
	if err != nil || swept.Destroyed != 1 {
		return fmt.Errorf("destroyed %d: %w", swept.Destroyed, err)
	}
	return p.tasks.Run(ctx)
}

// A process that dies between the commit of a warrant and the destruction of a copy, in
// the middle of telling it, leaves the copy to the next.
func TestWarrant_SurvivesBeingKilled(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		file := url.URL{Scheme: "file", Path: filepath.Join(t.TempDir(), "test.db")}
		killed(t, "sqlite", file.String())
	})
	t.Run("postgres", func(t *testing.T) { killed(t, "pgx", pgtest.DSN(t)) })
}

func killed(t *testing.T, driver, source string) {
	t.Helper()
	sqltest.Programs(t)
	db, err := sql.Open(driver, source)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	h, err := sqlstore.Open(t.Context(), db, dialectOf(driver))
	require.NoError(t, err)
	t.Cleanup(func() { _ = h.Close() })
	f := &folder{path: t.TempDir()}
	p, err := startIndexed(t.Context(), h, f, dueDay)
	require.NoError(t, err)
	indexedDocument(t, p, f)

	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), warrantEnv+"="+driver+" "+f.path+" "+source)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan())
	handle, telling := strings.CutPrefix(lines.Text(), "telling ")
	require.True(t, telling, lines.Text())
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())

	require.Zero(t, p.left(t), "the record is gone")
	require.FileExists(t, f.file("1"), "the copy is not")
	require.Equal(t, map[string]retention.CopyStatus{
		"primary": retention.CopyGone, "index": retention.CopyWaiting, "paper": retention.CopyWaiting,
	}, p.status(t, handle))
	p.runWorks(t, func() bool { return p.status(t, handle)["index"] == retention.CopyGone && len(p.manual(t)) == 1 })
	require.NoFileExists(t, f.file("1"))

	// Paper waits for a person at the engine, and is confirmed at the keeper.
	require.Equal(t, retention.WorkPaper, p.manual(t)[0].Kind)
	require.Equal(t, "custodian", p.manual(t)[0].Owner)
	require.NoError(t, p.k.ConfirmCopy(person(t.Context(), "porter", "custodian"), retention.Confirmation{
		Tenant: ours, Handle: handle, Copy: "paper", Method: retention.MethodShredded, Evidence: "protocol-7",
	}))
	require.Equal(t, retention.CopyGone, p.status(t, handle)["paper"])
	p.runWorks(t, func() bool { return len(p.manual(t)) == 0 })
	tended, err := p.k.Tend(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, tended.Gone)
}

// A hold that is placed while the transaction that destroys has not committed waits for
// it, and is told that it comes too late; what another destroys after that it keeps.
func TestWarrant_AHoldRacesTheCommit(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, open func() *sqlstore.Handle) {
		f := &folder{path: t.TempDir()}
		sweeper, err := startIndexed(t.Context(), open(), f, dueDay)
		require.NoError(t, err)
		office, err := startIndexed(t.Context(), open(), f, dueDay)
		require.NoError(t, err)
		indexedDocument(t, sweeper, f)
		begun, placed := make(chan struct{}), make(chan error, 1)
		sweeper.destroyed = func() {
			close(begun)
			<-time.After(50 * time.Millisecond) // let the other one wait
		}
		lawyer := person(t.Context(), "lawyer", "counsel")
		go func() {
			<-begun
			for {
				err := office.k.Place(lawyer, retention.Hold{Tenant: ours, ID: "h", Matter: "m", SubjectID: "p", Review: dueDay().AddDate(1, 0, 0)})
				if !troth.Retryable(err) {
					placed <- err
					return
				}
			}
		}()
		s, err := sweeper.k.Sweep(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, s.Destroyed)
		require.NoError(t, <-placed)
		var late []retention.Late
		for l, err := range office.k.TooLate(lawyer, ours, "h") {
			require.NoError(t, err)
			late = append(late, l)
		}
		require.Len(t, late, 1)
		require.Equal(t, []string{"index", "paper"}, late[0].Waits)
		require.Equal(t, dueDay().UTC(), late[0].Since)
		office.runWorks(t, func() bool { return office.status(t, late[0].Handle)["index"] == retention.CopyGone })
		require.NoFileExists(t, f.file("1"), "the commit was the cut-off")
	})
}
