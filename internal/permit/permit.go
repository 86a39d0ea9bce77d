// Package permit is the only mint of permits: leave to destroy one thing.
// Importing it is limited by internal/archtest to the root package, which
// names the type and the explicit wiring without a keeper, to retention, and to
// the tests that need a permit of a certain kind.
package permit

import (
	"errors"
	"sync/atomic"
)

// Permit is opaque leave to destroy. The zero value permits nothing.
type Permit struct {
	kind   kind
	ref    Ref
	ground string
	policy [32]byte
	inTx   any
	// revoked is shared by all copies of a managed permit.
	revoked *atomic.Bool
}

type kind int

const (
	none kind = iota
	unmanaged
	managed
)

// Ref names the one thing that a managed permit is for: keys, or a record.
type Ref struct {
	// Tenant, Subject and Compartment name a key; an empty Compartment is the
	// whole person, an empty Subject the whole tenant.
	Tenant, Subject, Compartment string
	// Record names one record of a package instead, or what the package keeps
	// together, such as an entry of the trail. Where it is set the permit is for
	// that, and for no key.
	Record string
	// Version and Stage are those of the record when the permit was minted, where a
	// keeper keeps the record; zero elsewhere.
	Version int64
	Stage   string
}

// ErrNotCovered says that a permit does not cover what was to be destroyed.
var ErrNotCovered = errors.New("troth: permit does not cover this")

// Unmanaged mints a permit without a retention keeper: nobody checked holds,
// promises or legal minima. Stores that a keeper manages refuse it.
func Unmanaged(ground string) Permit { return Permit{kind: unmanaged, ground: ground} }

// Managed mints a permit for ref under the policy with the given hash. It is
// good only inside the transaction scope that it was minted in, in which holds
// were checked; scope is compared by identity.
func Managed(ref Ref, ground string, policy [32]byte, scope any) Permit {
	return Permit{kind: managed, ref: ref, ground: ground, policy: policy, inTx: scope, revoked: new(atomic.Bool)}
}

// Revoke ends a managed permit and all copies of it, for ever: what it was minted for
// is over, or a hold came meanwhile.
func Revoke(p Permit) {
	if p.revoked != nil {
		p.revoked.Store(true)
	}
}

// IsUnmanaged reports whether the permit was minted without a keeper.
func (p Permit) IsUnmanaged() bool { return p.kind == unmanaged }

// Ground is why: a word of the host's, never about a person.
func (p Permit) Ground() string { return p.ground }

// Policy is the hash of the policy that allowed it; zero if unmanaged.
func (p Permit) Policy() [32]byte { return p.policy }

// Check returns ErrNotCovered unless the permit allows destroying ref inside
// the given scope.
func (p Permit) Check(ref Ref, within func(scope any) bool) error {
	switch p.kind {
	case unmanaged:
		return nil
	case managed:
		if p.ref == ref && !p.revoked.Load() && within(p.inTx) {
			return nil
		}
	case none:
		// the zero value permits nothing
	}
	return ErrNotCovered
}
