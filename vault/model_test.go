package vault_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/vaultmem"
	"github.com/trothdev/troth/vault"
)

var (
	modelSeed = flag.Uint64("vault.seed", 0, "seed of the model test; 0 draws one")
	modelOps  = flag.Int("vault.ops", 500, "operations of each goroutine of the model test")
)

const (
	modelWorkers  = 64
	modelSubjects = 10_000
	modelCache    = 500
)

// modelSubject is what is known of one person, without asking the vault.
type modelSubject struct {
	at     troth.Context
	handle *vault.Handle
	// dead is set after Shred returned. changes grows before and after each
	// attempt to shred: an operation during which it stood still and was even
	// saw nothing of one. Whoever wants to know dead looks at changes first.
	dead    atomic.Bool
	changes atomic.Int64
	// restricted is set after Restrict returned, and until Lift returned.
	// turns grows before and after each attempt to restrict or to lift.
	restricted atomic.Bool
	turns      atomic.Int64

	mu     sync.Mutex
	sealed [][]byte
}

func (s *modelSubject) plaintext() string { return "data of " + s.at.Subject.ID }

func (s *modelSubject) pick(r *rand.Rand) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sealed) == 0 {
		return nil
	}
	return s.sealed[r.IntN(len(s.sealed))]
}

func (s *modelSubject) keep(sealed []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sealed) < 4 {
		s.sealed = append(s.sealed, sealed)
	}
}

type model struct {
	*world
	v        *vault.Vault
	subjects []*modelSubject
	opened   atomic.Int64
	shreds   atomic.Int64
	limits   atomic.Int64 // restrictions that came to be
	renewed  atomic.Int64
	moves    atomic.Int64
}

// check judges how an operation ended.
func (m *model) check(s *modelSubject, wasDead bool, before int64, err error) error {
	switch {
	case wasDead && !errors.Is(err, vault.ErrShredded):
		return fmt.Errorf("%s: %w after Shred had returned", s.at.Subject.ID, orNil(err))
	case err == nil, wasDead:
		return nil
	case !errors.Is(err, vault.ErrShredded) && !errors.Is(err, vault.ErrShredPending):
		return fmt.Errorf("%s: unexpected: %w", s.at.Subject.ID, err)
	case before%2 == 0 && s.changes.Load() == before:
		return fmt.Errorf("%s: %w, and nobody shreds", s.at.Subject.ID, err)
	}
	return nil
}

var errNothing = errors.New("no error")

func orNil(err error) error {
	if err == nil {
		return errNothing
	}
	return err
}

func (m *model) seal(ctx context.Context, s *modelSubject) error {
	before, dead := s.changes.Load(), s.dead.Load()
	var sealed []byte
	var err error
	if s.handle != nil {
		sealed, err = s.handle.AppendSeal(ctx, nil, s.at.Cell, []byte(s.plaintext()))
	} else {
		sealed, err = m.v.AppendSeal(ctx, nil, s.at, []byte(s.plaintext()))
	}
	if err == nil {
		s.keep(sealed)
	}
	return m.check(s, dead, before, err)
}

func (m *model) open(ctx context.Context, s *modelSubject, sealed []byte) error {
	before, dead := s.changes.Load(), s.dead.Load()
	turns, restricted := s.turns.Load(), s.restricted.Load()
	var plain []byte
	var err error
	if s.handle != nil {
		plain, err = s.handle.AppendOpen(ctx, nil, s.at.Cell, sealed)
	} else {
		plain, err = m.v.AppendOpen(ctx, nil, s.at, orders, sealed)
	}
	if err == nil {
		m.opened.Add(1)
		if string(plain) != s.plaintext() {
			return fmt.Errorf("%s: opened as something else", s.at.Subject.ID)
		}
		if turns%2 == 0 && restricted && s.turns.Load() == turns {
			return fmt.Errorf("%s: opened after Restrict had returned", s.at.Subject.ID)
		}
	}
	if errors.Is(err, vault.ErrRestricted) {
		stood := turns%2 == 0 && s.turns.Load() == turns
		if stood && !restricted {
			return fmt.Errorf("%s: %w, and nobody restricts", s.at.Subject.ID, err)
		}
		if !dead || !stood { // while somebody restricts the dead, that is seen first
			return nil
		}
	}
	return m.check(s, dead, before, err)
}

// shred destroys the person's keys, or does so in a transaction that fails.
func (m *model) shred(ctx context.Context, s *modelSubject, roll bool) error {
	s.mu.Lock()
	mine := s.changes.Load()%2 == 0 && !s.dead.Load()
	if mine {
		s.changes.Add(1)
	}
	s.mu.Unlock()
	if !mine {
		return nil
	}
	defer s.changes.Add(1)
	target := personOf(s.at.Subject.Tenant, s.at.Subject.ID)
	if roll {
		err := m.db.Atomically(ctx, func(ctx context.Context) error {
			if _, err := m.v.Shred(ctx, erasure, target); err != nil {
				return err
			}
			return errHost
		})
		if !errors.Is(err, errHost) {
			return err
		}
		return nil
	}
	if _, err := m.v.Shred(ctx, erasure, target); err != nil {
		return err
	}
	m.shreds.Add(1)
	s.dead.Store(true)
	return nil
}

// turn restricts the person, or lifts that, or does so in a transaction that
// fails.
func (m *model) turn(ctx context.Context, s *modelSubject, roll bool) error {
	s.mu.Lock()
	mine := s.turns.Load()%2 == 0
	if mine {
		s.turns.Add(1)
	}
	s.mu.Unlock()
	if !mine {
		return nil
	}
	defer s.turns.Add(1)
	was := s.restricted.Load()
	do := m.limit
	if was {
		do = m.unlimit
	}
	if roll {
		err := m.db.Atomically(ctx, func(ctx context.Context) error {
			if err := do(ctx, s); err != nil {
				return err
			}
			return errHost
		})
		if !errors.Is(err, errHost) {
			return err
		}
		return nil
	}
	if err := do(ctx, s); err != nil {
		return err
	}
	m.limits.Add(1)
	s.restricted.Store(!was)
	return nil
}

func (m *model) limit(ctx context.Context, s *modelSubject) error {
	_, err := m.v.Restrict(ctx, vault.Restriction{
		Tenant: s.at.Subject.Tenant, SubjectID: s.at.Subject.ID, Except: []troth.Purpose{claims}, Ground: "accuracy-contested",
	})
	return err
}

func (m *model) unlimit(ctx context.Context, s *modelSubject) error {
	rs, err := m.v.Restrictions(ctx, s.at.Subject.Tenant, s.at.Subject.ID)
	if err != nil {
		return err
	}
	g, err := m.v.Grant(ctx, grantFor(rs[len(rs)-1]))
	if err == nil {
		_, err = m.v.Lift(ctx, g)
	}
	return err
}

// renewKey begins a new generation, which is none of a person without a key.
func (m *model) renewKey(ctx context.Context, s *modelSubject) error {
	before, dead := s.changes.Load(), s.dead.Load()
	_, err := m.v.NewGeneration(ctx, s.at.Subject, s.at.Compartment)
	switch {
	case err == nil:
		m.renewed.Add(1)
	case !dead && (errors.Is(err, vault.ErrNoKey) || errors.Is(err, vault.ErrGenerations)):
		err = nil
	case errors.Is(err, vault.ErrNoKey):
		err = vault.ErrShredded // nothing was ever sealed for this one
	}
	return m.check(s, dead, before, err)
}

// moveTenant moves the person's tenant to another key.
func (m *model) moveTenant(ctx context.Context, s *modelSubject, r *rand.Rand) error {
	_, err := m.v.MoveTenant(ctx, s.at.Subject.Tenant, []string{ourKey, theirKey, ""}[r.IntN(3)])
	if errors.Is(err, troth.ErrBusy) { // all the others move it too
		return nil
	}
	m.moves.Add(1)
	return err
}

func (m *model) step(ctx context.Context, r *rand.Rand) error {
	s := m.subjects[r.IntN(len(m.subjects))]
	if r.IntN(3) == 0 { // some are popular
		s = m.subjects[r.IntN(100)]
	}
	sealed := s.pick(r)
	switch n := r.IntN(100); {
	case n < 2:
		return m.shred(ctx, s, false)
	case n < 4:
		return m.shred(ctx, s, true)
	case n < 7:
		return m.turn(ctx, s, n < 5)
	case n < 9:
		return m.renewKey(ctx, s)
	case n == 9 && r.IntN(10) == 0:
		return m.moveTenant(ctx, s, r)
	case n < 40 || sealed == nil:
		return m.seal(ctx, s)
	default:
		return m.open(ctx, s, sealed)
	}
}

func newModel(t *testing.T) *model {
	db := memory.Open(memory.WithWaitBound(time.Minute))
	w := newWorld(t)
	w.db, w.store, w.rec = db, vaultmem.New(db), newRecorder(db)
	w.kms(ourKey, theirKey)
	m := &model{world: w, v: w.vault(
		vault.WithCache(modelCache), vault.WithFenceAge(500*time.Millisecond), vault.WithKeyTTL(50*time.Millisecond),
	)}
	m.v.LimitWindow(1_000)
	for i := range modelSubjects {
		s := &modelSubject{at: emailOf(troth.Tenant(fmt.Sprintf("tenant-%d", i%3)), subject(i), profile)}
		if i%10 == 0 {
			var err error
			s.handle, err = m.v.For(m.ctx, s.at.Subject, s.at.Compartment, orders)
			require.NoError(t, err)
		}
		m.subjects = append(m.subjects, s)
	}
	return m
}

// TestModel_SealOpenShredRestrict lets many goroutines loose on one vault. Whatever they
// do: after Shred returned nothing of the person opens, here at once and
// anywhere else later, and after Restrict nothing but for what is excepted, until
// that is lifted; whoever nobody shreds or restricts opens always; and the evidence
// counts no fewer openings than there were.
func TestModel_SealOpenShredRestrict(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	seed := *modelSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("run again with -vault.seed=%d", seed)
	m := newModel(t)
	errs := make(chan error, modelWorkers)
	var workers sync.WaitGroup
	for i := range modelWorkers {
		workers.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(i)))
			for range *modelOps {
				if err := m.step(m.ctx, r); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	workers.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
	require.LessOrEqual(t, m.v.CachedKeys(), modelCache)
	require.NotZero(t, m.shreds.Load())
	require.NotZero(t, m.limits.Load())
	require.NotZero(t, m.renewed.Load())
	require.NotZero(t, m.moves.Load())
	m.atTheEnd(t, m.v)
	m.atTheEnd(t, m.vault())

	require.NoError(t, m.v.Sweep(m.ctx))
	require.Zero(t, m.v.Undecided())
	require.NoError(t, m.v.Close(m.ctx))
	var told int64
	for _, e := range m.rec.committed(t, "vault.window-close") {
		told += e.Facts["values"].Number()
	}
	require.GreaterOrEqual(t, told, m.opened.Load())
	t.Logf("%d opened, %d counted, %d shredded, %d restricted or lifted", m.opened.Load(), told, m.shreds.Load(), m.limits.Load())
	require.Len(t, m.rec.committed(t, "vault.shred"), int(m.shreds.Load()))
}

func (m *model) atTheEnd(t *testing.T, v *vault.Vault) {
	t.Helper()
	here := v == m.v
	for _, s := range m.subjects {
		for _, sealed := range s.sealed {
			plain, err := v.AppendOpen(m.ctx, nil, s.at, orders, sealed)
			if s.dead.Load() {
				require.ErrorIs(t, err, vault.ErrShredded)
				continue
			}
			if s.restricted.Load() {
				require.ErrorIs(t, err, vault.ErrRestricted)
				plain, err = v.AppendOpen(m.ctx, nil, s.at, claims, sealed)
			}
			require.NoError(t, err)
			require.Equal(t, s.plaintext(), string(plain))
			if here {
				m.opened.Add(1)
			}
		}
		if s.dead.Load() {
			_, err := v.AppendSeal(m.ctx, nil, s.at, nil)
			require.ErrorIs(t, err, vault.ErrShredded)
		}
	}
}
