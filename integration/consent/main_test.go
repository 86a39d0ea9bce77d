// Package consent_test runs the consent ledger on real databases: the suite, in
// several processes, with faults in every call, and beside the vault and the trail
// as kit wires them.
package consent_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/trothdev/troth/integration/pgtest"
)

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
