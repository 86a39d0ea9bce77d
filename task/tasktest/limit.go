package tasktest

import (
	"strconv"
	"time"

	"github.com/trothdev/troth/task"
)

var limitChecks = []check{
	{Name: "no more of a kind run at once than may, whoever claimed them", Run: func(r *rig) {
		r.crowd(r.A, "x", 5)
		r.crowd(r.B, "y", 5)
		k := task.KindClaim{Kind: r.kind, Limit: 10, Whole: task.Limit{AtOnce: 3}}
		first := r.claims(k)
		if len(first) == 0 || len(first) > 3 {
			r.Fatalf("claimed %d at first", len(first))
		}
		rest := r.claims(k)
		same(r, 3, len(first)+len(rest), "running")
		same(r, 0, len(r.claims(k)), "claimed beyond the limit")
		r.end(r.Context(), first[0], task.Completed)
		same(r, 1, len(r.claims(k)), "claimed after one ended")
	}},
	{Name: "no more of a line run at once than may", Run: func(r *rig) {
		r.crowd(r.A, "x", 5)
		r.crowd(r.B, "x", 5)
		k := task.KindClaim{Kind: r.kind, Limit: 10, PerLine: task.Limit{AtOnce: 2}}
		got := served(r.claims(k))
		same(r, 2, got[task.Line{Tenant: r.A, Name: "x"}], "of one tenant's line")
		same(r, 2, got[task.Line{Tenant: r.B, Name: "x"}], "of the other's")
		same(r, 0, len(r.claims(k)), "claimed beyond the limit")
	}},
	{Name: "tasks of a kind begin at the rate that they may", Run: func(r *rig) {
		r.crowd(r.A, "x", 5)
		r.crowd(r.B, "y", 5)
		k := task.KindClaim{Kind: r.kind, Limit: 10, Whole: task.Limit{Every: time.Second, Burst: 2}}
		same(r, 2, len(r.claims(k)), "burst")
		same(r, 0, len(r.claims(k)), "claimed too early")
		r.Advance(time.Second - time.Microsecond)
		same(r, 0, len(r.claims(k)), "claimed too early by a microsecond")
		r.Advance(time.Microsecond)
		same(r, 1, len(r.claims(k)), "after a second")
		r.Advance(time.Hour)
		same(r, 2, len(r.claims(k)), "after an hour")
	}},
	{Name: "tasks of a line begin at the rate that they may", Run: func(r *rig) {
		r.crowd(r.A, "x", 5)
		r.crowd(r.A, "y", 5)
		k := task.KindClaim{Kind: r.kind, Limit: 10, PerLine: task.Limit{Every: time.Second}}
		got := served(r.claims(k))
		same(r, 1, got[task.Line{Tenant: r.A, Name: "x"}], "of one line")
		same(r, 1, got[task.Line{Tenant: r.A, Name: "y"}], "of the other")
		same(r, 0, len(r.claims(k)), "claimed too early")
		r.Advance(time.Second)
		same(r, 2, len(r.claims(k)), "after a second")
	}},
	{Name: "lines at their limit are passed over, however many they are", Run: func(r *rig) {
		const lines = 5 * task.LinesAtOnce
		for i := range lines {
			r.crowd(r.A, "l"+strconv.Itoa(i), 2)
		}
		k := task.KindClaim{Kind: r.kind, Limit: lines, PerLine: task.Limit{AtOnce: 1}}
		for running := 0; running < lines; {
			rows := r.claims(k)
			if len(rows) == 0 {
				r.Fatalf("nothing was claimed, and %d lines have room", lines-running)
			}
			running += len(rows)
			last := rows[len(rows)-1]
			k.Behind = task.Line{Tenant: last.Tenant, Name: last.Line}
		}
		r.crowd(r.B, "", 1)
		k.Behind = task.Line{}
		var rows []task.Row
		for tries := 0; tries < 5 && len(rows) == 0; tries++ {
			rows = r.claims(k)
		}
		if got := served(rows); len(got) != 1 || got[task.Line{Tenant: r.B}] != 1 {
			r.Fatalf("served %v, want the one line with room", got)
		}
	}},
	{Name: "limits hold for one that is claimed by its name", Run: func(r *rig) {
		one, two := r.add(r.Context(), r.fresh()), r.add(r.Context(), r.fresh())
		for _, k := range []task.KindClaim{
			{Kind: r.kind, Whole: task.Limit{AtOnce: 1}},
			{Kind: r.kind, PerLine: task.Limit{AtOnce: 1}},
			{Kind: r.kind, Whole: task.Limit{Every: time.Hour}},
			{Kind: r.kind, PerLine: task.Limit{Every: time.Hour}},
		} {
			row, claimed, err := r.s.ClaimOne(r.Context(), one.Name, k, lease)
			r.Wants(true, claimed, err, "the first")
			_, claimed, err = r.s.ClaimOne(r.Context(), two.Name, k, lease)
			r.Wants(false, claimed, err, "the second")
			r.end(r.Context(), row, task.Waiting)
			r.Advance(2 * time.Hour)
		}
	}},
	{Name: "a rate from before the clock jumped back holds nobody up for longer", Run: func(r *rig) {
		r.crowd(r.A, "x", 5)
		k := task.KindClaim{Kind: r.kind, Limit: 1, Whole: task.Limit{Every: time.Second}}
		same(r, 1, len(r.claims(k)), "first")
		r.Advance(-time.Hour)
		r.Advance(time.Second)
		same(r, 1, len(r.claims(k)), "a second after the jump")
		_, err := r.s.Tidy(r.Context())
		r.OK(err, "tidy")
		same(r, 0, len(r.claims(k)), "tidied, and still too early")
	}},
}
