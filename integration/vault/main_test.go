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
	if *long || os.Getenv("TROTH_LONG") == "1" {
		return longer
	}
	return short
}

// figures leaves out what measures and proves nothing, but in the long form.
func figures(t *testing.T) {
	t.Helper()
	if times(0, 1) == 0 {
		t.Skip("figures are for TROTH_LONG=1, or -long")
	}
}

func TestMain(m *testing.M) {
	if config := os.Getenv(childEnv); config != "" {
		if err := runChild(config); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	pgtest.Main(m, unstock)
}
