package sqlstore_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/trothdev/troth/integration/pgtest"
)

func TestMain(m *testing.M) {
	if address := os.Getenv(childEnv); address != "" {
		if err := runChild(address); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	pgtest.Main(m)
}
