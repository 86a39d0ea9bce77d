// Package browser drives a real Chromium in tests: without a display, with a
// profile of its own that is thrown away, and by keyboard, as somebody who cannot
// use a mouse does. It speaks the DevTools protocol through two pipes, so it needs
// no library and opens no port.
//
// Tests skip where no Chromium is installed (Debian: apt-get install chromium),
// and fail there if TROTH_REQUIRE_CHROMIUM is 1.
package browser

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long anything may take on a busy machine.
const patience = 2 * time.Minute

// programs are the names that Chromium goes by.
var programs = []string{"chromium", "chromium-browser", "google-chrome", "headless_shell"}

// Browser is a running Chromium.
type Browser struct {
	to     io.WriteCloser
	ended  chan struct{}
	events chan Event

	mu      sync.Mutex
	last    int
	waiting map[int]chan reply
}

// Event is what the browser tells of itself.
type Event struct {
	Method  string
	Session string
	Params  json.RawMessage
}

type reply struct {
	result json.RawMessage
	err    error
}

// Start starts a Chromium that ends with the test, whose sub-tests may share it one
// after the other.
func Start(t testing.TB) *Browser {
	t.Helper()
	var path string
	for _, name := range programs {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		if os.Getenv("TROTH_REQUIRE_CHROMIUM") == "1" {
			t.Fatal("no Chromium is installed, and TROTH_REQUIRE_CHROMIUM wants one")
		}
		t.Skip("no Chromium is installed: apt-get install chromium")
	}
	toRead, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	from, fromWrite, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), path, //nolint:gosec // a browser that was looked up by name
		"--headless=new", "--remote-debugging-pipe", "--user-data-dir="+t.TempDir(), "--no-first-run", "--no-default-browser-check",
		"--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-extensions", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--metrics-recording-only", "--password-store=basic", "--use-mock-keychain",
		"--ignore-certificate-errors", // of the test's own server
		"--force-device-scale-factor=1", "--hide-scrollbars", "about:blank")
	cmd.ExtraFiles = []*os.File{toRead, fromWrite} // 3 and 4, as the switch above wants
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = toRead.Close(), fromWrite.Close()
	b := &Browser{to: to, ended: make(chan struct{}), events: make(chan Event, 4096), waiting: make(map[int]chan reply)}
	go b.read(from)
	t.Cleanup(func() {
		_ = to.Close() // it ends when nobody holds the pipe
		done := make(chan struct{})
		go func() { _ = cmd.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(20 * time.Second):
		}
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // the group that was started here, with what is left of it
		<-done
	})
	return b
}

// read hands out replies and events until the browser ends.
func (b *Browser) read(from io.ReadCloser) {
	defer close(b.ended)
	defer func() { _ = from.Close() }()
	in := bufio.NewReader(from)
	for {
		text, err := in.ReadBytes(0)
		if err != nil {
			return
		}
		var m struct {
			ID        int
			Method    string
			SessionID string
			Params    json.RawMessage
			Result    json.RawMessage
			Error     *struct{ Message string }
		}
		if json.Unmarshal(text[:len(text)-1], &m) != nil {
			return
		}
		if m.ID == 0 {
			select {
			case b.events <- Event{m.Method, m.SessionID, m.Params}:
			default: // nobody reads: the test does not care
			}
			continue
		}
		b.mu.Lock()
		answer := b.waiting[m.ID]
		delete(b.waiting, m.ID)
		b.mu.Unlock()
		r := reply{result: m.Result}
		if m.Error != nil {
			r.err = errors.New(m.Error.Message)
		}
		if answer != nil {
			answer <- r
		}
	}
}

// call calls a method of the protocol, and puts its result into out if that is not
// nil.
func (b *Browser) call(t testing.TB, session, method string, params, out any) {
	t.Helper()
	answer := make(chan reply, 1)
	b.mu.Lock()
	b.last++
	id := b.last
	b.waiting[id] = answer
	b.mu.Unlock()
	if params == nil {
		params = struct{}{}
	}
	text, err := json.Marshal(struct {
		ID        int    `json:"id"`
		Method    string `json:"method"`
		Params    any    `json:"params"`
		SessionID string `json:"sessionId,omitempty"`
	}{id, method, params, session})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.to.Write(append(text, 0)); err != nil {
		t.Fatalf("%s: %v", method, err)
	}
	select {
	case r := <-answer:
		if r.err != nil {
			t.Fatalf("%s: %v", method, r.err)
		}
		if out != nil {
			if err := json.Unmarshal(r.result, out); err != nil {
				t.Fatalf("%s: %v", method, err)
			}
		}
	case <-b.ended:
		t.Fatalf("%s: the browser ended", method)
	case <-time.After(patience):
		t.Fatalf("%s: no answer within %s", method, patience)
	}
}

// fields are parameters of a call.
type fields map[string]any

// Screenshots is where pictures go: TROTH_SCREENSHOTS, or nowhere.
func Screenshots() string { return os.Getenv("TROTH_SCREENSHOTS") }

func describe(method string, params json.RawMessage) string {
	return fmt.Sprintf("%s %s", method, params)
}
