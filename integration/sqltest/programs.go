package sqltest

import "testing"

// Programs skips a test that starts other programs under -short, which is how the
// tests run under the race detector: it watches each program by itself, so there is
// nothing between them that it would see.
func Programs(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("several programs, of which the race detector sees one at a time")
	}
}
