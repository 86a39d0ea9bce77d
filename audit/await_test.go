package audit_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// awaitMany records from many goroutines, waits for each entry, and returns
// where they stand.
func (s *site) awaitMany(trail *audit.Trail, writers, each int) map[audit.Position]bool {
	s.Helper()
	ctx := troth.WithActor(s.Context(), troth.Actor{Kind: troth.Service, ID: "importer"})
	var mu sync.Mutex
	places := make(map[audit.Position]bool)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for range each {
				e := touch(crashTenants[w%3], "")
				id, err := trail.Record(ctx, e)
				if err != nil {
					s.Error(err)
					return
				}
				at, err := trail.Await(ctx, e.Tenant, id)
				if err != nil {
					s.Error(err)
					return
				}
				mu.Lock()
				assert.False(s, places[at], "two entries at one place")
				places[at] = true
				s.acknowledged = append(s.acknowledged, audit.TenantEntry{Tenant: e.Tenant, ID: id})
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return places
}

func TestAwait_ManyAtOnce(t *testing.T) {
	for name, test := range map[string]func(s *site) map[audit.Position]bool{
		"by themselves": func(s *site) map[audit.Position]bool { return s.awaitMany(s.honest, 16, 5) },
		"with Run": func(s *site) map[audit.Position]bool {
			stop := s.running(s.honest)
			defer stop()
			return s.awaitMany(s.honest, 16, 5)
		},
		"with Run elsewhere": func(s *site) map[audit.Position]bool {
			stop := s.running(s.honest)
			defer stop()
			return s.awaitMany(s.on(s.store), 16, 5) // cannot do it itself
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t)
				places := test(s)
				assert.Len(t, places, 80)
				s.drain(s.honest)
				s.check(s.honest)
			})
		})
	}
}

// running runs the trail until stop is called.
func (s *site) running(trail *audit.Trail) (stop func()) {
	s.Helper()
	ctx, cancel := context.WithCancel(s.Context())
	ended := make(chan error, 1)
	go func() { ended <- trail.Run(ctx) }()
	return func() {
		cancel()
		assert.ErrorIs(s, <-ended, context.Canceled)
	}
}

func TestAwait_WaitsForTheCommitUntilTheEndOfItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		begun(s)
		ctx := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "importer"})
		for _, trail := range []*audit.Trail{s.honest, s.on(s.store)} {
			for _, tenant := range crashTenants {
				bounded, cancel := context.WithTimeout(ctx, time.Minute)
				began := time.Now()
				_, err := trail.Await(bounded, tenant, troth.NewEntryID(s.at))
				cancel()
				require.ErrorIs(t, err, context.DeadlineExceeded)
				assert.Equal(t, time.Minute, time.Since(began))
			}
		}

		// One that is committed a second later is found.
		var id troth.EntryID
		recorded, wait := make(chan struct{}), make(chan struct{})
		go func() {
			<-recorded
			pass(time.Second)
			close(wait)
		}()
		failed := make(chan error, 1)
		go func() {
			failed <- s.db.Atomically(ctx, func(ctx context.Context) (err error) {
				id, err = s.honest.Record(ctx, touch("acme", ""))
				close(recorded)
				<-wait
				return err
			})
		}()
		<-recorded
		at, err := s.on(s.store, audit.WithSigner(s.signer)).Await(ctx, "acme", id)
		require.NoError(t, err)
		require.NoError(t, <-failed)
		assert.Equal(t, s.head().Size-1, at.Index)
		s.drain(s.honest)
		s.check(s.honest)
	})
}

func TestAwait_RefusesWhatItCannotDo(t *testing.T) {
	s := newSite(t)
	begun(s)
	last := s.acknowledged[len(s.acknowledged)-1]
	require.NoError(t, s.db.Atomically(t.Context(), func(ctx context.Context) error {
		_, err := s.honest.Await(ctx, last.Tenant, last.ID)
		require.ErrorIs(t, err, audit.ErrInTransaction)
		return nil
	}))
	_, err := s.honest.Await(t.Context(), "", last.ID)
	var bad *troth.IdentifierError
	require.ErrorAs(t, err, &bad)
	first, err := s.honest.Await(t.Context(), last.Tenant, last.ID)
	require.NoError(t, err)
	again, err := s.honest.Await(t.Context(), last.Tenant, last.ID)
	require.NoError(t, err)
	assert.Equal(t, first, again)
}
