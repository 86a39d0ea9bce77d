package unsubscribe

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// draft is an event that is about to be written.
type draft struct {
	event     Event
	address   string
	subjectID string
	evidence  evidence
	link      *Link
	// dated is set where the caller said when; else it is now.
	dated bool
	// bulk leaves the trail, the other ledgers and the feed's order to who writes
	// many.
	bulk bool

	ring *ring
	keys Pair
	row  EntryRow
	// known is set where the event was written before.
	known bool
}

const purpose troth.Purpose = "unsubscribe"

// prepare checks what all events have in common.
func (r *Registry) prepare(d *draft, id string, at time.Time, address troth.Sensitive[string]) error {
	e := &d.event
	if err := e.Place.Validate(); err != nil {
		return err
	}
	if e.Place.Tenant == troth.Platform {
		return ErrScope // the client through whom it came is named, also for everything
	}
	if e.Channel.number() == 0 {
		return ErrChannel
	}
	if id == "" {
		id = rand.Text()
	} else if err := checkName("event", id); err != nil {
		return err
	}
	e.ID = storedID(e.Place, id)
	if err := r.date(d, at); err != nil {
		return err
	}
	for kind, optional := range map[string]string{"origin": e.Origin, "reference": e.Reference} {
		if len(optional) > troth.MaxIdentifier || !clean(optional) {
			return &troth.IdentifierError{Kind: kind, Reason: "is not valid"}
		}
	}
	if e.Provider != "" {
		if err := checkName("provider", e.Provider); err != nil {
			return err
		}
	}
	if d.subjectID != "" {
		if err := (troth.Subject{Tenant: e.Place.Tenant, ID: d.subjectID}).Validate(); err != nil {
			return err
		}
	}
	var err error
	if d.address, err = address.Reveal(purpose); err != nil {
		return err
	}
	_, err = Normalise(e.Channel, d.address)
	return err
}

// date puts in when it was said. A no is not refused for a clock that is ahead, nor
// for a date that somebody made up: then it was said now, and what was claimed is kept.
func (r *Registry) date(d *draft, at time.Time) error {
	e, now := &d.event, timeOf(r.now().UnixMicro())
	e.At, e.RecordedAt = now, now
	if d.dated = !at.IsZero(); !d.dated {
		return nil
	}
	// Beyond what microseconds can count it is as much made up.
	at = timeOf(min(max(at.Unix(), -maxSeconds), maxSeconds)*1e6 + int64(at.Nanosecond()/1e3))
	switch {
	case at.UnixMicro() > 0 && !at.After(now):
		e.At = at
	case e.Kind.reason() != "":
		e.Claimed, d.dated = at, false
	case at.After(now):
		return ErrFuture
	default:
		return ErrRecord
	}
	return nil
}

// maxSeconds are about 30,000 years.
const maxSeconds = 1e12

// storedID is the id of an event as its registry knows it. In the registry of
// everything clients meet: theirs must not.
func storedID(p Place, id string) string {
	if p.Scope != Everything {
		return id
	}
	return "~" + string(p.Scope) + "/" + digest(string(p.Tenant), id)
}

// digest is a short name for several texts.
func digest(texts ...string) string {
	b := canon.AppendDomain(nil, "troth.unsubscribe.id/1")
	for _, t := range texts {
		b = canon.AppendText(b, t)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:20])
}

// write writes one event in a transaction.
func (r *Registry) write(ctx context.Context, d *draft) (Event, error) {
	if _, err := troth.ActorFrom(ctx); err != nil {
		return Event{}, err
	}
	err := r.tx.Atomically(ctx, func(ctx context.Context) error {
		if err := r.find(ctx, d); err != nil || d.known {
			return err
		}
		if err := r.tellPeers(ctx, d); err != nil {
			return err
		}
		return r.append(ctx, d)
	})
	if err != nil {
		return Event{}, err
	}
	return d.event, nil
}

// find makes the keys of the draft's address, and looks whether it was written
// before.
func (r *Registry) find(ctx context.Context, d *draft) error {
	registry := d.event.Place.registry()
	epoch, err := r.store.HoldEpoch(ctx, registry)
	if err != nil {
		return fmt.Errorf("unsubscribe: hold epoch: %w", err)
	}
	if d.ring == nil || d.ring.epoch() != epoch {
		if d.ring, err = newRing(ctx, r.keys, registry, epoch); err != nil {
			return err
		}
	}
	h := &Hasher{}
	differs, err := h.forms(d.event.Channel, d.address)
	if err != nil {
		return err
	}
	d.keys = h.pair(d.ring, differs && (registry == troth.Platform || !r.opt.exactOnly(registry)))
	return r.writtenBefore(ctx, d)
}

func (r *Registry) writtenBefore(ctx context.Context, d *draft) error {
	row, found, err := r.store.Event(ctx, d.event.Place.registry(), d.event.ID)
	if err != nil {
		return fmt.Errorf("unsubscribe: read event: %w", err)
	}
	if !found {
		return nil
	}
	e, err := openEvent(&row)
	if err != nil {
		return err
	}
	if e.Kind != d.event.Kind || e.Place != d.event.Place || e.Channel != d.event.Channel || row.Key != d.keys.Exact {
		return ErrConflict
	}
	d.event, d.known = e, true
	return nil
}

// append writes the event and what follows from it.
func (r *Registry) append(ctx context.Context, d *draft) error {
	e := &d.event
	var err error
	d.row, err = r.store.LockEntry(ctx, EntryRow{
		Tenant: e.Place.registry(), Key: d.keys.Exact, Mailbox: d.keys.Mailbox, Channel: e.Channel, List: e.Place.List,
	})
	if err != nil {
		return fmt.Errorf("unsubscribe: lock entry: %w", err)
	}
	if e.Kind.reason() != "" && !d.dated && e.At.UnixMicro() < d.row.OptInAt {
		// The clock went back. A no that is said now comes after all that is known.
		e.At = timeOf(d.row.OptInAt)
	}
	if err := r.allows(ctx, d); err != nil {
		return err
	}
	if e.Kind.reason() != "" && d.keys.Mailbox != d.keys.Exact {
		d.row.Mailbox = d.keys.Mailbox // the entry may be older than the rule
	}
	d.apply()
	if err := r.store.PutEntry(ctx, d.row); err != nil {
		return fmt.Errorf("unsubscribe: write entry: %w", err)
	}
	if err := r.insert(ctx, d); err != nil {
		return err
	}
	if !d.bulk {
		if err := r.recordEvent(ctx, d); err != nil {
			return err
		}
	}
	if err := r.raise(ctx, d.row.Tenant, d.row.Key); err != nil {
		return err
	}
	if err := r.propagate(ctx, d); err != nil {
		return err
	}
	r.watchers.tell(ctx, d.row)
	return nil
}

// apply puts the event's mark on the entry. Marks only grow, so that the order in
// which events are learnt does not matter.
func (d *draft) apply() {
	at := d.event.At.UnixMicro()
	if d.event.Kind == KindOptIn {
		d.row.OptInAt = max(d.row.OptInAt, at)
		d.row.Generation++
	}
	for i, reason := range reasons {
		if reason == d.event.Kind.reason() {
			d.row.Marks[i] = max(d.row.Marks[i], at)
		}
	}
	d.row.Event = d.event.ID
	d.event.Generation = d.row.Generation
}

func (r *Registry) insert(ctx context.Context, d *draft) error {
	e := &d.event
	content, err := r.sealEvidence(ctx, d)
	if err != nil {
		return err
	}
	e.HasEvidence = content != nil
	inserted, err := r.store.InsertEvent(ctx, EventRow{
		Tenant: d.row.Tenant, ID: e.ID, Key: d.row.Key, Mailbox: d.row.Mailbox,
		RecordedAt: e.RecordedAt.UnixMicro(), Record: e.record(), SubjectID: d.owner(), Content: content,
	})
	if err != nil {
		return fmt.Errorf("unsubscribe: write event: %w", err)
	}
	if !inserted {
		return ErrConflict
	}
	return nil
}

// owner is the person whom the row belongs to. In the registry of everything clients
// meet, whose people may have one id: rows there belong to nobody.
func (d *draft) owner() string {
	if d.event.Place.Scope == Everything {
		return ""
	}
	return d.subjectID
}

func (r *Registry) recordEvent(ctx context.Context, d *draft) error {
	e := &d.event
	facts := placeFacts(e.Place, e.Channel)
	facts["kind"], facts["method"] = troth.Word(string(e.Kind)), troth.Word(string(e.Method))
	facts["said"], facts["event"] = troth.Instant(e.At), troth.Digest(e.Hash())
	entry := troth.Entry{Act: actEvent, Tenant: d.row.Tenant, Facts: facts}
	entry.SubjectID = d.owner()
	return r.record(ctx, entry)
}

func placeFacts(p Place, c Channel) troth.Facts {
	facts := troth.Facts{"scope": troth.Word(string(p.Scope)), "channel": troth.Word(string(c))}
	if p.List != "" {
		facts["list"] = troth.Word(p.List)
	}
	return facts
}

// raise tells other processes that an entry changed.
func (r *Registry) raise(ctx context.Context, registry troth.Tenant, key Key) error {
	if err := r.store.Raise(ctx, FeedEvent{Tenant: registry, Key: key, At: r.micros()}); err != nil {
		return fmt.Errorf("unsubscribe: raise: %w", err)
	}
	return nil
}

// allows are the checks that need the entry.
func (r *Registry) allows(ctx context.Context, d *draft) error {
	switch d.event.Kind {
	case KindOptOut:
		return r.linkAllows(d)
	case KindOptIn:
		return r.optInAllows(ctx, d)
	case KindBounce, KindComplaint, KindImport, KindErase, KindPropagated:
	}
	return nil
}

// linkAllows refuses a link that is older than the consent, once its time is over.
func (r *Registry) linkAllows(d *draft) error {
	if d.link == nil || d.link.Generation >= d.row.Generation || d.row.OptInAt < d.link.SentAt.UnixMicro() {
		return nil
	}
	if r.now().Sub(d.link.SentAt) <= r.opt.linkGrace {
		return nil
	}
	return ErrNewerConsent
}

// optInAllows demands evidence that is dated after whatever it would lift.
func (r *Registry) optInAllows(ctx context.Context, d *draft) error {
	at := d.event.At.UnixMicro()
	for i, reason := range reasons {
		if d.row.Live(reason) && d.row.Marks[i] >= at {
			return ErrEvidence
		}
	}
	if d.event.Method != ByUndo {
		return nil
	}
	return r.undoAllows(ctx, d)
}

// undoAllows lets an opt-out be taken back for a moment, if without it nothing
// would stand.
func (r *Registry) undoAllows(ctx context.Context, d *draft) error {
	rows, err := r.store.Events(ctx, d.row.Tenant, d.row.Key)
	if err != nil {
		return fmt.Errorf("unsubscribe: read events: %w", err)
	}
	undone := storedID(d.event.Place, d.event.Reference)
	before, found := EntryRow{}, false
	for i := range rows {
		e, err := openEvent(&rows[i])
		if err != nil {
			return err
		}
		if e.Channel != d.event.Channel || e.Place.List != d.event.Place.List {
			continue
		}
		if e.ID == undone || e.ID == d.event.Reference {
			found = e.Kind == KindOptOut && e.Place == d.event.Place && r.now().Sub(e.RecordedAt) <= r.opt.undo
			continue
		}
		one := draft{event: e, row: before}
		one.apply()
		before = one.row
	}
	if !found {
		return ErrEvidence
	}
	for _, reason := range reasons {
		if before.Live(reason) {
			return ErrEvidence
		}
	}
	return nil
}
