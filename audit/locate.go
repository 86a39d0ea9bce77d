package audit

import (
	"context"
	"fmt"
	"iter"

	"github.com/trothdev/troth"
)

// located is an entry where it stands now.
type located struct {
	// env is zero once the entry was redacted.
	env Envelope
	// row is nil while the entry waits in the inbox.
	row *LogRow
}

func (at *located) redacted() bool { return at.row != nil && !at.row.RedactedBy.IsZero() }

// locate finds an entry, first where it waits and then in the log: it moves from
// there to here, and never back. It returns [ErrNoEntry], or an *[EntryError]
// for one that cannot be believed.
func (t *Trail) locate(ctx context.Context, tenant troth.Tenant, id troth.EntryID) (located, error) {
	env, found, err := t.inInbox(ctx, tenant, id)
	if err != nil || found {
		return located{env: env}, err
	}
	row, found, err := t.store.LogEntry(ctx, tenant, id)
	if err != nil {
		return located{}, fmt.Errorf("audit: find entry: %w", err)
	}
	if !found {
		return located{}, ErrNoEntry
	}
	env, err = row.open()
	return located{env: env, row: &row}, err
}

// inInbox finds an entry in the inbox.
func (t *Trail) inInbox(ctx context.Context, tenant troth.Tenant, id troth.EntryID) (env Envelope, found bool, err error) {
	rows, err := t.store.Entries(ctx, EntriesPage{Tenant: tenant, After: preceding(id), Limit: 1})
	if err != nil {
		return env, false, fmt.Errorf("audit: find entry: %w", err)
	}
	if len(rows) == 0 || rows[0].ID != id {
		return env, false, nil
	}
	env, err = t.fromInbox(ctx, rows[0])
	return env, err == nil, err
}

// preceding is the id that comes directly before.
func preceding(id troth.EntryID) troth.EntryID {
	for i := len(id) - 1; i >= 0; i-- {
		id[i]--
		if id[i] != 0xff {
			break
		}
	}
	return id
}

// open decodes the leaf and holds it to its place. A redacted entry gives the
// zero envelope.
func (r LogRow) open() (Envelope, error) {
	if r.Leaf == nil && !r.RedactedBy.IsZero() {
		return Envelope{}, nil
	}
	l, env, err := ParseLeaf(r.Leaf)
	if err == nil && (HashLeaf(r.Leaf) != r.Hash || l.Index != r.Index || l.Number != r.Number ||
		env.ID != r.ID || env.Tenant != r.Tenant) {
		err = ErrLeaf
	}
	if err != nil {
		return Envelope{}, &EntryError{ID: r.ID, Err: err}
	}
	return env, nil
}

// evidenceOf lists what the trail tells of an act, about one pseudonym or, if it
// is zero, about anybody. What cannot be believed does not come: that is for
// whoever verifies.
func (t *Trail) evidenceOf(ctx context.Context, tenant troth.Tenant, act string, about Pseudonym) iter.Seq2[Envelope, error] {
	return func(yield func(Envelope, error) bool) {
		for r, err := range t.Entries(ctx, tenant, Query{Act: act, Subject: about}) {
			if isEntryError(err) || (err == nil && r.Act != act) {
				continue // what the columns say is no evidence
			}
			if !yield(r.Envelope, err) {
				return
			}
		}
	}
}
