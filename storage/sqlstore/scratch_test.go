package sqlstore

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// A batch that began with scratch in memory takes no migration in.
func TestScratch_NobodyJoinsWhileSomebodyMigrates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, f := newFake(t, SQLite, wide())
		done := h.writer.migrates()
		together(t, h, &call{name: "a"}, &call{name: "b"})
		require.Equal(t, []string{"BEGIN IMMEDIATE", "a", "COMMIT", "BEGIN IMMEDIATE", "b", "COMMIT"}, f.statements())
		done()
		together(t, h, &call{name: "a"}, &call{name: "b"})
		require.Equal(t, []string{
			"BEGIN IMMEDIATE", "a", "SAVEPOINT troth_0", "b", "RELEASE SAVEPOINT troth_0", "COMMIT",
		}, f.statements())
	})
}
