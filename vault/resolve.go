package vault

import (
	"context"
	"errors"
	"fmt"

	"github.com/trothdev/troth"
)

// overlayKey is the key of a transaction's own view of a person's compartment:
// what was created or read inside it is nobody else's business before it
// commits.
type overlayKey struct {
	v    *Vault
	name KeyName
}

// overlaid is what a transaction found, and how many evictions there had been:
// after another one it reads again, for somebody else may have shredded and
// committed while it runs.
type overlaid[T any] struct {
	value   T
	applied uint64
}

// resolve returns the keys under the name, nil if there are none. It is the
// way around everything that forbids their use.
func (v *Vault) resolve(ctx context.Context, q *sought) (*slot, error) {
	if v.closed.Load() {
		return nil, ErrClosed
	}
	if err := v.checkGate(q.name.Compartment); err != nil {
		return nil, err
	}
	if err := v.checkOwed(&q.name); err != nil {
		return nil, err
	}
	now := v.mono()
	if err := v.checkFenceAt(ctx, now); err != nil {
		return nil, err
	}
	if err := v.checkPending(ctx, &q.name); err != nil {
		return nil, err
	}
	s := q.cached(now)
	if s == nil {
		var err error
		if scope := v.tx.Scope(ctx); scope != nil {
			s, err = v.loadInTx(ctx, scope, q, now)
		} else {
			s, err = v.load(ctx, q, now)
		}
		if err != nil {
			return nil, err
		}
	}
	if s != nil && s.shredded {
		return nil, ErrShredded
	}
	return s, nil
}

// loadInTx reads inside the caller's transaction, and keeps what it finds
// there, unless the transaction is the host's: a savepoint of the host's own may
// have undone it. A transaction that reads an old snapshot sees keys that are
// dead by now, so it believes itself only about what nobody else knows of.
func (v *Vault) loadInTx(ctx context.Context, scope *troth.Scope, q *sought, now int64) (*slot, error) {
	applied := v.fence.applied.Load()
	if s, ok := overlay[*slot](scope, overlayKey{v, q.name}, applied); ok && now <= s.until {
		return s, nil
	}
	if !scope.Current() {
		if s, err := v.load(v.tx.Detach(ctx), q, now); err != nil || s != nil {
			return s, err
		}
	}
	s, err := v.read(ctx, q.name)
	if err != nil || s == nil {
		return nil, err
	}
	setOverlay(scope, overlayKey{v, q.name}, overlaid[*slot]{s, applied})
	return s, nil
}

// overlay returns what the scope holds under key, if it may be believed still.
func overlay[T any](scope *troth.Scope, key any, applied uint64) (value T, ok bool) {
	o, ok := scope.Value(key).(overlaid[T])
	if !ok || o.applied != applied {
		return value, false
	}
	return o.value, true
}

func setOverlay[T any](scope *troth.Scope, key any, o overlaid[T]) {
	if !scope.Hosted() {
		scope.SetValue(key, o)
	}
}

// load reads committed rows into the shared cache. now is when the caller began
// to ask; what is loaded counts as young from then on.
func (v *Vault) load(ctx context.Context, q *sought, now int64) (*slot, error) {
	for {
		call, first := q.join()
		if first {
			v.fly(ctx, q, call, now)
		} else if err := call.wait(ctx); err != nil {
			return nil, err
		}
		switch {
		case call.stale:
			continue
		case !first && gaveUp(call.err):
			continue // the one who loaded gave up, we did not
		}
		return call.value, call.err
	}
}

func (v *Vault) fly(ctx context.Context, q *sought, call *flight[KeyName, *slot], now int64) {
	call.err = errAbandoned // stands if read panics
	defer q.land(call)
	// The order matters: a shredding that registers after the check evicts
	// after it too, and then applied has moved when the slot is put.
	applied := v.fence.applied.Load()
	if call.err = v.checkPending(ctx, &q.name); call.err != nil {
		return
	}
	// A load that landed between the caller's look and this one has left its
	// slot behind.
	if call.value = q.cached(now); call.value != nil {
		call.err = nil
		return
	}
	call.value, call.err = v.read(ctx, q.name)
	if call.err == nil && call.value != nil {
		v.share(q, call.value, applied, now)
	}
}

var errAbandoned = errors.New("vault: abandoned")

// share puts a slot of committed rows into the cache, unless something was
// evicted since applied was read.
func (v *Vault) share(q *sought, s *slot, applied uint64, now int64) {
	s.expires = min(s.until, now+jitter(v.opt.keyTTL))
	q.put(s, v.sinceEviction(applied))
}

// sinceEviction tells, when asked, whether nothing was evicted since applied was
// read.
func (v *Vault) sinceEviction(applied uint64) func() bool {
	return func() bool { return v.fence.applied.Load() == applied }
}

// gaveUp reports whether the one who did something for all was cancelled, so
// that another one must do it. A key-encryption key that ran out of its own time
// has answered: who asks it again, asks for himself.
func gaveUp(err error) bool {
	return (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) &&
		!errors.Is(err, ErrKEK) && !errors.Is(err, ErrEpochStore)
}

// read makes a slot of the rows that ctx can see, nil if there are none. Keys
// whose root was emptied after they were read have moved: they are read again.
func (v *Vault) read(ctx context.Context, name KeyName) (*slot, error) {
	for range rootTries {
		s, err := v.readOnce(ctx, name)
		if !errors.Is(err, errRetired) {
			return s, err
		}
	}
	return nil, ErrKeyRecord
}

func (v *Vault) readOnce(ctx context.Context, name KeyName) (*slot, error) {
	rows, err := v.store.Keys(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("vault: read keys: %w", err)
	}
	if len(rows) == 0 {
		return v.readAbsent(ctx, name)
	}
	s := newSlot(name)
	for i := range rows {
		row := &rows[i]
		if row.ShreddedAt != 0 {
			return shreddedSlot(name), nil
		}
		if row.KeyName != name {
			return nil, ErrKeyRecord
		}
		r, err := v.root(ctx, rootName{tenant: name.Tenant, lineage: WrapLineage, epoch: int64(row.Epoch)})
		if errors.Is(err, ErrShredded) {
			return shreddedSlot(name), nil
		}
		if err != nil {
			return nil, err
		}
		if r == nil {
			return nil, ErrKeyRecord
		}
		key, err := unwrap(row, r.wrap)
		if err != nil {
			return nil, err
		}
		s.keys = append(s.keys, key)
		s.until = min(s.until, r.until.Load())
		if len(row.Flag) > 0 {
			f, err := parseFlag(row.Flag)
			if err != nil {
				return nil, err
			}
			s.rule = s.rule.and(f.rule())
		}
	}
	return s, nil
}

// readAbsent tells a compartment that was never used from one that can never
// be used again.
func (v *Vault) readAbsent(ctx context.Context, name KeyName) (*slot, error) {
	state, err := v.store.Person(ctx, name.Tenant, name.SubjectID)
	if err != nil {
		return nil, fmt.Errorf("vault: read person: %w", err)
	}
	if closedTo(state, name.Compartment) {
		return shreddedSlot(name), nil
	}
	if err := v.checkBuried(ctx, name); errors.Is(err, ErrShredded) {
		return shreddedSlot(name), nil
	} else if err != nil {
		return nil, err
	}
	return nil, nil
}

// closedTo reports whether the state forbids new keys in the compartment. That
// of the pseudonym outlives the person's other data.
func closedTo(state PersonState, c troth.Compartment) bool {
	return state.TenantShredded || (state.ClosedAt != 0 && c != troth.PseudonymCompartment)
}

func shreddedSlot(name KeyName) *slot { return &slot{name: name, shredded: true, until: forever} }
