package kit

import (
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
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
		rights.WithEnqueuer(k.Tasks), rights.WithProver(k.Trail), rights.WithEvidence(told{k.Trail}),
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
	if k.signer != nil {
		opts = append(opts, rights.WithExports(rights.Exports{Signer: k.signer}))
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

// told is the trail for the desk, which compares its rows with it.
type told struct{ trail *audit.Trail }

func (e told) Told(ctx context.Context, tenant troth.Tenant, subjectID, act string) iter.Seq2[rights.TrailEntry, error] {
	return func(yield func(rights.TrailEntry, error) bool) {
		q := audit.Query{Act: act}
		if subjectID != "" {
			var found bool
			var err error
			q.Subject, found, err = e.trail.Pseudonym(ctx, troth.Subject{Tenant: tenant, ID: subjectID})
			if err != nil {
				yield(rights.TrailEntry{}, err)
			}
			if err != nil || !found { // forgotten, with what it told
				return
			}
		}
		for r, err := range e.trail.Entries(ctx, tenant, q) {
			if _, unreadable := errors.AsType[*audit.EntryError](err); unreadable {
				continue
			}
			if err != nil {
				yield(rights.TrailEntry{}, err)
				return
			}
			if r.Act != act { // redacted
				continue
			}
			facts := troth.Facts{}
			for _, f := range r.Facts {
				facts[f.Name] = f.Fact
			}
			if !yield(rights.TrailEntry{ID: r.ID, Facts: facts}, nil) {
				return
			}
		}
	}
}
