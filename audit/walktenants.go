package audit

import (
	"context"
	"maps"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/merkle"
)

// tenantEnd is where the entries of a tenant end.
type tenantEnd struct {
	TenantHead
	// dirty says that the tenant map does not have it yet.
	dirty bool
	// unknown says that the hash is not known: the entry was pruned, and the
	// next one, which repeats it, redacted.
	unknown bool
	// stored says that the row of the tenant was seen.
	stored bool
}

// endOf returns where the tenant's entries end; a tenant that has none ends at
// number 0.
func (w *walk) endOf(tenant troth.Tenant) *tenantEnd {
	if w.last != nil && w.last.Tenant == tenant {
		return w.last
	}
	end := w.ends[tenant]
	if end == nil {
		end = &tenantEnd{TenantHead: TenantHead{Tenant: tenant}}
		w.ends[tenant] = end
	}
	w.last = end
	return end
}

// move makes the entry the last of its tenant.
func (w *walk) move(end *tenantEnd, row *LogRow) {
	end.Number, end.Index, end.Hash = row.Number, row.Index, row.Hash
	if end.unknown {
		end.unknown = false
		w.unknown--
	}
	if !end.dirty {
		end.dirty = true
		w.dirty = append(w.dirty, end)
	}
}

// notNext says which of the two rows is wrong, as far as that can be told.
func (w *walk) notNext(row *LogRow, end *tenantEnd) error {
	if w.start > 0 && end.Number == 0 && row.Number > 1 {
		return w.damage("tenant", string(row.Tenant), "is missing")
	}
	return w.entryDamage(row.Index, "is not the next of its tenant")
}

// beginTenants finds where the tenants ended at the start.
func (w *walk) beginTenants(ctx context.Context) error {
	w.ends, w.names = make(map[troth.Tenant]*tenantEnd), new(merkle.Map)
	if w.start == 0 {
		return nil
	}
	heads, err := w.trail.tenantHeads(ctx, w.head.Log)
	if err != nil {
		return err
	}
	later := 0
	for tenant, h := range heads {
		w.ends[tenant] = &tenantEnd{TenantHead: h}
		if h.Index >= w.start {
			later++
		}
	}
	if err := w.takeBack(ctx, later); err != nil {
		return err
	}
	for _, end := range w.ends {
		if end.Number > 0 && !end.unknown {
			w.names.Set(tenantKey(w.head.Salt, end.Tenant), end.digest())
		}
	}
	return w.trustedTenants()
}

// trustedTenants holds the ends of tenants to what was signed.
func (w *walk) trustedTenants() error {
	switch {
	case w.trusted == nil:
		return nil
	case w.trusted.SaltCommitment != saltCommitment(w.head.Salt):
		return w.damage("head", "salt", "is not the one that was signed")
	case w.unknown == 0 && w.names.Root() != w.trusted.TenantRoot:
		return endsDamaged(w.head.Log, w.start)
	}
	return nil
}

// takeBack changes the ends of tenants to those at the start; later is how many
// there are with entries since. Nothing is believed that it reads: what is wrong
// shows when the entries are walked.
func (w *walk) takeBack(ctx context.Context, later int) error {
	seen := make(map[troth.Tenant]bool)
	for page, err := range w.trail.pages(ctx, w.head.Log, w.start, maxSize) {
		if err != nil {
			return err
		}
		for i := range page {
			row := &page[i]
			if seen[row.Tenant] {
				continue
			}
			seen[row.Tenant] = true
			end := w.endOf(row.Tenant)
			if end.Index < w.start && end.Number > 0 {
				continue // the row is older than the entry, which will show
			}
			if end.Number > 0 {
				later--
			}
			if err := w.endBefore(ctx, row, end); err != nil {
				return err
			}
		}
		if later <= 0 {
			return nil
		}
	}
	for _, tenant := range slices.Sorted(maps.Keys(w.ends)) {
		if w.ends[tenant].Index >= w.start {
			return w.damage("tenant", string(tenant), "does not end where its entries do")
		}
	}
	return nil
}

// endBefore sets the end of a tenant to what was before the entry.
func (w *walk) endBefore(ctx context.Context, row *LogRow, end *tenantEnd) error {
	end.TenantHead = TenantHead{Tenant: row.Tenant, Number: max(row.Number, 1) - 1}
	if end.Number == 0 {
		return nil
	}
	if g, ok := glanceAt(row.Leaf); ok {
		copy(end.Hash[:], g.prev)
		return nil
	}
	rows, err := w.trail.store.LogEntries(ctx, LogPage{
		Tenant: row.Tenant, Log: w.head.Log, Number: end.Number - 1, Limit: 1,
	})
	if err != nil {
		return wrapVerify(err)
	}
	if len(rows) == 1 && rows[0].Log == w.head.Log && rows[0].Number == end.Number {
		end.Hash = rows[0].Hash
		return nil
	}
	end.unknown = true
	w.unknown++
	return nil
}

// mapRoot brings the tenant map up to date.
func (w *walk) mapRoot() [32]byte {
	for _, end := range w.dirty {
		end.dirty = false
		w.names.Set(tenantKey(w.head.Salt, end.Tenant), end.digest())
	}
	w.dirty = w.dirty[:0]
	return w.names.Root()
}

// endTenants compares the stored ends of tenants with those of the entries.
func (w *walk) endTenants(ctx context.Context) error {
	var after troth.Tenant
	for {
		page, err := w.trail.store.TenantHeads(ctx, w.head.Log, after, loadPage)
		if err != nil {
			return wrapVerify(err)
		}
		full := len(page) == loadPage
		if full { // the last is read again, so that a second row of it is met
			last := page[loadPage-1].Tenant
			if page[loadPage-2].Tenant == last {
				return w.damage("tenant", string(last), "is there twice")
			}
			page = page[:loadPage-1]
		}
		for _, h := range page {
			if err := w.endTenant(ctx, h); err != nil {
				return err
			}
			after = h.Tenant
		}
		if !full {
			break
		}
	}
	for _, tenant := range slices.Sorted(maps.Keys(w.ends)) {
		if end := w.ends[tenant]; end.Number > 0 {
			if !end.stored {
				return w.damage("tenant", string(tenant), "is missing")
			}
			w.report.Tenants++
		}
	}
	return nil
}

func (w *walk) endTenant(ctx context.Context, h TenantHead) error {
	end := w.ends[h.Tenant]
	known := end != nil && end.Number > 0
	if known {
		if end.stored {
			return w.damage("tenant", string(h.Tenant), "is there twice")
		}
		end.stored = true
		if h == end.TenantHead {
			return nil
		}
	}
	switch {
	case h.Index >= w.head.Size && w.moved(ctx):
		return nil
	case known:
		return w.damage("tenant", string(h.Tenant), "does not end where its entries do")
	default:
		return w.damage("tenant", string(h.Tenant), "has no entries")
	}
}
