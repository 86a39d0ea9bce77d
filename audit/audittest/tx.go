package audittest

import (
	"context"
	"errors"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

var txChecks = []check{
	{"all methods work in the caller's transaction and see its work", func(r *rig) {
		row, ps := entry("acme", 1), link("acme", 1)
		r.atomically(func(ctx context.Context) {
			r.append(ctx, row)
			r.insert(ctx, ps)
			r.must(r.store.SetManaged(ctx))
			rows := r.all(ctx, "acme")
			r.want(len(rows) == 1 && same(rows[0], row), "its own entry is not seen")
			_, found := r.find(ctx, ps.PseudonymName)
			r.want(found, "its own pseudonym is not seen")
			managed, err := r.store.Managed(ctx)
			r.must(err)
			r.want(managed, "its own SetManaged is not seen")
			r.want(r.backlog(ctx).Count == 1, "its own entry is not counted")
		})
		r.want(len(r.all(r.Context(), "acme")) == 1, "a committed entry is gone")
	}},
	{"reads outside of a transaction see committed rows only", func(r *rig) {
		row, ps := entry("acme", 1), link("acme", 1)
		r.atomically(func(ctx context.Context) {
			r.append(ctx, row)
			r.insert(ctx, ps)
			outside := r.store.Transactor().Detach(ctx)
			r.want(len(r.all(outside, "acme")) == 0, "an uncommitted entry is seen")
			_, found := r.find(outside, ps.PseudonymName)
			r.want(!found, "an uncommitted pseudonym is seen")
			r.want(r.backlog(outside).Count == 0, "an uncommitted entry is counted")
		})
	}},
	{"a rollback takes back what was written", func(r *rig) {
		kept := link("acme", 9)
		r.insert(r.Context(), kept)
		r.undone(r.Context(), func(ctx context.Context) {
			r.append(ctx, entry("acme", 1))
			r.insert(ctx, link("acme", 1))
			_, err := r.store.DeletePseudonym(ctx, kept.PseudonymName)
			r.must(err)
			r.must(r.store.SetManaged(ctx))
		})
		r.want(len(r.all(r.Context(), "acme")) == 0, "an entry survived the rollback")
		_, found := r.find(r.Context(), link("acme", 1).PseudonymName)
		r.want(!found, "a pseudonym survived the rollback")
		_, found = r.find(r.Context(), kept.PseudonymName)
		r.want(found, "a deletion survived the rollback")
		managed, err := r.store.Managed(r.Context())
		r.must(err)
		r.want(!managed, "SetManaged survived the rollback")
		r.want(r.backlog(r.Context()).Count == 0, "an entry that was rolled back is counted")
	}},
	{"a savepoint takes back its own work and no more", func(r *rig) {
		r.atomically(func(ctx context.Context) {
			r.append(ctx, entry("acme", 1))
			r.insert(ctx, link("acme", 1))
			r.undone(ctx, func(ctx context.Context) {
				r.append(ctx, entry("acme", 2))
				r.insert(ctx, link("acme", 2))
			})
			r.append(ctx, entry("acme", 3))
		})
		rows := r.all(r.Context(), "acme")
		r.want(len(rows) == 2 && rows[0].ID == entryID(1) && rows[1].ID == entryID(3),
			"entries 1 and 3 were expected, got %d", len(rows))
		_, one := r.find(r.Context(), link("acme", 1).PseudonymName)
		_, two := r.find(r.Context(), link("acme", 2).PseudonymName)
		r.want(one && !two, "the wrong pseudonyms are there")
	}},
	{"a conflict does not spoil the transaction", func(r *rig) {
		r.append(r.Context(), entry("acme", 1))
		r.insert(r.Context(), link("acme", 1))
		r.atomically(func(ctx context.Context) {
			r.want(!r.append(ctx, entry("acme", 1)), "an id was appended twice")
			r.want(!r.insert(ctx, link("acme", 1)), "a name was inserted twice")
			r.append(ctx, entry("acme", 2))
		})
		r.want(len(r.all(r.Context(), "acme")) == 2, "what followed a conflict was not committed")
	}},
	{"a cancelled context ends in its own error and without effect", func(r *rig) {
		kept := link("acme", 9)
		r.insert(r.Context(), kept)
		ctx, cancel := context.WithCancel(r.Context())
		cancel()
		for name, call := range calls(r.store, kept.PseudonymName) {
			err := call(ctx)
			r.want(errors.Is(err, context.Canceled), "%s returned %v", name, err)
		}
		r.want(len(r.all(r.Context(), "acme")) == 0, "a cancelled call appended")
		_, found := r.find(r.Context(), link("acme", 1).PseudonymName)
		r.want(!found, "a cancelled call inserted")
		_, found = r.find(r.Context(), kept.PseudonymName)
		r.want(found, "a cancelled call deleted")
		managed, err := r.store.Managed(r.Context())
		r.must(err)
		r.want(!managed, "a cancelled call changed something")
	}},
	{"a context whose transaction has ended is refused", func(r *rig) {
		var ended context.Context
		kept := link("acme", 9)
		r.atomically(func(ctx context.Context) {
			ended = ctx //nolint:fatcontext // misuse is what is tested
			r.insert(ctx, kept)
		})
		for name, call := range calls(r.store, kept.PseudonymName) {
			err := call(ended)
			r.want(errors.Is(err, troth.ErrTxDone), "%s returned %v", name, err)
		}
		_, found := r.find(r.Context(), kept.PseudonymName)
		r.want(found && len(r.all(r.Context(), "acme")) == 0, "a refused call had an effect")
	}},
}

// calls are all methods that take a context.
func calls(s audit.Backend, name audit.PseudonymName) map[string]func(ctx context.Context) error {
	return map[string]func(ctx context.Context) error{
		"Append": func(ctx context.Context) error { _, err := s.Append(ctx, entry("acme", 1)); return err },
		"Entries": func(ctx context.Context) error {
			_, err := s.Entries(ctx, audit.EntriesPage{Tenant: "acme", Limit: 1})
			return err
		},
		"Pseudonym":       func(ctx context.Context) error { _, _, err := s.Pseudonym(ctx, name); return err },
		"InsertPseudonym": func(ctx context.Context) error { _, err := s.InsertPseudonym(ctx, link("acme", 1)); return err },
		"DeletePseudonym": func(ctx context.Context) error { _, err := s.DeletePseudonym(ctx, name); return err },
		"Backlog":         func(ctx context.Context) error { _, err := s.Backlog(ctx); return err },
		"Managed":         func(ctx context.Context) error { _, err := s.Managed(ctx); return err },
		"SetManaged":      func(ctx context.Context) error { return s.SetManaged(ctx) },
	}
}
