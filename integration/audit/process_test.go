package audit

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/integration/sqltest"
	"github.com/trothdev/troth/internal/merkle"
)

// patience is how long a test waits for another program.
const patience = time.Minute

// process is another program that uses the same database.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	in    io.WriteCloser // its end ends the program
	lines chan told
	log   *bytes.Buffer
	once  sync.Once
}

// start begins another program. It is killed at the end of the test at the
// latest.
func (c childConfig) start(t *testing.T) *process {
	t.Helper()
	sqltest.Programs(t)
	text, err := json.Marshal(c)
	require.NoError(t, err)
	p := &process{t: t, cmd: exec.Command(os.Args[0], "-test.run=^$"), lines: make(chan told, 1<<16), log: &bytes.Buffer{}}
	p.cmd.Env = append(os.Environ(), childEnv+"="+string(text))
	p.cmd.Stderr = p.log
	out, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	p.in, err = p.cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	t.Cleanup(p.kill)
	go func() {
		defer close(p.lines)
		scanner := bufio.NewScanner(out)
		for scanner.Scan() {
			var line told
			if json.Unmarshal(scanner.Bytes(), &line) != nil {
				return // cut off by SIGKILL
			}
			p.lines <- line
		}
	}()
	require.Equal(t, "ready", p.next().State, p.log)
	return p
}

// kill ends the program as SIGKILL does. What it told before can still be read.
func (p *process) kill() {
	p.once.Do(func() {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	})
}

// next is what the program tells next.
func (p *process) next() told {
	p.t.Helper()
	select {
	case line, more := <-p.lines:
		require.True(p.t, more, "the program ended: %s", p.log)
		return line
	case <-time.After(patience):
		p.kill()
		require.FailNow(p.t, "the program does not answer", p.log.String())
		return told{}
	}
}

// until reads up to a state and returns the entries that were told before.
func (p *process) until(state string) (entries []told) {
	p.t.Helper()
	for {
		line := p.next()
		if line.State == state {
			return entries
		}
		entries = append(entries, line)
	}
}

// rest returns the entries that the program told before it was killed.
func (p *process) rest() (entries []told) {
	p.t.Helper()
	for line := range p.lines {
		if line.Entry != "" {
			entries = append(entries, line)
		}
	}
	return entries
}

// eachSite runs a test on both kinds of database.
func eachSite(t *testing.T, test func(t *testing.T, s site)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, newSQLiteSite(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, newPostgresSite(t))
	})
}

func newSQLiteSite(t *testing.T) site {
	t.Helper()
	source := url.URL{
		Scheme: "file", Path: filepath.Join(t.TempDir(), "test.db"),
		RawQuery: "_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=journal_mode(wal)" +
			"&_pragma=synchronous(full)&_pragma=foreign_keys(on)",
	}
	return site{Driver: "sqlite", DSN: source.String()}.prepared(t)
}

func newPostgresSite(t *testing.T) site {
	t.Helper()
	return site{Driver: "pgx", DSN: pgtest.DSN(t)}.prepared(t)
}

const origin = "troth.example/integration"

// prepared makes keys, folder and tables, as an installation does once.
func (s site) prepared(t *testing.T) site {
	t.Helper()
	s.Seed, s.Notes = make([]byte, 32), t.TempDir()
	_, _ = rand.Read(s.Seed)
	key, err := audit.GenerateSigningKey(origin)
	require.NoError(t, err)
	s.Signer, err = key.Secret().Reveal("test")
	require.NoError(t, err)
	p := s.here(t)
	_, err = p.handle.Querier(t.Context()).Exec(t.Context(), host)
	require.NoError(t, err)
	return s
}

// here opens the site in this process, without the signer.
func (s site) here(t *testing.T, opts ...audit.Option) *program {
	t.Helper()
	key, err := audit.ParseSigningKey(s.Signer)
	require.NoError(t, err)
	keys, err := audit.Verifiers{}.With(key.VerifierKey())
	require.NoError(t, err)
	p, db, err := s.connect(t.Context(), func(b audit.Backend) audit.Backend { return b }, append(opts, audit.WithVerifiers(keys))...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	t.Cleanup(func() { _ = p.handle.Close() })
	return p
}

// signing is here with the signer.
func (s site) signing(t *testing.T) *program {
	t.Helper()
	key, err := audit.ParseSigningKey(s.Signer)
	require.NoError(t, err)
	return s.here(t, audit.WithSigner(key))
}

// drain sequences what waits. It waits for a sequencer that holds the log.
func (p *program) drain(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		_, err := p.trail.Sequence(t.Context())
		require.NoError(t, err)
		b, err := p.trail.Backlog(t.Context())
		require.NoError(t, err)
		return b.Count == 0
	}, patience, 5*time.Millisecond)
}

// check demands of a site at rest: the log is gapless and verifies, every
// acknowledged entry is in it once, its entries and the rows of the host match
// one to one, and it leads from every checkpoint that a sink was given, of which
// it returns the number.
func (s site) check(t *testing.T, acknowledged []told) (seen int) {
	t.Helper()
	p := s.signing(t)
	p.drain(t)
	report, err := p.trail.Verify(t.Context(), audit.VerifyParams{})
	require.NoError(t, err)
	require.Len(t, report.Logs, 1)
	require.Zero(t, report.Backlog.Quarantined)

	entries, alone, roots := p.readLog(t)
	require.Equal(t, int(report.Logs[0].Size)+1, len(roots)) //nolint:testifylint // too long to print
	rows := p.hostRows(t)
	require.Equal(t, len(rows), len(entries), "rows of the host and entries about them") //nolint:testifylint // too long to print
	for name, entry := range rows {
		if !entries[entry] {
			require.FailNow(t, "a row of the host has no entry", name)
		}
	}
	for _, a := range acknowledged {
		if a.Name == "" && alone[a.Entry] || a.Name != "" && rows[a.Name] == a.Entry {
			continue
		}
		require.FailNow(t, "an acknowledged entry is lost", a)
	}
	return s.checkNotes(t, roots)
}

// readLog returns the ids of the entries about rows of the host and of others,
// and the roots of the log at every size.
func (p *program) readLog(t *testing.T) (entries, others map[string]bool, roots [][32]byte) {
	t.Helper()
	entries, others = make(map[string]bool), make(map[string]bool)
	var tree merkle.Range
	roots = append(roots, tree.Root())
	for {
		page, err := p.store.LogRange(t.Context(), 1, tree.Size(), 1000)
		require.NoError(t, err)
		for _, row := range page {
			require.Equal(t, tree.Size(), row.Index, "the log has a gap")
			require.Equal(t, row.Hash, audit.HashLeaf(row.Leaf))
			tree.Append(row.Hash)
			roots = append(roots, tree.Root())
			id := hex.EncodeToString(row.ID[:])
			require.False(t, entries[id] || others[id], "an entry is there twice")
			if row.Act == act.Name {
				entries[id] = true
			} else {
				others[id] = true
			}
		}
		if len(page) < 1000 {
			return entries, others, roots
		}
	}
}

func (p *program) hostRows(t *testing.T) map[string]string {
	t.Helper()
	rows, err := p.handle.Querier(t.Context()).Query(t.Context(), `SELECT name, entry FROM host_row`)
	require.NoError(t, err)
	defer func() { _ = rows.Close() }()
	found := make(map[string]string)
	for rows.Next() {
		var name, entry string
		require.NoError(t, rows.Scan(&name, &entry))
		found[name] = entry
	}
	require.NoError(t, rows.Err())
	return found
}

// checkNotes holds every checkpoint that a program gave away to the roots.
func (s site) checkNotes(t *testing.T, roots [][32]byte) (seen int) {
	t.Helper()
	key, err := audit.ParseSigningKey(s.Signer)
	require.NoError(t, err)
	keys, err := audit.Verifiers{}.With(key.VerifierKey())
	require.NoError(t, err)
	files, err := filepath.Glob(filepath.Join(s.Notes, "*"))
	require.NoError(t, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for line := range bytes.Lines(text) {
			var note []byte
			if json.Unmarshal(line, &note) != nil {
				continue // cut off by SIGKILL
			}
			cp, _, err := audit.OpenCheckpoint(note, keys)
			require.NoError(t, err)
			require.Less(t, cp.Size, uint64(len(roots)), "a checkpoint covers more than there is")
			require.Equal(t, roots[cp.Size], cp.Root, "a checkpoint is contradicted")
			seen++
		}
	}
	t.Logf("%d entries, %d checkpoints seen", len(roots)-1, seen)
	return seen
}
