// Package childtest runs a test's binary again as another program, which uses the same
// database, answers requests line by line and can be killed.
package childtest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/trothdev/troth/integration/sqltest"
)

// Patience is how long a test waits for another program.
const Patience = time.Minute

// Process is another program.
type Process struct {
	T   *testing.T
	Cmd *exec.Cmd
	// Lines are what it prints, and are closed at its end. Log is what it wrote to
	// standard error.
	Lines chan []byte
	Log   *bytes.Buffer

	in   io.WriteCloser
	once sync.Once
}

// Start begins a program that finds its configuration, as JSON, in an environment
// variable. It is killed at the end of the test at the latest, and ends by itself when
// this one does.
func Start(t *testing.T, variable string, config any) *Process {
	t.Helper()
	sqltest.Programs(t)
	text, err := json.Marshal(config)
	must(t, err)
	p := &Process{T: t, Cmd: exec.Command(os.Args[0], "-test.run=^$"), Lines: make(chan []byte, 16), Log: &bytes.Buffer{}} //nolint:noctx // it is killed, or ends with this program
	p.Cmd.Env = append(os.Environ(), variable+"="+string(text))
	p.Cmd.Stderr = p.Log
	p.in, err = p.Cmd.StdinPipe()
	must(t, err)
	out, err := p.Cmd.StdoutPipe()
	must(t, err)
	must(t, p.Cmd.Start())
	t.Cleanup(p.Kill)
	go func() {
		defer close(p.Lines)
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			p.Lines <- bytes.Clone(lines.Bytes())
		}
	}()
	return p
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Kill ends the program as SIGKILL does. What it printed before can still be read.
func (p *Process) Kill() {
	p.once.Do(func() {
		_ = p.Cmd.Process.Kill()
		rest := [][]byte{}
		for line := range p.Lines {
			rest = append(rest, line)
		}
		_ = p.Cmd.Wait()
		p.Lines = make(chan []byte, len(rest))
		for _, line := range rest {
			p.Lines <- line
		}
		close(p.Lines)
	})
}

// Line returns what the program printed next, nil at its end.
func (p *Process) Line() []byte {
	p.T.Helper()
	select {
	case line := <-p.Lines:
		return line
	case <-time.After(Patience):
		p.Kill()
		p.T.Fatalf("the other program does not answer: %s", p.Log)
		return nil
	}
}

// Ask sends a request and decodes the answer. It does not end the test, so that any
// goroutine may ask.
func (p *Process) Ask(request, answer any) error {
	text, err := json.Marshal(request)
	if err != nil {
		return err
	}
	if _, err := p.in.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("%w: %s", err, p.Log)
	}
	select {
	case line := <-p.Lines:
		if line == nil {
			return fmt.Errorf("the other program ended: %s", p.Log)
		}
		return json.Unmarshal(line, answer)
	case <-time.After(Patience):
		return fmt.Errorf("no answer to %s", text)
	}
}
