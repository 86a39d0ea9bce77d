package audittest

import (
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// logTenantChecks are of what is read and destroyed for one tenant.
var logTenantChecks = []check{
	{"a tenant's entries come in order of log and number, in pages", func(r *rig) {
		first, second := logOf(1, 20, "acme", "bolt"), logOf(2, 20, "bolt", "acme")
		r.appendLog(second...)
		r.appendLog(first...)
		want := append(of(first, "acme"), of(second, "acme")...)
		for _, limit := range []int{1, 3, 10, 20, 99} {
			page := audit.LogPage{Tenant: "acme", Limit: limit}
			var got []audit.LogRow
			for {
				rows := ok(r.store.LogEntries(r.Context(), page))(r)
				r.want(len(rows) <= limit, "%d rows at most, and got %d", limit, len(rows))
				if len(rows) == 0 {
					break
				}
				got = append(got, rows...)
				page.Log, page.Number = rows[len(rows)-1].Log, rows[len(rows)-1].Number
			}
			r.want(sameRows(got, want), "in pages of %d: got %d rows, or others", limit, len(got))
		}
	}},
	{"entries are chosen by subject, act and time", func(r *rig) {
		rows := logOf(1, 60, "acme", "bolt")
		for i := range rows {
			rows[i].Subject = subjectOf(uint64(i / 2 % 3))
			rows[i].Act = []string{"a.one", "a.two"}[i/2%2]
			recordAt(&rows[i], int64(1000-i)*700)
		}
		rows[10].Subject = audit.Pseudonym{}
		r.appendLog(rows...)
		for name, p := range map[string]audit.LogPage{
			"subject":         {Subject: subjectOf(1)},
			"act":             {Act: "a.two"},
			"from":            {From: 980 * 700},
			"to":              {To: 980 * 700},
			"from and to":     {From: 960 * 700, To: 981 * 700},
			"all of them":     {Subject: subjectOf(2), Act: "a.one", From: 950 * 700, To: 990 * 700},
			"another subject": {Subject: subjectOf(99)},
			"another act":     {Act: "A.one"},
			"behind a number": {Act: "a.one", Log: 1, Number: 7},
		} {
			p.Tenant, p.Limit = "acme", 99
			want := slices.DeleteFunc(of(rows, "acme"), func(row audit.LogRow) bool { return !chosen(p, row) })
			got := ok(r.store.LogEntries(r.Context(), p))(r)
			r.want(sameRows(got, want), "%s: got %d rows, or others, want %d", name, len(got), len(want))
			if len(want) > 1 {
				p.Limit = len(want) - 1
				got = ok(r.store.LogEntries(r.Context(), p))(r)
				r.want(sameRows(got, want[:p.Limit]), "%s: a page of %d has %d rows, or others", name, p.Limit, len(got))
			}
		}
	}},
	{"an entry is found by its id, and only where it is", func(r *rig) {
		rows := logOf(1, 3, "acme")
		r.appendLog(rows...)
		_, there := found(r.store.LogEntry(r.Context(), "acme", numberedID(1, 3)))(r)
		r.want(!there, "an entry is found that is not there")
		r.append(r.Context(), entry("acme", 9))
		_, there = found(r.store.LogEntry(r.Context(), "acme", entryID(9)))(r)
		r.want(!there, "an entry is found in the log that waits in the inbox")
	}},
	{"no call sees or changes another tenant's part of the log", func(r *rig) {
		rows := logOf(1, 3*len(tenants), tenants...)
		r.appendLog(rows...)
		for _, row := range rows {
			r.must(r.store.InsertParts(r.Context(), row.Tenant, []audit.PartRow{partOf(row.ID, 0)}))
		}
		for i, tenant := range tenants {
			r.want(sameRows(r.tenantLog(r.Context(), tenant), of(rows, tenant)), "%q sees other entries than its own", tenant)
			foreign := rows[(i+1)%len(tenants)].ID
			_, there := found(r.store.LogEntry(r.Context(), tenant, foreign))(r)
			r.want(!there, "%q sees another tenant's entry", tenant)
			r.want(len(ok(r.store.Parts(r.Context(), tenant, foreign))(r)) == 0, "%q sees another tenant's parts", tenant)
			r.want(!ok(r.store.Redact(r.Context(), audit.Redaction{Tenant: tenant, ID: foreign, By: entryID(1)}))(r),
				"%q redacted another tenant's entry", tenant)
			drop := audit.PartsDrop{Tenant: tenant, By: entryID(1), Entry: foreign, Limit: 1}
			r.want(ok(r.store.DropParts(r.Context(), drop))(r) == 0, "%q dropped another tenant's parts", tenant)
		}
		nobody := audit.PartsDrop{Tenant: "nobody", By: entryID(1), Before: 1 << 60, Limit: 99}
		r.want(ok(r.store.DropParts(r.Context(), nobody))(r) == 0, "a tenant without parts dropped some")
		one := audit.PartsDrop{Tenant: tenants[0], By: entryID(1), Before: 1 << 60, Limit: 99}
		r.want(ok(r.store.DropParts(r.Context(), one))(r) == 3, "a tenant dropped more than its own parts, or less")
		r.want(sameRows(r.logRange(r.Context(), 1), rows), "entries of others changed")
		for _, row := range rows {
			parts := ok(r.store.Parts(r.Context(), row.Tenant, row.ID))(r)
			r.want(len(parts) == 1 && (parts[0].Box == nil) == (row.Tenant == tenants[0]), "parts of others changed")
		}
	}},
	{"a redacted entry keeps its place, id and hash, and the entry that tells why", func(r *rig) {
		rows := logOf(1, 4, "acme", "bolt")
		r.appendLog(rows...)
		r.want(ok(r.store.Redact(r.Context(), audit.Redaction{Tenant: "acme", ID: rows[2].ID, By: entryID(7)}))(r), "it was not redacted")
		for _, again := range []audit.Redaction{
			{Tenant: "acme", ID: rows[2].ID, By: entryID(8)},
			{Tenant: "acme", ID: rows[1].ID, By: entryID(8)},
			{Tenant: "acme", ID: numberedID(1, 77), By: entryID(8)},
		} {
			r.want(!ok(r.store.Redact(r.Context(), again))(r), "%v was redacted", again)
		}
		want := slices.Clone(rows)
		want[2] = redacted(rows[2], entryID(7))
		r.want(sameRows(r.logRange(r.Context(), 1), want), "LogRange gives other rows")
		r.want(sameRows(r.tenantLog(r.Context(), "acme"), of(want, "acme")), "LogEntries gives other rows")
		got, _ := found(r.store.LogEntry(r.Context(), "acme", rows[2].ID))(r)
		r.want(sameRow(got, want[2]), "LogEntry gives another row")
		for name, p := range map[string]audit.LogPage{
			"subject": {Subject: rows[2].Subject}, "act": {Act: rows[2].Act}, "from": {From: 1}, "to": {To: 1 << 60},
		} {
			p.Tenant, p.Limit = "acme", 99
			r.want(!slices.ContainsFunc(ok(r.store.LogEntries(r.Context(), p))(r), func(row audit.LogRow) bool {
				return row.Index == 2
			}), "a redacted entry is found by %s", name)
		}
		known := ok(r.store.Known(r.Context(), []audit.TenantEntry{{Tenant: "acme", ID: rows[2].ID}}))(r)
		r.want(len(known) == 1, "a redacted entry is not known")
	}},
	{"parts come back as they went in, in order", func(r *rig) {
		id := numberedID(1, 1)
		var want []audit.PartRow
		for n := range 12 {
			want = append(want, partOf(id, n))
		}
		want[3].Box = make([]byte, audit.MaxBox)
		r.must(r.store.InsertParts(r.Context(), "acme", want[6:]))
		r.must(r.store.InsertParts(r.Context(), "acme", want[:6]))
		r.must(r.store.InsertParts(r.Context(), "acme", []audit.PartRow{partOf(numberedID(1, 2), 0)}))
		given := partOf(numberedID(1, 3), 0)
		r.must(r.store.InsertParts(r.Context(), "acme", []audit.PartRow{given}))
		given.Box[0] ^= 0xff
		got := ok(r.store.Parts(r.Context(), "acme", id))(r)
		r.want(slices.EqualFunc(got, want, samePart), "got %d parts, or others", len(got))
		got[0].Box[0] ^= 0xff
		got[0].Salt[0] ^= 0xff
		r.want(slices.EqualFunc(ok(r.store.Parts(r.Context(), "acme", id))(r), want, samePart), "a part changed with a caller's slice")
		r.want(samePart(ok(r.store.Parts(r.Context(), "acme", numberedID(1, 3)))(r)[0], partOf(numberedID(1, 3), 0)),
			"a part changed with a caller's slice")
		r.want(len(ok(r.store.Parts(r.Context(), "acme", numberedID(1, 4)))(r)) == 0, "an entry without parts has some")
	}},
	{"a part that is taken, too long or empty is refused with all of its call", func(r *rig) {
		id := numberedID(1, 1)
		r.must(r.store.InsertParts(r.Context(), "acme", []audit.PartRow{partOf(id, 0)}))
		for name, c := range map[string]struct {
			change func(p *audit.PartRow)
			err    error
		}{
			"a number that is taken": {func(p *audit.PartRow) { p.Part = 0 }, audit.ErrDuplicate},
			"a long box":             {func(p *audit.PartRow) { p.Box = make([]byte, audit.MaxBox+1) }, audit.ErrPart},
			"no box":                 {func(p *audit.PartRow) { p.Box = nil }, audit.ErrPart},
			"a short salt":           {func(p *audit.PartRow) { p.Salt = p.Salt[1:] }, audit.ErrPart},
		} {
			bad := partOf(id, 2)
			c.change(&bad)
			err := r.store.InsertParts(r.Context(), "acme", []audit.PartRow{partOf(id, 1), bad})
			r.wantError(err, c.err, name)
		}
		parts := ok(r.store.Parts(r.Context(), "acme", id))(r)
		r.want(len(parts) == 1 && samePart(parts[0], partOf(id, 0)), "got %d parts, or another one", len(parts))
	}},
	{"dropped parts lose salt and box, once, and keep the rest and the entry that tells why", func(r *rig) {
		parts := r.someParts()
		drop := audit.PartsDrop{Tenant: "acme", By: entryID(7), Entry: numberedID(1, 2), Limit: 1}
		r.want(ok(r.store.DropParts(r.Context(), drop))(r) == 2, "not the entry's two parts were dropped")
		drop.By = entryID(8)
		r.want(ok(r.store.DropParts(r.Context(), drop))(r) == 0, "parts were dropped twice")
		r.wantParts(parts, map[byte]troth.EntryID{2: entryID(7)})
	}},
	{"parts are dropped by age, the oldest entries first, as many as the limit says", func(r *rig) {
		parts := r.someParts()
		drop := audit.PartsDrop{Tenant: "acme", By: entryID(7), Before: partOf(numberedID(1, 5), 0).RecordedAt, Limit: 2}
		r.want(ok(r.store.DropParts(r.Context(), drop))(r) == 4, "not the parts of two entries were dropped")
		r.wantParts(parts, map[byte]troth.EntryID{1: entryID(7), 2: entryID(7)})
		drop.By, drop.Limit = entryID(8), 99
		for _, want := range []int{4, 0} {
			got := ok(r.store.DropParts(r.Context(), drop))(r)
			r.want(got == want, "%d parts were dropped, want %d", got, want)
		}
		r.wantParts(parts, map[byte]troth.EntryID{1: entryID(7), 2: entryID(7), 3: entryID(8), 4: entryID(8)})
	}},
}

// someParts gives entries 1 to 6 of two tenants two parts each.
func (r *rig) someParts() []audit.PartRow {
	r.Helper()
	var parts []audit.PartRow
	for _, n := range []uint64{4, 1, 6, 3, 5, 2} {
		for part := range 2 {
			parts = append(parts, partOf(numberedID(1, n), part))
		}
	}
	r.must(r.store.InsertParts(r.Context(), "bolt", parts))
	r.must(r.store.InsertParts(r.Context(), "acme", parts))
	return parts
}

// wantParts holds the parts of someParts to those that should be dropped, told
// by the last byte of their entry.
func (r *rig) wantParts(parts []audit.PartRow, gone map[byte]troth.EntryID) {
	r.Helper()
	for i := 0; i < len(parts); i += 2 {
		id := parts[i].Entry
		want := slices.Clone(parts[i : i+2])
		r.want(slices.EqualFunc(ok(r.store.Parts(r.Context(), "bolt", id))(r), want, samePart), "another tenant's parts changed")
		if by, is := gone[id[15]]; is {
			want[0], want[1] = dropped(want[0], by), dropped(want[1], by)
		}
		got := ok(r.store.Parts(r.Context(), "acme", id))(r)
		r.want(slices.EqualFunc(got, want, samePart), "entry %d has other parts", id[15])
	}
}
