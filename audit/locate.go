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

func (at located) redacted() bool { return at.row != nil && !at.row.RedactedBy.IsZero() }

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

// evidenceOf lists what the trail tells of an act, about one pseudonym or, if it is
// zero, about anybody: first the entries that wait, then those in the log. One
// that moves meanwhile may come twice. Those that cannot be believed do not
// come: they are for whoever verifies.
func (t *Trail) evidenceOf(ctx context.Context, tenant troth.Tenant, act string, about Pseudonym) iter.Seq2[Envelope, error] {
	return func(yield func(Envelope, error) bool) {
		fits := func(e Envelope) bool { return e.Act == act && (about.IsZero() || e.Subject == about) }
		for env, err := range t.allWaiting(ctx, tenant) {
			if err != nil || fits(env) {
				if !yield(env, err) || err != nil {
					return
				}
			}
		}
		page := LogPage{Tenant: tenant, Act: act, Subject: about, Limit: pageSize}
		for {
			rows, err := t.store.LogEntries(ctx, page)
			if err != nil {
				yield(Envelope{}, fmt.Errorf("audit: find entries: %w", err))
				return
			}
			for _, row := range rows {
				env, err := row.open()
				if err == nil && fits(env) && !yield(env, nil) {
					return
				}
			}
			if len(rows) < page.Limit {
				return
			}
			last := rows[len(rows)-1]
			page.Log, page.Number = last.Log, last.Number
		}
	}
}

// allWaiting lists the tenant's entries in the inbox that can be believed.
func (t *Trail) allWaiting(ctx context.Context, tenant troth.Tenant) iter.Seq2[Envelope, error] {
	return func(yield func(Envelope, error) bool) {
		page := EntriesPage{Tenant: tenant, Limit: pageSize}
		for {
			rows, err := t.store.Entries(ctx, page)
			if err != nil {
				yield(Envelope{}, fmt.Errorf("audit: find entries: %w", err))
				return
			}
			for _, row := range rows {
				env, err := t.fromInbox(ctx, row)
				if isEntryError(err) {
					continue
				}
				if !yield(env, err) || err != nil {
					return
				}
			}
			if len(rows) < page.Limit {
				return
			}
			page.After = rows[len(rows)-1].ID
		}
	}
}
