package vaulttest

import (
	"context"
	"testing"
	"time"

	"github.com/trothdev/troth/internal/suite"
	"github.com/trothdev/troth/internal/suite/proof"
	"github.com/trothdev/troth/vault"
)

func soundEpochs() EpochHarness {
	s := &EpochStore{}
	return EpochHarness{Store: s, Reopen: func() vault.EpochStore { return s }}
}

func TestRunEpochStore_MemoryPasses(t *testing.T) {
	RunEpochStore(t, func(*testing.T) EpochHarness { return soundEpochs() })
	t.Run("pending", func(t *testing.T) {
		RunEpochStore(t, func(*testing.T) EpochHarness {
			final := time.Now().Add(time.Hour)
			s := &EpochStore{FinalAt: func(uint32) time.Time { return final }}
			return EpochHarness{Store: s, Finish: func() { s.FinalAt = nil }}
		})
	})
}

// brokenEpochStore replaces single methods.
type brokenEpochStore struct {
	vault.EpochStore
	place   func() vault.EpochPlace
	create  func(ctx context.Context, epoch uint32) error
	wrap    func(ctx context.Context, epoch uint32, plain, aad []byte) ([]byte, error)
	unwrap  func(ctx context.Context, epoch uint32, sealed, aad []byte) ([]byte, error)
	destroy func(ctx context.Context, epoch uint32) (time.Time, error)
}

func (b *brokenEpochStore) Place() vault.EpochPlace { return b.place() }

func (b *brokenEpochStore) Create(ctx context.Context, epoch uint32) error {
	return b.create(ctx, epoch)
}

func (b *brokenEpochStore) Wrap(ctx context.Context, epoch uint32, plain, aad []byte) ([]byte, error) {
	return b.wrap(ctx, epoch, plain, aad)
}

func (b *brokenEpochStore) Unwrap(ctx context.Context, epoch uint32, sealed, aad []byte) ([]byte, error) {
	return b.unwrap(ctx, epoch, sealed, aad)
}

func (b *brokenEpochStore) Destroy(ctx context.Context, epoch uint32) (time.Time, error) {
	return b.destroy(ctx, epoch)
}

var epochStoreDefects = map[string]func(s *EpochStore, b *brokenEpochStore){
	"its place is always the same and has a name": func(_ *EpochStore, b *brokenEpochStore) {
		b.place = func() vault.EpochPlace { return vault.EpochPlace{} }
	},
	"what a key wraps it unwraps": func(s *EpochStore, b *brokenEpochStore) {
		b.unwrap = func(ctx context.Context, epoch uint32, sealed, aad []byte) ([]byte, error) {
			plain, err := s.Unwrap(ctx, epoch, sealed, aad)
			return plain[:max(0, len(plain)-1)], err
		}
	},
	"creating again changes nothing": func(s *EpochStore, b *brokenEpochStore) {
		b.create = func(ctx context.Context, epoch uint32) error {
			s.mu.Lock()
			delete(s.keys, epoch)
			s.mu.Unlock()
			return s.Create(ctx, epoch)
		}
	},
	"an epoch without a key wraps nothing": func(s *EpochStore, b *brokenEpochStore) {
		b.wrap = func(ctx context.Context, epoch uint32, plain, aad []byte) ([]byte, error) {
			if err := s.Create(ctx, epoch); err != nil {
				return nil, err
			}
			return s.Wrap(ctx, epoch, plain, aad)
		}
	},
	"associated data is bound, and so is every byte": func(s *EpochStore, b *brokenEpochStore) {
		b.wrap = func(ctx context.Context, epoch uint32, plain, _ []byte) ([]byte, error) {
			return s.Wrap(ctx, epoch, plain, nil)
		}
		b.unwrap = func(ctx context.Context, epoch uint32, sealed, _ []byte) ([]byte, error) {
			return s.Unwrap(ctx, epoch, sealed, nil)
		}
	},
	"no epoch opens what another one wrapped": func(s *EpochStore, b *brokenEpochStore) {
		b.unwrap = func(ctx context.Context, epoch uint32, sealed, aad []byte) ([]byte, error) {
			plain, err := s.Unwrap(ctx, epoch, sealed, aad)
			if err != nil {
				return s.Unwrap(ctx, 1, sealed, aad)
			}
			return plain, nil
		}
	},
	"of those who create one key all have the same": func(s *EpochStore, b *brokenEpochStore) {
		b.wrap = func(ctx context.Context, epoch uint32, plain, aad []byte) ([]byte, error) {
			return s.Wrap(ctx, epoch, append([]byte("another"), plain...), aad)
		}
	},
	"a key that is destroyed is gone, for everybody and for ever": func(_ *EpochStore, b *brokenEpochStore) {
		b.destroy = func(context.Context, uint32) (time.Time, error) { return time.Time{}, nil }
	},
	"an epoch without a key can be destroyed": func(s *EpochStore, b *brokenEpochStore) {
		b.destroy = func(ctx context.Context, epoch uint32) (time.Time, error) {
			if !s.Has(epoch) {
				return time.Time{}, nil
			}
			return s.Destroy(ctx, epoch)
		}
	},
	"a cancelled context ends in its own error": func(s *EpochStore, b *brokenEpochStore) {
		b.destroy = func(ctx context.Context, epoch uint32) (time.Time, error) {
			return s.Destroy(context.WithoutCancel(ctx), epoch)
		}
	},
}

func TestRunEpochStore_EveryCheckCanFail(t *testing.T) {
	for _, c := range epochStoreChecks {
		t.Run(c.Name, func(t *testing.T) {
			s := &EpochStore{}
			b := &brokenEpochStore{EpochStore: s, place: s.Place, create: s.Create, wrap: s.Wrap, unwrap: s.Unwrap, destroy: s.Destroy}
			inject, ok := epochStoreDefects[c.Name]
			if !ok {
				t.Fatal("no defect fails it")
			}
			inject(s, b)
			failures := proof.Failures(t, func(t suite.TB) { c.Run(&epochRig{Rig: suite.Rig{TB: t}, EpochHarness: EpochHarness{Store: b}, s: b}) })
			if len(failures) == 0 {
				t.Fatal("did not notice")
			}
			t.Log(failures[0])
		})
	}
}
