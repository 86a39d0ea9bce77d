package audittest

import (
	"context"
	"fmt"
	"sync"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// many is more than two pages of a trail.
const many = 600

var actLoop = &troth.Act{
	Name: "audittest.loop", Version: 1, Doc: "An entry of the suite.",
	Fields: []troth.Field{{Name: "n", Kind: troth.CountFact, Doc: "which one"}},
}

func loopEntry(tenant troth.Tenant, n int) troth.Entry {
	return troth.Entry{Act: actLoop, Tenant: tenant, SubjectID: "17", Facts: troth.Facts{"n": troth.Count(n)}}
}

var loopChecks = []check{
	{"a loop over entries may write in its body", func(r *rig) {
		trail, ctx := r.filled()
		seen := 0
		for rec, err := range trail.Entries(ctx, "acme", audit.Query{}) {
			r.must(err)
			if seen%100 == 0 {
				_, err := trail.Record(ctx, loopEntry("copy", int(rec.Facts[0].Number())))
				r.must(err)
			}
			seen++
		}
		r.want(seen == many, "saw %d entries of %d", seen, many)
		r.want(len(r.all(ctx, "copy")) == many/100, "what the body wrote is not there")
	}},
	{"a loop inside a transaction may write in its body", func(r *rig) {
		trail, ctx := r.filled()
		r.must(r.store.Transactor().Atomically(ctx, func(ctx context.Context) error {
			for rec, err := range trail.Entries(ctx, "acme", audit.Query{}) {
				r.must(err)
				if n := int(rec.Facts[0].Number()); n%100 == 0 {
					_, err := trail.Record(ctx, loopEntry("copy", n))
					r.must(err)
				}
			}
			return nil
		}))
		r.want(len(r.all(ctx, "copy")) == many/100, "what the body wrote is not there")
	}},
	{"a loop that is broken off leaves nothing open", func(r *rig) {
		trail, ctx := r.filled()
		for range 20 { // more than any pool
			for _, err := range trail.Entries(ctx, "acme", audit.Query{}) {
				r.must(err)
				break
			}
		}
		_, err := trail.Record(ctx, loopEntry("acme", many))
		r.must(err)
	}},
}

var trailChecks = []check{
	{"people recorded by many at once have one pseudonym each", func(r *rig) {
		const writers, people = 8, 10
		trail := NewTrail(r.T, r.store)
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				// Writers share three actors, who are created at once too.
				ctx := troth.WithActor(r.Context(), troth.Actor{Kind: troth.Person, ID: fmt.Sprint(w % 3)})
				for n := range people {
					e := loopEntry("acme", n)
					e.SubjectID = fmt.Sprint(n)
					if _, err := trail.Record(ctx, e); err != nil {
						r.Error(err)
					}
				}
			})
		}
		wg.Wait()
		subjects, actors := map[audit.Pseudonym]int64{}, map[audit.Pseudonym]int{}
		entries := 0
		for rec, err := range trail.Entries(r.Context(), "acme", audit.Query{}) {
			r.must(err)
			n := rec.Facts[0].Number()
			of, known := subjects[rec.Subject]
			r.want(!known || of == n, "two people have one pseudonym")
			subjects[rec.Subject] = n
			actors[rec.Actor.Person]++
			entries++
		}
		r.want(entries == writers*people, "got %d entries", entries)
		r.want(len(subjects) == people, "%d people have %d pseudonyms", people, len(subjects))
		r.want(len(actors) == 3, "3 actors have %d pseudonyms", len(actors))
	}},
}

// filled returns a trail with entries of one tenant, and a context with an
// actor.
func (r *rig) filled() (*audit.Trail, context.Context) {
	r.Helper()
	trail := NewTrail(r.T, r.store)
	ctx := troth.WithActor(r.Context(), troth.Actor{Kind: troth.Person, ID: "kim"})
	r.must(r.store.Transactor().Atomically(ctx, func(ctx context.Context) error {
		for n := range many {
			if _, err := trail.Record(ctx, loopEntry("acme", n)); err != nil {
				return err
			}
		}
		return nil
	}))
	return trail, ctx
}
