package rights

import (
	"fmt"
	"os"
	"testing"

	"github.com/trothdev/troth/integration/pgtest"
)

func TestMain(m *testing.M) {
	if config := os.Getenv(mortalEnv); config != "" {
		if err := runMortal(config); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	pgtest.Main(m)
}
