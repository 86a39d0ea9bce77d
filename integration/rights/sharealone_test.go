package rights

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
)

// aloneEnv makes BenchmarkErase the program of the office without a desk.
const aloneEnv = "TROTH_TEST_RIGHTS_ALONE"

// aloneProgram is that program. It takes its turn when it is told to.
type aloneProgram struct {
	b    *testing.B
	in   io.Writer
	said *bufio.Scanner
}

// startAlone begins it, with the flags of this one, and waits until its tables are filled.
func startAlone(b *testing.B, name string) *aloneProgram {
	b.Helper()
	args := []string{"-test.run=^$", "-test.bench=BenchmarkErase$/" + name + "$", "-test.benchtime=1x"}
	for _, f := range []string{"people", "at-once", "pages"} {
		args = append(args, "-"+f+"="+flag.Lookup(f).Value.String())
	}
	cmd := exec.CommandContext(context.WithoutCancel(b.Context()), os.Args[0], args...) // it ends with its input
	cmd.Env = append(os.Environ(), aloneEnv+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(b, err)
	out, err := cmd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	b.Cleanup(func() {
		_ = in.Close()
		_, _ = io.Copy(io.Discard, out)
		require.NoError(b, cmd.Wait())
	})
	p := &aloneProgram{b, in, bufio.NewScanner(out)}
	p.turn(-1)
	return p
}

// turn has it look for the people of one turn, and erase them, and returns the CPU time that
// each took.
func (p *aloneProgram) turn(from int) (looked, erased time.Duration) {
	p.b.Helper()
	_, err := fmt.Fprintln(p.in, from)
	require.NoError(p.b, err)
	for p.said.Scan() { // it is a benchmark, and says so too
		if n, _ := fmt.Sscanf(p.said.Text(), "spent %d %d", &looked, &erased); n == 2 {
			return looked, erased
		}
	}
	require.Fail(p.b, "the program without a desk ended", "%v", p.said.Err())
	return 0, 0
}

// serveAlone takes turns until nobody asks for more.
func serveAlone(b *testing.B, people int, inMemory bool) {
	b.Helper()
	ctx := troth.WithActor(b.Context(), troth.Actor{Kind: troth.Service, ID: "shop"})
	looks, erases := openOffice(b, people, inMemory).alone()
	for asked := bufio.NewScanner(os.Stdin); asked.Scan(); {
		var from int
		_, err := fmt.Sscan(asked.Text(), &from)
		require.NoError(b, err)
		var looked, erased time.Duration
		if from >= 0 {
			to := min(from+turnOf**crewSize, people)
			looked, err = crew(ctx, *crewSize, from, to, looks)
			require.NoError(b, err)
			erased, err = crew(ctx, *crewSize, from, to, erases)
			require.NoError(b, err)
		}
		fmt.Printf("\nspent %d %d\n", looked, erased)
	}
}
