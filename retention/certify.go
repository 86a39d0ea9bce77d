package retention

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/trothdev/troth"
)

// KeyErasure is what destroyed the key that a record was sealed with.
type KeyErasure struct {
	// Entry is the evidence of its destruction.
	Entry troth.EntryID
	// Horizon is from when on nobody can read what it sealed, backups and the
	// key-encryption key in hand; a vault tells it. Final says that nothing it rests on
	// can change any more.
	Horizon time.Time
	Final   bool
}

// MaxCertified is how many records one certificate is about at most.
const MaxCertified = 500

// ErrProver says that the keeper was made without [WithProver].
var ErrProver = errors.New("retention: this needs the option WithProver")

// WithCertificates keeps what a certificate of destruction says of a record for so long
// after its last copy is gone; by default nothing is. What is kept names nobody.
func WithCertificates(keep time.Duration) Option {
	return func(o *options) error {
		if o.certify = keep; keep <= 0 {
			return errors.New("retention: certificates are kept for no time")
		}
		return nil
	}
}

// WithProver lets certificates carry their proof, see [Keeper.ProveCertificate].
func WithProver(p troth.Prover) Option {
	return func(o *options) error { o.prover = p; return present("prover", p != nil) }
}

// IssuedCertificate is a certificate whose entry is on the trail. It is pending until the
// entry is in the signed log.
type IssuedCertificate struct {
	Certificate
	// Entry commits to the certificate.
	Entry troth.EntryID
}

// Certify issues a certificate about records of a tenant that were destroyed, by their
// handles: handlers are told them as [Order.Handle], and [Keeper.Record] says them, behind
// the type, as long as the record is there. It works in the caller's transaction or one of
// its own. The certificate is final once every copy of them is gone, and says until then
// which may be there. It returns [ErrNotFound] for a record that was not destroyed, or of
// which nothing is kept any more.
//
// A copy counts as ended by the destruction of its key where [Registration.Erased] tells
// of one that is final and whose horizon is past, and where it holds nothing but what the
// primary holds: the primary itself, its backups, and archives of its log.
func (k *Keeper) Certify(ctx context.Context, tenant troth.Tenant, handles ...string) (IssuedCertificate, error) {
	if err := tenant.Validate(); err != nil {
		return IssuedCertificate{}, err
	}
	handles = slices.Compact(slices.Sorted(slices.Values(handles)))
	if len(handles) == 0 || len(handles) > MaxCertified {
		return IssuedCertificate{}, fmt.Errorf("%w: it is about no record, or more than %d", ErrCertificate, MaxCertified)
	}
	var nonce [16]byte
	_, _ = rand.Read(nonce[:]) // never fails, crypto/rand documents
	now := k.now()
	c := IssuedCertificate{Certificate: Certificate{
		Format: CertificateFormat, ID: "urn:uuid:" + troth.NewEntryID(now).String(), Tenant: tenant,
		Issued: CertificateTime{now}, Nonce: hexOf(nonce[:]),
	}}
	err := k.tx.Atomically(ctx, func(ctx context.Context) (err error) {
		c.Final, c.Records = true, nil
		for _, handle := range handles {
			r, err := k.certifyOne(ctx, tenant, handle, now)
			if err != nil {
				return err
			}
			c.Final = c.Final && r.Gone != nil
			c.Records = append(c.Records, r)
		}
		hash, err := c.Hash()
		if err != nil {
			return err
		}
		final := "no"
		if c.Final {
			final = "yes"
		}
		c.Entry, err = k.recorded(ctx, troth.Entry{Act: actCertificate, Tenant: tenant, Facts: troth.Facts{
			"certificate": troth.Digest(hash), "records": troth.Count(len(handles)), "final": troth.Word(final),
		}})
		return err
	})
	if err != nil {
		return IssuedCertificate{}, err
	}
	return c, nil
}

func (k *Keeper) certifyOne(ctx context.Context, tenant troth.Tenant, handle string, now time.Time) (CertifiedRecord, error) {
	p, err := k.destroyed(ctx, tenant, handle)
	if err != nil {
		return CertifiedRecord{}, err
	}
	row := p.row
	now = later(now, timeOf(row.At)) // a clock that went back
	r := CertifiedRecord{
		Handle: row.Handle, Type: row.Type, Class: row.Class, End: row.End, Policy: hexOf(row.Policy[:]),
		Destroyed: CertificateTime{timeOf(row.At)}, Entry: row.Entry.String(),
	}
	if erased := k.opt.types[row.Type].Erased; erased != nil {
		e, err := erased(ctx, tenant, handle)
		if err != nil {
			return CertifiedRecord{}, fmt.Errorf("retention: ask for a key: %w", err)
		}
		if e.Final && !e.Horizon.IsZero() && !e.Horizon.After(now) {
			r.Key = &CertifiedKey{Entry: e.Entry.String(), Horizon: CertificateTime{timeOf(e.Horizon.UnixMicro())}}
		}
	}
	last, all := timeOf(row.At), true
	for _, s := range p.states(now) {
		c := certifiedCopy(&s)
		if r.Key != nil && p.sealed(p.find(s.Copy), len(p.copies)) {
			c.Status, c.By, c.Method, c.Sanitisation = CopyGone, nil, MethodKeyDestroyed, MethodKeyDestroyed.Sanitisation()
			c.At = certified(later(r.Key.Horizon.Time, timeOf(row.At)))
			c.Entry = r.Key.Entry
		}
		if c.Status == CopyGone {
			last = later(last, c.At.Time)
		} else {
			all = false
		}
		r.Copies = append(r.Copies, c)
	}
	if all {
		r.Gone = certified(last)
	}
	return r, nil
}

func certifiedCopy(s *CopyState) CertifiedCopy {
	c := CertifiedCopy{
		Copy: s.Copy, Kind: s.Kind, Status: s.Status, Shown: s.Shown, Evidence: s.Evidence, Digest: s.Digest,
	}
	if !s.Entry.IsZero() {
		c.Entry = s.Entry.String()
	}
	if s.Status == CopyGone {
		c.At, c.Method, c.Sanitisation = certified(s.At), s.Method, s.Method.Sanitisation()
	} else {
		c.By = certified(s.By)
	}
	return c
}

// sealed reports whether a copy holds nothing but bytes of the primary, which are sealed.
func (p *progress) sealed(c *warrantCopy, left int) bool {
	if c == nil || left == 0 {
		return false
	}
	switch c.Kind {
	case Primary:
		return c.Of == ""
	case Backup, WALArchive:
		return p.sealed(p.find(c.Of), left-1)
	case SearchIndex, Analytics, Provider, Logs, Paper:
	}
	return false
}

// ProveCertificate returns the certificate as a file that carries its proof. It returns
// [troth.ErrPending] until the entry is in the signed log, for which a trail's Await waits,
// and needs [WithProver].
func (k *Keeper) ProveCertificate(ctx context.Context, c IssuedCertificate) ([]byte, error) {
	if k.opt.prover == nil {
		return nil, ErrProver
	}
	proof, err := k.opt.prover.Prove(ctx, c.Tenant, c.Entry)
	if err != nil {
		return nil, fmt.Errorf("retention: prove certificate: %w", err)
	}
	c.Proof = string(proof)
	return c.Certificate.Marshal()
}
