package audittest

import (
	"math/rand/v2" //nolint:depguard // rows that are the same each time, nothing secret hangs on them
	"slices"

	"github.com/trothdev/troth/audit"
)

// recordAt gives a row a time, and an id of that time.
func recordAt(row *audit.LogRow, at int64) {
	row.RecordedAt = at
	row.ID = timedID(row.Log, row.Index, at)
}

// chosen reports whether the row is one that the page asks for, in a store with
// one log.
func chosen(p audit.LogPage, row audit.LogRow) bool {
	return (p.Subject.IsZero() || row.Subject == p.Subject) && (p.Act == "" || row.Act == p.Act) &&
		(p.From == 0 || row.RecordedAt >= p.From) && (p.To == 0 || row.RecordedAt < p.To && row.RecordedAt != 0) &&
		(row.Log > p.Log || row.Log == p.Log && row.Number > p.Number)
}

// logTimeChecks are of entries by their time, in two logs whose order is not that
// of time: a clock runs backwards for a while, and jumps.
var logTimeChecks = []check{
	{"entries are found by time in the order of the log, whatever the clock did", func(r *rig) {
		var rows []audit.LogRow
		random := rand.New(rand.NewPCG(7, 7))
		for _, log := range []int{1, 2} {
			r.want(ok(r.store.CreateHead(r.Context(), headOf(log)))(r), "log %d was not created", log)
			of := logOf(log, 2400, "acme", "bolt")
			for i := range of {
				at := int64(log)*40_000_000 + int64(i)*15_000
				switch {
				case i >= 500 && i < 560:
					at -= 10_000_000
				case random.IntN(50) == 0:
					at = random.Int64N(100_000_000) + 1
				case random.IntN(5) == 0:
					at -= random.Int64N(200_000)
				}
				recordAt(&of[i], max(at, 1))
				of[i].Act = []string{"a.one", "a.two"}[random.IntN(2)]
			}
			rows = append(rows, of...)
		}
		r.appendLog(rows...)
		mine := of(rows, "acme")
		gone := audit.Redaction{Tenant: "acme", ID: mine[400].ID, By: entryID(3)}
		r.want(ok(r.store.Redact(r.Context(), gone))(r), "nothing was redacted")
		mine[400].RecordedAt, mine[400].Act = 0, ""
		for range 60 {
			from := random.Int64N(120_000_000) + 1
			p := audit.LogPage{Tenant: "acme", From: from, To: from + random.Int64N(20_000_000) + 1, Limit: 1 + random.IntN(300)}
			switch random.IntN(6) {
			case 0:
				p.From = 0
			case 1:
				p.To = 0
			case 2:
				p.Act = "a.two"
			}
			r.pagesByTime(p, mine)
		}
	}},
}

// pagesByTime reads page after page and wants what is chosen from the rows.
func (r *rig) pagesByTime(p audit.LogPage, rows []audit.LogRow) {
	r.Helper()
	asked := p
	var got []audit.LogRow
	for page := p.Limit; page == p.Limit; {
		more := ok(r.store.LogEntries(r.Context(), p))(r)
		if page = len(more); page > 0 {
			p.Log, p.Number = more[page-1].Log, more[page-1].Number
		}
		got = append(got, more...)
	}
	want := slices.DeleteFunc(slices.Clone(rows), func(row audit.LogRow) bool {
		return row.RecordedAt == 0 || !chosen(asked, row)
	})
	r.want(slices.EqualFunc(got, want, func(a, b audit.LogRow) bool { return a.ID == b.ID }),
		"from %d to %d, act %q: got %d entries, or others, want %d", asked.From, asked.To, asked.Act, len(got), len(want))
}
