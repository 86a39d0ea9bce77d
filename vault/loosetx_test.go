package vault_test

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
)

// looseTx gives memory what databases with many writers have: transactions
// that read while others commit. They only read, and never end.
type looseTx struct{ *memory.DB }

type looseKey struct{}

// begin returns a context inside such a transaction. Its reads see every
// commit if current is set, else a test's store must show it a snapshot.
func (l *looseTx) begin(ctx context.Context, current bool) context.Context {
	return context.WithValue(ctx, looseKey{}, troth.NewScope(nil, current))
}

func (l *looseTx) Scope(ctx context.Context) *troth.Scope {
	if s := l.DB.Scope(ctx); s != nil {
		return s
	}
	s, _ := ctx.Value(looseKey{}).(*troth.Scope)
	return s
}

func (l *looseTx) Detach(ctx context.Context) context.Context {
	return context.WithValue(l.DB.Detach(ctx), looseKey{}, (*troth.Scope)(nil))
}

// loosely makes the world's transactor one with loose transactions, and returns
// it with the store to open vaults on.
func (w *world) loosely() (*looseTx, *hooked) {
	l := &looseTx{w.db}
	w.rec.tx = l
	return l, &hooked{Backend: w.store, transactor: l}
}
