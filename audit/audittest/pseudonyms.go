package audittest

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/trothdev/troth/audit"
)

var pseudonymChecks = []check{
	{"a pseudonym comes back as it went in", func(r *rig) {
		row := link("acme", 1)
		_, found := r.find(r.Context(), row.PseudonymName)
		r.want(!found, "a pseudonym is found before there is one")
		r.want(r.insert(r.Context(), row), "a fresh pseudonym was not inserted")
		got, found := r.find(r.Context(), row.PseudonymName)
		r.want(found && sameLink(got, row), "another row came back")
		_, found = r.find(r.Context(), link("acme", 2).PseudonymName)
		r.want(!found, "a pseudonym is found under another name")
	}},
	{"a pseudonym of zeros is not believed", func(r *rig) {
		row := link("acme", 1)
		row.Pseudonym = audit.Pseudonym{}
		r.insert(r.Context(), row)
		_, found, err := r.store.Pseudonym(r.Context(), row.PseudonymName)
		r.want(!found && errors.Is(err, audit.ErrPseudonym), "found is %v, %v", found, err)
	}},
	{"slices of pseudonyms are not shared with the caller", func(r *rig) {
		row := link("acme", 1)
		given := row
		given.Identity = slices.Clone(row.Identity)
		r.insert(r.Context(), given)
		given.Identity[0] ^= 0xff
		got, _ := r.find(r.Context(), row.PseudonymName)
		got.Identity[1] ^= 0xff
		got, _ = r.find(r.Context(), row.PseudonymName)
		r.want(sameLink(got, row), "a stored identity changed with a caller's slice")
	}},
	{"a name that is taken is not inserted and changes nothing", func(r *rig) {
		first, second := link("acme", 1), link("acme", 1)
		second.Pseudonym[5], second.Identity, second.CreatedAt = 5, []byte("other"), 5
		r.insert(r.Context(), first)
		r.want(!r.insert(r.Context(), second), "a name was inserted twice")
		got, _ := r.find(r.Context(), first.PseudonymName)
		r.want(sameLink(got, first), "the first row changed")
	}},
	{"a deleted pseudonym is gone and its name is free", func(r *rig) {
		row := link("acme", 1)
		r.insert(r.Context(), row)
		r.insert(r.Context(), link("acme", 2))
		for _, want := range []bool{true, false} {
			deleted, err := r.store.DeletePseudonym(r.Context(), row.PseudonymName)
			r.must(err)
			r.want(deleted == want, "deleted is %v, want %v", deleted, want)
		}
		_, found := r.find(r.Context(), row.PseudonymName)
		r.want(!found, "a deleted pseudonym is found")
		_, found = r.find(r.Context(), link("acme", 2).PseudonymName)
		r.want(found, "another pseudonym was deleted too")
		r.want(r.insert(r.Context(), row), "a deleted name is still taken")
	}},
	{"no call sees or changes another tenant's pseudonyms", func(r *rig) {
		for _, tenant := range tenants {
			r.want(r.insert(r.Context(), link(tenant, 1)), "%q: another tenant's name was in the way", tenant)
		}
		deleted, err := r.store.DeletePseudonym(r.Context(), link("nobody", 1).PseudonymName)
		r.must(err)
		r.want(!deleted, "a tenant deleted what it does not have")
		_, err = r.store.DeletePseudonym(r.Context(), link(tenants[0], 1).PseudonymName)
		r.must(err)
		for i, tenant := range tenants {
			got, found := r.find(r.Context(), link(tenant, 1).PseudonymName)
			r.want(found == (i > 0), "%q: found is %v", tenant, found)
			r.want(!found || sameLink(got, link(tenant, 1)), "%q sees a row that is not its own", tenant)
		}
	}},
	{"of one name inserted at once one is kept and the others find it", func(r *rig) {
		const writers = 8
		var wg sync.WaitGroup
		winners := make(chan audit.PseudonymRow, writers)
		for w := range writers {
			wg.Go(func() {
				mine := link("acme", 1)
				mine.Pseudonym[7] = byte(w + 1)
				err := r.store.Transactor().Atomically(r.Context(), func(ctx context.Context) error {
					inserted, err := r.store.InsertPseudonym(ctx, mine)
					if err != nil {
						return err
					}
					got, found, err := r.store.Pseudonym(ctx, mine.PseudonymName)
					r.want(err != nil || found, "the row in the way is not found")
					r.want(err != nil || inserted == sameLink(got, mine), "inserted is %v, and the row says otherwise", inserted)
					winners <- got
					return err
				})
				if err != nil {
					r.Error(err)
				}
			})
		}
		wg.Wait()
		close(winners)
		var first *audit.PseudonymRow
		for got := range winners {
			if first == nil {
				first = &got
			}
			r.want(sameLink(*first, got), "two callers found different rows")
		}
	}},
}
