package unsubscribe_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/integration/sqltest"
	"github.com/trothdev/troth/unsubscribe"
)

// TestGate_AnEarlierTransactionIsNeverMissed: an opt-out whose transaction began
// before others that are committed and followed, and commits after them, counts.
// Gates that followed all the time, one that loads meanwhile, and one that loads from
// a file of then, are asked.
func TestGate_AnEarlierTransactionIsNeverMissed(t *testing.T) {
	eachGateDatabase(t, func(t *testing.T, d gateDatabase) {
		file := unsubscribe.WithIndexFile(filepath.Join(t.TempDir(), "index"))
		writer, other := d.open(t), d.open(t, unsubscribe.WithDatabaseMode())
		followers := []*gateProcess{d.open(t, file), d.open(t)}
		_, err := other.registry.OptOut(other.ctx, gateOut("first@a.example"))
		require.NoError(t, err)
		send := func(p *gateProcess, address string) bool { // asked by address the gate looks each time
			v, err := p.gate.Ask(p.ctx, gateLetter, gateTo(address))
			require.NoError(t, err)
			return v.Send
		}
		for round := range 3 {
			early, late := fmt.Sprint("early", round, "@a.example"), fmt.Sprint("late", round, "@a.example")
			fresh := []*gateProcess{d.prepare(t), d.prepare(t, file)}
			in, commit, _, err := sqltest.Host(writer.ctx, writer.handle, writer.db)
			require.NoError(t, err)
			_, err = writer.registry.OptOut(in, gateOut(early))
			require.NoError(t, err)
			if d.Driver != "sqlite" { // where one writes at a time nobody can come between
				_, err = other.registry.OptOut(other.ctx, gateOut(late))
				require.NoError(t, err)
			}
			for _, p := range followers {
				require.Equal(t, d.Driver == "sqlite", send(p, late))
				require.True(t, send(p, early), "it is not committed")
			}
			require.False(t, send(writer, early), "but this process knows")
			require.NoError(t, followers[0].gate.Save(other.ctx))
			for _, p := range fresh {
				require.NoError(t, p.gate.Load(p.ctx))
				followers = append(followers, p)
			}
			require.NoError(t, commit())
			for i, p := range followers {
				require.False(t, send(p, early), "follower %d, round %d", i, round)
			}
			require.False(t, send(other, early))
		}
	})
}

const gateChildEnv = "TROTH_TEST_GATE_CHILD"

// TestGateChild is the other program of TestGate_AnotherProcess: it opts out each
// address that it reads.
func TestGateChild(t *testing.T) {
	config := os.Getenv(gateChildEnv)
	if config == "" {
		t.Skip("it is started by another test")
	}
	var d gateDatabase
	require.NoError(t, json.Unmarshal([]byte(config), &d))
	p := d.open(t)
	fmt.Println("ready")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		_, err := p.registry.OptOut(p.ctx, gateOut(lines.Text()))
		require.NoError(t, err)
		fmt.Println("done")
	}
}

// TestGate_AnotherProcess: whatever is let through after another program's opt-out
// committed, was asked within the bound after it. What is later is stopped, or
// refused.
func TestGate_AnotherProcess(t *testing.T) {
	eachGateDatabase(t, func(t *testing.T, d gateDatabase) {
		const bound = 500 * time.Millisecond
		p := d.open(t, unsubscribe.WithIndexAge(bound))
		out := startGateChild(t, d)
		for i := range 5 {
			address := fmt.Sprint(i, "@a.example")
			v, err := p.gate.Ask(p.ctx, gateLetter, gateTo(address))
			require.NoError(t, err)
			require.True(t, v.Send)
			out(address)
			committed := time.Now()
			for stopped := false; !stopped; {
				asked := time.Now()
				require.Less(t, asked.Sub(committed), time.Minute)
				decisions, err := p.gate.Confirm(p.ctx, v.Permit())
				switch {
				case errors.Is(err, unsubscribe.ErrStale): // refused
				case err != nil:
					require.NoError(t, err)
				case decisions[0].Send:
					require.LessOrEqual(t, asked.Sub(committed), bound)
				default:
					stopped = true
				}
			}
		}
	})
}

// startGateChild starts another program on the database, and returns what makes it opt
// an address out.
func startGateChild(t *testing.T, d gateDatabase) (out func(address string)) {
	t.Helper()
	sqltest.Programs(t)
	config, err := json.Marshal(d)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestGateChild$", "-test.v")
	cmd.Env = append(os.Environ(), gateChildEnv+"="+string(config))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
		cancel()
	})
	lines := bufio.NewScanner(stdout)
	await := func(word string) {
		for lines.Scan() {
			if lines.Text() == word {
				return
			}
		}
		t.Fatalf("the other program ended before it said %q", word)
	}
	await("ready")
	return func(address string) {
		_, err := fmt.Fprintln(in, address)
		require.NoError(t, err)
		await("done")
	}
}

// TestGate_ModesAgree: index and database mode say the same of a few thousand people,
// in batches of both sizes.
func TestGate_ModesAgree(t *testing.T) {
	eachGateDatabase(t, func(t *testing.T, d gateDatabase) {
		p, q := d.open(t), d.open(t, unsubscribe.WithDatabaseMode())
		var all []unsubscribe.Recipient
		for i := range 12_000 {
			address := fmt.Sprint("p", i, "@gmail.com")
			all = append(all, gateTo(address))
			if i%400 == 7 {
				_, err := p.registry.OptOut(p.ctx, gateOut(fmt.Sprint("P.", i, "+x@gmail.com")))
				require.NoError(t, err)
			}
		}
		var stops [2]int
		for i, gate := range []*unsubscribe.Gate{p.gate, q.gate} {
			n := 0
			for v, err := range gate.Filter(p.ctx, gateLetter, unsubscribe.Recipients(all)) {
				require.NoError(t, err)
				require.Equal(t, n%400 != 7, v.Send, n)
				if n++; !v.Send {
					stops[i]++
				}
			}
			require.Equal(t, len(all), n)
		}
		require.Equal(t, [2]int{30, 30}, stops)
	})
}

// TestGate_AnOldSnapshotHidesNoOptOut: a host that reads its contacts from one
// snapshot, and asks in that transaction, is told of who opted out since.
func TestGate_AnOldSnapshotHidesNoOptOut(t *testing.T) {
	eachGateDatabase(t, func(t *testing.T, d gateDatabase) {
		writer := d.open(t)
		for _, opts := range [][]unsubscribe.GateOption{nil, {unsubscribe.WithDatabaseMode()}} {
			p := d.open(t, opts...)
			address := fmt.Sprint("ada", len(opts), "@a.example")
			require.NoError(t, p.handle.Snapshot(p.ctx, func(in context.Context) error {
				v, err := p.gate.Ask(in, gateLetter, gateTo(address))
				require.NoError(t, err)
				require.True(t, v.Send)
				_, err = writer.registry.OptOut(writer.ctx, gateOut(address))
				require.NoError(t, err)
				v, err = p.gate.Ask(in, gateLetter, gateTo(address))
				require.NoError(t, err)
				require.False(t, v.Send, "the gate")
				one, err := p.registry.Check(in, gateLetter, gateTo(address).Address)
				require.NoError(t, err)
				require.False(t, one.Send, "a check")
				return nil
			}))
		}
	})
}
