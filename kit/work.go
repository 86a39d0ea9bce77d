package kit

import (
	"context"
	"fmt"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/storage/sqlstore/consentsql"
	"github.com/trothdev/troth/storage/sqlstore/tasksql"
	"github.com/trothdev/troth/storage/sqlstore/unsubscribesql"
	"github.com/trothdev/troth/task"
	"github.com/trothdev/troth/unsubscribe"
	"github.com/trothdev/troth/vault"
)

// wireTasks makes the engine. Payloads are sealed in the vault, and their keys
// destroyed there.
func (k *Kit) wireTasks(ctx context.Context, c Config) (retention.Managed, error) {
	store, err := tasksql.New(ctx, k.Handle)
	if err != nil {
		return nil, err
	}
	destroy := func(ctx context.Context, p troth.Permit, of troth.Subject, in troth.Compartment) error {
		return k.destroy(ctx, p, of, in)
	}
	wired := task.Config{Store: store, Recorder: k.Trail, Sealer: k.Vault, DestroyKey: destroy}
	opts := []task.Option{task.WithLogger(c.Logger), task.WithClock(c.Clock)}
	if c.Retention == nil {
		opts = append(opts, task.Unmanaged(ground))
	} else {
		wired.Disposer = keeper{k}
	}
	k.Tasks, err = task.New(ctx, wired, slices.Concat(opts, c.Tasks)...)
	return store, err
}

// wireConsent makes the ledger, whose work the engine does.
func (k *Kit) wireConsent(ctx context.Context, c Config) (retention.Managed, error) {
	store, err := consentsql.New(ctx, k.Handle)
	if err != nil {
		return nil, err
	}
	opts := []consent.Option{
		consent.WithLogger(c.Logger), consent.WithClock(c.Clock),
		consent.WithSealer(k.Vault), consent.WithShredder(k.destroy),
		consent.WithEnqueuer(k.Tasks), consent.WithProver(k.Trail),
	}
	if c.Retention == nil {
		opts = append(opts, consent.Unmanaged(ground))
	} else {
		opts = append(opts, consent.WithDisposer(keeper{k}))
	}
	if c.Directory != nil {
		opts = append(opts, consent.WithObjections(optOuts{k}))
	}
	k.Consent, err = consent.New(ctx,
		consent.Config{Store: store, Recorder: k.Trail, Keys: k.Vault}, slices.Concat(opts, c.Consent)...)
	if err != nil {
		return nil, err
	}
	return store, k.handle(c, consent.Works(), k.consentWork)
}

// handle has the engine do work of some kinds as the host configured them.
func (k *Kit) handle(c Config, names []string, h troth.WorkHandler) error {
	for _, name := range names {
		kind := task.Kind{Name: name}
		for _, configured := range c.Kinds {
			if configured.Name == name {
				kind = configured
			}
		}
		if err := k.Tasks.Handle(kind, h); err != nil {
			return err
		}
	}
	return nil
}

// checkKinds refuses what would configure nothing.
func (c Config) checkKinds() error {
	ours := slices.Concat(consent.Works(), unsubscribe.Works(), retention.Works(), []string{rights.WorkDue})
	for _, kind := range c.Kinds {
		if !slices.Contains(ours, kind.Name) {
			return fmt.Errorf("Config.Kinds: no part of a Kit enqueues %q", kind.Name)
		}
	}
	return nil
}

// consentWork has the ledger do what it enqueued.
func (k *Kit) consentWork(ctx context.Context, j troth.Job) (troth.Outcome, error) {
	return k.Consent.Do(ctx, troth.Work{
		Tenant: j.Ref.Tenant, Kind: j.Kind, Key: j.Key, Payload: j.Payload, Deadline: j.Deadline,
	})
}

// wireUnsubscribe makes the registry of opt-outs and its gate. The engine tells
// providers.
func (k *Kit) wireUnsubscribe(ctx context.Context, c Config) (retention.Managed, error) {
	store, err := unsubscribesql.New(ctx, k.Handle)
	if err != nil {
		return nil, err
	}
	opts := []unsubscribe.Option{
		unsubscribe.WithLogger(c.Logger), unsubscribe.WithClock(c.Clock),
		unsubscribe.WithSealer(k.Vault), unsubscribe.WithShredder(k.destroy), unsubscribe.WithEnqueuer(k.Tasks),
	}
	if c.Retention == nil {
		opts = append(opts, unsubscribe.Unmanaged(ground))
	} else {
		opts = append(opts, unsubscribe.WithDisposer(keeper{k}))
	}
	if c.Directory != nil {
		opts = append(opts, unsubscribe.WithDirectory(c.Directory), unsubscribe.WithObjections(k.Consent))
	} else {
		opts = append(opts, unsubscribe.WithObjections(consents{k.Consent}))
	}
	k.Unsubscribe, err = unsubscribe.New(ctx,
		unsubscribe.Config{Store: store, Recorder: k.Trail, Keys: k.Vault}, slices.Concat(opts, c.Unsubscribe)...)
	if err != nil {
		return nil, err
	}
	if k.Gate, err = unsubscribe.NewGate(k.Unsubscribe, c.Gate...); err != nil {
		return nil, err
	}
	return store, k.handle(c, unsubscribe.Works(), k.Unsubscribe.Do)
}

// consents is the ledger of consent for the gate of a host without a directory, which
// knows of some recipients only who they are.
type consents struct{ *consent.Ledger }

// Concerns says whether the purpose is in the catalogue: the gate lets nobody through
// for a list of that purpose without being told who it is.
func (c consents) Concerns(ctx context.Context, tenant troth.Tenant, p troth.Purpose) (bool, error) {
	catalogue, err := c.Catalogue(ctx, tenant)
	return len(catalogue[p]) > 0, err
}

// optOuts is the registry of opt-outs for the ledger of consent, which is made
// before it.
type optOuts struct{ k *Kit }

func (o optOuts) Objected(ctx context.Context, queries []troth.ObjectionQuery) ([]troth.ObjectionAnswer, error) {
	return o.k.Unsubscribe.Objected(ctx, queries)
}

func (o optOuts) Object(ctx context.Context, of troth.Objection) error {
	return o.k.Unsubscribe.Object(ctx, of)
}

// destroy destroys a person's keys of some compartments.
func (k *Kit) destroy(ctx context.Context, p troth.Permit, of troth.Subject, in ...troth.Compartment) error {
	_, err := k.Vault.Shred(ctx, p, vault.Target{Tenant: of.Tenant, SubjectID: of.ID, Compartments: in})
	return err
}
