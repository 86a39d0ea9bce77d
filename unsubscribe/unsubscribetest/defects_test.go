package unsubscribetest

import (
	"context"
	"slices"
	"sync"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/unsubscribe"
)

// defect is one way to break the contract, and a check that must see it.
type defect struct {
	name   string
	caught string
	inject func(h *Harness)
}

// breaks replaces methods of the store.
func breaks(wrong func(sound unsubscribe.Backend, b *broken)) func(h *Harness) {
	return func(h *Harness) {
		b := whole(h.Backend)
		wrong(h.Backend, b)
		h.Backend = b
		h.Reopen = func() unsubscribe.Backend { return b }
	}
}

var defects = slices.Concat(entryDefects, prefixDefects, lockDefects, eventDefects, rekeyDefects, deliveryDefects, endingDefects)

// reading changes what Entries returns.
func reading(wrong func(rows []unsubscribe.EntryRow, keys []unsubscribe.Key) []unsubscribe.EntryRow) func(h *Harness) {
	return breaks(func(s unsubscribe.Backend, b *broken) {
		b.entries = func(ctx context.Context, t troth.Tenant, keys []unsubscribe.Key) ([]unsubscribe.EntryRow, error) {
			rows, err := s.Entries(ctx, t, keys)
			return wrong(rows, keys), err
		}
	})
}

var entryDefects = []defect{
	{"marks lose their microseconds", "entries come back exactly", reading(func(rows []unsubscribe.EntryRow, _ []unsubscribe.Key) []unsubscribe.EntryRow {
		for i := range rows {
			rows[i].Marks[1] -= rows[i].Marks[1] % 1000
		}
		return rows
	})},
	{"mailboxes are not looked at", "an entry is found by its mailbox, and once by both", reading(func(rows []unsubscribe.EntryRow, keys []unsubscribe.Key) []unsubscribe.EntryRow {
		return slices.DeleteFunc(rows, func(row unsubscribe.EntryRow) bool { return !slices.Contains(keys, row.Key) })
	})},
	{"keys are cut", "thousands of keys are looked for at once", breaks(func(s unsubscribe.Backend, b *broken) {
		b.entries = func(ctx context.Context, t troth.Tenant, keys []unsubscribe.Key) ([]unsubscribe.EntryRow, error) {
			return s.Entries(ctx, t, keys[:min(len(keys), 2000)])
		}
	})},
	{"mailboxes are never changed", "an entry that is put replaces all of it", breaks(func(s unsubscribe.Backend, b *broken) {
		b.putEntry = func(ctx context.Context, row unsubscribe.EntryRow) error {
			row.Mailbox = row.Key
			return s.PutEntry(ctx, row)
		}
	})},
	{"putting makes a row", "an entry that is not there cannot be put", breaks(func(s unsubscribe.Backend, b *broken) {
		b.putEntry = func(ctx context.Context, row unsubscribe.EntryRow) error {
			return s.Transactor().Atomically(ctx, func(ctx context.Context) error {
				if _, err := s.LockEntry(ctx, row); err != nil {
					return err
				}
				return s.PutEntry(ctx, row)
			})
		}
	})},
	{"pages overlap", "pages come in the order of cursors", breaks(func(s unsubscribe.Backend, b *broken) {
		b.entriesOf = func(ctx context.Context, t troth.Tenant, after unsubscribe.Cursor, limit int) ([]unsubscribe.EntryRow, error) {
			after.List = ""
			return s.EntriesOf(ctx, t, after, limit+1)
		}
	})},
}

var lockDefects = []defect{
	{"locking makes the row anew", "the first lock makes the row, later ones leave it", breaks(func(s unsubscribe.Backend, b *broken) {
		b.lockEntry = func(ctx context.Context, row unsubscribe.EntryRow) (unsubscribe.EntryRow, error) {
			if _, err := s.LockEntry(ctx, row); err != nil {
				return row, err
			}
			return row, s.PutEntry(ctx, row)
		}
	})},
	{"locking needs nothing", "what must be locked needs a transaction", breaks(func(s unsubscribe.Backend, b *broken) {
		b.lockEntry = func(ctx context.Context, row unsubscribe.EntryRow) (got unsubscribe.EntryRow, err error) {
			err = s.Transactor().Atomically(ctx, func(ctx context.Context) error {
				got, err = s.LockEntry(ctx, row)
				return err
			})
			return got, err
		}
	})},
	{"what was locked before is remembered", "a crowd that counts under the lock loses nothing", breaks(func(s unsubscribe.Backend, b *broken) {
		var mu sync.Mutex
		seen := map[unsubscribe.Cursor]unsubscribe.EntryRow{}
		b.lockEntry = func(ctx context.Context, row unsubscribe.EntryRow) (unsubscribe.EntryRow, error) {
			got, err := s.LockEntry(ctx, row)
			mu.Lock()
			defer mu.Unlock()
			if old, has := seen[row.Cursor()]; has {
				return old, err
			}
			seen[row.Cursor()] = got
			return got, err
		}
	})},
	{"locking waits for nobody", "who locks waits for who holds", func(h *Harness) {
		breaks(func(_ unsubscribe.Backend, b *broken) {
			b.lockEntry = func(ctx context.Context, row unsubscribe.EntryRow) (unsubscribe.EntryRow, error) {
				return row, ctx.Err()
			}
		})(h)
		h.Backend = apart{h.Backend}
	}},
}

// apart gives a transaction to whoever asks, so that two can be open at once, as
// with many writers.
type apart struct{ unsubscribe.Backend }

func (a apart) Transactor() troth.Transactor { return apartTx{a.Backend.Transactor()} }

type apartTx struct{ troth.Transactor }

func (apartTx) Atomically(ctx context.Context, fn func(ctx context.Context) error) error {
	return fn(ctx)
}

var eventDefects = []defect{
	{"events come as they were written", "events come back exactly, by instant and id", breaks(func(s unsubscribe.Backend, b *broken) {
		b.events = func(ctx context.Context, t troth.Tenant, key unsubscribe.Key) ([]unsubscribe.EventRow, error) {
			rows, err := s.Events(ctx, t, key)
			slices.Reverse(rows)
			return rows, err
		}
	})},
	{"the newer event is told of as written", "an event that is there stays as it is", breaks(func(s unsubscribe.Backend, b *broken) {
		b.insertEvent = func(ctx context.Context, row unsubscribe.EventRow) (bool, error) {
			_, err := s.InsertEvent(ctx, row)
			return true, err
		}
	})},
	{"everybody inserts", "of those who insert one event, one does", breaks(func(s unsubscribe.Backend, b *broken) {
		b.insertEvent = func(ctx context.Context, row unsubscribe.EventRow) (bool, error) {
			_, err := s.InsertEvent(ctx, row)
			return true, err
		}
	})},
	{"erasing is only counted", "erasing an event empties it and leaves the rest of it", breaks(func(_ unsubscribe.Backend, b *broken) {
		b.eraseContent = func(context.Context, troth.Tenant, string) (int, error) { return 1, nil }
	})},
	{"a person's events in any order", "the events of a person are found in order, and nobody's are none's", breaks(func(s unsubscribe.Backend, b *broken) {
		b.eventsOf = func(ctx context.Context, t troth.Tenant, id string) ([]unsubscribe.EventRow, error) {
			rows, err := s.EventsOf(ctx, t, id)
			slices.Reverse(rows)
			return rows, err
		}
	})},
	{"nobody is somebody", "erasing a person empties their events and leaves the rest of them", breaks(func(s unsubscribe.Backend, b *broken) {
		b.eraseSubject = func(ctx context.Context, t troth.Tenant, id string) (int, error) {
			if id == "" {
				return s.EraseContent(ctx, t, "e3")
			}
			return s.EraseSubject(ctx, t, id)
		}
	})},
}

var rekeyDefects = []defect{
	{"epochs begin at 0", "the first epoch is 1, also for who holds it", breaks(func(s unsubscribe.Backend, b *broken) {
		b.epoch = func(ctx context.Context, t troth.Tenant) (uint32, error) {
			e, err := s.Epoch(ctx, t)
			return e - 1, err
		}
	})},
	{"mailboxes keep their keys", "changing keys changes every key of the tenant and nothing else", breaks(func(s unsubscribe.Backend, b *broken) {
		b.rekey = func(ctx context.Context, p unsubscribe.RekeyParams) (int, error) {
			wrap, box := p.Wrap, map[unsubscribe.Key]bool{keyOf("box of 42"): true}
			p.Wrap = func(k unsubscribe.Key) unsubscribe.Key {
				if box[k] {
					return k
				}
				return wrap(k)
			}
			return s.Rekey(ctx, p)
		}
	})},
	{"any epoch will do", "keys of an epoch that is over are not changed", breaks(func(s unsubscribe.Backend, b *broken) {
		b.rekey = func(ctx context.Context, p unsubscribe.RekeyParams) (int, error) {
			var err error
			if p.From, err = s.Epoch(ctx, p.Tenant); err != nil {
				return 0, err
			}
			return s.Rekey(ctx, p)
		}
	})},
	{"nobody is waited for", "changing keys waits for who holds the epoch", func(h *Harness) {
		breaks(func(s unsubscribe.Backend, b *broken) {
			b.holdEpoch = s.Epoch
			b.rekey = func(ctx context.Context, _ unsubscribe.RekeyParams) (int, error) { return 0, ctx.Err() }
			b.lockEntry = func(ctx context.Context, row unsubscribe.EntryRow) (got unsubscribe.EntryRow, err error) {
				err = s.Transactor().Atomically(ctx, func(ctx context.Context) error {
					got, err = s.LockEntry(ctx, row)
					return err
				})
				return got, err
			}
		})(h)
		h.Backend = apart{h.Backend}
	}},
}

var deliveryDefects = []defect{
	{"deliveries come newest first", "deliveries come back exactly, by provider, and stay", breaks(func(s unsubscribe.Backend, b *broken) {
		b.deliveries = func(ctx context.Context, t troth.Tenant, event string) ([]unsubscribe.DeliveryRow, error) {
			rows, err := s.Deliveries(ctx, t, event)
			slices.Reverse(rows)
			return rows, err
		}
	})},
	{"rules are kept", "a delivery is locked, and put as a whole", breaks(func(s unsubscribe.Backend, b *broken) {
		b.putDelivery = func(ctx context.Context, row unsubscribe.DeliveryRow) error {
			row.Rule = "a.b.c"
			return s.PutDelivery(ctx, row)
		}
	})},
	{"attempts are remembered", "a crowd that counts deliveries under the lock loses nothing", breaks(func(s unsubscribe.Backend, b *broken) {
		b.lockDelivery = func(ctx context.Context, t troth.Tenant, event, provider string) (unsubscribe.DeliveryRow, bool, error) {
			row, found, err := s.LockDelivery(ctx, t, event, provider)
			row.Attempts = 3
			return row, found, err
		}
	})},
	{"what is due comes in any order", "what is due comes most urgent first, up to the limit, of all tenants", breaks(func(s unsubscribe.Backend, b *broken) {
		b.dueDeliveries = func(ctx context.Context, at int64, limit int) ([]unsubscribe.DeliveryRow, error) {
			rows, err := s.DueDeliveries(ctx, at, limit)
			slices.Reverse(rows)
			return rows, err
		}
	})},
	{"what is due is looked for among few", "what is due is found among ten thousand idle tenants", breaks(func(s unsubscribe.Backend, b *broken) {
		n := 0
		b.insertDelivery = func(ctx context.Context, row unsubscribe.DeliveryRow) (bool, error) {
			if n++; n > 10_000 {
				return true, ctx.Err()
			}
			return s.InsertDelivery(ctx, row)
		}
	})},
}

var endingDefects = []defect{
	{"another tenant's events are given out", "no read sees another tenant's rows", breaks(func(s unsubscribe.Backend, b *broken) {
		var last unsubscribe.EventRow
		b.insertEvent = func(ctx context.Context, row unsubscribe.EventRow) (bool, error) {
			last = row
			return s.InsertEvent(ctx, row)
		}
		b.event = func(context.Context, troth.Tenant, string) (unsubscribe.EventRow, bool, error) {
			return last, last.ID != "", nil
		}
	})},
	{"entries of all tenants are put", "no write touches another tenant's rows", breaks(func(s unsubscribe.Backend, b *broken) {
		var seen []troth.Tenant
		b.lockEntry = func(ctx context.Context, row unsubscribe.EntryRow) (unsubscribe.EntryRow, error) {
			seen = append(seen, row.Tenant)
			return s.LockEntry(ctx, row)
		}
		b.putEntry = func(ctx context.Context, row unsubscribe.EntryRow) error {
			for _, t := range seen {
				row.Tenant = t
				if err := s.PutEntry(ctx, row); err != nil {
					return err
				}
			}
			return nil
		}
	})},
	{"nobody ever takes over", "a store is not managed until it is, and then for ever", breaks(func(_ unsubscribe.Backend, b *broken) {
		b.managed = func(context.Context) (bool, error) { return false, nil }
	})},
	{"an erasure stays", "a rollback leaves nothing behind", breaks(erasesOutside)},
	{"a savepoint's erasure stays", "a savepoint that is rolled back leaves nothing behind", breaks(erasesOutside)},
	{"entries are seen at once", "reads outside see committed rows only", breaks(func(s unsubscribe.Backend, b *broken) {
		changed := map[unsubscribe.Cursor]unsubscribe.EntryRow{}
		b.putEntry = func(ctx context.Context, row unsubscribe.EntryRow) error {
			changed[row.Cursor()] = row
			return s.PutEntry(ctx, row)
		}
		b.entries = func(ctx context.Context, t troth.Tenant, keys []unsubscribe.Key) ([]unsubscribe.EntryRow, error) {
			rows, err := s.Entries(ctx, t, keys)
			for i, row := range rows {
				if now, has := changed[row.Cursor()]; has {
					rows[i] = now
				}
			}
			return rows, err
		}
	})},
	{"deliveries do not join", "everything joins the host's transaction and is undone with it", breaks(func(_ unsubscribe.Backend, b *broken) {
		kept := map[string][]unsubscribe.DeliveryRow{}
		b.insertDelivery = func(ctx context.Context, row unsubscribe.DeliveryRow) (bool, error) {
			kept[string(row.Tenant)+row.EventID] = []unsubscribe.DeliveryRow{row}
			return true, ctx.Err()
		}
		b.deliveries = func(ctx context.Context, t troth.Tenant, event string) ([]unsubscribe.DeliveryRow, error) {
			return kept[string(t)+event], ctx.Err()
		}
	})},
	{"deliveries of a host are lost", "everything joins the host's transaction and commits with it", breaks(func(s unsubscribe.Backend, b *broken) {
		b.deliveries = func(ctx context.Context, t troth.Tenant, event string) ([]unsubscribe.DeliveryRow, error) {
			rows, err := s.Deliveries(ctx, t, event)
			if s.Transactor().Scope(ctx) == nil {
				rows = nil
			}
			return rows, err
		}
	})},
	{"events are forgotten", "a store that is opened again finds everything", func(h *Harness) {
		sound := h.Backend
		h.Reopen = func() unsubscribe.Backend {
			b := whole(sound)
			b.event = func(context.Context, troth.Tenant, string) (unsubscribe.EventRow, bool, error) {
				return unsubscribe.EventRow{}, false, nil
			}
			return b
		}
	}},
	{"a cancelled caller is served", "a cancelled context ends in its own error and without effect", breaks(func(s unsubscribe.Backend, b *broken) {
		b.event = func(ctx context.Context, t troth.Tenant, id string) (unsubscribe.EventRow, bool, error) {
			return s.Event(context.WithoutCancel(ctx), t, id)
		}
	})},
}

// erasesOutside keeps content away in spite of a rollback.
func erasesOutside(s unsubscribe.Backend, b *broken) {
	erased := map[string]bool{}
	b.eraseSubject = func(ctx context.Context, t troth.Tenant, id string) (int, error) {
		erased[string(t)+id] = true
		return s.EraseSubject(ctx, t, id)
	}
	b.event = func(ctx context.Context, t troth.Tenant, id string) (unsubscribe.EventRow, bool, error) {
		row, found, err := s.Event(ctx, t, id)
		if erased[string(t)+row.SubjectID] {
			row.Content = nil
		}
		return row, found, err
	}
}
