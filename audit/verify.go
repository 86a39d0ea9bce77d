package audit

import (
	"context"
	"errors"
	"strings"
	"time"
)

// VerifyParams says what to verify. The zero value is everything.
type VerifyParams struct {
	// Trusted is a checkpoint that is known to be good, as a signed note: what it
	// covers is not read again, only that the log contains it. Logs before the
	// one that it is of are not read either, since its first entry pins them, nor
	// are the indexes of the store.
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
	// Unexplained is how much of that, the pruning included, was told in a later
	// log and in a part of it that was pruned since: nothing tells of it any more.
	Unexplained int
	// Checkpoints is how many were verified; Signed is the size of the newest,
	// and SignedAt its time. Entries behind it are not signed for yet.
	Checkpoints int
	Signed      uint64
	SignedAt    time.Time
	// Lost is how many entries at the end of the log are gone, and Forked says
	// that it holds others in their place: an older copy of the store was put
	// back, and the first entry of the next log admits it.
	Lost   uint64
	Forked bool
}

// ErrPruned says that a log was pruned beyond a checkpoint, so that nothing tells
// any more whether it leads there.
var ErrPruned = errors.New("audit: log was pruned beyond the checkpoint")

// Verify reads the logs of the store and finds out whether they are what was
// written: every entry, tile and head, the tenants' chains, the parts of payloads,
// every checkpoint, and the indexes by which the store finds them. The first thing
// that does not fit comes as a *[DamageError]; a log that does not lead to a
// checkpoint, of the store, of [VerifyParams] or of a sink, as a
// *[RolledBackError]; [ErrPruned] where that cannot be told.
//
// It works beside a running sequencer, on the logs as they are when it begins.
// Memory is bounded by the number of tenants, not of entries. Whoever can write
// to the database and has the signer's key can write a new history: only
// checkpoints kept outside show that.
func (t *Trail) Verify(ctx context.Context, p VerifyParams) (Report, error) {
	if t.tx.Scope(ctx) != nil {
		return Report{}, ErrInTransaction
	}
	var trusted *Checkpoint
	if p.Trusted != nil {
		cp, err := t.open(p.Trusted)
		if err != nil {
			return Report{}, err
		}
		trusted = &cp
	}
	var check IndexCheck
	heads, err := t.heads(ctx)
	if err != nil {
		return Report{}, asDamage(err)
	}
	if trusted == nil { // only then all entries are read
		check = t.store.Indexes(heads)
	}
	look := lookAtIndexes(ctx, check)
	defer look.stop()
	var r Report
	for range verifyTries {
		look.begin()
		v := &verification{trail: t, trusted: trusted, look: look}
		if r, err = v.run(ctx); err == nil || !look.kept(err) && !v.pruned(ctx) {
			break
		}
	}
	if err == nil {
		err = look.result(ctx)
	}
	if err != nil {
		return Report{}, asDamage(err)
	}
	return r, nil
}

// verifyTries bounds how often verification begins again because a log was
// pruned under it.
const verifyTries = 3

// asDamage names the place of a row that cannot be read.
func asDamage(err error) error {
	row, ok := errors.AsType[*RowError](err)
	if !ok {
		return err
	}
	return &DamageError{0, strings.TrimPrefix(row.Table, "troth_audit_"), row.Place, "cannot be read"}
}

// verification is one call of Verify.
type verification struct {
	trail   *Trail
	trusted *Checkpoint
	look    *indexLook
	heads   []Head
	reasons reasons
	// pin is what the first entry of the log that is verified now says of the
	// one before it; pins are in the order of the logs.
	pins []*pin
}

func (v *verification) run(ctx context.Context) (r Report, err error) {
	if v.heads, err = v.trail.heads(ctx); err != nil {
		return r, err
	}
	v.pins = make([]*pin, len(v.heads))
	v.reasons = reasons{v: v}
	first, err := v.checkHeads()
	if err != nil {
		return r, err
	}
	if err := v.strays(ctx); err != nil {
		return r, err
	}
	for i, head := range v.heads {
		if err := v.trail.checkHead(ctx, head); err != nil {
			return r, err
		}
		log := LogReport{Log: head.Log, Origin: head.Origin, Size: head.Size, Pruned: head.Pruned}
		if i >= first {
			if log, err = v.verifyLog(ctx, head); err != nil {
				return r, err
			}
		}
		r.Logs = append(r.Logs, log)
	}
	if err := v.reasons.settle(ctx); err != nil {
		return r, err
	}
	for i := range r.Logs {
		r.Logs[i].Unexplained = v.reasons.lost[r.Logs[i].Log]
	}
	if err := v.checkPins(ctx, r.Logs); err != nil {
		return r, err
	}
	if err := v.outside(ctx); err != nil {
		return r, err
	}
	r.Backlog, err = v.trail.Backlog(ctx)
	return r, err
}

// checkHeads looks at what the heads say without reading any further, and
// returns which of them is the first to verify.
func (v *verification) checkHeads() (first int, err error) {
	origins := make(map[string]int)
	for i, h := range v.heads {
		damage := func(reason string) error {
			return &DamageError{h.Log, "head", "log " + itoa(h.Log), reason}
		}
		_, known := origins[h.Origin]
		switch {
		case h.Log != i+1:
			return 0, &DamageError{i + 1, "head", "log " + itoa(i+1), "is missing"}
		case known:
			return 0, damage("has the origin of another")
		case h.Closed != (i+1 < len(v.heads)):
			return 0, damage("is open or closed out of turn")
		case h.Size == 0 || h.Size > maxSize:
			return 0, damage(emptyHead)
		case !v.trail.verifiers.names(h.Origin, h.Signer):
			return 0, damage("its signer is not among the keys to verify with")
		case h.Pruned > h.Size || h.Pruned%tileWidth != 0 || (h.Pruned > 0) != !h.PrunedBy.IsZero():
			return 0, damage("is pruned in a way that cannot be")
		}
		origins[h.Origin] = i
	}
	if v.trusted == nil {
		return 0, nil
	}
	first, found := origins[v.trusted.Origin]
	if !found {
		return 0, &RolledBackError{Origin: v.trusted.Origin, Known: v.trusted.Size}
	}
	return first, nil
}

// strays looks for rows that stand where nobody reads.
func (v *verification) strays(ctx context.Context) error {
	row, found, err := v.trail.store.Stray(ctx)
	if err != nil {
		return wrapVerify(err)
	}
	if !found || v.grown(ctx) {
		return nil
	}
	return &DamageError{0, strings.TrimPrefix(row.Table, "troth_audit_"), row.Place, "is of no log"}
}

// grown reports whether a log was opened since verification began: its rows
// belong to a head that was not there then.
func (v *verification) grown(ctx context.Context) bool {
	heads, err := v.trail.heads(ctx)
	return err == nil && len(heads) > len(v.heads)
}

// pruned reports whether a log was pruned since verification began.
func (v *verification) pruned(ctx context.Context) bool {
	heads, err := v.trail.heads(ctx)
	if err != nil || len(heads) < len(v.heads) {
		return false
	}
	for i, h := range v.heads {
		if heads[i].Pruned != h.Pruned {
			return true
		}
	}
	return false
}

// verifyLog verifies one log: from the trusted checkpoint on if it is of this
// log, else from where it was pruned.
func (v *verification) verifyLog(ctx context.Context, head Head) (LogReport, error) {
	w := &walk{
		v: v, trail: v.trail, head: head,
		report: LogReport{Log: head.Log, Origin: head.Origin, Size: head.Size},
	}
	if err := w.begin(ctx); err != nil {
		return w.report, err
	}
	if err := w.entries(ctx); err != nil {
		return w.report, err
	}
	return w.report, w.end(ctx)
}
