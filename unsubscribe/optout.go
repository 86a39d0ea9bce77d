package unsubscribe

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/trothdev/troth"
)

// OptOut records a person's no. It takes effect in this process at once, also while
// a transaction of the host's is open, and in others within the bound of their
// gates. Saying it again with the same id changes nothing and returns the event of
// before; [ErrConflict] says that the id is another's.
//
// Consent ledgers and providers learn of it in the same transaction.
func (r *Registry) OptOut(ctx context.Context, p OptOutParams) (Event, error) {
	if !slices.Contains(methods, p.Method) || p.Method == ByUndo || p.Method == ByConfirmation || p.Method == ByFile {
		return Event{}, fmt.Errorf("%w: Method", ErrMethod)
	}
	return r.say(ctx, p.ID, p.At, p.Address, &draft{
		event: Event{Kind: KindOptOut, Place: Place{p.Tenant, p.Scope, p.List}, Channel: p.Channel, Method: p.Method},
		link:  p.Link, evidence: p.Evidence.reveal(), subjectID: p.SubjectID,
	})
}

// OptIn records that a person came back. Only the person can: by a confirmation that
// was sent to the address, a reply from it, or a page that a link to it opened; and
// only with a reference to what proves it, which must be dated after everything that
// it lifts. It lifts what stands in exactly its scope: wider ones go on stopping.
// It counts for the exact address, not for others of the mailbox.
//
// A consent ledger that was told of the opt-out keeps its own no until it is given
// a new yes.
func (r *Registry) OptIn(ctx context.Context, p OptInParams) (Event, error) {
	if !p.Method.opensAgain() {
		return Event{}, fmt.Errorf("%w: Method", ErrMethod)
	}
	if p.Reference == "" {
		return Event{}, ErrEvidence
	}
	return r.say(ctx, p.ID, p.At, p.Address, &draft{
		event: Event{
			Kind: KindOptIn, Place: Place{p.Tenant, p.Scope, p.List}, Channel: p.Channel, Method: p.Method, Reference: p.Reference,
		},
		evidence: p.Evidence.reveal(), subjectID: p.SubjectID,
	})
}

// Report records what a mail provider tells.
func (r *Registry) Report(ctx context.Context, p ReportParams) (Event, error) {
	if p.Kind != KindBounce && p.Kind != KindComplaint {
		return Event{}, ErrKind
	}
	return r.say(ctx, p.ID, p.At, p.Address, &draft{event: Event{
		Kind: p.Kind, Place: Place{p.Tenant, p.Scope, p.List}, Channel: p.Channel, Method: ByProvider, Provider: p.Provider,
	}})
}

func (r *Registry) say(ctx context.Context, id string, at time.Time, address troth.Sensitive[string], d *draft) (Event, error) {
	if err := r.prepare(d, id, at, address); err != nil {
		return Event{}, err
	}
	if err := r.whoIs(ctx, d); err != nil {
		return Event{}, err
	}
	return r.write(ctx, d)
}

// rowsOf returns what is known of an address, for one client and for everything.
func (r *Registry) rowsOf(ctx context.Context, tenant troth.Tenant, keys Keys) ([]EntryRow, error) {
	var all []EntryRow
	for _, one := range []struct {
		registry troth.Tenant
		pair     Pair
	}{{tenant, keys.Client}, {troth.Platform, keys.Everything}} {
		wanted := []Key{one.pair.Exact}
		if one.pair.Mailbox != one.pair.Exact {
			wanted = append(wanted, one.pair.Mailbox)
		}
		rows, err := r.store.Entries(ctx, one.registry, wanted)
		if err != nil {
			return nil, fmt.Errorf("unsubscribe: read entries: %w", err)
		}
		all = append(all, rows...)
	}
	return all, nil
}
