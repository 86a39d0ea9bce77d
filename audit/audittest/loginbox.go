package audittest

import (
	"bytes"
	"context"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// logInboxChecks are of what leaves the inbox.
var logInboxChecks = []check{
	{"what is taken from the inbox comes once, as it was, the earliest first", func(r *rig) {
		var rows []audit.InboxRow
		for i, tenant := range tenants {
			for n := range byte(4) {
				row := entry(tenant, byte(i)+10*n+1)
				row.RecordedAt = int64(1000 - i%3) // late ids, early times
				rows = append(rows, row)
				r.append(r.Context(), row)
			}
		}
		slices.SortFunc(rows, func(a, b audit.InboxRow) int {
			return byTimeAndID(a.RecordedAt, b.RecordedAt, a.ID, b.ID)
		})
		var taken []audit.InboxRow
		for _, want := range []int{5, 5, 5, 5, 5, 3, 0} {
			page := ok(r.store.TakeInbox(r.Context(), 5))(r)
			r.want(len(page) == want, "%d rows at most, and got %d, want %d", 5, len(page), want)
			taken = append(taken, page...)
		}
		r.want(slices.EqualFunc(taken, rows, same), "got %d rows, or others, or in another order", len(taken))
		r.want(r.backlog(r.Context()).Count == 0, "what was taken is still there")
	}},
	{"what was taken in a transaction that is undone waits on", func(r *rig) {
		row := entry("acme", 1)
		r.append(r.Context(), row)
		r.undone(r.Context(), func(ctx context.Context) {
			r.want(len(ok(r.store.TakeInbox(ctx, 9))(r)) == 1, "it was not taken")
			r.want(len(r.all(ctx, "acme")) == 0, "what was taken is still seen")
		})
		rows := r.all(r.Context(), "acme")
		r.want(len(rows) == 1 && same(rows[0], row), "the row is gone, or another one")
	}},
	{"what was taken makes room for its id", func(r *rig) {
		row := entry("acme", 1)
		r.append(r.Context(), row)
		ok(r.store.TakeInbox(r.Context(), 1))(r)
		r.want(r.append(r.Context(), row), "an id that was taken from the inbox is in the way")
	}},
	{"rows in quarantine are not in the inbox and counted apart", func(r *rig) {
		for n := range byte(5) {
			r.append(r.Context(), entry("acme", n+1))
			r.append(r.Context(), entry("bolt", n+1))
		}
		out := []audit.TenantEntry{
			{Tenant: "acme", ID: entryID(2)}, {Tenant: "bolt", ID: entryID(3)}, {Tenant: "acme", ID: entryID(77)},
		}
		for _, want := range []int{2, 0} {
			moved := ok(r.store.Quarantine(r.Context(), out))(r)
			r.want(moved == want, "%d were moved, want %d", moved, want)
		}
		b := r.backlog(r.Context())
		r.want(b.Count == 8 && b.Quarantined == 2, "%d wait and %d are in quarantine", b.Count, b.Quarantined)
		r.want(!slices.ContainsFunc(r.all(r.Context(), "acme"), func(row audit.InboxRow) bool { return row.ID == entryID(2) }),
			"a row in quarantine is still listed")
		r.want(len(r.all(r.Context(), "bolt")) == 4, "a row of another tenant was moved along")
		r.want(len(ok(r.store.TakeInbox(r.Context(), 99))(r)) == 8, "another number was taken than waits")
		r.want(r.backlog(r.Context()).Quarantined == 2, "what is in quarantine was taken")
		r.want(moved(r, audit.TenantEntry{Tenant: "acme", ID: entryID(2)}) == 0, "a row moved that is there no more")
	}},
	{"an id that is in quarantine may come there again", func(r *rig) {
		for n := range 3 {
			r.append(r.Context(), entry("acme", 2))
			r.want(moved(r, audit.TenantEntry{Tenant: "acme", ID: entryID(2)}) == 1, "it was not moved")
			r.want(r.backlog(r.Context()).Quarantined == n+1, "an earlier one was lost")
		}
	}},
	{"quarantine of nothing, and of a thousand rows", func(r *rig) {
		r.want(moved(r) == 0, "nothing was moved, and counted")
		fill(r, 1000)
		var ids []audit.TenantEntry
		for i := range 1000 {
			ids = append(ids, audit.TenantEntry{Tenant: idleTenant(i), ID: fillID(i)})
		}
		r.want(moved(r, ids...) == 1000, "not all were moved")
		b := r.backlog(r.Context())
		r.want(b.Count == 0 && b.Quarantined == 1000 && b.Oldest.IsZero(), "got %+v", b)
	}},
}

func byTimeAndID(at, bt int64, a, b troth.EntryID) int {
	if at != bt {
		return int(at - bt)
	}
	return bytes.Compare(a[:], b[:])
}

func moved(r *rig, ids ...audit.TenantEntry) int {
	r.Helper()
	return ok(r.store.Quarantine(r.Context(), ids))(r)
}
