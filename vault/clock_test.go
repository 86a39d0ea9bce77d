package vault_test

import (
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/vault"
)

// bound is the default age of the fence.
const bound = 5 * time.Second

// monoClock is a monotonic clock that a test moves.
type monoClock struct{ now atomic.Int64 }

func (c *monoClock) advance(d time.Duration) { c.now.Add(int64(d)) }

// fakeMono gives the vault a clock that stands still, and a fence of that
// moment.
func (w *world) fakeMono(v *vault.Vault) *monoClock {
	w.t.Helper()
	c := &monoClock{}
	c.now.Store(int64(time.Hour))
	w.fakeMonoAs(v, c)
	return c
}

func (w *world) fakeMonoAs(v *vault.Vault, c *monoClock) {
	w.t.Helper()
	require.NoError(w.t, v.UseMono(w.ctx, c.now.Load))
}
