package rights

import (
	"context"
	"iter"

	"github.com/trothdev/troth"
)

// Queue says which requests staff look at.
type Queue struct {
	Tenant troth.Tenant
	// State, Owner and Right narrow it; empty narrows nothing.
	State State
	Owner string
	Right Right
	// Closed asks for closed requests instead of open ones, ordered by id.
	Closed bool
	// After is where to go on; the zero Cursor is the beginning. [Request.At] gives the one of a
	// request.
	After Cursor
	// Page is how many are read at once; 0 is 100, more than 1000 is 1000.
	Page int
}

// At is the place of a request in the queue: what follows it comes after.
func (r Request) At() Cursor {
	c := Cursor{DueAt: micros(r.DueAt), ID: r.ID}
	if r.DueAt.IsZero() {
		c.DueAt = Parked
	}
	return c
}

// Queue returns requests by deadline, the most urgent first. It reads page after page,
// so that the loop's body may change what it is given: a request whose deadline moves
// while it is read may come twice, or not at all; none other does.
func (d *Desk) Queue(ctx context.Context, q Queue) iter.Seq2[Request, error] {
	return func(yield func(Request, error) bool) {
		if err := q.Tenant.Validate(); err != nil {
			yield(Request{}, err)
			return
		}
		l := Listing{
			Tenant: q.Tenant, State: q.State, Owner: q.Owner, Right: q.Right, Closed: q.Closed, After: q.After,
			Limit: min(q.Page, 1000),
		}
		if l.Limit <= 0 {
			l.Limit = 100
		}
		for {
			rows, err := d.store.Requests(ctx, l)
			if err != nil {
				yield(Request{}, wrap("read queue", err))
				return
			}
			now := d.micros()
			for _, row := range rows {
				r := Request{}
				found, err := d.openRequest(ctx, row)
				if err == nil {
					r = found.view(row.Tenant, row.ID, now)
				}
				if !yield(r, err) {
					return
				}
			}
			if len(rows) < l.Limit {
				return
			}
			last := rows[len(rows)-1]
			l.After = Cursor{DueAt: last.DueAt, ID: last.ID}
		}
	}
}

// Request returns one request.
func (d *Desk) Request(ctx context.Context, tenant troth.Tenant, id string) (Request, error) {
	q, err := d.read(ctx, tenant, id)
	if err != nil {
		return Request{}, err
	}
	return q.view(tenant, id, d.micros()), nil
}

// Of returns the requests about a person, the oldest first.
func (d *Desk) Of(ctx context.Context, who troth.Subject) ([]Request, error) {
	if err := who.Validate(); err != nil {
		return nil, err
	}
	rows, err := d.store.RequestsOf(ctx, who.Tenant, who.ID)
	if err != nil {
		return nil, wrap("read requests", err)
	}
	now := d.micros()
	var all []Request
	for _, row := range rows {
		q, err := d.openRequest(ctx, row)
		if err != nil {
			return nil, err
		}
		all = append(all, q.view(row.Tenant, row.ID, now))
	}
	return all, nil
}
