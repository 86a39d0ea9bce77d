package retention

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/trothdev/troth"
)

// Method is how a copy ended. It says no more than is known.
type Method string

const (
	// MethodDeleted: a program was told to delete it, and says that it did. That is no
	// word of NIST SP 800-88: the media may hold it still.
	MethodDeleted Method = "deleted"
	// MethodAnonymised: what leads to a person was taken out of it.
	MethodAnonymised Method = "anonymised"
	// MethodExpired: the set or file that held it was thrown away with its age.
	MethodExpired Method = "expired"
	// MethodKeyDestroyed: it was sealed, its key was destroyed, and the horizon of that
	// is past.
	MethodKeyDestroyed Method = "key-destroyed"
	// MethodShredded: the paper was destroyed.
	MethodShredded Method = "shredded"
	// MethodPulped: the paper was destroyed.
	MethodPulped Method = "pulped"
	// MethodBurned: the paper was destroyed.
	MethodBurned Method = "burned"
)

// Sanitisation is the word of NIST SP 800-88 for a method: "purge" where the key was
// destroyed (cryptographic erase), "destroy" where paper was. It is empty for everything
// else: rows that were deleted, and sets that expired, are neither cleared nor purged as
// long as nobody knows what became of their media.
func (m Method) Sanitisation() string {
	switch m {
	case MethodKeyDestroyed:
		return "purge"
	case MethodShredded, MethodPulped, MethodBurned:
		return "destroy"
	case MethodDeleted, MethodAnonymised, MethodExpired:
	}
	return ""
}

// Confirmation is what a person says who saw to a copy.
type Confirmation struct {
	Tenant troth.Tenant
	// Handle is the record's name in evidence, Copy which copy.
	Handle, Copy string
	// Method is how it ended: [MethodShredded], [MethodPulped] or [MethodBurned] for paper,
	// [MethodDeleted] for copies that have a connector and were seen to by hand.
	Method Method
	// Evidence is the host's own name of what shows it, such as the number of a protocol.
	// It is recorded as it is and must not be about a person. Digest is the SHA-256 of it,
	// where it is a document. One of the two is required.
	Evidence string
	Digest   [32]byte
}

// ErrEvidence says that a confirmation shows nothing, or not what the copy needs.
var ErrEvidence = errors.New("retention: the confirmation does not show what it must")

// ConfirmCopy ends a copy that waits for a person, who is the custodian and belongs to
// the tenant or to the host. Who confirmed what, with which evidence, is on the trail with
// it. The work that waits for it ends too, if the queue has a method Resume, as the
// engine of package task does. Confirming the same again is [ErrNotFound]: nothing waits.
func (k *Keeper) ConfirmCopy(ctx context.Context, c Confirmation) error {
	if err := k.person(ctx, c.Tenant, k.opt.custodian); err != nil {
		return err
	}
	if c.Evidence == "" && c.Digest == ([32]byte{}) {
		return ErrEvidence
	}
	if c.Evidence != "" {
		if err := checkName("evidence", c.Evidence); err != nil {
			return err
		}
	}
	return k.tx.Atomically(ctx, func(ctx context.Context) error {
		rows, err := k.store.WarrantsOf(ctx, c.Tenant, c.Handle)
		if err != nil {
			return fmt.Errorf("retention: read warrants: %w", err)
		}
		found := false
		for i := range rows {
			was, err := k.confirm(ctx, rows[i].Key(), &c)
			if err != nil {
				return err
			}
			found = found || was
		}
		if !found {
			return ErrNotFound
		}
		return nil
	})
}

func (k *Keeper) confirm(ctx context.Context, key WarrantKey, conf *Confirmation) (found bool, err error) {
	err = k.withWarrant(ctx, key, func(ctx context.Context, _ *History, p *progress) (bool, error) {
		c := p.find(conf.Copy)
		if found = c != nil && c.waits(); !found {
			return false, nil
		}
		if !conf.fits(c) {
			return false, ErrEvidence
		}
		facts := troth.Facts{}
		if c.Evidence = conf.Evidence; c.Evidence != "" {
			facts["evidence"] = troth.Word(c.Evidence)
		}
		if conf.Digest != ([32]byte{}) {
			c.Digest, facts["digest"] = hex.EncodeToString(conf.Digest[:]), troth.Digest(conf.Digest)
		}
		c.How = byPerson
		if err := k.end(ctx, p, c, conf.Method, facts); err != nil {
			return false, err
		}
		k.resume(ctx, p.row.Tenant, c.Work)
		return true, nil
	})
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return found, err
}

// fits reports whether the method is one of the copy's.
func (conf *Confirmation) fits(c *warrantCopy) bool {
	if c.How == byConnector {
		return conf.Method == MethodDeleted
	}
	return conf.Method.Sanitisation() == "destroy"
}

// resume has the queue look at work again that waits for a person. Work that cannot be
// resumed has not been tried yet, and ends when it is, or its alarm tells of it: the
// warrant is what counts.
func (k *Keeper) resume(ctx context.Context, tenant troth.Tenant, work string) {
	q, can := k.opt.tasks.(interface {
		Resume(ctx context.Context, ref troth.WorkRef) error
	})
	if !can || work == "" {
		return
	}
	_ = k.tx.Atomically(ctx, func(ctx context.Context) error { return q.Resume(ctx, troth.WorkRef{Tenant: tenant, ID: work}) })
}
