package vault

import (
	"context"
	"fmt"
	"time"

	"github.com/trothdev/troth"
)

// JournalStatus tells how far the erasure journal has followed.
type JournalStatus struct {
	// Waiting counts committed erasures that the journal has not acknowledged;
	// the shredding of the oldest of them was at Oldest, which is zero if there
	// is none.
	Waiting int64
	Oldest  time.Time
	// Late says that the oldest has waited for longer than [WithJournalAge]
	// allows, by the service's clock.
	Late bool
	// Position is that of the last line that was acknowledged.
	Position int64
}

// JournalStatus returns what waits for the journal, of all tenants. It returns
// [ErrNoJournal] for a vault without one.
func (v *Vault) JournalStatus(ctx context.Context) (JournalStatus, error) {
	if v.journal == nil {
		return JournalStatus{}, ErrNoJournal
	}
	state, err := v.journalState(ctx)
	if err != nil {
		return JournalStatus{}, err
	}
	s := JournalStatus{Waiting: state.Waiting, Position: state.Position}
	if state.Waiting > 0 {
		s.Oldest = time.UnixMicro(state.Oldest).UTC()
		s.Late = v.now().Sub(s.Oldest) > v.opt.journalAge
	}
	return s, nil
}

// late returns ErrJournalLate if something waits for too long.
func (v *Vault) late(ctx context.Context) error {
	if v.journal == nil {
		return nil
	}
	s, err := v.JournalStatus(ctx)
	if err != nil {
		return err
	}
	if s.Late {
		return fmt.Errorf("%w: %d wait", ErrJournalLate, s.Waiting)
	}
	return nil
}

// Journalled reports whether the shredding of the receipt is in the journal, and
// since when that is known. Until then it is pending, and no certificate of it is
// final: a restore could undo it. A receipt of a shredding that found nothing left
// to do has no line of its own; at is zero then, and acknowledged is true when no
// line that covers its target waits.
//
// It returns [ErrNoJournal] for a vault without a journal, and [ErrNotJournalled]
// for a receipt that no line was written for: it was not committed, or is from
// before the store had a journal.
func (v *Vault) Journalled(ctx context.Context, r Receipt) (at time.Time, acknowledged bool, err error) {
	if v.journal == nil {
		return at, false, ErrNoJournal
	}
	if r.Entry.IsZero() {
		waits, err := v.waitsFor(ctx, r.Target)
		return at, err == nil && !waits, err
	}
	// A replay puts what it finds nobody for under the platform.
	for _, tenant := range []troth.Tenant{r.Target.Tenant, troth.Platform} {
		row, found, err := v.store.Line(ctx, tenant, r.Entry)
		if err != nil {
			return at, false, fmt.Errorf("vault: read line: %w", err)
		}
		if found && row.AckedAt == 0 {
			return at, false, nil
		}
		if found {
			return time.UnixMicro(row.AckedAt).UTC(), true, nil
		}
	}
	return at, false, ErrNotJournalled
}

// ErrNotJournalled says that no line of the journal belongs to a receipt.
var ErrNotJournalled = fmt.Errorf("vault: no line of the journal belongs to this receipt")

// waitsFor reports whether a line about the target's tenant or person waits.
func (v *Vault) waitsFor(ctx context.Context, t Target) (bool, error) {
	n, err := v.names(ctx)
	if err != nil {
		return false, err
	}
	whole := n.tenant(t.Tenant)
	who := n.person(t.Tenant, t.SubjectID)
	rows, err := v.store.WaitingLines(ctx, waitingLimit)
	if err != nil {
		return false, fmt.Errorf("vault: read lines: %w", err)
	}
	for _, row := range rows {
		// One that nobody can read may be about anybody.
		if e, _, err := readErasure(row.Line); err != nil || e.name == whole || e.name == who {
			return true, nil //nolint:nilerr // it is an answer
		}
	}
	return len(rows) == waitingLimit, nil
}

// waitingLimit bounds how many lines are looked through.
const waitingLimit = 10_000

// WithJournalAge bounds how long a committed erasure may wait for the journal
// before [JournalStatus] calls it late and [Vault.Sweep] returns
// [ErrJournalLate]. Default 5 min, at least 1 s.
func WithJournalAge(d time.Duration) Option {
	return atLeast("journal age", d, time.Second, func(o *options) { o.journalAge = d })
}
