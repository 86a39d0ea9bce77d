package vault_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/integration/childtest"
)

// childEnv makes the test binary another program, with the configuration that
// it holds.
const childEnv = "TROTH_TEST_VAULT_CHILD"

// childConfig is what another program is told at its start.
type childConfig struct {
	Database database
	FenceAge time.Duration
	// Epochs wires the program with epochs, and not as kit does.
	Epochs bool
	// Run drives the kit in the background.
	Run bool
	// Toil is what the program does from its beginning until it is killed, and
	// prints; without it, it answers requests.
	Toil string
	// Round and Values are for toil.
	Round  int
	Values map[string][]byte
}

// patience is how long a test waits for another program.
const patience = childtest.Patience

// process is another program that uses the same database.
type process struct{ *childtest.Process }

// start begins another program, see [childtest.Start].
func (c childConfig) start(t *testing.T) *process {
	t.Helper()
	return &process{childtest.Start(t, childEnv, c)}
}

// ask sends a request and returns the answer.
func (p *process) ask(r request) reply {
	p.T.Helper()
	a, err := p.try(r)
	require.NoError(p.T, err)
	return a
}

// try is ask for goroutines that must not end the test.
func (p *process) try(r request) (a reply, err error) {
	err = p.Ask(r, &a)
	if err == nil && a.Failure != "" {
		err = fmt.Errorf("%s: %s", r.Op, a.Failure)
	}
	return a, err
}
