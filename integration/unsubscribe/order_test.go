package unsubscribe_test

import (
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/integration/sqltest"
	"github.com/trothdev/troth/unsubscribe"
)

func imported(all []string) iter.Seq2[unsubscribe.Imported, error] {
	return func(yield func(unsubscribe.Imported, error) bool) {
		for _, a := range all {
			if !yield(unsubscribe.Imported{Address: troth.Protect(a)}, nil) {
				return
			}
		}
	}
}

// Two who import the same addresses in opposite orders wait for each other in no circle.
func TestImport_InOppositeOrdersAtOnce(t *testing.T) {
	eachGateDatabase(t, func(t *testing.T, d gateDatabase) {
		p, q := d.prepare(t), d.prepare(t)
		var addresses []string
		for i := range 200 {
			addresses = append(addresses, fmt.Sprintf("%d@a.example", i*7919%200))
		}
		back := slices.Clone(addresses)
		slices.Reverse(back)
		for round := range 3 {
			var both sync.WaitGroup
			errs := make([]error, 2)
			reports := make([]unsubscribe.ImportReport, 2)
			for i, one := range []struct {
				by   *gateProcess
				rows []string
			}{{p, addresses}, {q, back}} {
				both.Go(func() {
					reports[i], errs[i] = one.by.registry.Import(one.by.ctx, unsubscribe.ImportParams{
						Tenant: "acme", Channel: unsubscribe.Email, Scope: unsubscribe.Client, Source: fmt.Sprint("tool-", round, "-", i),
					}, imported(one.rows))
				})
			}
			both.Wait()
			require.NoError(t, errs[0])
			require.NoError(t, errs[1])
			require.Equal(t, 200, reports[0].New)
			require.Equal(t, 200, reports[1].New)
		}
	})
}

// TestGate_SeesATransactionThatIsOlderThanItsIndex: what the process recorded before the
// gate was loaded, in a transaction that is still open, stops messages at once.
func TestGate_SeesATransactionThatIsOlderThanItsIndex(t *testing.T) {
	eachGateDatabase(t, func(t *testing.T, d gateDatabase) {
		for _, end := range []string{"commit", "rollback"} {
			p := d.prepare(t)
			address := end + "@a.example"
			in, commit, rollback, err := sqltest.Host(p.ctx, p.handle, p.db)
			require.NoError(t, err)
			_, err = p.registry.OptOut(in, gateOut(address))
			require.NoError(t, err)
			require.NoError(t, p.gate.Load(p.ctx))
			send := func() bool {
				v, err := p.gate.Ask(p.ctx, gateLetter, gateTo(address))
				require.NoError(t, err)
				return v.Send
			}
			require.False(t, send(), "it is not committed, and loading did not see it")
			if end == "commit" {
				require.NoError(t, commit())
				require.False(t, send())
				continue
			}
			require.NoError(t, rollback())
		}
	})
}
