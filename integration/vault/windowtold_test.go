package vault_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/storage/faultstore"
)

// TestFault_AWindowIsToldOnce closes a window of two openings.
func TestFault_AWindowIsToldOnce(t *testing.T) {
	eachFault(t, operation{
		prepare: func(f *faulty) {
			f.sealHonestly()
			for range 2 {
				_, err := f.open(service(f.Context(), "mailer"), orders)
				require.NoError(f, err)
			}
		},
		do: func(f *faulty, ctx context.Context) error { return f.vault.CloseWindows(ctx) },
		check: func(f *faulty, _ faultstore.Injection, err error) {
			if err == nil {
				require.Len(f, f.recorded("vault.window-close"), 1)
			}
			require.NoError(f, f.vault.CloseWindows(f.Context()), "retry")
			f.everyWindowEndsOnce()
			for _, act := range []string{"vault.window-subject", "vault.window-close"} {
				rs := f.recorded(act)
				require.Len(f, rs, 1, act)
				require.Equal(f, int64(2), fact(rs[0], "values").Number())
			}
		},
	})
}
