package consenttest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
)

func purpose(p string) troth.Purpose { return troth.Purpose(p) }

// odd are ids that a careless query would trip over.
var odd = []string{`"`, `\`, `{a,b}`, `NULL`, `é`, `'; --`, `%`, `_`, ` x `, "~", `a"b\c`}

var stateChecks = []check{
	{name: "a state comes back exactly, and is replaced", run: func(r *rig) {
		ctx := r.Context()
		r.ok(r.s.PutState(ctx, stateOf(r.a, "42", "q", 1)), "put state")
		r.ok(r.s.PutState(ctx, stateOf(r.a, "42", "p", 1)), "put state")
		r.ok(r.s.PutState(ctx, stateOf(r.a, "42", "p", 2)), "put state again")
		got, err := r.s.States(ctx, r.a, "42")
		r.ok(err, "states")
		r.same(got, []consent.StateRow{stateOf(r.a, "42", "p", 2), stateOf(r.a, "42", "q", 1)}, "states")
	}},
	{name: "a state that is deleted is gone, and others stay", run: func(r *rig) {
		ctx := r.Context()
		for _, p := range []string{"p", "q"} {
			r.ok(r.s.PutState(ctx, stateOf(r.a, "42", purpose(p), 1)), "put state")
			r.ok(r.s.PutState(ctx, stateOf(r.a, "43", purpose(p), 1)), "put state")
		}
		r.ok(r.s.DeleteState(ctx, r.a, "42", "p"), "delete state")
		r.ok(r.s.DeleteState(ctx, r.a, "42", "nothing"), "delete nothing")
		got, err := r.s.States(ctx, r.a, "42")
		r.ok(err, "states")
		r.same(got, []consent.StateRow{stateOf(r.a, "42", "q", 1)}, "states")
		got, err = r.s.States(ctx, r.a, "43")
		r.ok(err, "states")
		r.same(len(got), 2, "another person's states")
	}},
	{name: "states of many are of the purpose and of those who were asked for, each once", run: func(r *rig) {
		ctx := r.Context()
		asked := append([]string{"nobody", "42", "42"}, odd...)
		for _, id := range append([]string{"42", "43"}, odd...) {
			r.ok(r.s.PutState(ctx, stateOf(r.a, id, "p", 1)), "put state")
			r.ok(r.s.PutState(ctx, stateOf(r.a, id, "q", 2)), "put state")
		}
		got, err := r.s.StatesOf(ctx, r.a, "p", asked)
		r.ok(err, "states of")
		var ids []string
		for _, row := range got {
			r.same(row, stateOf(r.a, row.SubjectID, "p", 1), "state")
			ids = append(ids, row.SubjectID)
		}
		want := append([]string{"42"}, odd...)
		slices.Sort(ids)
		slices.Sort(want)
		r.same(ids, want, "whose")
		got, err = r.s.StatesOf(ctx, r.a, "p", nil)
		r.ok(err, "states of nobody")
		r.same(len(got), 0, "states of nobody")
	}},
	{name: "states come page by page in the order of bytes", run: func(r *rig) {
		ctx := r.Context()
		ids := append([]string{"a", "B", "b", "A", "aa"}, odd...)
		for i := range 50 {
			ids = append(ids, fmt.Sprint("n", i))
		}
		for _, id := range ids {
			r.ok(r.s.PutState(ctx, stateOf(r.a, id, "p", 1)), "put state")
			r.ok(r.s.PutState(ctx, stateOf(r.a, id, "q", 1)), "put state")
		}
		slices.SortFunc(ids, strings.Compare)
		var got []string
		for after := ""; ; {
			rows, err := r.s.StatesAfter(ctx, r.a, "p", after, 7)
			r.ok(err, "states after")
			if len(rows) > 7 {
				r.Fatalf("%d rows, more than the limit", len(rows))
			}
			for _, row := range rows {
				got = append(got, row.SubjectID)
			}
			if len(rows) < 7 || len(got) > len(ids) {
				break
			}
			after = rows[6].SubjectID
		}
		r.same(got, ids, "who")
	}},
}

var linkChecks = []check{
	{name: "a device is linked once", run: func(r *rig) {
		ctx := r.Context()
		for _, row := range []consent.LinkRow{linkOf(r.a, "d2", "42"), linkOf(r.a, "d1", "42"), linkOf(r.a, "d3", "43")} {
			inserted, err := r.s.InsertLink(ctx, row)
			r.wants(true, inserted, err, "insert link")
		}
		inserted, err := r.s.InsertLink(ctx, linkOf(r.a, "d1", "43"))
		r.wants(false, inserted, err, "insert link again")
		got, found, err := r.s.Link(ctx, r.a, "d1")
		r.wants(true, found, err, "link")
		r.same(got, linkOf(r.a, "d1", "42"), "link")
		_, found, err = r.s.Link(ctx, r.a, "42")
		r.wants(false, found, err, "link of an account")
		all, err := r.s.Links(ctx, r.a, "42")
		r.ok(err, "links")
		r.same(all, []consent.LinkRow{linkOf(r.a, "d1", "42"), linkOf(r.a, "d2", "42")}, "links")
	}},
}
