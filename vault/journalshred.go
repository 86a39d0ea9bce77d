package vault

import (
	"context"
	"fmt"

	"github.com/trothdev/troth"
)

// scribe writes lines of the journal. Its keys are there before
// the transaction, in which the key-encryption key is not to be waited for.
type scribe struct {
	names *names
	lines []byte
}

// newScribe returns nil for a vault without a journal.
func (v *Vault) newScribe(ctx context.Context) (*scribe, error) {
	if v.journal == nil {
		return nil, nil
	}
	n, err := v.names(ctx)
	if err != nil {
		return nil, err
	}
	key, err := v.journalKey(ctx, linesKey)
	return &scribe{names: n, lines: key}, err
}

// note puts the line of a shredding down, in its transaction: what is undone is
// undone with its line. A store that is kept with a journal accepts no shredding
// from a vault that has none.
func (v *Vault) note(ctx context.Context, s *scribe, r *Receipt, at int64) error {
	return v.noteLine(ctx, s, r.Target.Tenant, func() (erasure, error) { return newErasure(s.names, r, at) })
}

// noteLine puts down a line about the tenant.
func (v *Vault) noteLine(ctx context.Context, s *scribe, tenant troth.Tenant, made func() (erasure, error)) error {
	if s == nil {
		state, err := v.store.JournalState(ctx)
		if err != nil {
			return fmt.Errorf("vault: read journal state: %w", err)
		}
		if state.used() {
			return ErrNoJournal
		}
		return nil
	}
	e, err := made()
	if err != nil {
		return err
	}
	row := LineRow{Tenant: tenant, Entry: e.entry, Line: e.line(s.lines), At: e.at}
	inserted, err := v.store.InsertLine(ctx, row)
	if err != nil {
		return fmt.Errorf("vault: insert line: %w", err)
	}
	if !inserted {
		return fmt.Errorf("vault: insert line: the entry has one")
	}
	return nil
}

// used reports whether the store was ever kept with a journal.
func (s *JournalState) used() bool { return s.Position > 0 || s.Waiting > 0 }

// checkGate returns ErrJournalAhead while it is not sure that the store knows
// all that died. What the trail itself needs to record is let through.
func (v *Vault) checkGate(c troth.Compartment) error {
	if v.behind.Load() && c != troth.PseudonymCompartment {
		return ErrJournalAhead
	}
	return nil
}

// admits returns why nothing can be done that changes keys or gives them away:
// the vault is closed, or it is not sure that the store knows all that died.
func (v *Vault) admits() error {
	if v.closed.Load() {
		return ErrClosed
	}
	return v.checkGate("")
}

// shut makes this process refuse until a replay has gone through.
func (v *Vault) shut() {
	v.behind.Store(true)
	v.forgetAll()
}

// forgetAll empties the caches, and keeps loads that are in flight from filling
// them.
func (v *Vault) forgetAll() {
	v.fence.applied.Add(1)
	v.cache.evict(KeyName{})
	v.roots.evictAll()
	v.derived.evictAll()
}
