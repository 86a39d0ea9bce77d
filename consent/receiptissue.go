package consent

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/trothdev/troth"
)

// Issued is a receipt whose entry is on the trail. It is pending until the entry
// is in the signed log.
type Issued struct {
	Receipt
	// Entry commits to the receipt.
	Entry troth.EntryID
}

// Receipt issues a receipt about an event of a person, and records that, in the
// caller's transaction or one of its own. [Ledger.ProveReceipt] gives the file
// with its proof. It needs [WithController].
func (l *Ledger) Receipt(ctx context.Context, who troth.Subject, eventID string) (Issued, error) {
	if l.opt.controller == (Controller{}) {
		return Issued{}, needs("WithController, for receipts")
	}
	if err := who.Validate(); err != nil {
		return Issued{}, err
	}
	d, err := l.tenant(ctx, who.Tenant)
	if err != nil {
		return Issued{}, err
	}
	var r Issued
	err = l.tx.Atomically(ctx, func(ctx context.Context) (err error) {
		e, err := l.eventFor(ctx, d, who, eventID)
		if err != nil {
			return err
		}
		if r.Receipt, err = l.receipt(d, who, &e); err != nil {
			return err
		}
		hash, err := r.Hash()
		if err != nil {
			return err
		}
		r.Entry, err = l.record(ctx, troth.Entry{
			Act: actReceipt, Tenant: who.Tenant, SubjectID: who.ID, Purpose: e.Purpose,
			Facts: troth.Facts{"receipt": troth.Digest(hash), "event": troth.Digest(e.Hash())},
		})
		return err
	})
	if err != nil {
		return Issued{}, err
	}
	return r, nil
}

// eventFor reads an event of a person.
func (l *Ledger) eventFor(ctx context.Context, d *tenantData, who troth.Subject, id string) (Event, error) {
	row, found, err := l.store.Event(ctx, who.Tenant, id)
	if err != nil {
		return Event{}, fmt.Errorf("consent: read event: %w", err)
	}
	if !found || row.SubjectID != who.ID {
		return Event{}, ErrEvent
	}
	return d.openEvent(row)
}

func (l *Ledger) receipt(d *tenantData, who troth.Subject, e *Event) (Receipt, error) {
	t := d.catalogue.Version(e.Purpose, e.Version)
	if t == nil {
		return Receipt{}, ErrVersion
	}
	var nonce [16]byte
	_, _ = rand.Read(nonce[:]) // never fails, crypto/rand documents
	c := &l.opt.controller
	r := Receipt{
		Context: theContext, Type: "dpv:ConsentReceipt", ID: "urn:uuid:" + troth.NewEntryID(l.now()).String(),
		ConformsTo: OwnReceiptSchema, Created: ReceiptTime{l.now().UTC().Truncate(time.Microsecond)},
		Publisher: ReceiptParty{"dpv:DataController", c.ID, c.Name, c.Address, c.Contact},
		Nonce:     hexOf(nonce[:]),
		Record: ReceiptRecord{
			Type: "dpv:ConsentRecord", ID: e.ID, ConformsTo: ownRecordSchema,
			Tenant: who.Tenant, DataSubject: who.ID, Controller: c.Name,
			Process: receiptProcess(t, c), Notice: receiptNotice(e), Event: receiptEvent(who, e),
		},
	}
	if complete(&r, t) {
		r.ConformsTo, r.Record.ConformsTo = ReceiptSchema, recordSchema
	}
	return r, nil
}

// complete reports whether the receipt has everything that its schema demands.
func complete(r *Receipt, t *Terms) bool {
	p := &r.Record.Process
	return t.Basis == Consent && r.Publisher.ID != "" && r.Publisher.Address != "" && p.Jurisdiction != "" && p.Withdraw != nil &&
		len(p.Data) > 0 && len(p.Recipients) > 0 && len(t.StoredIn) > 0 && !t.Retention.IsZero() &&
		r.Record.Notice != nil && r.Record.Event.Until != nil
}

func receiptProcess(t *Terms, c *Controller) ReceiptProcess {
	p := ReceiptProcess{
		Type: "dpv:Process", Purpose: t.Purpose, Version: t.Version, Title: t.Title,
		LegalBasis: legalBasis(t.Basis), Data: list(t.Data), Recipients: list(t.Recipients), Jurisdiction: c.Jurisdiction,
	}
	if len(t.StoredIn) > 0 || !t.Retention.IsZero() {
		p.Storage = &ReceiptStorage{Type: "dpv:StorageCondition", Locations: t.StoredIn}
		if !t.Retention.IsZero() {
			p.Storage.Duration = t.Retention.String()
		}
	}
	if c.Withdraw != "" && t.Basis == Consent {
		p.Withdraw = &ReceiptWithdraw{"dpv:WithdrawConsent", c.Withdraw}
	}
	return p
}

func receiptNotice(e *Event) *ReceiptNotice {
	if e.Notice == (NoticeRef{}) {
		return nil
	}
	return &ReceiptNotice{"dpv:ConsentNotice", e.Notice.ID, e.Notice.Version, e.Notice.Language, hexOf(e.Notice.Text[:])}
}

func receiptEvent(who troth.Subject, e *Event) ReceiptEvent {
	hash := e.Hash()
	r := ReceiptEvent{
		Status: consentStatus(e.Kind), Kind: e.Kind, Given: ReceiptTime{e.GivenAt}, Recorded: ReceiptTime{e.RecordedAt},
		Method: e.Method, Channel: e.Channel, By: who.ID, Source: e.Import.From, EventHash: hexOf(hash[:]),
	}
	if e.Guardian != (GuardianRef{}) {
		r.By = hexOf(e.Guardian.Pseudonym[:])
	}
	if e.Wording != ([32]byte{}) {
		r.Wording = hexOf(e.Wording[:])
	}
	if !e.Until.IsZero() {
		r.Until = &ReceiptTime{e.Until}
	}
	return r
}

// list is a list that is written as one where it is empty.
func list(s []string) []string { return append([]string{}, s...) }

// legalBasis is the term of the vocabulary's GDPR extension.
func legalBasis(b Basis) string {
	article := b.Article()
	return "eu-gdpr:A6-1-" + article[len(article)-2:len(article)-1]
}

// ProveReceipt returns the receipt as a file that carries its proof. It returns
// [troth.ErrPending] until the entry is in the signed log, and needs [WithProver].
func (l *Ledger) ProveReceipt(ctx context.Context, r Issued) ([]byte, error) {
	if l.opt.prover == nil {
		return nil, needs("WithProver, for receipts")
	}
	proof, err := l.opt.prover.Prove(ctx, r.Record.Tenant, r.Entry)
	if err != nil {
		return nil, fmt.Errorf("consent: prove receipt: %w", err)
	}
	r.Proof = string(proof)
	return r.Receipt.Marshal()
}
