package unsubscribe_test

import (
	"encoding/csv"
	"fmt"
	"iter"
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

// Whoever gives an address for a formula must not have it run where the list is opened.
func TestExport_HasNoFormulas(t *testing.T) {
	w := newRegWorld(t)
	letter := regLetter(regAcme)
	given := []string{"=1+cmd|'calc'!a0@x.example", "+a@x.example", "-2@x.example", "@x", "'a@x.example", "\t=1", "a=b@x.example"}
	var out strings.Builder
	for _, address := range given {
		_, _ = w.r.OptOut(w.ctx, regOut(address, unsubscribe.Client))
	}
	each := func(all ...string) iter.Seq2[string, error] {
		return func(yield func(string, error) bool) {
			for _, a := range all {
				if !yield(a, nil) {
					return
				}
			}
		}
	}
	n, err := w.r.ExportSuppressed(w.ctx, &out, letter, each(given...))
	require.NoError(t, err)
	require.Equal(t, len(given), n)
	rows, err := csv.NewReader(strings.NewReader(out.String())).ReadAll()
	require.NoError(t, err)
	for i, row := range rows[1:] {
		want := "'" + given[i]
		if given[i][0] == 'a' {
			want = given[i]
		}
		require.Equal(t, want, row[0])
	}

	letter.Channel = unsubscribe.SMS
	sms := regOut("+491701234567", unsubscribe.Client)
	sms.Channel = unsubscribe.SMS
	_, err = w.r.OptOut(w.ctx, sms)
	require.NoError(t, err)
	out.Reset()
	_, err = w.r.ExportSuppressed(w.ctx, &out, letter, each("+491701234567"))
	require.NoError(t, err)
	require.Contains(t, out.String(), "\n+491701234567,sms")
}
