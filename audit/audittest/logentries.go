package audittest

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/trothdev/troth/audit"
)

// logEntryChecks are of the entries of a log as the sequencer writes and the
// verifier reads them.
var logEntryChecks = []check{
	{"entries of a log come back as they went in", func(r *rig) {
		rows := logOf(1, 30, tenants...)
		rows[3].Leaf = bytes.Repeat([]byte{0, 0xff, '\n', 0xc3, 0x28}, 2000)
		rows[4].Leaf = bytes.Repeat([]byte{0xfe}, audit.MaxLeaf)
		rows[5].RecordedAt = -1 // before 1970
		rows[6].Subject = audit.Pseudonym{}
		rows[7].Act = `an "act"\{,}`
		r.appendLog(rows...)
		r.want(sameRows(r.logRange(r.Context(), 1), rows), "other rows came back")
		for _, want := range rows {
			got, there := found(r.store.LogEntry(r.Context(), want.Tenant, want.ID))(r)
			r.want(there && sameRow(got, want), "%q: entry %d is another one", want.Tenant, want.Index)
		}
	}},
	{"a leaf that is too long is not loaded and its row says so", func(r *rig) {
		rows := logOf(1, 3, "acme")
		rows[1].Leaf = make([]byte, audit.MaxLeaf+1)
		r.appendLog(rows...)
		want := rows[1]
		want.Leaf, want.Oversized = nil, true
		byID, _ := found(r.store.LogEntry(r.Context(), "acme", want.ID))(r)
		for name, got := range map[string]audit.LogRow{
			"LogRange": r.logRange(r.Context(), 1)[1], "LogEntries": r.tenantLog(r.Context(), "acme")[1], "LogEntry": byID,
		} {
			r.want(sameRow(got, want) && got.Leaf == nil, "%s loaded it, or did not say so", name)
		}
		r.want(sameRow(r.logRange(r.Context(), 1)[2], rows[2]), "the next row is another one")
	}},
	{"slices of leaves are not shared with the caller", func(r *rig) {
		rows := logOf(1, 3, "acme")
		given := slices.Clone(rows)
		for i := range given {
			given[i].Leaf = bytes.Clone(given[i].Leaf)
		}
		r.appendLog(given...)
		for _, row := range given {
			row.Leaf[0] ^= 0xff
		}
		got := r.logRange(r.Context(), 1)
		got[0].Leaf[1] ^= 0xff
		got[0].Leaf = append(got[0].Leaf, 'x')
		r.want(sameRow(got[1], rows[1]), "a leaf reaches into the next")
		r.want(sameRows(r.logRange(r.Context(), 1), rows), "a stored leaf changed with a caller's slice")
	}},
	{"an entry that is there already is a duplicate and none of its batch is kept", func(r *rig) {
		rows := logOf(1, 3, "acme")
		r.appendLog(rows...)
		fresh := logRow("acme", 1, 3, 4)
		for name, change := range map[string]func(row *audit.LogRow){
			"index": func(row *audit.LogRow) { row.Index = 1 },
			"id":    func(row *audit.LogRow) { row.ID = rows[1].ID },
			"id in another log": func(row *audit.LogRow) {
				row.Log, row.ID = 2, rows[1].ID
			},
			"number": func(row *audit.LogRow) { row.Number = 2 },
		} {
			bad := logRow("acme", 1, 4, 5)
			change(&bad)
			err := r.store.AppendLog(r.Context(), []audit.LogRow{fresh, bad})
			r.want(errors.Is(err, audit.ErrDuplicate), "the same %s: %v", name, err)
			r.want(sameRows(r.logRange(r.Context(), 1), rows), "the same %s: the log changed", name)
		}
		r.must(r.store.AppendLog(r.Context(), []audit.LogRow{
			fresh, logRow("bolt", 1, 4, 1), logRow("acme", 2, 0, 1), {
				Log: 1, Index: 5, Tenant: "bolt", ID: rows[1].ID, Number: 2, Leaf: []byte{1}, Act: "a",
			},
		}))
	}},
	{"a range begins at from and ends at the limit, in one log", func(r *rig) {
		rows := logOf(1, 10, "acme", "bolt")
		r.appendLog(rows...)
		r.appendLog(logOf(2, 10, "acme", "bolt")...)
		for _, c := range []struct{ from, limit, want int }{{0, 3, 3}, {3, 3, 3}, {8, 3, 2}, {10, 3, 0}, {0, 99, 10}, {9, 1, 1}} {
			got := ok(r.store.LogRange(r.Context(), 1, uint64(c.from), c.limit))(r)
			r.want(sameRows(got, rows[min(c.from, 10):c.from+c.want]), "from %d: got %d rows, or others", c.from, len(got))
		}
		r.want(len(r.logRange(r.Context(), 3)) == 0, "a log that is not there has entries")
	}},
	{"a range passes over a gap", func(r *rig) {
		rows := logOf(1, 5, "acme")
		r.appendLog(append(slices.Clone(rows[:2]), rows[3:]...)...)
		got := r.logRange(r.Context(), 1)
		r.want(len(got) == 4 && sameRow(got[2], rows[3]), "got %d rows, or others", len(got))
		got = ok(r.store.LogRange(r.Context(), 1, 2, 1))(r)
		r.want(len(got) == 1 && sameRow(got[0], rows[3]), "from the gap got %d rows, or others", len(got))
	}},
	{"hashes of leaves come in order, without those that are missing", func(r *rig) {
		rows := logOf(1, 600, "acme")
		r.appendLog(append(slices.Clone(rows[:300]), rows[301:]...)...)
		r.appendLog(logOf(2, 600, "acme")...)
		for _, c := range []struct{ from, to uint64 }{{0, 256}, {256, 512}, {299, 302}, {590, 1000}, {600, 700}, {5, 5}} {
			var want []byte
			for i := c.from; i < min(c.to, 600); i++ {
				if i != 300 {
					want = append(want, rows[i].Hash[:]...)
				}
			}
			got := ok(r.store.LeafHashes(r.Context(), 1, c.from, c.to))(r)
			r.want(bytes.Equal(got, want), "[%d, %d): got %d bytes, or others, want %d", c.from, c.to, len(got), len(want))
		}
	}},
	{"known are the ids that are in a log of the tenant", func(r *rig) {
		var asked []audit.TenantEntry
		var want []audit.TenantEntry
		for log := range 2 {
			rows := logOf(log+1, 300, tenants...)
			r.appendLog(rows...)
			for i, row := range rows {
				in := audit.TenantEntry{Tenant: row.Tenant, ID: row.ID}
				asked = append(asked, in, audit.TenantEntry{Tenant: tenants[(i+1)%len(tenants)], ID: row.ID})
				want = append(want, in)
			}
		}
		r.append(r.Context(), entry("acme", 9))
		asked = append(asked, audit.TenantEntry{Tenant: "acme", ID: entryID(9)})
		got := ok(r.store.Known(r.Context(), asked))(r)
		for _, list := range [][]audit.TenantEntry{got, want} {
			slices.SortFunc(list, func(a, b audit.TenantEntry) int { return bytes.Compare(a.ID[:], b.ID[:]) })
		}
		r.want(slices.Equal(got, want), "got %d ids, or others, want %d", len(got), len(want))
		r.want(len(ok(r.store.Known(r.Context(), nil))(r)) == 0, "of no ids some are known")
	}},
	{"a thousand entries of as many tenants are appended at once", func(r *rig) {
		rows := make([]audit.LogRow, 1000)
		heads := make([]audit.TenantHead, len(rows))
		for i := range rows {
			rows[i] = logRow(idleTenant(i), 1, uint64(i), 1)
			heads[i] = audit.TenantHead{Tenant: idleTenant(i), Number: 1, Index: uint64(i), Hash: rows[i].Hash}
		}
		r.atomically(func(ctx context.Context) {
			r.must(r.store.AppendLog(ctx, rows))
			r.must(r.store.PutTenantHeads(ctx, 1, heads))
		})
		r.want(sameRows(r.logRange(r.Context(), 1), rows), "other rows came back")
		r.want(slices.Equal(ok(r.store.TenantHeads(r.Context(), 1, "", 2000))(r), heads), "other heads came back")
	}},
	{"appending nothing does nothing", func(r *rig) {
		r.appendLog()
		r.must(r.store.PutTiles(r.Context(), 1, nil))
		r.must(r.store.PutTenantHeads(r.Context(), 1, nil))
		r.must(r.store.DropCheckpoints(r.Context(), 1, nil))
		r.must(r.store.InsertParts(r.Context(), "acme", nil))
		r.want(len(r.logRange(r.Context(), 1)) == 0, "there is an entry")
	}},
}
