package rights

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// ItemCertificate is the certificate of one stage that was issued last.
const ItemCertificate ItemKind = "certificate"

const certifiedDomain = "troth.rights.certified/1"

// Certified is a certificate whose entry is on the trail. It is pending until the entry
// is in the signed log.
type Certified struct {
	Certificate
	// Entry commits to the certificate.
	Entry troth.EntryID
}

// Certify issues a certificate of what became of a request to erase, as it is now, and
// records that, in the caller's transaction or one of its own. It is [Final] only if
// nothing is left; one that is provisional is followed by another when more is known.
// [Desk.ProveCertificate] gives the file with its proof, [Desk.Certificates] what was issued
// before. It needs [WithController], and returns a *[StateError] for a request that was not
// carried out.
func (d *Desk) Certify(ctx context.Context, tenant troth.Tenant, id string) (Certified, error) {
	var made Certified
	if d.opt.controller == "" {
		return made, needs("WithController, for certificates")
	}
	err := d.tx.Atomically(ctx, func(ctx context.Context) error {
		_, err := d.change(ctx, tenant, id, func(ctx context.Context, c *change) (err error) {
			if made.Certificate, err = c.certificate(ctx); err != nil {
				return err
			}
			hash, err := made.Hash()
			if err != nil {
				return err
			}
			made.Entry, err = d.record(ctx, troth.Entry{
				Act: actCertificate, Tenant: tenant, SubjectID: c.q.subject, Facts: troth.Facts{
					"request": troth.ID(id), "stage": troth.Word(string(made.Stage)), "certificate": troth.Digest(hash),
				},
			})
			if err != nil {
				return err
			}
			return c.keepCertificate(ctx, &made)
		})
		return err
	})
	if err != nil {
		return Certified{}, err
	}
	return made, nil
}

// keepCertificate keeps it with the request, instead of the one of its stage before. One that
// is longer than records are is the caller's alone.
func (c *change) keepCertificate(ctx context.Context, made *Certified) error {
	message, err := made.message()
	if err != nil {
		return err
	}
	key := ItemKey{Tenant: c.tenant, Owner: c.id, Kind: ItemCertificate, ID: string(made.Stage)}
	if _, err := c.d.store.DeleteItem(ctx, key); err != nil {
		return wrap("write certificate", err)
	}
	if err := c.d.insertItem(ctx, ItemRow{ItemKey: key}, message); !errors.Is(err, ErrTooMuch) {
		return err
	}
	return nil
}

// message is what is kept of it: everything but the proof, which is made when it is wanted.
func (c *Certified) message() ([]byte, error) {
	text, err := c.bare()
	if err != nil {
		return nil, err
	}
	return canon.AppendBytes(canon.AppendBytes(canon.AppendDomain(nil, certifiedDomain), c.Entry[:]), text), nil
}

func parseCertified(b []byte) (made Certified, err error) {
	r := reader{Walker: canon.Walk(b, certifiedDomain)}
	r.fixed(made.Entry[:])
	text := r.Bytes()
	if !r.done() {
		return Certified{}, ErrRecord
	}
	if made.Certificate, err = ParseCertificate(text); err != nil {
		return Certified{}, ErrRecord
	}
	return made, nil
}

// Certificates returns the certificates of a request that were issued last, one of each
// stage, the final one first. They stay as long as the record of the request.
func (d *Desk) Certificates(ctx context.Context, tenant troth.Tenant, id string) ([]Certified, error) {
	if err := tenant.Validate(); err != nil {
		return nil, err
	}
	var all []Certified
	err := d.items(ctx, ItemQuery{Tenant: tenant, Owner: id, Kind: ItemCertificate}, func(_ ItemRow, message []byte) error {
		c, err := parseCertified(message)
		all = append(all, c)
		return err
	})
	return all, err
}

// certificate says what became of the request.
func (c *change) certificate(ctx context.Context) (Certificate, error) {
	switch c.q.state {
	case StateDelivering, StateFulfilled, StatePartiallyFulfilled, StateRefused:
	default:
		return Certificate{}, &StateError{State: c.q.state, Event: Executed}
	}
	work, err := c.allWork(ctx)
	if err != nil {
		return Certificate{}, err
	}
	if c.q.right != Erase || len(work) == 0 {
		return Certificate{}, ErrRight
	}
	open, err := c.d.Obligations(ctx, c.tenant, c.id)
	if err != nil {
		return Certificate{}, err
	}
	var nonce [16]byte
	_, _ = rand.Read(nonce[:]) // never fails, crypto/rand documents
	made := Certificate{
		Format: CertificateFormat, Nonce: hexOf(nonce[:]), Stage: Final, Issued: CertificateTime{instant(c.now)},
		Controller: c.d.opt.controller, Tenant: c.tenant, Request: c.id, Right: c.q.right,
		Received: CertificateTime{instant(c.q.receivedAt)}, Sources: []CertificateSource{}, Ledger: uint64(c.q.entered),
	}
	var last time.Time
	known := true
	for i := range work {
		w := &work[i]
		made.Sources = append(made.Sources, w.certified())
		if !w.Outcome.Complete() {
			made.Stage = Provisional
			known = known && w.Outcome == Retained && w.ends()
		}
		last = laterOf(last, w.lastOf())
	}
	if len(open) > 0 || last.After(instant(c.now)) {
		made.Stage = Provisional
	}
	if made.Stage == Provisional && known {
		made.Complete = certificateTimeOf(last)
	}
	return made, nil
}

// certified is what a certificate says of a source.
func (w *SourceWork) certified() CertificateSource {
	s := CertificateSource{
		Name: w.Source, Title: w.Title, Outcome: w.Outcome, Method: w.Method, Records: w.Records,
		At: CertificateTime{w.At}, Asked: w.Asked, CopiesUntil: certificateTimeOf(w.CopiesUntil),
		Evidence: w.Evidence.String(), Keyed: w.Keyed,
	}
	for _, k := range w.Kept {
		s.Kept = append(s.Kept, CertificateKept{
			Basis: k.Basis, Cite: k.Cite, Records: k.Records,
			Until: certificateTimeOf(k.Until), Review: certificateTimeOf(k.Review),
		})
	}
	return s
}

// ends reports whether everything that is kept has an end.
func (w *SourceWork) ends() bool {
	for _, k := range w.Kept {
		if k.Until.IsZero() {
			return false
		}
	}
	return true
}

// lastOf is when the last of what there is goes, as far as that is known.
func (w *SourceWork) lastOf() time.Time {
	return laterOf(w.CopiesUntil, w.lastKept())
}

func laterOf(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// ProveCertificate returns the certificate as a file that carries its proof. It returns
// [troth.ErrPending] until the entry is in the signed log, for which a trail's Await waits,
// and needs [WithProver].
func (d *Desk) ProveCertificate(ctx context.Context, c Certified) ([]byte, error) {
	if d.opt.prover == nil {
		return nil, needs("WithProver, for certificates")
	}
	proof, err := d.opt.prover.Prove(ctx, c.Tenant, c.Entry)
	if err != nil {
		return nil, fmt.Errorf("rights: prove certificate: %w", err)
	}
	c.Proof = string(proof)
	return c.Marshal()
}

// WithController names who answers for the data, as people know it. Certificates and
// exports need it: without it they are [ErrNeeds].
func WithController(name string) Option {
	return func(o *options) error { o.controller = name; return present("controller", name != "") }
}

// WithProver sets what proves to strangers that an entry is on the trail, such as the trail.
// Without it [Desk.ProveCertificate] returns [ErrNeeds].
func WithProver(p troth.Prover) Option {
	return func(o *options) error { o.prover = p; return present("prover", p != nil) }
}
