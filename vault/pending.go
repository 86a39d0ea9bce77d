package vault

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/trothdev/troth"
)

// pendings are shreddings, and changes of restrictions, of this process whose
// transaction is not known to have ended. They deny at once; committed rows
// decide what remains of them.
type pendings struct {
	count atomic.Int64
	mu    sync.Mutex
	// byPerson holds them by tenant and person; those of a whole tenant have an
	// empty SubjectID.
	byPerson map[KeyName][]*pending
}

type pending struct {
	name KeyName
	// except are compartments that the shredding of a whole person spares.
	except []troth.Compartment
	// rule is what a change of restrictions leaves, which keeps nobody from
	// using keys for that; nil for a shredding.
	rule  *rule
	scope *troth.Scope
	// acted is set when Shred is done with the store: before that committed
	// rows know nothing of it, and have nothing to decide.
	acted atomic.Bool
}

func (p *pending) covers(name *KeyName) bool {
	if !p.name.covers(*name) {
		return false
	}
	if p.name.Compartment != "" {
		return true
	}
	return !slices.Contains(p.except, name.Compartment)
}

func personKey(tenant troth.Tenant, subjectID string) KeyName {
	return KeyName{Tenant: tenant, SubjectID: subjectID}
}

func (ps *pendings) add(p *pending) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.byPerson == nil {
		ps.byPerson = make(map[KeyName][]*pending)
	}
	k := personKey(p.name.Tenant, p.name.SubjectID)
	ps.byPerson[k] = append(ps.byPerson[k], p)
	ps.count.Add(1)
}

func (ps *pendings) remove(p *pending) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	k := personKey(p.name.Tenant, p.name.SubjectID)
	for i, at := range ps.byPerson[k] {
		if at == p {
			ps.byPerson[k] = slices.Delete(slices.Clone(ps.byPerson[k]), i, i+1)
			if len(ps.byPerson[k]) == 0 {
				delete(ps.byPerson, k)
			}
			ps.count.Add(-1)
			return
		}
	}
}

// covering returns the shreddings that concern the name.
func (ps *pendings) covering(name *KeyName) []*pending {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	var found []*pending
	for _, k := range []KeyName{personKey(name.Tenant, name.SubjectID), personKey(name.Tenant, "")} {
		for _, p := range ps.byPerson[k] {
			if p.covers(name) {
				found = append(found, p)
			}
		}
	}
	return found
}

func (ps *pendings) all() []*pending {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	var found []*pending
	for _, list := range ps.byPerson {
		found = append(found, list...)
	}
	return found
}

// checkPending returns ErrShredPending while a shredding that covers the name
// is undecided. Deciding costs a query only where there is something to decide.
func (v *Vault) checkPending(ctx context.Context, name *KeyName) error {
	if v.pendings.count.Load() == 0 {
		return nil
	}
	for _, p := range v.pendings.covering(name) {
		if p.rule == nil && !v.decide(ctx, p) {
			return ErrShredPending
		}
	}
	return nil
}

// decide reports whether the shredding's transaction has ended, and forgets it
// if so: then committed rows tell the truth to whoever asks next.
func (v *Vault) decide(ctx context.Context, p *pending) bool {
	if v.settleKnown(p) {
		return true
	}
	if !p.acted.Load() || p.concerns(v.tx.Scope(ctx)) {
		return false
	}
	// The host's own transaction: troth never hears of its end.
	settled, err := v.store.Settled(ctx, p.name)
	if err != nil || !settled {
		return false
	}
	v.settle(p)
	return true
}

// concerns reports whether the scope is of the transaction that shredded: of
// that the store cannot tell inside of it.
func (p *pending) concerns(scope *troth.Scope) bool {
	return scope != nil && scope.Outermost() == p.scope.Outermost()
}

// settleKnown is decide for transactions whose end this process saw.
func (v *Vault) settleKnown(p *pending) bool {
	switch p.scope.State() {
	case troth.ScopeCommitted, troth.ScopeRolledBack:
		v.settle(p)
		return true
	case troth.ScopeOpen, troth.ScopeUnknown:
		// only committed rows can tell
	}
	return false
}

// settle evicts before it lets go, so that nothing read before the end stays.
func (v *Vault) settle(p *pending) {
	if p.scope.State() != troth.ScopeRolledBack {
		v.unscrubbed.Store(true)
	}
	v.forget(p.name)
	v.pendings.remove(p)
}

// forget drops what the name covers from the caches, and keeps loads that are
// in flight from putting it back.
func (v *Vault) forget(name KeyName) {
	v.fence.applied.Add(1)
	v.cache.evict(name)
	if name.SubjectID == "" {
		v.roots.evict(name.Tenant)
		v.derived.evict(name.Tenant)
	}
}
