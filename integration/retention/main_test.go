package retention

import (
	"fmt"
	"os"
	"testing"

	"github.com/trothdev/troth/integration/pgtest"
)

func TestMain(m *testing.M) {
	if config := os.Getenv(childEnv); config != "" {
		if err := sweepElsewhere(config); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if config := os.Getenv(warrantEnv); config != "" {
		if err := destroyAndHang(config); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	pgtest.Main(m)
}
