package audit

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
)

// pageSize is how many entries are read at a time.
const pageSize = 256

// Query chooses entries of one tenant. The zero Query chooses all.
type Query struct {
	// After is where the last entry stands that was seen, as its Record says;
	// the zero Position begins at the beginning. Pages stay stable: entries are
	// only ever added behind. Pending entries have no position yet.
	After Position
	// Subject and Act choose entries about that pseudonym and of that act.
	Subject Pseudonym
	Act     string
	// From and To bound the time of recording, From included, To not. Zero
	// values are no bound.
	From, To time.Time
	// Sequenced leaves out the entries that are pending.
	Sequenced bool
}

// Record is one entry as it is stored.
type Record struct {
	Envelope
	// Raw is the envelope's bytes, exactly as recorded.
	Raw []byte
	// Pending says that the entry is durable and not yet in the log, so that it
	// cannot be proved to others. It has no Position then.
	Pending bool
	Position
	// RedactedBy is the entry that tells why the envelope was destroyed; ID is
	// all that is left of it then. Zero while it is there.
	RedactedBy troth.EntryID
}

// Entries lists a tenant's entries: those of the log in the order of their
// positions, then those that are pending, in the order of their ids. Nothing is
// held open while the loop's body runs, so it may write, also with a single
// connection. Redacted entries are listed where neither subject, act nor time
// was asked for.
//
// An entry that cannot be read comes with an *[EntryError] and a Record that
// holds its place, ID and Raw only; the loop may go on to the next. After any
// other error there is none. Reading does not notice that a row is missing:
// [Trail.Verify] does.
func (t *Trail) Entries(ctx context.Context, tenant troth.Tenant, q Query) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		if err := tenant.Validate(); err != nil {
			yield(Record{}, err)
			return
		}
		l := &listing{trail: t, tenant: tenant, query: q, seen: make(map[troth.EntryID]bool), yield: yield}
		l.page = LogPage{
			Tenant: tenant, Log: q.After.Log, Number: q.After.Number, Limit: pageSize,
			Subject: q.Subject, Act: q.Act, From: micros(q.From), To: micros(q.To),
		}
		if err := l.run(ctx); err != nil {
			yield(Record{}, err)
		}
	}
}

// micros is 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// listing is one loop over entries.
type listing struct {
	trail  *Trail
	tenant troth.Tenant
	query  Query
	page   LogPage
	// seen are the pending entries that were yielded. They may turn up in the
	// log while the loop runs.
	seen  map[troth.EntryID]bool
	yield func(Record, error) bool
	ended bool
}

// run reads the log, then the inbox, then what came into the log meanwhile: an
// entry moves from the one to the other, and must not be missed on its way.
func (l *listing) run(ctx context.Context) error {
	if err := l.sequenced(ctx); err != nil || l.ended || l.query.Sequenced {
		return err
	}
	if err := l.pending(ctx); err != nil || l.ended {
		return err
	}
	return l.sequenced(ctx)
}

func (l *listing) sequenced(ctx context.Context) error {
	for {
		rows, err := l.trail.store.LogEntries(ctx, l.page)
		if err != nil {
			return fmt.Errorf("audit: list entries: %w", err)
		}
		for _, row := range rows {
			l.page.Log, l.page.Number = row.Log, row.Number
			if l.seen[row.ID] {
				continue
			}
			if r, err := l.trail.readRow(row); !l.yield(r, err) {
				l.ended = true
				return nil
			}
		}
		if len(rows) < l.page.Limit {
			return nil
		}
	}
}

func (l *listing) pending(ctx context.Context) error {
	page := EntriesPage{Tenant: l.tenant, Limit: pageSize}
	for {
		rows, err := l.trail.store.Entries(ctx, page)
		if err != nil {
			return fmt.Errorf("audit: list entries: %w", err)
		}
		for _, row := range rows {
			page.After = row.ID
			if other, err := l.ofOthers(ctx, row); err != nil {
				return err
			} else if other {
				continue
			}
			r, err := l.trail.readWaiting(ctx, row)
			if err != nil && !isEntryError(err) {
				return err
			}
			if err == nil && !l.query.fits(r.Envelope) {
				continue
			}
			l.seen[row.ID] = true
			if !l.yield(r, err) {
				l.ended = true
				return nil
			}
		}
		if len(rows) < page.Limit {
			return nil
		}
	}
}

// ofOthers reports whether a row of the inbox is what the trail wrote, and not about the
// person who was asked for, whose pseudonym its bytes would hold: the inbox has everybody's,
// and to parse an envelope takes far longer than to authenticate it.
func (l *listing) ofOthers(ctx context.Context, row InboxRow) (bool, error) {
	if l.query.Subject.IsZero() || bytes.Contains(row.Envelope, l.query.Subject[:]) || !bytes.Contains(row.Envelope, row.ID[:]) {
		return false, nil
	}
	return l.trail.recordedHere(ctx, row)
}

// fits reports whether the query chooses the entry.
func (q Query) fits(e Envelope) bool {
	return (q.Subject.IsZero() || q.Subject == e.Subject) && (q.Act == "" || q.Act == e.Act) &&
		(q.From.IsZero() || !e.RecordedAt.Before(q.From)) && (q.To.IsZero() || e.RecordedAt.Before(q.To))
}

// readWaiting reads a row of the inbox.
func (t *Trail) readWaiting(ctx context.Context, row InboxRow) (Record, error) {
	r := Record{Raw: row.Envelope, Pending: true}
	r.ID = row.ID
	env, err := t.fromInbox(ctx, row)
	if err != nil {
		if isEntryError(err) {
			t.log.Error("entry cannot be read", zap.Stringer("entry", row.ID))
		}
		return r, err
	}
	r.Envelope = env
	return r, nil
}

// readRow reads a row of the log.
func (t *Trail) readRow(row LogRow) (Record, error) {
	r := Record{Position: row.position(), RedactedBy: row.RedactedBy}
	r.ID, r.Tenant = row.ID, row.Tenant
	if row.Leaf == nil && !row.RedactedBy.IsZero() {
		return r, nil
	}
	if _, err := checkRow(row, row.Index); err != nil {
		t.log.Error("entry cannot be read", zap.Stringer("entry", row.ID))
		return r, &EntryError{ID: row.ID, Err: err}
	}
	leaf, env, err := ParseLeaf(row.Leaf)
	if err != nil {
		return r, &EntryError{ID: row.ID, Err: err}
	}
	r.Envelope, r.Raw = env, leaf.Envelope
	return r, nil
}
