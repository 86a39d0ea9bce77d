// Package unsubscribe_test runs the opt-out registry on real databases: the suite,
// beside the consent ledger, and with the task engine and a provider over HTTP.
package unsubscribe_test

import (
	"testing"

	"github.com/trothdev/troth/integration/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }
