package unsubscribe

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/unsubscribe/internal/index"
)

const (
	// samplePart is of what part of a registry its size is estimated: keys are hashes,
	// and lie everywhere alike.
	samplePart = 256
	// partKeys is about how many prefixes are read at once, partMost the most: where
	// there are more, somebody wrote past the registry.
	partKeys, partMost = 200_000, 800_000
	// partsMost bounds the memory of sieves, at about 40 MB.
	partsMost = 128
	// sieveShare: reading all prefixes takes as long as looking up about this part of
	// so many keys.
	sieveShare = 32
	// sieveTries is how often one campaign reads them again.
	sieveTries = 3
)

// sieves tell of most recipients of a long campaign in database mode that nothing
// stands under their keys, with a bit and a half of each byte that the index takes. Who
// is not told of is looked up. They are of one campaign, which they follow the feed for:
// before a batch is decided they have everything that was committed.
type sieves struct {
	r  *Registry
	at index.Position
	of map[troth.Tenant]*sieve
}

// sieve is that of one registry, and what was written since it was read.
type sieve struct {
	*index.Sieve
	since map[uint64]struct{}
}

func topOf(k *Key) uint64 { return binary.BigEndian.Uint64(k[:8]) }

func (s *sieve) mayHave(k *Key) bool {
	top := topOf(k)
	if s.MayHave(top) {
		return true
	}
	_, has := s.since[top]
	return has
}

var (
	// errKeys says that a registry's keys were changed.
	errKeys = errors.New("unsubscribe: the keys of a registry were changed")
	// errMany says that there are more keys than were to be expected.
	errMany = errors.New("unsubscribe: more keys begin alike than can")
)

// sifting is how far one campaign has come with its sieves.
type sifting struct {
	// allowed is set where a campaign may be long: outside of transactions, whose reads
	// may be older than the feed.
	allowed bool
	// asked counts recipients who were looked up one by one; size is how many keys
	// there are, about, from 1, or 0 while nobody looked.
	asked, size int
	tries       int
	ready       *sieves
}

// sift returns the sieves for the next batch, or nil where all of it is to be looked
// up: at the beginning of a campaign, as long as that is less work, and where the
// registry is too large for them.
func (a *asking) sift(ctx context.Context, batch int) (*sieves, error) {
	s := &a.sifting
	if s.ready != nil {
		err := s.ready.follow(ctx)
		if err == nil {
			return s.ready, nil
		}
		s.ready = nil
		if !startsAnew(err) {
			return nil, fmt.Errorf("%w: %w", ErrStale, err)
		}
	}
	if s.asked += batch; !s.allowed || batch < databaseBatch || s.tries == sieveTries {
		return nil, nil
	}
	if s.size == 0 {
		size, err := a.estimate(ctx)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrStale, err)
		}
		s.size = size
	}
	if s.asked < s.size/sieveShare {
		return nil, nil
	}
	s.tries++
	ready, err := a.readSieves(ctx)
	switch {
	case err == nil:
		s.ready = ready
	case errors.Is(err, errMany):
		s.tries = sieveTries
	case !startsAnew(err):
		return nil, fmt.Errorf("%w: %w", ErrStale, err)
	}
	return s.ready, nil
}

// startsAnew reports whether what was read is of no use any more, and no harm done.
func startsAnew(err error) bool { return errors.Is(err, errHistory) || errors.Is(err, errKeys) }

func (a *asking) estimate(ctx context.Context) (size int, err error) {
	for _, registry := range [...]troth.Tenant{a.c.Tenant, troth.Platform} {
		n, err := a.g.r.keysAbout(ctx, registry)
		if err != nil {
			return 0, err
		}
		size += n
	}
	return size + 1, nil
}

// keysAbout estimates how many keys a registry has.
func (r *Registry) keysAbout(ctx context.Context, registry troth.Tenant) (int, error) {
	some, err := r.store.Prefixes(ctx, registry, PrefixRange{To: index.PartStart(1, samplePart) - 1, Limit: partMost})
	if err != nil {
		return 0, fmt.Errorf("unsubscribe: read prefixes: %w", err)
	}
	return len(some) * samplePart, nil
}

// readSieves reads the prefixes of both registries. What is committed after the feed's
// head was read is told of by the feed.
func (a *asking) readSieves(ctx context.Context) (*sieves, error) {
	r := a.g.r
	at, err := r.head(ctx)
	if err != nil {
		return nil, err
	}
	all := &sieves{r: r, at: at, of: map[troth.Tenant]*sieve{}}
	for _, registry := range [...]troth.Tenant{a.c.Tenant, troth.Platform} {
		if all.of[registry], err = r.readSieve(ctx, registry); err != nil {
			return nil, err
		}
	}
	if err := all.follow(ctx); err != nil {
		return nil, err
	}
	return all, nil
}

func (r *Registry) readSieve(ctx context.Context, registry troth.Tenant) (*sieve, error) {
	size, err := r.keysAbout(ctx, registry)
	if err != nil {
		return nil, err
	}
	parts := size/partKeys + 1
	if parts > partsMost {
		return nil, errMany
	}
	s := &sieve{Sieve: index.NewSieve(parts), since: map[uint64]struct{}{}}
	for i := range parts {
		within := PrefixRange{From: index.PartStart(i, parts), To: math.MaxUint64, Limit: partMost}
		if i+1 < parts {
			within.To = index.PartStart(i+1, parts) - 1
		}
		tops, err := r.store.Prefixes(ctx, registry, within)
		if err != nil {
			return nil, fmt.Errorf("unsubscribe: read prefixes: %w", err)
		}
		if len(tops) >= partMost {
			return nil, errMany
		}
		s.Fill(i, tops)
	}
	return s, nil
}

// follow adds what was committed since.
func (s *sieves) follow(ctx context.Context) error {
	return s.r.events(ctx, &s.at, func(events []FeedEvent) error {
		changed := map[troth.Tenant][]Key{}
		for i := range events {
			switch e := &events[i]; {
			case s.of[e.Tenant] == nil:
			case e.Key.IsZero(): // all of the registry's
				return errKeys
			default:
				changed[e.Tenant] = append(changed[e.Tenant], e.Key)
			}
		}
		for registry, keys := range changed {
			for some := range slices.Chunk(keys, keyPage) {
				if err := s.add(ctx, registry, some); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// add adds keys that changed, and the mailboxes that they lead to now.
func (s *sieves) add(ctx context.Context, registry troth.Tenant, keys []Key) error {
	rows, err := s.r.store.Entries(ctx, registry, keys)
	if err != nil {
		return fmt.Errorf("unsubscribe: read entries: %w", err)
	}
	since := s.of[registry].since
	for i := range keys {
		since[topOf(&keys[i])] = struct{}{}
	}
	for i := range rows {
		for _, k := range rows[i].keys() {
			since[topOf(&k)] = struct{}{}
		}
	}
	return nil
}
