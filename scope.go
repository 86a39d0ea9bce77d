package troth

import "sync"

// ScopeState is how a transaction or savepoint ended, as far as is known.
type ScopeState int

const (
	// ScopeOpen: still running; or released into the host's transaction, whose
	// end troth never hears.
	ScopeOpen ScopeState = iota
	// ScopeCommitted: durable.
	ScopeCommitted
	// ScopeRolledBack: undone.
	ScopeRolledBack
	// ScopeUnknown: the commit failed in a way that leaves its outcome open,
	// such as a lost connection. Only committed rows can tell.
	ScopeUnknown
)

// Scope is one transaction or savepoint. Services keep in it what must live and
// die with uncommitted rows, such as keys created in a transaction: values set
// in a scope are seen by the scopes inside it, pass to the enclosing scope when
// it is released, and vanish when it is rolled back.
//
// Adapters create scopes; services reach theirs through [Transactor.Scope].
type Scope struct {
	parent  *Scope
	current bool
	hosted  bool

	mu     sync.Mutex
	state  ScopeState
	values map[any]any
}

// NewScope returns an open scope inside parent, or an outermost one if parent
// is nil. current says whether reads in the transaction see everything that
// was committed before each of them (read committed, or the only writer), and
// not an older snapshot.
func NewScope(parent *Scope, current bool) *Scope {
	return &Scope{parent: parent, current: current}
}

// NewHostScope returns an open outermost scope of a transaction that the host
// began, and may roll back in part without telling anybody, see [Scope.Hosted].
func NewHostScope(current bool) *Scope { return &Scope{current: current, hosted: true} }

// Hosted reports whether the host began the transaction. It has savepoints of
// its own then: what was read or written in the scope a moment ago may be
// undone, so nothing that services keep in it may be believed before the rows
// are read again.
func (s *Scope) Hosted() bool { return s.Outermost().hosted }

// Current reports whether reads in this transaction see every commit made
// before them.
func (s *Scope) Current() bool { return s.current }

// State tells how the scope ended: a scope that was released into another one
// shares that one's fate.
func (s *Scope) State() ScopeState {
	s.mu.Lock()
	state := s.state
	s.mu.Unlock()
	if state == ScopeCommitted && s.parent != nil {
		return s.parent.State()
	}
	return state
}

// Value returns what was set under key in this scope, or in the nearest one
// around it; nil if nothing was.
func (s *Scope) Value(key any) any {
	for at := s; at != nil; at = at.parent {
		at.mu.Lock()
		v, ok := at.values[key]
		at.mu.Unlock()
		if ok {
			return v
		}
	}
	return nil
}

// SetValue keeps value under key for the life of the scope. A scope that has
// ended keeps nothing.
func (s *Scope) SetValue(key, value any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != ScopeOpen {
		return
	}
	if s.values == nil {
		s.values = make(map[any]any)
	}
	s.values[key] = value
}

// End is called by the adapter, once, when the transaction or savepoint has
// ended. Committed hands the values to the enclosing scope.
func (s *Scope) End(state ScopeState) {
	s.mu.Lock()
	values := s.values
	s.values, s.state = nil, state
	s.mu.Unlock()
	if state != ScopeCommitted || s.parent == nil {
		return
	}
	for k, v := range values {
		s.parent.SetValue(k, v)
	}
}

// Outermost is the transaction that s is, or lies in.
func (s *Scope) Outermost() *Scope {
	for s.parent != nil {
		s = s.parent
	}
	return s
}

// Within reports whether s is other or lies inside it.
func (s *Scope) Within(other *Scope) bool {
	for at := s; at != nil; at = at.parent {
		if at == other {
			return true
		}
	}
	return false
}
