package kit

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/storage/sqlstore/retentionsql"
	"github.com/trothdev/troth/task"
	"github.com/trothdev/troth/unsubscribe"
)

// ground is recorded as the reason for working without a retention keeper.
const ground = "no-retention-keeper"

// wireRetention makes the keeper, which takes the other parts' stores over.
func (k *Kit) wireRetention(ctx context.Context, c Config, managed []retention.Managed) error {
	if c.Retention == nil {
		return nil
	}
	store, err := retentionsql.New(ctx, k.Handle)
	if err != nil {
		return err
	}
	opts := []retention.Option{
		retention.WithLogger(c.Logger), retention.WithClock(c.Clock), retention.WithTasks(k.Tasks),
		retention.WithKeys(k.Vault), retention.WithEvidence(decisions{k.Trail}), retention.WithProver(k.Trail),
		retention.WithErased(k.wake),
	}
	if c.Secrets.Holds != nil {
		opts = append(opts, retention.WithOutside(c.Secrets.Holds))
	}
	for kind, permit := range disposals {
		opts = append(opts, retention.WithDisposal(kind, retention.DisposalRule{Permit: permit}))
	}
	k.records = store
	k.Keeper, err = retention.New(ctx,
		retention.Config{Store: store, Recorder: k.Trail, Manages: managed},
		slices.Concat(opts, c.Retention(k))...)
	if err != nil {
		return err
	}
	return k.handle(c, retention.Works(), k.Keeper.Do)
}

// disposals say how each part names what it asks leave to destroy.
var disposals = map[string]func(ref troth.DisposalRef) troth.PermitRef{
	task.PayloadDisposal:      task.PermitFor,
	task.FinishedDisposal:     task.PermitFor,
	consent.DisposeContent:    consent.PermitFor,
	consent.DisposeProof:      consent.PermitFor,
	consent.DisposeRequest:    consent.PermitFor,
	unsubscribe.DisposePerson: unsubscribe.PermitFor,
	rights.DisposeContents:    rights.PermitFor,
	rights.DisposeRecord:      rights.PermitFor,
}

// decisions is the trail for the keeper, which compares what people decided with it.
type decisions struct{ trail *audit.Trail }

func (e decisions) Acts(ctx context.Context, tenant troth.Tenant, act string) iter.Seq2[troth.Facts, error] {
	return func(yield func(troth.Facts, error) bool) {
		for r, err := range e.trail.Entries(ctx, tenant, audit.Query{Act: act}) {
			if _, unreadable := errors.AsType[*audit.EntryError](err); unreadable {
				continue
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if r.Act != act { // redacted
				continue
			}
			facts := troth.Facts{}
			for _, f := range r.Facts {
				facts[f.Name] = f.Fact
			}
			if !yield(facts, nil) {
				return
			}
		}
	}
}

// keeper is the Kit's Keeper for the parts that are made before it.
type keeper struct{ k *Kit }

func (l keeper) Dispose(ctx context.Context, ref troth.DisposalRef, ground string, destroy func(ctx context.Context, p troth.Permit) error) error {
	if l.k.Keeper == nil {
		return fmt.Errorf("%w: the keeper is not made yet", troth.ErrNotPermitted)
	}
	return l.k.Keeper.Dispose(ctx, ref, ground, destroy)
}
