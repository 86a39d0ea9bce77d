package unsubscribe_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/unsubscribe"
)

func TestExport_NamesWhoMustNotBeWrittenTo(t *testing.T) {
	w := newRegWorld(t)
	w.optOut(regAda, unsubscribe.List)
	w.optOut("eve@example.org", unsubscribe.Everything)
	var out strings.Builder
	n, err := w.r.ExportSuppressed(w.ctx, &out, regLetter(regAcme), func(yield func(string, error) bool) {
		for _, address := range []string{regAda, "free@example.org", "Eve@Example.org", "broken"} {
			if !yield(address, nil) {
				return
			}
		}
	})
	require.NoError(t, err)
	require.Equal(t, 3, n)
	require.Equal(t, `address,channel,scope,list,reason,since
ada@example.org,email,list,letter,opt_out,2026-11-23T10:00:00Z
Eve@Example.org,email,everything,,opt_out,2026-11-23T10:00:00Z
broken,email,,,address,
`, out.String())
}
