package consent_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/integration/childtest"
)

// childEnv makes the test binary another program, with the configuration that
// it holds.
const childEnv = "TROTH_TEST_CONSENT_CHILD"

// childConfig is what another program is told at its start.
type childConfig struct {
	Database database
	FeedAge  time.Duration
}

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

// check asks for a decision until there is one: a busy machine may keep a process
// from learning within its bound what others did, and then it allows nothing and
// says why.
func (p *process) check(subject string) reply {
	p.T.Helper()
	for until := time.Now().Add(time.Minute); ; {
		a, err := p.try(request{Op: "check", Subject: subject})
		if err == nil || time.Now().After(until) || !strings.Contains(err.Error(), consent.ErrStale.Error()) {
			require.NoError(p.T, err)
			return a
		}
		require.Equal(p.T, consent.ReasonUnavailable, a.Reason)
	}
}

// try is ask for goroutines that must not end the test.
func (p *process) try(r request) (a reply, err error) {
	err = p.Ask(r, &a)
	if err == nil && a.Failure != "" {
		err = fmt.Errorf("%s: %s", r.Op, a.Failure)
	}
	return a, err
}
