// Package vault_test runs the vault as kit wires it on real databases: in
// several processes, under SIGKILL and SIGSTOP, and with faults in every call.
package vault_test

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/trothdev/troth/integration/pgtest"
)

// long runs the forms of these tests that take minutes.
var long = flag.Bool("long", false, "kill and race many more times")

// times is how often a test of chance is repeated.
func times(short, longer int) int {
	if *long {
		return longer
	}
	return short
}

func TestMain(m *testing.M) {
	if config := os.Getenv(childEnv); config != "" {
		if err := runChild(config); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	pgtest.Main(m)
}
