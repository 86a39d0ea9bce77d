package kit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/rights/export"
	"github.com/trothdev/troth/unsubscribe"
	"github.com/trothdev/troth/vault"
)

const (
	// rightsPurpose is why the desk's sources open what they hold.
	rightsPurpose troth.Purpose = "rights-request"
	// erasureGround is why they destroy.
	erasureGround = "erasure-request"
	// bySubject is the kind of identifier that the parts know people by.
	bySubject = "subject"
)

// nothing is what a part reports that does not know the person.
func nothing() rights.Report {
	return rights.Report{Outcome: rights.NothingFound, Asked: []string{bySubject}}
}

// keptBy is what a part reports of which a legal hold keeps everything.
func (k *Kit) keptBy(ctx context.Context, tenant troth.Tenant, held *retention.HeldError) (rights.Report, error) {
	all, err := k.Keeper.Holds(ctx, tenant)
	if err != nil {
		return rights.Report{}, err
	}
	review := time.Time{}
	for _, h := range all {
		if h.ID == held.Hold {
			review = h.Review
		}
	}
	if review.IsZero() {
		return rights.Report{}, held // it was released meanwhile: to be tried again
	}
	return rights.Report{Outcome: rights.Retained, Kept: []rights.Kept{{
		Basis: rights.LegalClaims, Review: review, Cite: "Regulation (EU) 2016/679, Art. 17(3)(e)",
	}}}, nil
}

// orHeld makes of a refusal because of a hold the report of what is kept.
func (k *Kit) orHeld(ctx context.Context, tenant troth.Tenant, err error) (rights.Report, error) {
	if held, ok := errors.AsType[*retention.HeldError](err); ok {
		return k.keptBy(ctx, tenant, held)
	}
	return rights.Report{}, err
}

// consentSource is the ledger of consent as a source.
func (k *Kit) consentSource(c Config) rights.Source {
	s := consentSource{k, c.Directory != nil}
	return rights.Source{
		Name: "troth.consent", Title: "Consents", Order: rights.Primary,
		For: []rights.Right{
			rights.Know, rights.Access, rights.Portability, rights.Erase, rights.Object, rights.WithdrawConsent,
			rights.OptOut, rights.LimitSensitive,
		},
		Locator: s, Exporter: s, Eraser: s, Objector: s,
	}
}

type consentSource struct {
	k *Kit
	// mirrored says that the registry of opt-outs is to know too.
	mirrored bool
}

func (s consentSource) Locate(ctx context.Context, q rights.Inquiry) (rights.Located, error) {
	if q.SubjectID == "" {
		return rights.Located{}, nil
	}
	h, err := s.k.Consent.History(ctx, q.Subject(), rightsPurpose)
	return rights.Located{Records: uint64(len(h.Entries))}, err
}

func (consentSource) Types() []export.Type {
	return []export.Type{{Name: "consent", Title: "What was said about purposes", Category: "consent", About: export.Person}}
}

func (s consentSource) Export(ctx context.Context, q rights.Inquiry) iter.Seq2[export.Record, error] {
	return func(yield func(export.Record, error) bool) {
		if q.SubjectID == "" {
			return
		}
		h, err := s.k.Consent.History(ctx, q.Subject(), rightsPurpose)
		if err != nil {
			yield(export.Record{}, err)
			return
		}
		for i := range h.Entries {
			e := &h.Entries[i].Event
			fields := []export.Field{
				export.Text("purpose", string(e.Purpose)), export.Int("version", int64(e.Version)), export.Text("said", string(e.Kind)),
				export.Time("given", e.GivenAt), export.Time("recorded", e.RecordedAt),
				export.Text("method", string(e.Method)), export.Text("channel", string(e.Channel)),
			}
			if !e.Until.IsZero() {
				fields = append(fields, export.Time("until", e.Until))
			}
			if !yield(export.Record{Type: "consent", ID: e.ID, Fields: fields}, nil) {
				return
			}
		}
	}
}

// Erase destroys the content; the proof stays under a pseudonym for its period.
func (s consentSource) Erase(ctx context.Context, q rights.Inquiry) (rights.Report, error) {
	if q.SubjectID == "" {
		return nothing(), nil
	}
	h, err := s.k.Consent.History(ctx, q.Subject(), rightsPurpose)
	if err != nil {
		return rights.Report{}, err
	}
	if len(h.Entries) == 0 {
		return nothing(), nil
	}
	did, err := s.k.Consent.Erase(ctx, q.Subject(), erasureGround)
	if err != nil {
		return s.k.orHeld(ctx, q.Tenant, err)
	}
	until := h.KeepUntil
	if did.KeepUntil != 0 {
		until = time.UnixMicro(did.KeepUntil).UTC()
	}
	r := rights.Report{Outcome: rights.Done, Method: rights.Deleted, Records: uint64(did.Events), Asked: []string{bySubject}}
	if until.After(s.k.now()) {
		r.Outcome, r.Kept = rights.Retained, []rights.Kept{{
			Basis: rights.LegalClaims, Records: uint64(len(h.Entries)), Until: until,
			Cite: "Regulation (EU) 2016/679, Art. 7(1) and 17(3)(e)",
		}}
	}
	return r, nil
}

// Object records a no to each purpose that the request names, in both ledgers: the one of
// opt-outs outlives the person's erasure. Without any, an objection is to direct marketing, and
// consent is taken back for everything that was ever said. Which purposes sell data, or need
// sensitive data, the ledger cannot know.
func (s consentSource) Object(ctx context.Context, q rights.Inquiry) (rights.Report, error) {
	if q.SubjectID == "" {
		return nothing(), nil
	}
	purposes := q.Purposes
	if len(purposes) == 0 {
		switch q.Right {
		case rights.Object:
			purposes = []troth.Purpose{""}
		case rights.WithdrawConsent:
			var err error
			if purposes, err = s.purposes(ctx, q); err != nil {
				return rights.Report{}, err
			}
		default:
			return rights.Report{Outcome: rights.Unsupported}, nil
		}
	}
	if len(purposes) == 0 {
		return nothing(), nil
	}
	for _, p := range purposes {
		o := troth.Objection{Subject: q.Subject(), Purpose: p, At: s.k.now(), OriginID: originOf(q, p)}
		if err := s.k.Consent.Object(ctx, o); err != nil {
			return rights.Report{}, err
		}
		if !s.mirrored {
			continue
		}
		if err := s.k.Unsubscribe.Object(ctx, o); err != nil {
			return rights.Report{}, err
		}
	}
	return rights.Report{Outcome: rights.Done, Method: rights.Ended, Records: uint64(len(purposes))}, nil
}

// originOf names an objection, in as many bytes as ledgers take.
func originOf(q rights.Inquiry, p troth.Purpose) string {
	sum := sha256.Sum256([]byte(q.Key + "/" + string(p)))
	return "rights/" + hex.EncodeToString(sum[:])
}

// purposes are those that the person ever said something about.
func (s consentSource) purposes(ctx context.Context, q rights.Inquiry) (all []troth.Purpose, err error) {
	h, err := s.k.Consent.History(ctx, q.Subject(), rightsPurpose)
	for i := range h.Entries {
		if p := h.Entries[i].Event.Purpose; !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	return all, err
}

// unsubscribeSource is the registry of opt-outs as a source. It knows people by their
// addresses: those that the request names, and those of the host's directory.
func (k *Kit) unsubscribeSource(c Config) rights.Source {
	s := unsubscribeSource{k, c.Directory}
	return rights.Source{
		Name: "troth.unsubscribe", Title: "Opt-outs", Order: rights.Primary,
		For:     []rights.Right{rights.Know, rights.Access, rights.Portability, rights.Erase},
		Locator: s, Exporter: s, Eraser: s,
	}
}

type unsubscribeSource struct {
	k   *Kit
	dir troth.Directory
}

// addresses are those of the person, by channel.
func (s unsubscribeSource) addresses(ctx context.Context, q rights.Inquiry) (all []troth.Address, err error) {
	if s.dir != nil && q.SubjectID != "" {
		if all, err = s.dir.Addresses(ctx, q.Subject()); err != nil {
			return nil, err
		}
	}
	for _, id := range q.Identifiers {
		if c := unsubscribe.Channel(id.Kind); c == unsubscribe.Email || c == unsubscribe.SMS {
			all = append(all, troth.Address{Channel: id.Kind, Value: id.Value})
		}
	}
	return all, nil
}

// each calls fn with the history of each address.
func (s unsubscribeSource) each(ctx context.Context, q rights.Inquiry, fn func(a troth.Address, h unsubscribe.History) error) error {
	all, err := s.addresses(ctx, q)
	if err != nil {
		return err
	}
	for _, a := range all {
		h, err := s.k.Unsubscribe.History(ctx, q.Tenant, unsubscribe.Channel(a.Channel), a.Value, rightsPurpose)
		if err != nil {
			return err
		}
		if err := fn(a, h); err != nil {
			return err
		}
	}
	return nil
}

func (s unsubscribeSource) Locate(ctx context.Context, q rights.Inquiry) (found rights.Located, err error) {
	err = s.each(ctx, q, func(a troth.Address, h unsubscribe.History) error {
		found.Records += uint64(len(h.Events))
		found.Identifiers = append(found.Identifiers, rights.Identifier{Kind: a.Channel, Value: a.Value})
		return nil
	})
	return found, err
}

func (unsubscribeSource) Types() []export.Type {
	return []export.Type{{Name: "opt-out", Title: "What was said about messages", Category: "preferences", About: export.Person}}
}

func (s unsubscribeSource) Export(ctx context.Context, q rights.Inquiry) iter.Seq2[export.Record, error] {
	return func(yield func(export.Record, error) bool) {
		stopped := errors.New("stopped")
		err := s.each(ctx, q, func(_ troth.Address, h unsubscribe.History) error {
			for i := range h.Events {
				e := &h.Events[i].Event
				r := export.Record{Type: "opt-out", ID: e.ID, Fields: []export.Field{
					export.Text("kind", string(e.Kind)), export.Text("scope", string(e.Place.Scope)), export.Text("list", e.Place.List),
					export.Text("channel", string(e.Channel)), export.Text("method", string(e.Method)), export.Time("said", e.At),
				}}
				if !yield(r, nil) {
					return stopped
				}
			}
			return nil
		})
		if err != nil && !errors.Is(err, stopped) {
			yield(export.Record{}, err)
		}
	}
}

// Erase takes the person out of the events. What stays is the keyed entry that keeps
// them out of the next campaign.
func (s unsubscribeSource) Erase(ctx context.Context, q rights.Inquiry) (rights.Report, error) {
	r := rights.Report{Outcome: rights.Done, Method: rights.Deleted, Asked: []string{bySubject, string(unsubscribe.Email)}}
	erase := func(p unsubscribe.EraseParams) error {
		p.Tenant, p.Ground = q.Tenant, erasureGround
		n, err := s.k.Unsubscribe.Erase(ctx, p)
		r.Records += uint64(n)
		return err
	}
	if q.SubjectID != "" {
		if err := erase(unsubscribe.EraseParams{SubjectID: q.SubjectID}); err != nil {
			return s.k.orHeld(ctx, q.Tenant, err)
		}
	}
	err := s.each(ctx, q, func(a troth.Address, h unsubscribe.History) error {
		r.Keyed += uint64(len(h.Entries))
		return erase(unsubscribe.EraseParams{Channel: unsubscribe.Channel(a.Channel), Address: a.Value})
	})
	if err != nil {
		return s.k.orHeld(ctx, q.Tenant, err)
	}
	if r.Records == 0 {
		return rights.Report{Outcome: rights.NothingFound, Asked: r.Asked, Keyed: r.Keyed}, nil
	}
	return r, nil
}

// retentionSource is everything that the host's policy keeps, as a source. It is called
// outside of a transaction, as what is elsewhere: it puts the erasure on record and sweeps,
// each record in a transaction of its own.
func (k *Kit) retentionSource() rights.Source {
	s := retentionSource{k}
	return rights.Source{
		Name: "troth.retention", Title: "Records under the retention policy", Order: rights.Remote,
		For: []rights.Right{rights.Erase}, Records: k.Keeper.RecordTypes(), Eraser: s, Prober: s,
	}
}

type retentionSource struct{ k *Kit }

// Erase grants the erasure once, and does what can be done of it now.
func (s retentionSource) Erase(ctx context.Context, q rights.Inquiry) (rights.Report, error) {
	if q.SubjectID == "" {
		return nothing(), nil
	}
	err := s.k.Keeper.GrantErasure(troth.WithActor(ctx, self), retention.ErasureGrant{
		Tenant: q.Tenant, Request: q.Request, SubjectID: q.SubjectID,
	})
	if err != nil {
		return rights.Report{}, err
	}
	_, err = s.k.Keeper.Sweep(ctx)
	if _, waits := errors.AsType[*retention.ApprovalError](err); err != nil && !waits {
		return rights.Report{}, err
	}
	return s.Probe(ctx, q)
}

// Probe tells what became of it.
func (s retentionSource) Probe(ctx context.Context, q rights.Inquiry) (rights.Report, error) {
	e, err := s.k.Keeper.Erasure(ctx, q.Tenant, q.Request)
	if err != nil {
		return rights.Report{}, err
	}
	r := rights.Report{
		Outcome: rights.Done, Method: rights.Deleted, Records: uint64(e.Destroyed + e.Anonymised), CopiesUntil: e.GoneBy,
		Asked: []string{bySubject},
	}
	for _, h := range e.Held {
		r.Kept = append(r.Kept, rights.Kept{
			Basis: rights.LegalClaims, Records: uint64(h.Records), Review: h.Review,
			Cite: "Regulation (EU) 2016/679, Art. 17(3)(e)",
		})
	}
	for _, o := range e.Obliged {
		kept := rights.Kept{Basis: rights.LegalObligation, Records: uint64(o.Records), Cite: o.Cite, Until: o.Until}
		if o.Open || kept.Until.IsZero() {
			kept.Until, kept.Review = time.Time{}, s.k.now().AddDate(1, 0, 0)
		}
		r.Kept = append(r.Kept, kept)
	}
	switch {
	case e.Open+e.Unknown > 0:
		r.Outcome, r.Kept = rights.Pending, nil
	case len(r.Kept) > 0:
		r.Outcome = rights.Retained
	case r.Records == 0:
		return nothing(), nil
	}
	return r, nil
}

// vaultSource is the vault as a source: a person's keys, whatever they seal. They go
// last, so that nobody finds a person's data without being able to read it.
func (k *Kit) vaultSource(c Config) rights.Source {
	s := vaultSource{k, c.Retention != nil}
	return rights.Source{
		Name: "troth.vault", Title: "Keys of sealed data", Order: rights.Identity,
		For:    []rights.Right{rights.Erase, rights.Restrict},
		Eraser: s, Restrictor: s, Prober: s,
	}
}

type vaultSource struct {
	k    *Kit
	kept bool
}

func (s vaultSource) Erase(ctx context.Context, q rights.Inquiry) (rights.Report, error) {
	if q.SubjectID == "" {
		return nothing(), nil
	}
	target := vault.Target{Tenant: q.Tenant, SubjectID: q.SubjectID}
	var receipt vault.Receipt
	shred := func(ctx context.Context, p troth.Permit) (err error) {
		receipt, err = s.k.Vault.Shred(ctx, p, target)
		return err
	}
	var err error
	if s.kept {
		err = s.k.Keeper.Permit(ctx, retention.Leave{
			Ref: troth.PermitRef{Tenant: string(q.Tenant), Subject: q.SubjectID}, SubjectID: q.SubjectID, Ground: erasureGround,
		}, shred)
	} else {
		err = shred(ctx, troth.UnmanagedPermit(erasureGround))
	}
	if err != nil {
		return s.k.orHeld(ctx, q.Tenant, err)
	}
	return s.report(ctx, receipt)
}

// report says what became of the keys, and until when older copies of the database open
// with them. Where that cannot be said yet, somebody is to look again.
func (s vaultSource) report(ctx context.Context, r vault.Receipt) (rights.Report, error) {
	h, err := s.k.Vault.Horizon(ctx, r)
	if err != nil {
		return rights.Report{}, err
	}
	said := rights.Report{
		Outcome: rights.Done, Method: rights.KeyDestroyed, Records: uint64(len(r.Keys)), Asked: []string{bySubject},
		CopiesUntil: h.At,
	}
	if h.At.IsZero() || !h.Final && !h.At.After(s.k.now()) {
		said.Outcome = rights.Pending
	}
	return said, nil
}

// Probe asks for the horizon anew: it moves when epochs are retired. A hold that came
// after the keys were destroyed keeps nothing.
func (s vaultSource) Probe(ctx context.Context, q rights.Inquiry) (rights.Report, error) {
	return s.report(ctx, vault.Receipt{Target: vault.Target{Tenant: q.Tenant, SubjectID: q.SubjectID}})
}

// Restrict lets the person's data open for legal claims and for answering them alone.
func (s vaultSource) Restrict(ctx context.Context, q rights.Inquiry) (rights.Report, error) {
	if q.SubjectID == "" {
		return nothing(), nil
	}
	_, err := s.k.Vault.Restrict(ctx, vault.Restriction{
		Tenant: q.Tenant, SubjectID: q.SubjectID, Except: []troth.Purpose{rightsPurpose, "legal-claims"}, Ground: restrictionOf(q),
	})
	if err != nil {
		return rights.Report{}, err
	}
	return rights.Report{Outcome: rights.Done, Method: rights.Restricted, Records: 1}, nil
}

// restrictionOf names a restriction by its request, so that each is lifted by itself.
func restrictionOf(q rights.Inquiry) string { return "rights-request/" + q.Request }

// Lift grants that the request's restriction ends, of which the person was told, and ends it.
func (s vaultSource) Lift(ctx context.Context, q rights.Inquiry, l rights.Lifted) error {
	if q.SubjectID == "" {
		return nil
	}
	all, err := s.k.Vault.Restrictions(ctx, q.Tenant, q.SubjectID)
	if err != nil {
		return err
	}
	for i := range all {
		r := &all[i]
		if r.Ground != restrictionOf(q) || !r.LiftedAt.IsZero() {
			continue
		}
		grant, err := s.k.Vault.Grant(ctx, vault.Grant{
			Tenant: q.Tenant, SubjectID: q.SubjectID, Restriction: r.Entry, Ground: l.Ground, Announced: l.ToldAt,
		})
		if err != nil {
			return err
		}
		if _, err := s.k.Vault.Lift(ctx, grant); err != nil {
			return err
		}
	}
	return nil
}

var (
	_ rights.Eraser   = consentSource{}
	_ rights.Objector = consentSource{}
	_ rights.Exporter = unsubscribeSource{}
	_ rights.Prober   = vaultSource{}
)
