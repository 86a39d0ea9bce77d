package audittest

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

var systemChecks = []check{
	{"an empty inbox has no oldest entry", func(r *rig) {
		b := r.backlog(r.Context())
		r.want(b.Count == 0 && b.Oldest.IsZero(), "got %d, %v", b.Count, b.Oldest)
	}},
	{"the backlog is that of all tenants and since the earliest recording", func(r *rig) {
		at := time.Date(2026, 11, 22, 10, 0, 0, 123_456_000, time.UTC)
		for i, tenant := range tenants {
			row := entry(tenant, byte(i+1))
			row.RecordedAt = at.Add(time.Duration(i%3) * time.Hour).UnixMicro()
			r.append(r.Context(), row)
		}
		early := entry(tenants[0], 0xf0) // a late id, an early time: clocks run back
		early.RecordedAt = at.Add(-time.Microsecond).UnixMicro()
		r.append(r.Context(), early)
		b := r.backlog(r.Context())
		r.want(b.Count == len(tenants)+1, "got %d entries", b.Count)
		r.want(b.Oldest.Equal(at.Add(-time.Microsecond)) && b.Oldest.Location() == time.UTC, "oldest is %v", b.Oldest)
	}},
	{"a store is not managed until it is said to be, and then for ever", func(r *rig) {
		for _, want := range []bool{false, true, true} {
			managed, err := r.store.Managed(r.Context())
			r.must(err)
			r.want(managed == want, "managed is %v, want %v", managed, want)
			r.must(r.store.SetManaged(r.Context()))
		}
	}},
	{"all methods share the transactor that the store gives out", func(r *rig) {
		tx := r.store.Transactor()
		r.want(tx != nil && tx == r.store.Transactor(), "the transactor changes")
		r.atomically(func(ctx context.Context) {
			r.want(tx.Scope(ctx) != nil, "no scope inside of a transaction")
		})
	}},
}

func idleTenant(n int) troth.Tenant { return troth.Tenant(fmt.Sprintf("idle-%05d", n)) }

// fill gives each of n tenants one entry, in one transaction.
func fill(r *rig, n int) {
	r.Helper()
	r.atomically(func(ctx context.Context) {
		for i := range n {
			row := audit.InboxRow{Tenant: idleTenant(i), RecordedAt: int64(i), Envelope: []byte{1}, Tag: hashOf(uint64(i))}
			row.ID = fillID(i)
			r.append(ctx, row)
		}
	})
}

// fillID is the id of the entry that fill gives the i-th tenant.
func fillID(i int) (id troth.EntryID) {
	binary.BigEndian.PutUint64(id[:], uint64(i)+1)
	return id
}
