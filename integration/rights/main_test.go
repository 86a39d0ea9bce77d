package rights

import (
	"testing"

	"github.com/trothdev/troth/integration/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }
