package vaulttest

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/trothdev/troth/internal/suite"
	"github.com/trothdev/troth/vault"
)

// EpochHarness is an EpochStore without keys.
type EpochHarness struct {
	Store vault.EpochStore
	// Reopen returns another one on the same keys, as a second process has it;
	// nil says that there is none.
	Reopen func() vault.EpochStore
	// Finish has destructions that were pending come to their end; nil says that
	// they end at once.
	Finish func()
}

// RunEpochStore runs the conformance suite of [vault.EpochStore]. open is called
// for every sub-test.
func RunEpochStore(t *testing.T, open func(t *testing.T) EpochHarness) {
	for _, c := range epochStoreChecks {
		t.Run(c.Name, func(t *testing.T) {
			h := open(t)
			c.Run(&epochRig{Rig: suite.Rig{TB: t}, EpochHarness: h, s: h.Store})
		})
	}
}

type epochRig struct {
	suite.Rig
	EpochHarness
	s vault.EpochStore
}

type epochCheck = suite.Check[*epochRig]

func (r *epochRig) wrap(epoch uint32) []byte {
	r.Helper()
	sealed, err := r.s.Wrap(r.Context(), epoch, suite.EveryByte()[:32], []byte("bound"))
	r.OK(err, "wrap")
	return sealed
}

func (r *epochRig) unwraps(s vault.EpochStore, epoch uint32, sealed []byte) {
	r.Helper()
	plain, err := s.Unwrap(r.Context(), epoch, sealed, []byte("bound"))
	if err != nil || !bytes.Equal(plain, suite.EveryByte()[:32]) {
		r.Fatalf("unwrap: %x, %v", plain, err)
	}
}

// refuses demands any error and no bytes.
func (r *epochRig) refuses(epoch uint32, sealed []byte, aad string) {
	r.Helper()
	if plain, err := r.s.Unwrap(r.Context(), epoch, sealed, []byte(aad)); err == nil || plain != nil {
		r.Fatalf("unwrap: %x, %v; want an error", plain, err)
	}
}

// gone demands that the epoch's key is destroyed for whoever asks.
func (r *epochRig) gone(s vault.EpochStore, epoch uint32, sealed []byte) {
	r.Helper()
	if err := s.Create(r.Context(), epoch); !errors.Is(err, vault.ErrEpochDestroyed) {
		r.Fatalf("create: %v, want ErrEpochDestroyed", err)
	}
	if out, err := s.Unwrap(r.Context(), epoch, sealed, []byte("bound")); err == nil || out != nil {
		r.Fatalf("unwrap: %x, %v; want an error", out, err)
	}
	if out, err := s.Wrap(r.Context(), epoch, []byte("x"), nil); err == nil || out != nil {
		r.Fatalf("wrap: %x, %v; want an error", out, err)
	}
}

// destroy destroys until the key is gone.
func (r *epochRig) destroy(epoch uint32) {
	r.Helper()
	final, err := r.s.Destroy(r.Context(), epoch)
	r.OK(err, "destroy")
	if final.IsZero() {
		return
	}
	if r.Finish == nil {
		r.Fatalf("destroy: final at %v, and the harness cannot finish", final)
	}
	again, err := r.s.Destroy(r.Context(), epoch)
	if err != nil || !again.Equal(final) {
		r.Fatalf("destroy again: %v, %v; want %v", again, err, final)
	}
	r.Finish()
	final, err = r.s.Destroy(r.Context(), epoch)
	if err != nil || !final.Equal(time.Time{}) {
		r.Fatalf("destroy at the end: %v, %v", final, err)
	}
}

var epochStoreChecks = []epochCheck{
	{Name: "its place is always the same and has a name", Run: func(r *epochRig) {
		p := r.s.Place()
		if p.Name == "" || p != r.s.Place() {
			r.Fatalf("place %+v", p)
		}
	}},
	{Name: "what a key wraps it unwraps", Run: func(r *epochRig) {
		for _, e := range []uint32{1, 2, 1 << 31} {
			r.OK(r.s.Create(r.Context(), e), "create")
			r.unwraps(r.s, e, r.wrap(e))
		}
	}},
	{Name: "creating again changes nothing", Run: func(r *epochRig) {
		r.OK(r.s.Create(r.Context(), 1), "create")
		sealed := r.wrap(1)
		r.OK(r.s.Create(r.Context(), 1), "create again")
		r.unwraps(r.s, 1, sealed)
	}},
	{Name: "an epoch without a key wraps nothing", Run: func(r *epochRig) {
		if out, err := r.s.Wrap(r.Context(), 7, []byte("x"), nil); err == nil || out != nil {
			r.Fatalf("wrap: %x, %v; want an error", out, err)
		}
		r.refuses(7, make([]byte, 60), "bound")
	}},
	{Name: "associated data is bound, and so is every byte", Run: func(r *epochRig) {
		r.OK(r.s.Create(r.Context(), 1), "create")
		sealed := r.wrap(1)
		r.refuses(1, sealed, "bounD")
		r.refuses(1, sealed, "")
		r.refuses(1, nil, "bound")
		for i := range sealed {
			other := bytes.Clone(sealed)
			other[i] ^= 1
			r.refuses(1, other, "bound")
		}
	}},
	{Name: "no epoch opens what another one wrapped", Run: func(r *epochRig) {
		r.OK(r.s.Create(r.Context(), 1), "create")
		r.OK(r.s.Create(r.Context(), 2), "create")
		r.refuses(2, r.wrap(1), "bound")
	}},
	{Name: "of those who create one key all have the same", Run: func(r *epochRig) {
		stores := []vault.EpochStore{r.s, r.s}
		if r.Reopen != nil {
			stores = append(stores, r.Reopen(), r.Reopen())
		}
		var wg sync.WaitGroup
		for _, s := range stores {
			wg.Go(func() {
				if err := s.Create(r.Context(), 3); err != nil {
					r.Errorf("create: %v", err)
				}
			})
		}
		wg.Wait()
		sealed := r.wrap(3)
		for _, s := range stores {
			r.unwraps(s, 3, sealed)
		}
	}},
	{Name: "a key that is destroyed is gone, for everybody and for ever", Run: func(r *epochRig) {
		r.OK(r.s.Create(r.Context(), 1), "create")
		r.OK(r.s.Create(r.Context(), 2), "create")
		sealed, other := r.wrap(1), r.wrap(2)
		stores := []vault.EpochStore{r.s}
		if r.Reopen != nil {
			stores = append(stores, r.Reopen())
		}
		for _, s := range stores {
			r.unwraps(s, 1, sealed) // they have it in memory now
		}
		r.destroy(1)
		r.destroy(1)
		if r.Reopen != nil {
			stores = append(stores, r.Reopen())
		}
		for _, s := range stores {
			r.gone(s, 1, sealed)
			r.unwraps(s, 2, other)
		}
	}},
	{Name: "an epoch without a key can be destroyed", Run: func(r *epochRig) {
		r.destroy(9)
		r.gone(r.s, 9, make([]byte, 60))
	}},
	{Name: "a cancelled context ends in its own error", Run: func(r *epochRig) {
		r.OK(r.s.Create(r.Context(), 1), "create")
		sealed := r.wrap(1)
		ctx, cancel := context.WithCancel(r.Context())
		cancel()
		if err := r.s.Create(ctx, 2); !errors.Is(err, context.Canceled) {
			r.Fatalf("create: %v", err)
		}
		if _, err := r.s.Destroy(ctx, 1); !errors.Is(err, context.Canceled) {
			r.Fatalf("destroy: %v", err)
		}
		r.unwraps(r.s, 1, sealed)
	}},
}
