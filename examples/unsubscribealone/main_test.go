package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRun_ShowsWhatItSays(t *testing.T) {
	var out strings.Builder
	require.NoError(t, run(t.Context(), t.TempDir(), &out))
	require.Equal(t, `before anything: send true, clear
after the opt-out, written otherwise: send false, opt_out
told, within 48h0m0s by gmail.optout.honour, attempts: 2, suppressed 1 time, contact left: false
taken over: 1, unreadable: [1]
another address of the same mailbox: send false, import
confirmed no later than the opt-out: unsubscribe: no evidence that is newer than the opt-out
confirmed after it: send true, clear
not to be written to:
address,channel,scope,list,reason,since
nobody,email,,,address,
`, out.String())
}
