package task_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/task"
)

// A database whose default isolation is stricter than what the store asks for
// refuses single statements because of each other. Nothing comes of it but a
// second try.
func TestEngine_UnderAStricterDefaultIsolation(t *testing.T) {
	t.Parallel()
	const works = 300
	b := backends[1]
	s := newSite(t, b)
	s.enqueue(t, works)
	strict := *s
	strict.DSN = withSetting(s.DSN, "default_transaction_isolation=serializable")
	for i := range 3 {
		db := sqlOpen(t, &strict)
		var level string
		require.NoError(t, db.QueryRow("SHOW default_transaction_isolation").Scan(&level))
		require.Equal(t, "serializable", level)
		h := b.handle(t, db)
		e, err := newEngine(t.Context(), b.store(t, h), task.WithPoll(20*time.Millisecond), task.WithLease(5*time.Second))
		require.NoError(t, err)
		require.NoError(t, registerEffects(e, h, fmt.Sprint("strict ", i)))
		run(t, e)
	}
	s.await(t, 0)
	s.effectsOnce(t, works)
}
