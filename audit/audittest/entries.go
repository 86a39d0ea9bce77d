package audittest

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"sync"

	"github.com/trothdev/troth/audit"
)

var entryChecks = []check{
	{"an entry comes back as it went in", func(r *rig) {
		row := entry("acme", 7)
		row.Envelope = bytes.Repeat([]byte{0, 0xff, '\n', 0xc3, 0x28}, 2000)
		r.want(r.append(r.Context(), row), "a fresh entry was not appended")
		rows := r.all(r.Context(), "acme")
		r.want(len(rows) == 1 && same(rows[0], row), "got %d entries, or another one", len(rows))
	}},
	{"the longest envelope is appended, and a longer one or none refused", func(r *rig) {
		longest := entry("acme", 7)
		longest.Envelope = bytes.Repeat([]byte{0xfe}, audit.MaxEnvelope)
		r.want(r.append(r.Context(), longest), "the longest envelope was not appended")
		for n, length := range []int{audit.MaxEnvelope + 1, 0} {
			row := entry("acme", byte(n+8))
			row.Envelope = make([]byte, length)
			appended, err := r.store.Append(r.Context(), row)
			r.want(!appended && errors.Is(err, audit.ErrEnvelope), "%d bytes: %v, %v", length, appended, err)
		}
		rows := r.all(r.Context(), "acme")
		r.want(len(rows) == 1 && same(rows[0], longest), "got %d entries, or another one", len(rows))
	}},
	{"slices given stay the caller's and slices returned belong to the caller", func(r *rig) {
		row := entry("acme", 7)
		given := row
		given.Envelope = bytes.Clone(row.Envelope)
		r.append(r.Context(), given)
		given.Envelope[0] ^= 0xff
		r.all(r.Context(), "acme")[0].Envelope[1] ^= 0xff
		r.want(same(r.all(r.Context(), "acme")[0], row), "a stored entry changed with a caller's slice")
	}},
	{"times keep their microseconds", func(r *rig) {
		times := []int64{math.MinInt64, -1, 0, 1, 1<<53 + 1, 1_795_000_000_123_456, math.MaxInt64}
		for i, at := range times {
			row := entry("acme", byte(i+1))
			row.RecordedAt = at
			r.append(r.Context(), row)
		}
		for i, row := range r.all(r.Context(), "acme") {
			r.want(row.RecordedAt == times[i], "stored %d, got %d", times[i], row.RecordedAt)
		}
	}},
	{"an id that the tenant has is not appended and changes nothing", func(r *rig) {
		first, second := entry("acme", 7), entry("acme", 7)
		second.Envelope, second.RecordedAt = []byte("other"), 9
		r.want(r.append(r.Context(), first), "a fresh entry was not appended")
		r.want(!r.append(r.Context(), second), "an id was appended twice")
		r.want(!r.append(r.Context(), first), "an id was appended twice")
		rows := r.all(r.Context(), "acme")
		r.want(len(rows) == 1 && same(rows[0], first), "the first entry changed")
	}},
	{"entries are listed in byte order of their ids", func(r *rig) {
		order := []byte{0x80, 0x01, 0xff, 0x7f, 0x00, 0x2d}
		for _, n := range order {
			id := entryID(n)
			id[15]++ // the id of zeros is none
			row := entry("acme", n)
			row.ID = id
			r.append(r.Context(), row)
		}
		rows := r.all(r.Context(), "acme")
		r.want(len(rows) == len(order), "got %d entries of %d", len(rows), len(order))
		r.want(slices.IsSortedFunc(rows, func(a, b audit.InboxRow) int { return bytes.Compare(a.ID[:], b.ID[:]) }),
			"entries are out of order")
	}},
	{"a page begins behind After and ends at Limit", func(r *rig) {
		for n := range byte(10) {
			r.append(r.Context(), entry("acme", n+1))
			r.append(r.Context(), entry("bolt", n+1))
		}
		for _, c := range []struct{ after, limit, first, count byte }{
			{0, 3, 1, 3}, {3, 3, 4, 3}, {7, 3, 8, 3}, {8, 3, 9, 2}, {10, 3, 0, 0}, {0, 100, 1, 10},
		} {
			page := audit.EntriesPage{Tenant: "acme", After: entryID(c.after), Limit: int(c.limit)}
			rows := r.entries(r.Context(), page)
			r.want(len(rows) == int(c.count), "after %d: got %d entries, want %d", c.after, len(rows), c.count)
			for i, row := range rows {
				r.want(same(row, entry("acme", c.first+byte(i))), "after %d: entry %d is another one", c.after, i)
			}
		}
	}},
	{"no call sees another tenant's entries", func(r *rig) {
		for _, tenant := range tenants {
			for n := range byte(3) {
				r.want(r.append(r.Context(), entry(tenant, n+1)), "%q: another tenant's id was in the way", tenant)
			}
		}
		for _, tenant := range tenants {
			rows := r.all(r.Context(), tenant)
			r.want(len(rows) == 3, "%q has %d entries, want 3", tenant, len(rows))
			for i, row := range rows {
				r.want(same(row, entry(tenant, byte(i+1))), "%q sees an entry that is not its own", tenant)
			}
		}
		r.want(len(r.all(r.Context(), "nobody")) == 0, "a tenant without entries has some")
	}},
	{"appends at once are all kept", func(r *rig) {
		const writers, each = 8, 25
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					row := entry("acme", byte(w*each+i+1))
					if appended, err := r.store.Append(r.Context(), row); err != nil || !appended {
						r.Errorf("append: %v, %v", appended, err)
					}
				}
			})
		}
		wg.Wait()
		r.want(len(r.all(r.Context(), "acme")) == writers*each, "entries were lost")
	}},
	{"of one id appended at once one is kept", func(r *rig) {
		const writers = 8
		results := make(chan bool, writers)
		var wg sync.WaitGroup
		for range writers {
			wg.Go(func() {
				appended, err := r.store.Append(r.Context(), entry("acme", 7))
				if err != nil {
					r.Error(err)
				}
				results <- appended
			})
		}
		wg.Wait()
		close(results)
		appended := 0
		for ok := range results {
			if ok {
				appended++
			}
		}
		r.want(appended == 1, "%d callers were told that they appended it", appended)
	}},
	{"a busy tenant is found among many idle ones", func(r *rig) {
		const idle, busy = 10_000, 50
		fill(r, idle)
		for n := range byte(busy) {
			r.append(r.Context(), entry("busy", n+1))
		}
		r.want(len(r.all(r.Context(), "busy")) == busy, "the busy tenant has other entries")
		r.want(len(r.all(r.Context(), idleTenant(idle/2))) == 1, "an idle tenant has other entries")
		r.want(r.backlog(r.Context()).Count == idle+busy, "the backlog counts others")
	}},
}
