package vault

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// kekCalls is how many calls of one tenant's key may be under way.
	kekCalls = 4
	// kekPatienceInTx bounds a call inside a transaction, which others wait for.
	kekPatienceInTx = time.Second
	// After a failure nobody asks for a while, which doubles with each.
	kekRestFirst, kekRestMost = 100 * time.Millisecond, 10 * time.Second
)

// keks are the tenants' own key-encryption keys.
type keks struct {
	resolver KEKResolver
	mu       sync.Mutex
	guards   map[string]*guard
}

// guard stands between the vault and one tenant's key: whatever that does, the
// callers of this tenant are answered in time, and nobody else waits.
type guard struct {
	calls chan struct{} // holds a token for each call under way
	// refreshing says that somebody asks again for what is due.
	refreshing atomic.Bool

	mu  sync.Mutex
	kek KEK
	// resolvedAt is when the resolver gave kek.
	resolvedAt int64
	// failures counts those in a row, the last of which is failure; until
	// restsUntil nobody asks again.
	failures   int
	failure    error
	restsUntil int64
}

func (ks *keks) guard(uri string, limit int) *guard {
	ks.mu.Lock()
	defer ks.mu.Unlock()
	g := ks.guards[uri]
	if g == nil {
		if ks.guards == nil {
			ks.guards = make(map[string]*guard)
		}
		makeRoom(ks.guards, limit)
		g = &guard{calls: make(chan struct{}, kekCalls)}
		ks.guards[uri] = g
	}
	return g
}

var (
	errKEKRests   = errors.New("vault: it failed, and is not asked again so soon")
	errKEKPatient = fmt.Errorf("vault: no answer in time: %w", context.DeadlineExceeded)
	errKEKPanic   = errors.New("vault: it panicked")
)

// ask has the tenant's key do something. It holds no lock meanwhile, and does
// not wait for a key that forgets its context.
func (ks *keks) ask(ctx context.Context, v *Vault, uri string, do func(context.Context, KEK) ([]byte, error)) ([]byte, error) {
	if ks.resolver == nil {
		return nil, errNoResolver
	}
	g := ks.guard(uri, v.opt.cacheRoots)
	patience := v.opt.kekTimeout
	if v.tx.Scope(ctx) != nil {
		patience = min(patience, kekPatienceInTx)
	}
	inner, cancel := context.WithTimeout(v.tx.Detach(ctx), patience)
	defer cancel()
	select {
	case g.calls <- struct{}{}:
	case <-inner.Done():
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, errKEKPatient
	}
	if err := g.admit(v.mono()); err != nil {
		<-g.calls
		return nil, err
	}
	answers := make(chan answer, 1)
	go func() {
		defer func() { <-g.calls }()
		answers <- g.call(inner, ks.resolver, v, uri, do)
	}()
	var a answer
	select {
	case a = <-answers:
	case <-inner.Done():
		a.err = errKEKPatient
	}
	if ctx.Err() != nil { // the caller gave up: that is no failure of the key
		clear(a.plain)
		return nil, ctx.Err()
	}
	g.judge(v.mono(), a.err)
	return a.plain, a.err
}

type answer struct {
	plain []byte
	err   error
}

func (g *guard) call(ctx context.Context, r KEKResolver, v *Vault, uri string, do func(context.Context, KEK) ([]byte, error)) (a answer) {
	a.err = errKEKPanic
	defer func() {
		if a.err != nil {
			_ = recover() // what it holds may be anybody's; that it panicked is told
		}
	}()
	kek, err := g.resolve(ctx, r, v, uri)
	if err == nil {
		a.plain, err = do(ctx, kek)
	}
	a.err = err
	return a
}

// resolve asks the resolver, unless it gave the key a short while ago.
func (g *guard) resolve(ctx context.Context, r KEKResolver, v *Vault, uri string) (KEK, error) {
	now := v.mono()
	g.mu.Lock()
	kek, at := g.kek, g.resolvedAt
	g.mu.Unlock()
	if kek != nil && now-at < int64(v.opt.kekTTL) {
		return kek, nil
	}
	kek, err := r.KEK(ctx, uri)
	if err != nil {
		return nil, err
	}
	if kek == nil {
		return nil, errNoResolver
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.kek, g.resolvedAt = kek, now
	return kek, nil
}

// admit lets one caller try where the key failed before, and only after a rest.
func (g *guard) admit(now int64) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failures == 0 {
		return nil
	}
	if now < g.restsUntil {
		return fmt.Errorf("%w: %w", errKEKRests, g.failure)
	}
	g.rest(now)
	return nil
}

func (g *guard) rest(now int64) {
	g.restsUntil = now + int64(min(kekRestMost, kekRestFirst<<min(g.failures-1, 10)))
}

// judge remembers how it went. After a failure the resolver is asked anew.
func (g *guard) judge(now int64, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err == nil {
		g.failures, g.failure = 0, nil
		return
	}
	g.failures++
	g.failure, g.kek = err, nil
	g.rest(now)
}

// blame notes that the tenant's key gave something else than a root: it is left
// alone as after a failure, and err is one of the key too. The platform's own is not
// blamed.
func (v *Vault) blame(row *RootRow, err error) error {
	if row.KEK == "" {
		return err
	}
	v.keks.guard(row.KEK, v.opt.cacheRoots).judge(v.mono(), ErrKeyRecord)
	return fmt.Errorf("%w: unwrap root: %w", ErrKEK, err)
}
