package vaulttest

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

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
		t.Run(c.name, func(t *testing.T) {
			h := open(t)
			c.run(&epochRig{tb: t, EpochHarness: h, s: h.Store})
		})
	}
}

type epochRig struct {
	tb
	EpochHarness
	s vault.EpochStore
}

type epochCheck struct {
	name string
	run  func(r *epochRig)
}

func (r *epochRig) ok(err error, what string) {
	r.Helper()
	if err != nil {
		r.Fatalf("%s: %v", what, err)
	}
}

func (r *epochRig) wrap(epoch uint32) []byte {
	r.Helper()
	sealed, err := r.s.Wrap(r.Context(), epoch, everyByte()[:32], []byte("bound"))
	r.ok(err, "wrap")
	return sealed
}

func (r *epochRig) unwraps(s vault.EpochStore, epoch uint32, sealed []byte) {
	r.Helper()
	plain, err := s.Unwrap(r.Context(), epoch, sealed, []byte("bound"))
	if err != nil || !bytes.Equal(plain, everyByte()[:32]) {
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
	r.ok(err, "destroy")
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
	{"its place is always the same and has a name", func(r *epochRig) {
		p := r.s.Place()
		if p.Name == "" || p != r.s.Place() {
			r.Fatalf("place %+v", p)
		}
	}},
	{"what a key wraps it unwraps", func(r *epochRig) {
		for _, e := range []uint32{1, 2, 1 << 31} {
			r.ok(r.s.Create(r.Context(), e), "create")
			r.unwraps(r.s, e, r.wrap(e))
		}
	}},
	{"creating again changes nothing", func(r *epochRig) {
		r.ok(r.s.Create(r.Context(), 1), "create")
		sealed := r.wrap(1)
		r.ok(r.s.Create(r.Context(), 1), "create again")
		r.unwraps(r.s, 1, sealed)
	}},
	{"an epoch without a key wraps nothing", func(r *epochRig) {
		if out, err := r.s.Wrap(r.Context(), 7, []byte("x"), nil); err == nil || out != nil {
			r.Fatalf("wrap: %x, %v; want an error", out, err)
		}
		r.refuses(7, make([]byte, 60), "bound")
	}},
	{"associated data is bound, and so is every byte", func(r *epochRig) {
		r.ok(r.s.Create(r.Context(), 1), "create")
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
	{"no epoch opens what another one wrapped", func(r *epochRig) {
		r.ok(r.s.Create(r.Context(), 1), "create")
		r.ok(r.s.Create(r.Context(), 2), "create")
		r.refuses(2, r.wrap(1), "bound")
	}},
	{"of those who create one key all have the same", func(r *epochRig) {
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
	{"a key that is destroyed is gone, for everybody and for ever", func(r *epochRig) {
		r.ok(r.s.Create(r.Context(), 1), "create")
		r.ok(r.s.Create(r.Context(), 2), "create")
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
	{"an epoch without a key can be destroyed", func(r *epochRig) {
		r.destroy(9)
		r.gone(r.s, 9, make([]byte, 60))
	}},
	{"a cancelled context ends in its own error", func(r *epochRig) {
		r.ok(r.s.Create(r.Context(), 1), "create")
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
