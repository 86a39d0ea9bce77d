package kit

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/vault"
)

// Evidence lets a vault read the trail, to compare it with what its rows say, see
// [vault.Vault.Reconcile]. A Kit's vault has it; it is for who wires vault and
// trail by hand.
func Evidence(trail *audit.Trail) vault.Evidence { return evidence{trail} }

type evidence struct{ trail *audit.Trail }

// Acts implements vault.Evidence.
func (e evidence) Acts(ctx context.Context, tenant troth.Tenant, act, after string) iter.Seq2[vault.Evidenced, error] {
	return func(yield func(vault.Evidenced, error) bool) {
		q := audit.Query{Act: act}
		if after != "" {
			if _, err := fmt.Sscanf(after, "%d.%d", &q.After.Log, &q.After.Number); err != nil {
				yield(vault.Evidenced{}, fmt.Errorf("kit: evidence: cursor: %w", err))
				return
			}
		}
		for r, err := range e.trail.Entries(ctx, tenant, q) {
			found, err := evidenced(r, err)
			if !yield(found, err) || err != nil {
				return
			}
		}
	}
}

// Find implements vault.Evidence.
func (e evidence) Find(ctx context.Context, tenant troth.Tenant, id troth.EntryID) (vault.Evidenced, error) {
	r, err := e.trail.Entry(ctx, tenant, id)
	if !errors.Is(err, audit.ErrNoEntry) {
		return evidenced(r, err)
	}
	pruned, err := e.prunedBefore(ctx)
	if err != nil {
		return vault.Evidenced{}, err
	}
	var ms [8]byte
	copy(ms[2:], id[:6]) // an entry's id begins with its time
	if !time.UnixMilli(int64(binary.BigEndian.Uint64(ms[:]))).After(pruned) {
		return vault.Evidenced{ID: id, State: vault.EvidenceGone}, nil
	}
	return vault.Evidenced{ID: id, State: vault.EvidenceAbsent}, nil
}

// prunedBefore is when a log was pruned last: what is younger was not.
func (e evidence) prunedBefore(ctx context.Context) (at time.Time, err error) {
	for r, err := range e.trail.Entries(ctx, troth.Platform, audit.Query{Act: "audit.prune"}) {
		if err != nil {
			if _, unreadable := errors.AsType[*audit.EntryError](err); unreadable {
				continue
			}
			return at, err
		}
		if r.RecordedAt.After(at) {
			at = r.RecordedAt
		}
	}
	return at, nil
}

// evidenced is a record as the vault wants to know it. One that cannot be read
// is for whoever verifies the trail.
func evidenced(r audit.Record, err error) (vault.Evidenced, error) {
	found := vault.Evidenced{ID: r.ID, State: vault.EvidenceGone}
	if !r.Pending {
		found.Cursor = fmt.Sprintf("%d.%d", r.Log, r.Number)
	}
	if _, unreadable := errors.AsType[*audit.EntryError](err); unreadable || !r.RedactedBy.IsZero() {
		return found, nil
	}
	if err != nil {
		return vault.Evidenced{}, err
	}
	found.State, found.Act, found.Facts = vault.EvidenceThere, r.Act, make(troth.Facts, len(r.Facts))
	for _, f := range r.Facts {
		found.Facts[f.Name] = f.Fact
	}
	return found, nil
}
