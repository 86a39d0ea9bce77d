package consent_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/integration/sqltest"
)

// childEnv makes the test binary another program, with the configuration that
// it holds.
const childEnv = "TROTH_TEST_CONSENT_CHILD"

// childConfig is what another program is told at its start.
type childConfig struct {
	Database database
	FeedAge  time.Duration
}

// patience is how long a test waits for another program.
const patience = time.Minute

// process is another program that uses the same database.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan []byte
	log   *bytes.Buffer
	once  sync.Once
}

// start begins another program. It is killed at the end of the test at the
// latest, and ends by itself when this one does.
func (c childConfig) start(t *testing.T) *process {
	t.Helper()
	sqltest.Programs(t)
	text, err := json.Marshal(c)
	require.NoError(t, err)
	p := &process{t: t, cmd: exec.Command(os.Args[0], "-test.run=^$"), lines: make(chan []byte, 16), log: &bytes.Buffer{}}
	p.cmd.Env = append(os.Environ(), childEnv+"="+string(text))
	p.cmd.Stderr = p.log
	p.in, err = p.cmd.StdinPipe()
	require.NoError(t, err)
	out, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	t.Cleanup(p.kill)
	go func() {
		defer close(p.lines)
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			p.lines <- bytes.Clone(lines.Bytes())
		}
	}()
	return p
}

// kill ends the program as SIGKILL does. What it printed before can still be
// read.
func (p *process) kill() {
	p.once.Do(func() {
		_ = p.cmd.Process.Kill()
		rest := [][]byte{}
		for line := range p.lines {
			rest = append(rest, line)
		}
		_ = p.cmd.Wait()
		p.lines = make(chan []byte, len(rest))
		for _, line := range rest {
			p.lines <- line
		}
		close(p.lines)
	})
}

// ask sends a request and returns the answer.
func (p *process) ask(r request) reply {
	p.t.Helper()
	a, err := p.try(r)
	require.NoError(p.t, err)
	return a
}

// check asks for a decision until there is one: a busy machine may keep a process
// from learning within its bound what others did, and then it allows nothing and
// says why.
func (p *process) check(subject string) reply {
	p.t.Helper()
	for until := time.Now().Add(time.Minute); ; {
		a, err := p.try(request{Op: "check", Subject: subject})
		if err == nil || time.Now().After(until) || !strings.Contains(err.Error(), consent.ErrStale.Error()) {
			require.NoError(p.t, err)
			return a
		}
		require.Equal(p.t, consent.ReasonUnavailable, a.Reason)
	}
}

// try is ask for goroutines that must not end the test.
func (p *process) try(r request) (a reply, err error) {
	text, err := json.Marshal(r)
	if err != nil {
		return a, err
	}
	if _, err := p.in.Write(append(text, '\n')); err != nil {
		return a, fmt.Errorf("%w: %s", err, p.log)
	}
	select {
	case line := <-p.lines:
		if line == nil {
			return a, fmt.Errorf("the other program ended: %s", p.log)
		}
		err = json.Unmarshal(line, &a)
	case <-time.After(patience):
		return a, fmt.Errorf("no answer to %s", r.Op)
	}
	if err == nil && a.Failure != "" {
		err = fmt.Errorf("%s: %s", r.Op, a.Failure)
	}
	return a, err
}
