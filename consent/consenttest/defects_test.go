package consenttest

import (
	"context"
	"errors"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
)

// defect is one way to break the contract, and a check that must see it.
type defect struct {
	name   string
	caught string
	inject func(h *Harness)
}

// breaks replaces methods of the store.
func breaks(wrong func(sound consent.Backend, b *broken)) func(h *Harness) {
	return func(h *Harness) {
		b := whole(h.Backend)
		wrong(h.Backend, b)
		h.Backend = b
		h.Reopen = func() consent.Backend { return b }
	}
}

var defects = slices.Concat(catalogueDefects, personDefects, eventDefects, stateDefects, eraseDefects, endingDefects)

var catalogueDefects = []defect{
	{"versions are ordered as text", "versions come back exactly, by purpose and version", breaks(func(s consent.Backend, b *broken) {
		b.terms = func(ctx context.Context, t troth.Tenant) ([]consent.TermsRow, error) {
			rows, err := s.Terms(ctx, t)
			slices.Reverse(rows)
			return rows, err
		}
	})},
	{"the newer version wins", "a version that is there stays as it is", breaks(func(s consent.Backend, b *broken) {
		b.insertTerms = func(ctx context.Context, row consent.TermsRow) (bool, error) {
			_, err := s.InsertTerms(ctx, row)
			return true, err
		}
	})},
	{"notices come newest first", "versions of a notice come back exactly, oldest first, and stay", breaks(func(s consent.Backend, b *broken) {
		b.notices = func(ctx context.Context, t troth.Tenant, id string) ([]consent.NoticeRow, error) {
			rows, err := s.Notices(ctx, t, id)
			slices.Reverse(rows)
			return rows, err
		}
	})},
	{"texts are cut", "a text comes back exactly, and one that is there stays", breaks(func(s consent.Backend, b *broken) {
		b.putText = func(ctx context.Context, t troth.Tenant, h [32]byte, text []byte) error {
			return s.PutText(ctx, t, h, text[:min(len(text), 64<<10)])
		}
	})},
	{"days are added up", "refusals are counted by day and purpose", breaks(func(s consent.Backend, b *broken) {
		b.refusals = func(ctx context.Context, t troth.Tenant, p troth.Purpose) ([]consent.RefusalRow, error) {
			rows, err := s.Refusals(ctx, t, p)
			return rows[:min(len(rows), 1)], err
		}
	})},
	{"another tenant's text is given out", "no read sees another tenant's rows", breaks(func(s consent.Backend, b *broken) {
		kept := map[[32]byte][]byte{}
		b.putText = func(ctx context.Context, t troth.Tenant, h [32]byte, text []byte) error {
			kept[h] = text
			return s.PutText(ctx, t, h, text)
		}
		b.text = func(context.Context, troth.Tenant, [32]byte) ([]byte, bool, error) {
			text, found := kept[hash(9)]
			return text, found, nil
		}
	})},
	{"people of all tenants are put", "no write touches another tenant's rows", breaks(func(s consent.Backend, b *broken) {
		var seen []troth.Tenant
		b.lockPerson = func(ctx context.Context, row consent.PersonRow) (consent.PersonRow, error) {
			seen = append(seen, row.Tenant)
			return s.LockPerson(ctx, row)
		}
		b.putPerson = func(ctx context.Context, row consent.PersonRow) error {
			for _, t := range seen {
				row.Tenant = t
				if err := s.PutPerson(ctx, row); err != nil {
					return err
				}
			}
			return nil
		}
	})},
}

var personDefects = []defect{
	{"locking makes the row anew", "the first lock makes the row, later ones leave it", breaks(func(s consent.Backend, b *broken) {
		b.lockPerson = func(ctx context.Context, row consent.PersonRow) (consent.PersonRow, error) {
			if _, err := s.LockPerson(ctx, row); err != nil {
				return row, err
			}
			return row, s.PutPerson(ctx, row)
		}
	})},
	{"locking needs nothing", "locking needs a transaction", breaks(func(s consent.Backend, b *broken) {
		b.lockPerson = func(ctx context.Context, row consent.PersonRow) (got consent.PersonRow, err error) {
			err = s.Transactor().Atomically(ctx, func(ctx context.Context) error {
				got, err = s.LockPerson(ctx, row)
				return err
			})
			return got, err
		}
	})},
	{"what was locked before is remembered", "who locks waits for who holds, and sees what they wrote", breaks(remembersLocks)},
	{"everybody makes a person of their own", "of a crowd that makes one person, one row is made", breaks(func(s consent.Backend, b *broken) {
		b.lockPerson = func(ctx context.Context, row consent.PersonRow) (consent.PersonRow, error) {
			_, err := s.LockPerson(ctx, row)
			return row, err
		}
	})},
	{"writers see what was there before", "a crowd that writes under the lock loses nothing", breaks(remembersLocks)},
	{"nobody is put", "a person who has no row cannot be put", breaks(func(s consent.Backend, b *broken) {
		b.putPerson = func(ctx context.Context, row consent.PersonRow) error {
			if _, found, err := s.Person(ctx, row.Tenant, row.SubjectID); err != nil || !found {
				return err
			}
			return s.PutPerson(ctx, row)
		}
	})},
	{"everybody inserts", "of those who insert one event, one does", breaks(func(s consent.Backend, b *broken) {
		b.insertEvent = func(ctx context.Context, row consent.EventRow) (bool, error) {
			_, err := s.InsertEvent(ctx, row)
			return true, err
		}
	})},
}

func remembersLocks(s consent.Backend, b *broken) {
	seen := map[string]consent.PersonRow{}
	b.lockPerson = func(ctx context.Context, row consent.PersonRow) (consent.PersonRow, error) {
		got, err := s.LockPerson(ctx, row)
		if old, has := seen[row.SubjectID]; has {
			return old, err
		}
		seen[row.SubjectID] = got
		return got, err
	}
}

var eventDefects = []defect{
	{"evidence that is not there is empty", "an event comes back exactly, and its id is taken", breaks(func(s consent.Backend, b *broken) {
		b.event = func(ctx context.Context, t troth.Tenant, id string) (consent.EventRow, bool, error) {
			row, found, err := s.Event(ctx, t, id)
			if row.Content == nil {
				row.Content = []byte{}
			}
			return row, found, err
		}
	})},
	{"events come as they were inserted", "events come by when they were recorded, then by id, of one purpose or of all", breaks(func(s consent.Backend, b *broken) {
		b.events = func(ctx context.Context, t troth.Tenant, id string, p troth.Purpose) ([]consent.EventRow, error) {
			rows, err := s.Events(ctx, t, id, p)
			slices.SortFunc(rows, func(a, b consent.EventRow) int { return int(a.ID[0]) - int(b.ID[0]) })
			return rows, err
		}
	})},
	{"a page is all", "many events come back, each once", breaks(func(s consent.Backend, b *broken) {
		b.events = func(ctx context.Context, t troth.Tenant, id string, p troth.Purpose) ([]consent.EventRow, error) {
			rows, err := s.Events(ctx, t, id, p)
			return rows[:min(len(rows), 500)], err
		}
	})},
	{"events are deleted whose they are", "events are deleted by id, and only the person's own, with their deliveries", breaks(func(s consent.Backend, b *broken) {
		b.deleteEvents = func(ctx context.Context, t troth.Tenant, id string, ids []string) error {
			return errors.Join(s.DeleteEvents(ctx, t, id, ids), s.DeleteEvents(ctx, t, "43", ids))
		}
	})},
	{"what is not there is acknowledged", "a delivery is noted once and acknowledged once", breaks(func(s consent.Backend, b *broken) {
		b.acknowledge = func(ctx context.Context, t troth.Tenant, event, processor string, at int64) (bool, error) {
			_, err := s.Acknowledge(ctx, t, event, processor, at)
			return true, err
		}
	})},
}

var stateDefects = []defect{
	{"the first state stays", "a state comes back exactly, and is replaced", breaks(func(s consent.Backend, b *broken) {
		b.putState = func(ctx context.Context, row consent.StateRow) error {
			rows, err := s.States(ctx, row.Tenant, row.SubjectID)
			if err != nil || slices.ContainsFunc(rows, func(o consent.StateRow) bool { return o.Purpose == row.Purpose }) {
				return err
			}
			return s.PutState(ctx, row)
		}
	})},
	{"all states of the person go", "a state that is deleted is gone, and others stay", breaks(func(s consent.Backend, b *broken) {
		b.deleteState = func(ctx context.Context, t troth.Tenant, id string, _ troth.Purpose) error {
			return errors.Join(s.DeleteState(ctx, t, id, "p"), s.DeleteState(ctx, t, id, "q"))
		}
	})},
	{"whoever is asked for twice comes twice", "states of many are of the purpose and of those who were asked for, each once", breaks(func(s consent.Backend, b *broken) {
		b.statesOf = func(ctx context.Context, t troth.Tenant, p troth.Purpose, ids []string) (all []consent.StateRow, err error) {
			for _, id := range ids {
				rows, err := s.StatesOf(ctx, t, p, []string{id})
				if err != nil {
					return nil, err
				}
				all = append(all, rows...)
			}
			return all, nil
		}
	})},
	{"a page begins with the last of the one before", "states come page by page in the order of bytes", breaks(func(s consent.Backend, b *broken) {
		b.statesAfter = func(ctx context.Context, t troth.Tenant, p troth.Purpose, after string, limit int) ([]consent.StateRow, error) {
			if after != "" {
				after = after[:len(after)-1]
			}
			return s.StatesAfter(ctx, t, p, after, limit)
		}
	})},
	{"a device is linked again", "a device is linked once", breaks(func(s consent.Backend, b *broken) {
		b.insertLink = func(ctx context.Context, row consent.LinkRow) (bool, error) {
			_, err := s.InsertLink(ctx, row)
			return true, err
		}
	})},
	{"the first token is good for ever", "a request is found by its newest token only", breaks(func(s consent.Backend, b *broken) {
		b.putRequest = func(ctx context.Context, row consent.RequestRow) error {
			if _, found, err := s.RequestByToken(ctx, row.Tenant, hash(1)); err != nil || found {
				return err
			}
			return s.PutRequest(ctx, row)
		}
	})},
	{"requests are not deleted", "a request that is deleted is found no more, and others are", breaks(func(_ consent.Backend, b *broken) {
		b.deleteRequest = func(context.Context, troth.Tenant, string, string) error { return nil }
	})},
	{"what is due at the instant is too", "what is due comes of all tenants, oldest first, before the instant, within the limit", breaks(func(s consent.Backend, b *broken) {
		b.due = func(ctx context.Context, at int64, limit int) ([]consent.DueRow, error) {
			return s.Due(ctx, at+1, limit)
		}
	})},
	{"one thing is due of a person", "what is due is moved by putting it again, and gone by deleting it", breaks(func(s consent.Backend, b *broken) {
		b.putDue = func(ctx context.Context, row consent.DueRow) error {
			row.Ref = "r"
			return s.PutDue(ctx, row)
		}
	})},
	{"what is due is of the first tenants", "what is due is found among ten thousand idle tenants", breaks(func(s consent.Backend, b *broken) {
		var first []troth.Tenant
		b.putDue = func(ctx context.Context, row consent.DueRow) error {
			if len(first) < 100 {
				first = append(first, row.Tenant)
			}
			return s.PutDue(ctx, row)
		}
		b.due = func(ctx context.Context, at int64, limit int) ([]consent.DueRow, error) {
			rows, err := s.Due(ctx, at, limit)
			return slices.DeleteFunc(rows, func(d consent.DueRow) bool { return !slices.Contains(first, d.Tenant) }), err
		}
	})},
	{"a keeper may go again", "a keeper takes over for ever", breaks(func(_ consent.Backend, b *broken) {
		b.managed = func(context.Context) (bool, error) { return false, nil }
	})},
}

var eraseDefects = []defect{
	{"content of one event goes", "erased content is gone, and proof and record stay", breaks(func(s consent.Backend, b *broken) {
		b.eraseContent = func(ctx context.Context, t troth.Tenant, id string) (int, error) {
			n, err := s.EraseContent(ctx, t, id)
			return n - 1, err
		}
	})},
	{"events stay under the id", "a person who is moved is found by the mark, with events and links, and without the rest", breaks(func(s consent.Backend, b *broken) {
		b.movePerson = func(ctx context.Context, p consent.MovePerson) error {
			events, err := s.Events(ctx, p.Tenant, p.From, "")
			if err != nil {
				return err
			}
			if err := s.MovePerson(ctx, p); err != nil {
				return err
			}
			for _, e := range events {
				if err := s.DeleteEvents(ctx, p.Tenant, p.To, []string{e.ID}); err != nil {
					return err
				}
				if _, err := s.InsertEvent(ctx, e); err != nil {
					return err
				}
			}
			return nil
		}
	})},
	{"who is not there is moved", "nobody is moved who is not there, nor to where somebody is", breaks(func(s consent.Backend, b *broken) {
		b.movePerson = func(ctx context.Context, p consent.MovePerson) error {
			if _, found, err := s.Person(ctx, p.Tenant, p.From); err != nil || !found {
				return err
			}
			return s.MovePerson(ctx, p)
		}
	})},
	{"events outlive the person", "of a person who is deleted nothing is left, and of others everything", breaks(func(s consent.Backend, b *broken) {
		b.deletePerson = func(ctx context.Context, t troth.Tenant, id string) (int, error) {
			events, err := s.Events(ctx, t, id, "")
			if err != nil {
				return 0, err
			}
			n, err := s.DeletePerson(ctx, t, id)
			for _, e := range events {
				if _, err := s.InsertEvent(ctx, e); err != nil {
					return 0, err
				}
			}
			return n, err
		}
	})},
}

var endingDefects = []defect{
	{"a count stays", "a rollback leaves nothing behind", breaks(putsOutside)},
	{"a savepoint's count stays", "a savepoint that is rolled back leaves nothing behind", breaks(putsOutside)},
	{"moves are seen at once", "reads outside see committed rows only", breaks(func(s consent.Backend, b *broken) {
		moved := false
		b.movePerson = func(ctx context.Context, p consent.MovePerson) error {
			moved = true
			return s.MovePerson(ctx, p)
		}
		b.person = func(ctx context.Context, t troth.Tenant, id string) (consent.PersonRow, bool, error) {
			if moved && id == "42" {
				return consent.PersonRow{}, false, nil
			}
			return s.Person(ctx, t, id)
		}
	})},
	{"texts do not join", "everything joins the host's transaction and is undone with it", breaks(textsOutside)},
	{"texts of a host are lost", "everything joins the host's transaction and commits with it", breaks(func(s consent.Backend, b *broken) {
		var inside map[[32]byte][]byte
		b.putText = func(ctx context.Context, _ troth.Tenant, h [32]byte, text []byte) error {
			inside = map[[32]byte][]byte{h: text}
			return ctx.Err()
		}
		b.text = func(ctx context.Context, _ troth.Tenant, h [32]byte) ([]byte, bool, error) {
			text, found := inside[h]
			return text, found && s.Transactor().Scope(ctx) != nil, ctx.Err()
		}
	})},
	{"texts are forgotten", "a store that is opened again finds everything", func(h *Harness) {
		sound := h.Backend
		h.Reopen = func() consent.Backend {
			b := whole(sound)
			b.text = func(context.Context, troth.Tenant, [32]byte) ([]byte, bool, error) { return nil, false, nil }
			return b
		}
	}},
	{"a cancelled caller is served", "a cancelled context ends in its own error and without effect", breaks(func(s consent.Backend, b *broken) {
		b.event = func(ctx context.Context, t troth.Tenant, id string) (consent.EventRow, bool, error) {
			return s.Event(context.WithoutCancel(ctx), t, id)
		}
	})},
}

// putsOutside keeps a deleted state in spite of a rollback.
func putsOutside(s consent.Backend, b *broken) {
	deleted := map[string]bool{}
	b.deleteState = func(ctx context.Context, t troth.Tenant, id string, p troth.Purpose) error {
		deleted[string(t)+id+string(p)] = true
		return s.DeleteState(ctx, t, id, p)
	}
	b.statesOf = func(ctx context.Context, t troth.Tenant, p troth.Purpose, ids []string) ([]consent.StateRow, error) {
		rows, err := s.StatesOf(ctx, t, p, ids)
		return slices.DeleteFunc(rows, func(r consent.StateRow) bool { return deleted[string(t)+r.SubjectID+string(p)] }), err
	}
}

// textsOutside keeps texts beside the transaction.
func textsOutside(_ consent.Backend, b *broken) {
	type place struct {
		tenant troth.Tenant
		hash   [32]byte
	}
	kept := map[place][]byte{}
	b.putText = func(ctx context.Context, t troth.Tenant, h [32]byte, text []byte) error {
		kept[place{t, h}] = text
		return ctx.Err()
	}
	b.text = func(ctx context.Context, t troth.Tenant, h [32]byte) ([]byte, bool, error) {
		text, found := kept[place{t, h}]
		return text, found, ctx.Err()
	}
}
