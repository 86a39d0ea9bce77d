package pgtest

import (
	"os"
	"testing"
)

// Program returns where one of PostgreSQL's own programs is installed, such as
// pg_dump. Where it is not, the test is skipped, or fails where PostgreSQL is
// required.
func Program(t testing.TB, name string) string {
	t.Helper()
	path, err := find(name)
	if err != nil {
		if os.Getenv("TROTH_REQUIRE_POSTGRES") == "1" {
			t.Fatalf("pgtest: %s is required: %v", name, err)
		}
		t.Skipf("pgtest: no %s: %v", name, err)
	}
	return path
}
