package audit

import (
	"context"
	"fmt"
	"iter"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
)

// pageSize is how many entries are read at a time.
const pageSize = 256

// Query chooses entries of one tenant.
type Query struct {
	// After is the last entry that was seen; the zero id begins at the
	// beginning. Entries that commit late may have lower ids than some that
	// were listed before: this is for reading, not for following.
	After troth.EntryID
}

// Record is one entry as it is stored.
type Record struct {
	Envelope
	// Raw is the envelope's bytes, exactly as recorded.
	Raw []byte
	// Pending says that the entry is durable and not yet in the signed log, so
	// that it cannot be proved to others.
	Pending bool
}

// Entries lists a tenant's entries in ascending order of their ids. Nothing is
// held open while the loop's body runs, so it may write, also with a single
// connection.
//
// An entry that cannot be read comes with an *[EntryError] and a Record that
// holds ID and Raw only; the loop may go on to the next. After any other error
// there is none.
func (t *Trail) Entries(ctx context.Context, tenant troth.Tenant, q Query) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		if err := tenant.Validate(); err != nil {
			yield(Record{}, err)
			return
		}
		page := EntriesPage{Tenant: tenant, After: q.After, Limit: pageSize}
		for {
			rows, err := t.store.Entries(ctx, page)
			if err != nil {
				yield(Record{}, fmt.Errorf("audit: list entries: %w", err))
				return
			}
			for _, row := range rows {
				ours, err := t.recordedHere(ctx, row)
				if err != nil {
					yield(Record{}, err)
					return
				}
				if !yield(t.read(row, tenant, ours)) {
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

// read decodes a row and holds it to its place. ours says that its tag holds.
func (t *Trail) read(row InboxRow, tenant troth.Tenant, ours bool) (Record, error) {
	r := Record{Raw: row.Envelope, Pending: true}
	env, err := ParseEnvelope(row.Envelope)
	if err == nil && (!ours || env.ID != row.ID || env.Tenant != tenant || env.RecordedAt.UnixMicro() != row.RecordedAt) {
		err = ErrEnvelope
	}
	if err != nil {
		r.ID = row.ID
		t.log.Error("entry cannot be read", zap.Stringer("entry", row.ID))
		return r, &EntryError{ID: row.ID, Err: err}
	}
	r.Envelope = env
	return r, nil
}
