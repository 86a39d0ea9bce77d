package consent

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/trothdev/troth"
)

// tenantData is what decisions need of a tenant. It never changes.
type tenantData struct {
	key       *recordKey
	catalogue Catalogue
}

// tenants keeps it, as long as the feed tells of no change.
type tenants struct {
	mu      sync.RWMutex
	known   map[troth.Tenant]*tenantData
	evicted uint64
	// last is the tenant that was asked about last: most hosts have few.
	last atomic.Pointer[tenantData]
}

// maxTenants bounds what is kept; one takes a few KiB.
const maxTenants = 10_000

func (t *tenants) get(tenant troth.Tenant) (*tenantData, uint64) {
	if d := t.last.Load(); d != nil && d.key.tenant == tenant {
		return d, 0 // which only who finds nothing needs
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	d := t.known[tenant]
	if d != nil {
		t.last.Store(d) // under the lock: what is evicted is not brought back
	}
	return d, t.evicted
}

func (t *tenants) put(tenant troth.Tenant, d *tenantData, evicted uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.evicted != evicted {
		return
	}
	if t.known == nil {
		t.known = make(map[troth.Tenant]*tenantData)
	}
	for other := range t.known {
		if len(t.known) < maxTenants {
			break
		}
		delete(t.known, other)
	}
	t.known[tenant] = d
}

func (t *tenants) evict(tenant troth.Tenant) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.evicted++
	t.last.Store(nil)
	delete(t.known, tenant)
}

func (t *tenants) evictAll() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.evicted++
	t.last.Store(nil)
	clear(t.known)
}

// published marks a transaction that published something: what is cached does not
// hold it.
type published struct {
	l      *Ledger
	tenant troth.Tenant
}

// tenant returns what is known of a tenant. Inside a transaction that is what is
// committed, unless the transaction has published something itself.
func (l *Ledger) tenant(ctx context.Context, tenant troth.Tenant) (*tenantData, error) {
	scope := l.tx.Scope(ctx)
	if scope != nil && scope.Value(published{l, tenant}) != nil {
		return l.loadTenant(ctx, tenant)
	}
	d, evicted := l.tenants.get(tenant)
	if d != nil {
		return d, nil
	}
	keep := scope == nil
	if keep {
		left, err := l.undecided(ctx, troth.Subject{Tenant: tenant})
		if err != nil {
			return nil, err
		}
		keep = len(left) == 0
	}
	d, err := l.loadTenant(ctx, tenant)
	if err == nil && keep {
		l.tenants.put(tenant, d, evicted)
	}
	return d, err
}

const recordKeyUse = "consent.record"

// loadTenant reads a tenant's catalogue and checks that it is what the ledger
// wrote.
func (l *Ledger) loadTenant(ctx context.Context, tenant troth.Tenant) (*tenantData, error) {
	if err := tenant.Validate(); err != nil {
		return nil, err
	}
	// What one keyed hash gives is as good as a key: this one is used for nothing
	// else.
	key, err := l.keys.MAC(ctx, troth.KeyRef{Tenant: tenant, Use: recordKeyUse, ID: "1"}, []byte(recordDomain))
	if err != nil {
		return nil, fmt.Errorf("consent: key of records: %w", err)
	}
	d := &tenantData{key: newRecordKey(tenant, key), catalogue: Catalogue{}}
	rows, err := l.store.Terms(ctx, tenant)
	if err != nil {
		return nil, fmt.Errorf("consent: read purposes: %w", err)
	}
	for _, row := range rows {
		t, err := d.openTerms(row)
		if err != nil {
			return nil, err
		}
		// Versions count from 1 without gaps: one that is missing was deleted.
		if versions := d.catalogue[t.Purpose]; int(t.Version) != len(versions)+1 {
			return nil, ErrRecord
		}
		d.catalogue[t.Purpose] = append(d.catalogue[t.Purpose], t)
	}
	return d, nil
}

func (d *tenantData) openTerms(row TermsRow) (Terms, error) {
	message, err := d.key.open(termsTable, string(row.Purpose), "", row.Record)
	if err != nil {
		return Terms{}, err
	}
	t, err := ParseTerms(message)
	if err != nil || t.Tenant != row.Tenant || t.Purpose != row.Purpose || t.Version != row.Version {
		return Terms{}, ErrRecord
	}
	return t, nil
}

// Catalogue returns all versions of all purposes of a tenant. It must not be
// changed.
func (l *Ledger) Catalogue(ctx context.Context, tenant troth.Tenant) (Catalogue, error) {
	if l.tx.Scope(ctx) == nil {
		if err := l.checkFeed(ctx); err != nil {
			return nil, err
		}
	}
	d, err := l.tenant(ctx, tenant)
	if err != nil {
		return nil, err
	}
	return d.catalogue, nil
}
