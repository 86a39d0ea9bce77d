package kit

import (
	"context"
	"slices"

	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/storage/sqlstore/rightssql"
)

// wireRights makes the desk, whose sources are the Kit's own parts and the host's.
func (k *Kit) wireRights(ctx context.Context, c Config) (retention.Managed, error) {
	store, err := rightssql.New(ctx, k.Handle)
	if err != nil {
		return nil, err
	}
	opts := []rights.Option{
		rights.WithLogger(c.Logger), rights.WithClock(c.Clock), rights.WithSealer(k.Vault), rights.WithShredder(k.destroy),
		rights.WithEnqueuer(k.Tasks), rights.WithProver(k.Trail),
		rights.WithSource(k.consentSource(c)), rights.WithSource(k.unsubscribeSource(c)), rights.WithSource(k.vaultSource(c)),
	}
	if c.Retention == nil {
		opts = append(opts, rights.Unmanaged(ground))
	} else {
		opts = append(opts, rights.WithDisposer(keeper{k}), rights.WithSource(k.retentionSource()))
	}
	if c.Directory != nil {
		opts = append(opts, rights.WithDirectory(c.Directory))
	}
	if c.Rights != nil {
		opts = slices.Concat(opts, c.Rights(k))
	}
	k.Rights, err = rights.New(ctx, rights.Config{Store: store, Recorder: k.Trail, Keys: k.Vault}, opts...)
	if err != nil {
		return nil, err
	}
	return store, k.handle(c, []string{rights.WorkDue}, k.Rights.Do)
}
