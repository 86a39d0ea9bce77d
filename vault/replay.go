package vault

import (
	"context"
	"fmt"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
)

// Replayed tells what a replay did.
type Replayed struct {
	// Lines counts the erasures that the journal holds, Missing those that the
	// store did not know of.
	Lines, Missing int
	// People and Tenants count who lived and was erased again; Keys the keys, or
	// tenants' roots, that died.
	People, Tenants, Keys int
	// Pending are tenants whose own key-encryption keys did not answer, in order:
	// some of their people must be restricted again, which needs it.
	Pending []troth.Tenant
}

// Replay erases again, in a store that was restored, what the journal tells of:
// it destroys keys that live, closes people and tenants, and keeps those from
// being made anew of whom the store does not know. A line of the journal is the
// permit for that, whatever holds there are by now: the erasure was done, and a
// restore does not undo it. Each erasure that finds something commits with its
// evidence, "vault.replay".
//
// Nothing that dies needs a tenant's own key-encryption key, but for the name of the
// person in the evidence: where the key fails that tells of the tenant alone, and of
// the first shredding's entry. What must be restricted again does need it. Where it
// fails the tenant is Pending: these people are refused with [ErrJournalAhead],
// everybody else works, and [Vault.Run] and [Vault.Sweep] try again. A vault that is
// opened before that is done finds its store lagging, and has to replay too.
//
// It may be broken off and called again, and done twice it is done once. It
// takes memory for a hundred thousand lines at most. When it returns, a vault
// that was opened with [ForReplay], or that had found its store lagging, works
// again.
//
// It returns [ErrJournal] if the journal cannot be read to its end, and
// [ErrJournalLost] if it lacks what the store knows; then the vault goes on
// refusing. It needs an actor, and is not called inside a transaction.
func (v *Vault) Replay(ctx context.Context) (Replayed, error) {
	switch {
	case v.journal == nil:
		return Replayed{}, ErrNoJournal
	case v.closed.Load():
		return Replayed{}, ErrClosed
	case v.tx.Scope(ctx) != nil:
		return Replayed{}, ErrInTx
	}
	if _, err := troth.ActorFrom(ctx); err != nil {
		return Replayed{}, err
	}
	n, err := v.names(ctx)
	if err != nil {
		return Replayed{}, err
	}
	r := &replay{v: v, names: n, owed: &owed{}}
	if err := r.run(ctx); err != nil {
		return r.done, err
	}
	if v.replays() && v.behind.Load() {
		if err := v.endReplay(ctx); err != nil {
			return r.done, err
		}
	}
	v.forgetAll()
	v.behind.Store(false)
	v.unscrubbed.Store(true)
	if len(r.done.Pending) > 0 {
		v.log.Warn("vault: a tenant's own key failed: people to be restricted again are refused until it answers",
			zap.Int("tenants", len(r.done.Pending)))
	}
	return r.done, nil
}

// replayLines is how many lines are applied in one walk through the store.
const replayLines = 100_000

type replay struct {
	v     *Vault
	names *names
	done  Replayed
	// owed is what could not be done.
	owed *owed
}

func (r *replay) run(ctx context.Context) error {
	state, err := r.v.journalState(ctx)
	if err != nil {
		return err
	}
	var batch []readLine
	// From the beginning: what is dead already costs a look, and tables that
	// were restored one by one need not agree with each other.
	for l, err := range r.v.readJournal(ctx, 0, state) {
		if err != nil {
			return err
		}
		if batch = append(batch, l); len(batch) == r.v.opt.replayLines {
			if err := r.apply(ctx, batch); err != nil {
				return err
			}
			batch = nil
		}
	}
	if len(batch) > 0 {
		if err := r.apply(ctx, batch); err != nil {
			return err
		}
	}
	r.done.Pending = r.owed.tenants()
	r.v.owed.Store(r.owed.orNil())
	if err := r.v.follow(ctx); err != nil { // it may have grown
		return err
	}
	return r.tell(ctx)
}

// apply goes through the store once and does what the batch says.
func (r *replay) apply(ctx context.Context, batch []readLine) error {
	missing, err := r.v.missing(ctx, batch)
	if err != nil {
		return err
	}
	w := newWalk(r, batch, missing)
	if err := w.tenants(ctx); err != nil {
		return err
	}
	if err := w.people(ctx); err != nil {
		return err
	}
	if err := w.rest(ctx); err != nil {
		return err
	}
	r.done.Lines += len(w.lines)
	r.done.Missing += len(missing)
	return r.moveOn(ctx, batch)
}

// moveOn acknowledges the batch, where the head is not behind it already, and
// nothing is owed: the head stays in front of that.
func (r *replay) moveOn(ctx context.Context, batch []readLine) error {
	if r.owed.orNil() != nil {
		return nil
	}
	for {
		state, err := r.v.journalState(ctx)
		if err != nil {
			return err
		}
		if state.Position >= batch[len(batch)-1].position {
			return nil
		}
		done, err := r.v.acknowledge(ctx, state.Position, batch)
		if err != nil {
			return fmt.Errorf("vault: acknowledge lines: %w", err)
		}
		if done {
			return nil
		}
	}
}

// tell records that the journal was gone through.
func (r *replay) tell(ctx context.Context) error {
	return r.v.tx.Atomically(ctx, func(ctx context.Context) error {
		return r.v.record(ctx, troth.Entry{
			Act: actReplayed, Tenant: troth.Platform,
			Facts: troth.Facts{
				"erasures": troth.Count(r.done.Lines), "missing": troth.Count(r.done.Missing),
				"people": troth.Count(r.done.People), "tenants": troth.Count(r.done.Tenants),
				"keys": troth.Count(r.done.Keys),
			},
		})
	})
}

// put keeps lines that the store did not know of, and their names, so that it
// knows them from then on.
func (r *replay) put(ctx context.Context, tenant troth.Tenant, lines []*readLine) error {
	var dead []BuriedName
	for _, l := range lines {
		row := LineRow{Tenant: tenant, Entry: l.entry, Line: l.raw, At: l.at, AckedAt: r.v.micros()}
		if _, err := r.v.store.InsertLine(ctx, row); err != nil {
			return fmt.Errorf("vault: replay: insert line: %w", err)
		}
		dead = append(dead, l.dead()...)
	}
	if len(dead) == 0 {
		return nil
	}
	if err := r.v.store.Bury(ctx, dead); err != nil {
		return fmt.Errorf("vault: replay: bury: %w", err)
	}
	return nil
}
