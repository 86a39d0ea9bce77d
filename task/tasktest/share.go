package tasktest

import (
	"slices"
	"strconv"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/task"
)

// crowd adds n tasks of a tenant and line.
func (r *rig) crowd(tenant troth.Tenant, line string, n int) {
	r.Helper()
	for range n {
		r.adds(func(n *task.NewTask) { n.Tenant, n.Line = tenant, line })
	}
}

// served counts claimed tasks by tenant and line.
func served(rows []task.Row) map[task.Line]int {
	out := map[task.Line]int{}
	for _, row := range rows {
		out[task.Line{Tenant: row.Tenant, Name: row.Line}]++
	}
	return out
}

var shareChecks = []check{
	{Name: "a claim is shared out among tenants and lines, however many tasks one has", Run: func(r *rig) {
		r.crowd(r.A, "", 50)
		r.crowd(r.A, "x", 3)
		r.crowd(r.B, "", 1)
		got := served(r.claim(9))
		for line, want := range map[task.Line]int{{Tenant: r.A}: 3, {Tenant: r.A, Name: "x"}: 3, {Tenant: r.B}: 1} {
			same(r, want, got[line], "tasks of one line")
		}
	}},
	{Name: "those behind the line that was served last come first, and then from the beginning", Run: func(r *rig) {
		for i := range 5 {
			r.crowd(r.A, strconv.Itoa(i), 2)
		}
		var order []string
		for _, row := range r.claims(task.KindClaim{Kind: r.kind, Limit: 4, Behind: task.Line{Tenant: r.A, Name: "2"}}) {
			order = append(order, row.Line)
		}
		if !slices.Equal(order, []string{"3", "4", "0", "1"}) {
			r.Fatalf("served lines %q", order)
		}
		got := served(r.claims(task.KindClaim{Kind: r.kind, Limit: 5, Behind: task.Line{Tenant: r.A, Name: "9"}}))
		same(r, 5, len(got), "lines, each with one")
	}},
	{Name: "however many lines wait, each has its turn", Run: func(r *rig) {
		const lines = 3 * task.LinesAtOnce
		for i := range lines {
			r.crowd(r.A, "l"+strconv.Itoa(i), 2)
		}
		seen := map[task.Line]int{}
		var behind task.Line
		for range 3 {
			rows := r.claims(task.KindClaim{Kind: r.kind, Limit: task.LinesAtOnce, Behind: behind})
			same(r, task.LinesAtOnce, len(rows), "claimed")
			for line, n := range served(rows) {
				seen[line] += n
			}
			last := rows[len(rows)-1]
			behind = task.Line{Tenant: last.Tenant, Name: last.Line}
		}
		same(r, lines, len(seen), "lines that were served")
	}},
}
