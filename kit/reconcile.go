package kit

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
)

const (
	// reconcileDaily is how often requests are compared with the trail, unless the host says
	// otherwise; reconcileFirst how long after Run began at the latest, so that a process which
	// is started anew each day does it too.
	reconcileDaily = 24 * time.Hour
	reconcileFirst = 10 * time.Minute
)

// reconciling is what comparing all requests with the trail takes.
type reconciling struct {
	every time.Duration
	tell  func(*rights.TamperedError)
}

// reconcile compares from time to time.
func (k *Kit) reconcile(ctx context.Context) error {
	if k.reconciling.every < 0 {
		<-ctx.Done()
		return ctx.Err()
	}
	next := time.NewTimer(min(k.reconciling.every, reconcileFirst))
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-next.C:
		}
		k.reconcileAll(troth.WithActor(ctx, self))
		next.Reset(k.reconciling.every)
	}
}

// reconcileAll compares the requests of every tenant: of all that have keys, since no record of
// a request is written without one. What fails with one tenant keeps no other from its turn.
func (k *Kit) reconcileAll(ctx context.Context) {
	const page = 100
	var after troth.Tenant
	for {
		tenants, err := k.keys.Tenants(ctx, after, page)
		if err != nil {
			if ctx.Err() == nil {
				k.log.Warn("kit: requests were not compared with the trail, will try again", zap.Error(err))
			}
			return
		}
		for _, after = range tenants {
			if after != troth.Platform {
				k.reconcileOne(ctx, after)
			}
			if ctx.Err() != nil {
				return
			}
		}
		if len(tenants) < page {
			return
		}
	}
}

func (k *Kit) reconcileOne(ctx context.Context, tenant troth.Tenant) {
	err := k.Rights.Reconcile(ctx, tenant)
	if bad, is := errors.AsType[*rights.TamperedError](err); is {
		for _, t := range bad.Found {
			k.log.Error("kit: a request and the trail disagree", zap.String("tenant", string(tenant)),
				zap.String("request", t.Request), zap.String("kind", string(t.Kind)))
		}
		if k.reconciling.tell != nil {
			k.reconciling.tell(bad)
		}
		return
	}
	if err != nil && ctx.Err() == nil {
		k.log.Warn("kit: requests were not compared with the trail, will try again", zap.String("tenant", string(tenant)), zap.Error(err))
	}
}
