package rightstest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/rightsmem"
)

// filed is the check of files.
const filed = "a request is found with its events, and with items of it"

// defect is one way to break the contract, and a check that must see it.
type defect struct {
	name   string
	caught string
	wrong  func(s rights.Backend, b *broken)
}

// quietly says nothing of rows that are not there.
func quietly(err error) error { _ = err; return nil }

var defects = []defect{
	{"instants lose their microseconds", "a request comes back exactly, and is inserted once", func(_ rights.Backend, b *broken) {
		b.request = func(row rights.RequestRow, found bool) (rights.RequestRow, bool) {
			row.ReceivedAt -= row.ReceivedAt % 1000
			return row, found
		}
	}},
	{"putting what is not there succeeds", "a request that is put replaces all of it, if it is there", func(s rights.Backend, b *broken) {
		b.putRequest = func(ctx context.Context, row rights.RequestRow) error { return quietly(s.PutRequest(ctx, row)) }
	}},
	{"putting keeps whom it is about", "a request that is put replaces whatever changed", func(s rights.Backend, b *broken) {
		b.putRequest = func(ctx context.Context, row rights.RequestRow) error {
			before, found, err := s.Request(ctx, row.Tenant, row.ID)
			if err != nil || !found {
				return errors.Join(err, s.PutRequest(ctx, row))
			}
			if before.State == row.State {
				row.SubjectID = before.SubjectID
			}
			return s.PutRequest(ctx, row)
		}
	}},
	{"a request is what it was whatever it is", "who locks a request as it was learns whether it is", func(s rights.Backend, b *broken) {
		b.lockAs = func(ctx context.Context, t troth.Tenant, id string, _ []byte) (bool, error) {
			_, found, err := s.LockRequest(ctx, t, id)
			return found, err
		}
	}},
	{"a lock of what is known outside of a transaction", "a lock needs a transaction", func(_ rights.Backend, b *broken) {
		b.lockAs = func(context.Context, troth.Tenant, string, []byte) (bool, error) { return true, nil }
	}},
	{"a lock outside of a transaction", "a lock needs a transaction", func(s rights.Backend, b *broken) { b.lock = s.Request }},
	{"deleting leaves the events", "a request that is deleted is gone, with all that is its own", func(s rights.Backend, b *broken) {
		b.delete = func(ctx context.Context, t troth.Tenant, id string) (bool, error) {
			events, err := s.Events(ctx, t, id)
			if err != nil {
				return false, err
			}
			deleted, err := s.DeleteRequest(ctx, t, id)
			if _, err := s.InsertEvents(ctx, events); err != nil {
				return false, err
			}
			return deleted, err
		}
	}},
	{"pages begin with the last row of the one before", "the queue is ordered by what is due and id, and cut into pages", func(_ rights.Backend, b *broken) {
		b.listing = func(l rights.Listing) rights.Listing { l.After.ID = ""; return l }
	}},
	{"owners do not narrow", "the queue is narrowed by each of what narrows it", func(_ rights.Backend, b *broken) {
		b.listing = func(l rights.Listing) rights.Listing { l.Owner = ""; return l }
	}},
	{"a person's requests come newest first", "a person's requests come oldest first, and are theirs", func(_ rights.Backend, b *broken) {
		b.of = func(rows []rights.RequestRow) []rights.RequestRow { slices.Reverse(rows); return rows }
	}},
	{"a person keeps what is another's now", "a request is of the person it was put for last, until it is deleted", func(s rights.Backend, b *broken) {
		var left []rights.RequestRow
		b.putRequest = func(ctx context.Context, row rights.RequestRow) error {
			before, _, err := s.Request(ctx, row.Tenant, row.ID)
			if err == nil && before.SubjectID != row.SubjectID {
				left = append(left, before)
			}
			return errors.Join(err, s.PutRequest(ctx, row))
		}
		b.of = func(rows []rights.RequestRow) []rights.RequestRow { return append(rows, left...) }
	}},
	{"the last event is lost", "an event comes back exactly, in order, and is inserted once", func(_ rights.Backend, b *broken) {
		b.events = func(rows []rights.EventRow) []rights.EventRow { return rows[:max(len(rows)-1, 0)] }
	}},
	{"nothing sealed becomes empty bytes", "an item comes back exactly, and is inserted once", func(_ rights.Backend, b *broken) {
		b.item = func(row rights.ItemRow) rights.ItemRow { row.Sealed = append([]byte{}, row.Sealed...); return row }
	}},
	{"putting keeps what was sealed", "an item that is put replaces all of it, if it is there", func(s rights.Backend, b *broken) {
		b.putItem = func(ctx context.Context, row rights.ItemRow) error {
			before, _, err := s.Item(ctx, row.ItemKey)
			if err != nil {
				return err
			}
			row.Sealed = before.Sealed
			return s.PutItem(ctx, row)
		}
	}},
	{"many events end with the first that is there", "an event comes back exactly, in order, and is inserted once", func(s rights.Backend, b *broken) {
		b.insertEvents = func(ctx context.Context, rows []rights.EventRow) (n int, err error) {
			for i := range rows {
				added, err := s.InsertEvents(ctx, rows[i:i+1])
				if err != nil || added == 0 {
					return n, err
				}
				n++
			}
			return n, nil
		}
	}},
	{"many events are cut short", "as many events as there are", func(s rights.Backend, b *broken) {
		b.insertEvents = func(ctx context.Context, rows []rights.EventRow) (int, error) {
			_, err := s.InsertEvents(ctx, rows[:min(len(rows), 16)])
			return len(rows), err
		}
	}},
	{"items that are asked for together are the first alone", "items are found by their keys", func(s rights.Backend, b *broken) {
		b.itemsAt = func(ctx context.Context, keys []rights.ItemKey) ([]rights.ItemRow, error) {
			return s.ItemsAt(ctx, keys[:min(len(keys), 1)])
		}
	}},
	{"a request comes with the first of its items alone", filed, func(_ rights.Backend, b *broken) {
		b.file = func(f rights.File, _ bool) rights.File { f.Items = f.Items[:min(len(f.Items), 1)]; return f }
	}},
	{"a request's items come by their ids alone", filed, func(_ rights.Backend, b *broken) {
		b.file = func(f rights.File, _ bool) rights.File {
			slices.SortStableFunc(f.Items, func(a, b rights.ItemRow) int { return strings.Compare(a.ID, b.ID) })
			return f
		}
	}},
	{"a request comes without its last event", filed, func(_ rights.Backend, b *broken) {
		b.file = func(f rights.File, _ bool) rights.File { f.Events = f.Events[:max(len(f.Events)-1, 0)]; return f }
	}},
	{"a request's events come in no order", filed, func(_ rights.Backend, b *broken) {
		b.file = func(f rights.File, _ bool) rights.File { slices.Reverse(f.Events); return f }
	}},
	{"items come without a request", filed, func(_ rights.Backend, b *broken) {
		b.file = func(f rights.File, found bool) rights.File {
			if !found {
				f.Items = make([]rights.ItemRow, 1)
			}
			return f
		}
	}},
	{"items come later than their request", "a request is found with its events and items as they were at one instant", func(s rights.Backend, b *broken) {
		b.file = func(f rights.File, _ bool) rights.File {
			<-time.After(5 * time.Millisecond) // meanwhile the writer goes on
			for i := range f.Items {
				f.Items[i], _, _ = s.Item(context.Background(), f.Items[i].ItemKey)
			}
			return f
		}
	}},
	{"many items are cut short", "items that are written are added, or replaced", func(s rights.Backend, b *broken) {
		b.writeItems = func(ctx context.Context, rows []rights.ItemRow) error {
			return s.WriteItems(ctx, rows[:min(len(rows), 16)])
		}
	}},
	{"writing leaves what is there", "items that are written are added, or replaced", func(s rights.Backend, b *broken) {
		b.writeItems = func(ctx context.Context, rows []rights.ItemRow) error {
			for _, row := range rows {
				if _, err := s.InsertItem(ctx, row); err != nil {
					return err
				}
			}
			return nil
		}
	}},
	{"deleting keeps it", "an item that is deleted is gone, and is not deleted again", func(_ rights.Backend, b *broken) {
		b.deleteItem = func(context.Context, rights.ItemKey) (bool, error) { return true, nil }
	}},
	{"items come the other way round", "items are of their owner and kind, ordered, behind an id", func(_ rights.Backend, b *broken) {
		b.items = func(rows []rights.ItemRow) []rights.ItemRow { slices.Reverse(rows); return rows }
	}},
	{"what is due now is not found", "what is due is found by its kind and instant, the most urgent first", func(_ rights.Backend, b *broken) {
		b.due = func(at int64) int64 { return at - 1 }
	}},
	{"nobody waits", "who inserts the same item waits for the transaction to end", func(s rights.Backend, b *broken) {
		b.insertItem = func(ctx context.Context, row rights.ItemRow) (bool, error) {
			if s.Transactor().Scope(ctx) != nil {
				return s.InsertItem(ctx, row)
			}
			return false, nil
		}
	}},
	{"managing is forgotten", "a store that is managed stays so", func(_ rights.Backend, b *broken) {
		b.setManaged = func(context.Context) error { return nil }
	}},
	{"tenants see each other's requests", "no read sees another tenant's rows", func(_ rights.Backend, b *broken) {
		seen := 0
		b.request = func(row rights.RequestRow, found bool) (rights.RequestRow, bool) {
			if seen++; seen > 3 { // once another has some
				return rights.RequestRow{}, true
			}
			return row, found
		}
	}},
	{"deleting deletes everybody's", "no write touches another tenant's rows", func(s rights.Backend, b *broken) {
		b.delete = func(ctx context.Context, t troth.Tenant, id string) (bool, error) {
			if _, err := s.DeleteRequest(ctx, t[:len(t)-1]+"b", id); err != nil {
				return false, err
			}
			return s.DeleteRequest(ctx, t, id)
		}
	}},
	{"a put does not wait for the commit", "a rollback leaves nothing behind", func(s rights.Backend, b *broken) {
		put := false
		b.putRequest = func(ctx context.Context, row rights.RequestRow) error { put = true; return s.PutRequest(ctx, row) }
		b.request = func(row rights.RequestRow, found bool) (rights.RequestRow, bool) {
			if put && row.ID == "1" {
				row.State = rights.StateAccepted
			}
			return row, found
		}
	}},
	{"reads see what is not committed", "reads outside see committed rows only", func(_ rights.Backend, b *broken) {
		put := false
		b.putRequest = func(context.Context, rights.RequestRow) error { put = true; return nil }
		b.request = func(row rights.RequestRow, found bool) (rights.RequestRow, bool) {
			if put {
				row.DueAt++
			}
			return row, found
		}
	}},
	{"another store is empty", "rows are there when the store is opened again", func(_ rights.Backend, _ *broken) {}},
	{"requests are written beside the host's transaction", "what is written in the host's transaction shares its fate", func(_ rights.Backend, b *broken) {
		kept := false
		b.request = func(row rights.RequestRow, found bool) (rights.RequestRow, bool) {
			kept = kept || found
			return row, kept
		}
	}},
	{"cancellation is not heeded", "a cancelled context does nothing", func(_ rights.Backend, b *broken) { b.ctx = context.WithoutCancel }},
}

func (d defect) inject(h *Harness) {
	b := whole(h.Backend)
	d.wrong(h.Backend, b)
	h.Backend = b
	h.Reopen = func() rights.Backend { return rightsmem.New(memory.Open()) }
}
