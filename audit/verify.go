package audit

import (
	"context"
	"errors"
	"time"

	"github.com/trothdev/troth"
)

// VerifyParams says what to verify. The zero value is everything.
type VerifyParams struct {
	// Trusted is a checkpoint that is known to be good, as a signed note: what it
	// covers is not read again, only that the log contains it.
	Trusted []byte
}

// Report is what verification found in a store in which everything fits.
type Report struct {
	// Logs are those of the store, the open one last.
	Logs []LogReport
	// Backlog is what waits in the inbox, and is not covered.
	Backlog Backlog
}

// LogReport is what was verified of one log.
type LogReport struct {
	Log    int
	Origin string
	Size   uint64
	// Read is how many entries were read, and Tenants how many tenants have any.
	Read    uint64
	Tenants int
	// Pruned is the index below which entries were destroyed, and Redacted how
	// many of those that were read are redacted, each for a reason that is on
	// the trail.
	Pruned   uint64
	Redacted int
	// Parts counts sealed parts of payloads, Dropped those of them that were
	// destroyed, each for a reason that is on the trail.
	Parts, Dropped int
	// Checkpoints is how many were verified; Signed is the size of the newest,
	// and SignedAt its time. Entries behind it are not signed for yet.
	Checkpoints int
	Signed      uint64
	SignedAt    time.Time
}

// Verify reads the logs of the store and finds out whether they are what was
// written: every entry, tile and head, the tenants' chains and every checkpoint.
// The first thing that does not fit comes as a *[DamageError]; a log that does
// not lead to a checkpoint, of the store, of [VerifyParams] or of a sink, as a
// *[RolledBackError].
//
// It works beside a running sequencer, on the logs as they are when it begins.
// Memory is bounded by the number of tenants, not of entries. Whoever can write
// to the database and has the signer's key can write a new history: only
// checkpoints kept outside show that.
func (t *Trail) Verify(ctx context.Context, p VerifyParams) (Report, error) {
	if t.tx.Scope(ctx) != nil {
		return Report{}, ErrInTransaction
	}
	v := &verification{trail: t, reasons: newReasons()}
	if p.Trusted != nil {
		cp, err := t.open(p.Trusted)
		if err != nil {
			return Report{}, err
		}
		v.trusted = &cp
	}
	return v.run(ctx)
}

// verification is one call of Verify.
type verification struct {
	trail   *Trail
	trusted *Checkpoint
	heads   []Head
	known   []Checkpoint
	reasons *reasons
}

func (v *verification) run(ctx context.Context) (r Report, err error) {
	if v.heads, err = v.trail.heads(ctx); err != nil {
		return r, err
	}
	if v.known, err = v.trail.outside(ctx); err != nil {
		return r, err
	}
	if err := v.checkHeads(); err != nil {
		return r, err
	}
	for _, head := range v.heads {
		if err := v.trail.checkHead(ctx, head); err != nil {
			return r, err
		}
		log, err := v.verifyLog(ctx, head)
		if err != nil {
			return r, err
		}
		r.Logs = append(r.Logs, log)
	}
	if err := v.reasons.settle(ctx, v.trail); err != nil {
		return r, err
	}
	if r.Backlog, err = v.trail.Backlog(ctx); err != nil {
		return r, err
	}
	return r, nil
}

// checkHeads looks at what the heads say without reading any further.
func (v *verification) checkHeads() error {
	origins := make(map[string]bool)
	for i, h := range v.heads {
		damage := func(reason string) error {
			return &DamageError{h.Log, "head", "log " + itoa(h.Log), reason}
		}
		switch {
		case h.Log != i+1:
			return &DamageError{i + 1, "head", "log " + itoa(i+1), "is missing"}
		case origins[h.Origin]:
			return damage("has the origin of another")
		case h.Closed != (i+1 < len(v.heads)):
			return damage("is open or closed out of turn")
		case h.Size == 0:
			return damage("is empty")
		case !v.trail.verifiers.names(h.Origin, h.Signer):
			return damage("signer is not a verifier key of its origin")
		case h.Pruned > h.Size || h.Pruned%tileWidth != 0 || (h.Pruned > 0) != !h.PrunedBy.IsZero():
			return damage("is pruned in a way that cannot be")
		}
		origins[h.Origin] = true
	}
	if v.trusted != nil && !origins[v.trusted.Origin] {
		return &RolledBackError{Origin: v.trusted.Origin, Known: v.trusted.Size}
	}
	return nil
}

// verifyLog verifies one log: from the trusted checkpoint on if it is of this
// log, else from where it was pruned.
func (v *verification) verifyLog(ctx context.Context, head Head) (LogReport, error) {
	w := &walk{
		v: v, trail: v.trail, head: head,
		report: LogReport{Log: head.Log, Origin: head.Origin, Size: head.Size, Pruned: head.Pruned},
	}
	if err := w.begin(ctx); err != nil {
		return w.report, err
	}
	if err := w.entries(ctx); err != nil {
		return w.report, err
	}
	if err := w.end(ctx); err != nil {
		return w.report, err
	}
	return w.report, v.outside(ctx, head)
}

// outside compares the log with what is known elsewhere.
func (v *verification) outside(ctx context.Context, head Head) error {
	if v.trusted != nil && v.trusted.Origin == head.Origin {
		if err := v.trail.leadsTo(ctx, head, *v.trusted); err != nil {
			return err
		}
	}
	return v.trail.checkOutside(ctx, head, v.known)
}

// reasons matches what is gone with the entries that tell why.
type reasons struct {
	// gone is what is missing, by the entry that must tell of it.
	gone map[TenantEntry][]missing
}

// missing is one thing that was destroyed, in the words of its evidence.
type missing struct {
	damage DamageError
	act    string
	facts  map[string]troth.Fact
}

func newReasons() *reasons { return &reasons{gone: make(map[TenantEntry][]missing)} }

func (r *reasons) need(by TenantEntry, m missing) { r.gone[by] = append(r.gone[by], m) }

// settle looks for every reason, in the log or still in the inbox.
func (r *reasons) settle(ctx context.Context, t *Trail) error {
	for by, list := range r.gone {
		at, err := t.locate(ctx, by.Tenant, by.ID)
		if err != nil && !errors.Is(err, ErrNoEntry) && !isEntryError(err) {
			return err
		}
		for _, m := range list {
			if err != nil || at.env.Act != m.act || !m.told(at.env) {
				return &m.damage
			}
		}
	}
	return nil
}

// told reports whether the entry tells of what is missing.
func (m missing) told(env Envelope) bool {
	left := len(m.facts)
	for _, f := range env.Facts {
		want, ok := m.facts[f.Name]
		if !ok {
			continue
		}
		if want.Kind() != f.Kind() || want.Text() != f.Text() || want.Number() != f.Number() {
			return false
		}
		left--
	}
	return left == 0
}
