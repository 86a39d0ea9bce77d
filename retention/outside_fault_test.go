package retention_test

import (
	"context"
	"iter"
	"slices"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/retention"
)

// shelf keeps in memory what forbids destroying.
type shelf map[string][]byte

func (s shelf) Keep(_ context.Context, name string, kept []byte) error {
	s[name] = slices.Clone(kept)
	return nil
}

func (s shelf) Kept(context.Context) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, kept := range s {
			if !yield(kept, nil) {
				return
			}
		}
	}
}

// restored makes this the older copy of a database in which there were a hold, an
// exception and a granted erasure, all of which are kept outside.
func restored(f *faulty) {
	outside := shelf{}
	before := newKept(f.TB, nil)
	before.k = before.keeper(retention.WithKeys(&secretKeys{}), retention.WithOutside(outside))
	require.NoError(f, before.k.Activate(before.officer(), content(f)))
	before.hold(retention.Hold{ID: "h"})
	require.NoError(f, before.k.ProposeException(before.officer(), f.exception()))
	require.NoError(f, before.k.GrantErasure(before.ctx, f.asked()))
	_, err := before.k.Sweep(before.ctx)
	require.NoError(f, err)
	require.NotEmpty(f, outside)
	f.rebuild(retention.UnsafeWithoutApproval(), retention.WithOutside(outside))
}

var faultyRestores = []faultyOperation{
	{"put back", restored, func(f *faulty, ctx context.Context) error {
		_, err := f.bad.PutBack(ctx)
		return err
	}, func(f *faulty) []int {
		held := count(f.heldBy("h").ID == "h")
		told := 0
		for _, e := range f.notes.of(f, "retention.put-back") {
			told += count(e.Tenant == ours)
		}
		return []int{held, count(f.excepted().ID == "x"), f.open(retention.ControlErasure), told, held * f.unharmed()}
	}},
}
