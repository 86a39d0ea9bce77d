package unsubscribe_test

import (
	"fmt"
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

func TestExport_OfManyAgreesWithChecks(t *testing.T) {
	w := newRegWorld(t)
	want := 0
	for i := range 612 {
		address := fmt.Sprintf("a.%d+x@gmail.com", i)
		switch i % 7 {
		case 0:
			w.optOut(address, unsubscribe.List)
			want++
		case 1:
			w.optOut(fmt.Sprintf("a%d@gmail.com", i), unsubscribe.Everything)
			want++
		}
	}
	var out strings.Builder
	n, err := w.r.ExportSuppressed(w.ctx, &out, regLetter(regAcme), func(yield func(string, error) bool) {
		for i := range 612 {
			if !yield(fmt.Sprintf("a.%d+x@gmail.com", i), nil) {
				return
			}
		}
	})
	require.NoError(t, err)
	require.Equal(t, want, n)
	for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n")[1:] {
		address, _, _ := strings.Cut(line, ",")
		require.False(t, w.check(regLetter(regAcme), address).Send, address)
	}
}
