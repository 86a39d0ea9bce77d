package unsubscribe

import (
	"context"
	"fmt"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/clearance"
)

// DisposePerson is what the registry destroys of a person, by [troth.DisposalRef];
// ID is their subject id, or the opaque name of an address whose owner nobody knows.
const DisposePerson = "unsubscribe.person"

// PermitFor names in a permit what a disposal is of: a permit that a keeper mints
// for the registry's disposals is for this.
func PermitFor(ref troth.DisposalRef) troth.PermitRef {
	return troth.PermitRef{Tenant: string(ref.Tenant), Record: ref.Kind + "/" + ref.ID}
}

// EraseParams say whom to erase: a person, an address, or both.
type EraseParams struct {
	Tenant troth.Tenant
	// SubjectID finds the events that were recorded of the person. The directory's
	// addresses are erased as well, if there is a directory.
	SubjectID string
	Channel   Channel
	Address   troth.Sensitive[string]
	// Ground is why, in the host's words.
	Ground string
}

// Erase takes the person and the evidence out of a client's events, and out of those
// of everything that came through the client's contact with the address. What stays
// is the keyed entry with scope, reason and date: it keeps the person out of the next
// import (GDPR Article 17(3)(b) and Article 21(3)). Providers that are not told yet
// still will be; the address for that dies with its work.
//
// It goes through the disposer of [WithDisposer]. It returns of how many events
// something was removed.
func (r *Registry) Erase(ctx context.Context, p EraseParams) (events int, err error) {
	if err := checkName("ground", p.Ground); err != nil {
		return 0, err
	}
	addresses, err := r.toErase(ctx, &p)
	if err != nil {
		return 0, err
	}
	ref := troth.DisposalRef{Tenant: p.Tenant, Kind: DisposePerson, ID: p.SubjectID}
	if p.SubjectID == "" {
		keys, _, err := r.known(ctx, p.Tenant, p.Channel, p.Address)
		if err != nil {
			return 0, err
		}
		ref.ID = "~address/" + digest(keys.Client.Exact.Hex())
	}
	err = r.dispose(ctx, ref, p.Ground, func(ctx context.Context, permit troth.Permit) error {
		events, err = r.erase(ctx, &p, addresses, permit)
		return err
	})
	if err != nil {
		return 0, err
	}
	return events, nil
}

// toErase checks the parameters and gathers the addresses.
func (r *Registry) toErase(ctx context.Context, p *EraseParams) ([]troth.Address, error) {
	if p.Tenant == troth.Platform {
		return nil, ErrScope
	}
	if err := p.Tenant.Validate(); err != nil {
		return nil, err
	}
	var all []troth.Address
	if p.Channel != "" {
		all = append(all, troth.Address{Channel: string(p.Channel), Value: p.Address})
	}
	if p.SubjectID == "" {
		if len(all) == 0 {
			return nil, ErrAddress
		}
		return all, nil
	}
	who := troth.Subject{Tenant: p.Tenant, ID: p.SubjectID}
	if err := who.Validate(); err != nil {
		return nil, err
	}
	if r.opt.directory == nil {
		return all, nil
	}
	known, err := r.addresses(ctx, who, "")
	return append(all, known...), err
}

func (r *Registry) erase(ctx context.Context, p *EraseParams, addresses []troth.Address, permit troth.Permit) (int, error) {
	total := 0
	for _, a := range addresses {
		n, err := r.eraseAddress(ctx, p.Tenant, a, permit)
		if err != nil {
			return 0, err
		}
		total += n
	}
	if p.SubjectID != "" {
		n, err := r.store.EraseSubject(ctx, p.Tenant, p.SubjectID)
		if err != nil {
			return 0, fmt.Errorf("unsubscribe: erase: %w", err)
		}
		total += n
	}
	return total, r.record(ctx, troth.Entry{
		Act: actErase, Tenant: p.Tenant, SubjectID: p.SubjectID,
		Facts: clearance.Facts(permit, troth.Facts{"events": troth.Count(total)}),
	})
}

func (r *Registry) eraseAddress(ctx context.Context, tenant troth.Tenant, a troth.Address, leave troth.Permit) (int, error) {
	keys, _, err := r.known(ctx, tenant, Channel(a.Channel), a.Value)
	if err != nil {
		return 0, err
	}
	total := 0
	for _, one := range []struct {
		registry troth.Tenant
		pair     Pair
	}{{tenant, keys.Client}, {troth.Platform, keys.Everything}} {
		epoch, err := r.store.HoldEpoch(ctx, one.registry)
		if err != nil {
			return 0, fmt.Errorf("unsubscribe: hold epoch: %w", err)
		}
		if epoch != one.pair.Epoch {
			return 0, ErrEpoch
		}
		n, err := r.eraseEvents(ctx, one.registry, tenant, one.pair.Exact, leave)
		if err != nil {
			return 0, err
		}
		total += n
		if n == 0 {
			continue
		}
		if err := r.noteErased(ctx, one.registry, tenant, Channel(a.Channel), one.pair); err != nil {
			return 0, err
		}
	}
	return total, nil
}

// eraseEvents empties the events of an address that came through a client. What other
// clients recorded of it in the registry of everything is theirs: their own keepers
// decide about that.
func (r *Registry) eraseEvents(ctx context.Context, registry, client troth.Tenant, key Key, leave troth.Permit) (total int, err error) {
	rows, err := r.full(ctx, registry, client, key)
	if err != nil {
		return 0, err
	}
	for i := range rows {
		row := &rows[i].row
		if err := r.shred(ctx, &rows[i].event, row, leave); err != nil {
			return 0, err
		}
		n, err := r.store.EraseContent(ctx, registry, row.ID)
		if err != nil {
			return 0, fmt.Errorf("unsubscribe: erase: %w", err)
		}
		total += n
	}
	return total, nil
}

// Erasable returns of how many events [Registry.Erase] of a person and of all the addresses
// would remove something now, were it permitted: each counts once. It changes nothing. The
// person's ID may be empty where there are addresses.
func (r *Registry) Erasable(ctx context.Context, who troth.Subject, addresses ...troth.Address) (events int, err error) {
	p := EraseParams{Tenant: who.Tenant, SubjectID: who.ID}
	if p.SubjectID != "" {
		known, err := r.toErase(ctx, &p)
		if err != nil {
			return 0, err
		}
		addresses = slices.Concat(addresses, known)
	}
	type one struct {
		registry troth.Tenant
		id       string
	}
	seen := map[one]bool{}
	for _, a := range addresses {
		keys, _, err := r.known(ctx, p.Tenant, Channel(a.Channel), a.Value)
		if err != nil {
			return 0, err
		}
		for registry, key := range map[troth.Tenant]Key{p.Tenant: keys.Client.Exact, troth.Platform: keys.Everything.Exact} {
			rows, err := r.full(ctx, registry, p.Tenant, key)
			if err != nil {
				return 0, err
			}
			for i := range rows {
				seen[one{registry, rows[i].row.ID}] = true
			}
		}
	}
	if p.SubjectID != "" {
		rows, err := r.store.EventsOf(ctx, p.Tenant, p.SubjectID)
		if err != nil {
			return 0, fmt.Errorf("unsubscribe: read events: %w", err)
		}
		for i := range rows {
			seen[one{p.Tenant, rows[i].ID}] = true
		}
	}
	return len(seen), nil
}

// fullEvent is an event in which something is left to be erased.
type fullEvent struct {
	row   EventRow
	event Event
}

// full are the events of an address, in a registry, that came through a client and have not
// been emptied.
func (r *Registry) full(ctx context.Context, registry, client troth.Tenant, key Key) (all []fullEvent, err error) {
	rows, err := r.store.Events(ctx, registry, key)
	if err != nil {
		return nil, fmt.Errorf("unsubscribe: read events: %w", err)
	}
	for i := range rows {
		row := &rows[i]
		if row.SubjectID == "" && len(row.Content) == 0 {
			continue
		}
		e, err := openEvent(row)
		if err != nil {
			return nil, err
		}
		if e.Place.Tenant == client {
			all = append(all, fullEvent{*row, e})
		}
	}
	return all, nil
}

// shred destroys the key of evidence that belongs to nobody in particular.
func (r *Registry) shred(ctx context.Context, e *Event, row *EventRow, leave troth.Permit) error {
	if r.opt.shredder == nil || len(row.Content) == 0 || row.SubjectID != "" {
		return nil
	}
	at := evidenceAt(e.Place.Tenant, "", e.ID)
	if err := r.opt.shredder(ctx, leave, at.Subject, EvidenceCompartment); err != nil {
		return fmt.Errorf("unsubscribe: shred evidence: %w", err)
	}
	return nil
}

// noteErased appends the event that says so.
func (r *Registry) noteErased(ctx context.Context, registry, client troth.Tenant, c Channel, pair Pair) error {
	now := r.micros()
	e := Event{
		Kind: KindErase, Place: Place{Tenant: client, Scope: Client}, Channel: c, Method: ByStaff,
		At: timeOf(now), RecordedAt: timeOf(now),
	}
	if registry == troth.Platform {
		e.Place.Scope = Everything
	}
	e.ID = "~erase/" + digest(pair.Exact.Hex(), e.At.String())
	_, err := r.store.InsertEvent(ctx, EventRow{
		Tenant: registry, ID: e.ID, Key: pair.Exact, Mailbox: pair.Mailbox, RecordedAt: now, Record: e.record(),
	})
	if err != nil {
		return fmt.Errorf("unsubscribe: write event: %w", err)
	}
	return nil
}

// managed reports whether a keeper has taken the store over.
func (r *Registry) managed(ctx context.Context) (bool, error) {
	managed, err := r.store.Managed(ctx)
	if err != nil {
		return false, fmt.Errorf("unsubscribe: ask the store: %w", err)
	}
	return managed, nil
}

// dispose destroys with leave: the keeper's, or, where there is none and the host said
// so, without.
func (r *Registry) dispose(ctx context.Context, ref troth.DisposalRef, ground string, destroy func(ctx context.Context, p troth.Permit) error) error {
	return r.way().Dispose(ctx, ref, PermitFor(ref), ground, destroy)
}

// way is how the registry gets leave.
func (r *Registry) way() *clearance.Way {
	return &clearance.Way{
		Tx: r.tx, Keeper: r.opt.disposer, Ground: r.opt.unmanaged, Managed: r.managed,
		ErrManaged: ErrUnmanaged, ErrNone: needs("WithDisposer, or Unmanaged, to destroy"),
		ErrAlone: fmt.Errorf("%w: no keeper minted it, and the registry was made without unsubscribe.Unmanaged", troth.ErrNotPermitted),
	}
}
