package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// cluster is a throw-away server that listens on a unix socket in its own
// folder, which goes away with it.
type cluster struct {
	dir    string
	server *exec.Cmd
	log    bytes.Buffer
	exited chan struct{}
}

const startLimit = time.Minute

func startCluster() (*cluster, error) {
	initdb, err := find("initdb")
	if err != nil {
		return nil, err
	}
	postgres, err := find("postgres")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "pgtest")
	if err != nil {
		return nil, err
	}
	c := &cluster{dir: dir, exited: make(chan struct{})}
	if err := c.start(initdb, postgres); err != nil {
		_ = os.RemoveAll(dir)
		return nil, fmt.Errorf("start a cluster: %w", err)
	}
	return c, nil
}

// find looks for a program in PATH and where Debian puts it, newest first.
func find(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	paths, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if err != nil || len(paths) == 0 {
		return "", fmt.Errorf("TROTH_POSTGRES_DSN is not set and %s is not installed", name)
	}
	slices.SortFunc(paths, func(a, b string) int { return len(b) - len(a) })
	longest := slices.DeleteFunc(paths, func(p string) bool { return len(p) < len(paths[0]) })
	return slices.Max(longest), nil
}

func (c *cluster) data() string { return filepath.Join(c.dir, "data") }

func (c *cluster) dsn() string { return "host=" + c.dir + " user=postgres sslmode=disable" }

func (c *cluster) start(initdb, postgres string) error {
	attr, err := unprivileged(c.dir)
	if err != nil {
		return err
	}
	// Only what initdb itself writes goes unsynced; the server syncs as always.
	create := exec.CommandContext(context.Background(), initdb, "-D", c.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
	create.Dir, create.SysProcAttr = c.dir, attr
	if out, err := create.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	c.server = exec.CommandContext(context.Background(), postgres, "-D", c.data(), "-k", c.dir, "-c", "listen_addresses=", "-c", "max_connections=200")
	c.server.Dir, c.server.SysProcAttr = c.dir, withParent(attr)
	c.server.Stdout, c.server.Stderr = &c.log, &c.log
	if err := c.launch(); err != nil {
		return err
	}
	return c.await()
}

// launch runs the server from a thread that lives as long as it does, because
// the kernel takes the end of that thread for the end of the parent.
func (c *cluster) launch() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := c.server.Start()
		started <- err
		if err == nil {
			_ = c.server.Wait()
		}
		close(c.exited)
	}()
	return <-started
}

// await returns when the server answers.
func (c *cluster) await() error {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if conn, err := pgx.Connect(ctx, c.dsn()+" dbname=postgres"); err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-tick.C:
		case <-c.exited:
			return fmt.Errorf("postgres ended: %s", c.log.String())
		case <-ctx.Done():
			c.stop()
			return errors.New("postgres does not answer")
		}
	}
}

// stop ends the server and removes its folder.
func (c *cluster) stop() {
	_ = c.server.Process.Signal(syscall.SIGQUIT) // at once: nothing is to be kept
	select {
	case <-c.exited:
	case <-time.After(startLimit):
		_ = c.server.Process.Kill()
		<-c.exited
	}
	_ = os.RemoveAll(c.dir)
}
