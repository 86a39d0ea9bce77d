package vault

import (
	"context"
	"errors"
	"fmt"

	"github.com/trothdev/troth"
)

// beginJournal makes sure that the store knows all that the journal tells of,
// before anything is opened.
func (v *Vault) beginJournal(ctx context.Context) error {
	state, err := v.journalState(ctx)
	if err != nil {
		return err
	}
	if v.journal == nil {
		if state.used() {
			return ErrNoJournal
		}
		return nil
	}
	if v.opt.newJournal != "" {
		if err := v.acceptJournal(ctx); err != nil {
			return err
		}
		if state, err = v.journalState(ctx); err != nil {
			return err
		}
	}
	return v.compare(ctx, state)
}

// Behind reports whether the vault waits for a replay: it was opened with
// [ForReplay], or found out that its store lags behind its journal. Until
// [Vault.Replay] has gone through it refuses with [ErrJournalAhead], and whoever
// works by what the store says must not.
func (v *Vault) Behind() bool { return v.behind.Load() }

// replays reports whether the vault was opened for a store that was restored.
func (v *Vault) replays() bool { return v.opt.replay && v.journal != nil }

// beginReplay refuses everything, and asks nothing of the store: its roots may be
// missing, or lie under an epoch whose key was destroyed since. What a beginning
// else does is done when the replay has gone through.
func (v *Vault) beginReplay(ctx context.Context) error {
	v.shut()
	rows, err := v.epochRows(ctx)
	if err == nil && v.epochs == nil && len(rows) > 0 {
		err = ErrNoEpochs
	}
	return err
}

// endReplay does what was left out at the beginning.
func (v *Vault) endReplay(ctx context.Context) error {
	if err := v.beginEpochs(ctx); err != nil {
		return err
	}
	return v.beginUnmanaged(ctx)
}

// compare returns a *JournalAheadError if the journal tells of more than the
// store knows.
func (v *Vault) compare(ctx context.Context, state JournalState) error {
	ahead := 0
	for batch, err := range v.behindHead(ctx, state, followLines) {
		if err != nil {
			return err
		}
		missing, err := v.missing(ctx, batch)
		if err != nil {
			return err
		}
		ahead += len(missing)
	}
	if ahead > 0 {
		return &JournalAheadError{Missing: ahead}
	}
	return nil
}

// acceptJournal makes the store begin its journal anew: everything that it knows
// of waits again, to be written there. A journal that does hold what the store
// expects is left as it is.
func (v *Vault) acceptJournal(ctx context.Context) error {
	state, err := v.journalState(ctx)
	if err != nil {
		return err
	}
	if err := v.compare(ctx, state); !errors.Is(err, ErrJournalLost) {
		return err
	}
	return v.tx.Atomically(ctx, func(ctx context.Context) error {
		if err := v.store.ResetJournal(ctx); err != nil {
			return fmt.Errorf("vault: reset journal: %w", err)
		}
		return v.record(troth.WithActor(ctx, self), troth.Entry{
			Act: actNewJournal, Tenant: troth.Platform,
			Facts: troth.Facts{
				"ground": troth.Word(v.opt.newJournal), "position": troth.Count(state.Position),
			},
		})
	})
}

// ForReplay opens the vault of a store that was restored: it does not compare
// store and journal, and refuses to seal, open and shred with [ErrJournalAhead]
// until [Vault.Replay] has gone through. Call [Vault.RestoreKeys] first, if there
// is a backup of the key tables that is newer than the rest. docs/restore.md has
// all the steps.
func ForReplay() Option {
	return func(o *options) error {
		o.replay = true
		return nil
	}
}

// UnsafeNewJournal accepts that the journal does not hold what the store knows it
// to have acknowledged, [ErrJournalLost], and writes into it again all that the
// store knows of. Erasures that only the lost journal knew of are lost for good: if
// the store is an older copy too, people who were erased since live again, and
// nobody will notice. The ground, in the host's words, is recorded. It changes
// nothing where the journal is as the store expects.
func UnsafeNewJournal(ground string) Option {
	return func(o *options) error {
		if err := checkGround(ground); err != nil {
			return err
		}
		o.newJournal = ground
		return nil
	}
}
