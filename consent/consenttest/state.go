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
	{Name: "a state comes back exactly, and is replaced", Run: func(r *rig) {
		ctx := r.Context()
		r.OK(r.s.PutState(ctx, stateOf(r.A, "42", "q", 1)), "put state")
		r.OK(r.s.PutState(ctx, stateOf(r.A, "42", "p", 1)), "put state")
		r.OK(r.s.PutState(ctx, stateOf(r.A, "42", "p", 2)), "put state again")
		got, err := r.s.States(ctx, r.A, "42")
		r.OK(err, "states")
		r.Same(got, []consent.StateRow{stateOf(r.A, "42", "p", 2), stateOf(r.A, "42", "q", 1)}, "states")
	}},
	{Name: "a state that is deleted is gone, and others stay", Run: func(r *rig) {
		ctx := r.Context()
		for _, p := range []string{"p", "q"} {
			r.OK(r.s.PutState(ctx, stateOf(r.A, "42", purpose(p), 1)), "put state")
			r.OK(r.s.PutState(ctx, stateOf(r.A, "43", purpose(p), 1)), "put state")
		}
		r.OK(r.s.DeleteState(ctx, r.A, "42", "p"), "delete state")
		r.OK(r.s.DeleteState(ctx, r.A, "42", "nothing"), "delete nothing")
		got, err := r.s.States(ctx, r.A, "42")
		r.OK(err, "states")
		r.Same(got, []consent.StateRow{stateOf(r.A, "42", "q", 1)}, "states")
		got, err = r.s.States(ctx, r.A, "43")
		r.OK(err, "states")
		r.Same(len(got), 2, "another person's states")
	}},
	{Name: "states of many are of the purpose and of those who were asked for, each once", Run: func(r *rig) {
		ctx := r.Context()
		asked := append([]string{"nobody", "42", "42"}, odd...)
		for _, id := range append([]string{"42", "43"}, odd...) {
			r.OK(r.s.PutState(ctx, stateOf(r.A, id, "p", 1)), "put state")
			r.OK(r.s.PutState(ctx, stateOf(r.A, id, "q", 2)), "put state")
		}
		got, err := r.s.StatesOf(ctx, r.A, "p", asked)
		r.OK(err, "states of")
		var ids []string
		for _, row := range got {
			r.Same(row, stateOf(r.A, row.SubjectID, "p", 1), "state")
			ids = append(ids, row.SubjectID)
		}
		want := append([]string{"42"}, odd...)
		slices.Sort(ids)
		slices.Sort(want)
		r.Same(ids, want, "whose")
		got, err = r.s.StatesOf(ctx, r.A, "p", nil)
		r.OK(err, "states of nobody")
		r.Same(len(got), 0, "states of nobody")
	}},
	{Name: "states come page by page in the order of bytes", Run: func(r *rig) {
		ctx := r.Context()
		ids := append([]string{"a", "B", "b", "A", "aa"}, odd...)
		for i := range 50 {
			ids = append(ids, fmt.Sprint("n", i))
		}
		for _, id := range ids {
			r.OK(r.s.PutState(ctx, stateOf(r.A, id, "p", 1)), "put state")
			r.OK(r.s.PutState(ctx, stateOf(r.A, id, "q", 1)), "put state")
		}
		slices.SortFunc(ids, strings.Compare)
		var got []string
		for after := ""; ; {
			rows, err := r.s.StatesAfter(ctx, r.A, "p", after, 7)
			r.OK(err, "states after")
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
		r.Same(got, ids, "who")
	}},
}

var linkChecks = []check{
	{Name: "a device is linked once", Run: func(r *rig) {
		ctx := r.Context()
		for _, row := range []consent.LinkRow{linkOf(r.A, "d2", "42"), linkOf(r.A, "d1", "42"), linkOf(r.A, "d3", "43")} {
			inserted, err := r.s.InsertLink(ctx, row)
			r.Wants(true, inserted, err, "insert link")
		}
		inserted, err := r.s.InsertLink(ctx, linkOf(r.A, "d1", "43"))
		r.Wants(false, inserted, err, "insert link again")
		got, found, err := r.s.Link(ctx, r.A, "d1")
		r.Wants(true, found, err, "link")
		r.Same(got, linkOf(r.A, "d1", "42"), "link")
		_, found, err = r.s.Link(ctx, r.A, "42")
		r.Wants(false, found, err, "link of an account")
		all, err := r.s.Links(ctx, r.A, "42")
		r.OK(err, "links")
		r.Same(all, []consent.LinkRow{linkOf(r.A, "d1", "42"), linkOf(r.A, "d2", "42")}, "links")
	}},
}
