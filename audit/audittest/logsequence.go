package audittest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// logChecks are of what the sequencer reads and writes: heads, the inbox, the
// entries of a log.
var logChecks = []check{
	{"a transaction is elected and can be so again", func(r *rig) {
		for range 2 {
			r.atomically(func(ctx context.Context) {
				for range 2 {
					r.want(ok(r.store.Elect(ctx))(r), "nobody else is there, and it was not elected")
				}
			})
		}
	}},
	{"of transactions at once one is elected and the others do not wait for it", func(r *rig) {
		var wg sync.WaitGroup
		var mu sync.Mutex
		elected, most := 0, 0
		for range 4 {
			wg.Go(func() {
				err := r.store.Transactor().Atomically(r.Context(), func(ctx context.Context) error {
					yes, err := r.store.Elect(ctx)
					if err != nil || !yes {
						return err
					}
					mu.Lock()
					elected++
					most = max(most, elected)
					mu.Unlock()
					_, err = r.store.Heads(ctx)
					mu.Lock()
					elected--
					mu.Unlock()
					return err
				})
				if err != nil {
					r.Error(err)
				}
			})
		}
		wg.Wait()
		r.want(most == 1, "%d were elected at once", most)
	}},
	{"heads come back as they went in, in ascending order, all but the last closed", func(r *rig) {
		r.want(len(ok(r.store.Heads(r.Context()))(r)) == 0, "an empty store has a log")
		third := headOf(3)
		third.Pruned, third.PrunedBy, third.Size = 256, entryID(9), 1<<62-1
		for _, h := range []audit.Head{headOf(1), headOf(2), third} {
			r.want(ok(r.store.CreateHead(r.Context(), h))(r), "log %d was not created", h.Log)
		}
		heads := ok(r.store.Heads(r.Context()))(r)
		first, second := headOf(1), headOf(2)
		first.Closed, second.Closed = true, true
		r.want(slices.Equal(heads, []audit.Head{first, second, third}), "got %+v", heads)
	}},
	{"a log whose number is taken or leaves a gap is not created and closes none", func(r *rig) {
		for _, n := range []int{0, 2, -1} {
			r.want(!ok(r.store.CreateHead(r.Context(), headOf(n)))(r), "log %d was created as the first", n)
		}
		r.want(ok(r.store.CreateHead(r.Context(), headOf(1)))(r), "the first log was not created")
		other := headOf(1)
		other.Origin = "other"
		for _, h := range []audit.Head{headOf(1), other, headOf(3), headOf(0)} {
			r.want(!ok(r.store.CreateHead(r.Context(), h))(r), "log %d was created beside the first", h.Log)
		}
		heads := ok(r.store.Heads(r.Context()))(r)
		r.want(slices.Equal(heads, []audit.Head{headOf(1)}), "got %+v", heads)
	}},
	{"of one log created at once one is kept", func(r *rig) {
		results := make(chan bool, 8)
		var wg sync.WaitGroup
		for range cap(results) {
			wg.Go(func() {
				created, err := r.store.CreateHead(r.Context(), headOf(1))
				if err != nil {
					r.Error(err)
				}
				results <- created
			})
		}
		wg.Wait()
		close(results)
		created := 0
		for yes := range results {
			if yes {
				created++
			}
		}
		r.want(created == 1 && len(ok(r.store.Heads(r.Context()))(r)) == 1, "%d were told that they created it", created)
	}},
	{"a head moves from exactly where it stands and keeps the rest", func(r *rig) {
		ok(r.store.CreateHead(r.Context(), headOf(1)))(r)
		move := audit.HeadMove{Log: 1, FromSize: 100, FromRoot: hashOf(1), Size: 107, Root: hashOf(7), Signer: "other+key"}
		for name, change := range map[string]func(m *audit.HeadMove){
			"of another size": func(m *audit.HeadMove) { m.FromSize++ },
			"of another root": func(m *audit.HeadMove) { m.FromRoot[31] ^= 1 },
			"of another log":  func(m *audit.HeadMove) { m.Log = 2 },
		} {
			m := move
			change(&m)
			r.want(!ok(r.store.MoveHead(r.Context(), m))(r), "a head %s was moved", name)
		}
		r.want(slices.Equal(ok(r.store.Heads(r.Context()))(r), []audit.Head{headOf(1)}), "a head changed that was not moved")
		r.want(ok(r.store.MoveHead(r.Context(), move))(r), "the head was not moved")
		r.want(!ok(r.store.MoveHead(r.Context(), move))(r), "the head was moved twice from one place")
		want := headOf(1)
		want.Size, want.Root, want.Signer = 107, hashOf(7), "other+key"
		heads := ok(r.store.Heads(r.Context()))(r)
		r.want(slices.Equal(heads, []audit.Head{want}), "got %+v", heads)
	}},
	{"the head of a closed log does not move", func(r *rig) {
		ok(r.store.CreateHead(r.Context(), headOf(1)))(r)
		ok(r.store.CreateHead(r.Context(), headOf(2)))(r)
		moved := ok(r.store.MoveHead(r.Context(), audit.HeadMove{Log: 1, FromSize: 100, FromRoot: hashOf(1), Size: 101}))(r)
		r.want(!moved && ok(r.store.Heads(r.Context()))(r)[0].Size == 100, "a closed log was moved")
	}},
	{"of moves of one head at once one takes place", func(r *rig) {
		ok(r.store.CreateHead(r.Context(), headOf(1)))(r)
		results := make(chan bool, 8)
		var wg sync.WaitGroup
		for n := range uint64(cap(results)) {
			wg.Go(func() {
				m := audit.HeadMove{Log: 1, FromSize: 100, FromRoot: hashOf(1), Size: 200 + n, Root: hashOf(n), Signer: "s"}
				moved, err := r.store.MoveHead(r.Context(), m)
				if err != nil {
					r.Error(err)
				}
				results <- moved
			})
		}
		wg.Wait()
		close(results)
		moved := 0
		for yes := range results {
			if yes {
				moved++
			}
		}
		r.want(moved == 1, "%d callers were told that they moved it", moved)
	}},
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
