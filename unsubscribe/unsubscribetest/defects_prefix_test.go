package unsubscribetest

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/unsubscribe"
)

// ranging changes what range Prefixes is asked for, and of whom.
func ranging(wrong func(t *troth.Tenant, r *unsubscribe.PrefixRange)) func(h *Harness) {
	return breaks(func(s unsubscribe.Backend, b *broken) {
		b.prefixes = func(ctx context.Context, t troth.Tenant, r unsubscribe.PrefixRange) ([]uint64, error) {
			wrong(&t, &r)
			return s.Prefixes(ctx, t, r)
		}
	})
}

var prefixDefects = []defect{
	{"the end of a range is left out", "the prefixes of a range are those of all keys in it, its ends included", ranging(
		func(_ *troth.Tenant, r *unsubscribe.PrefixRange) {
			if r.To > r.From {
				r.To--
			}
		})},
	{"prefixes are of keys alone", "prefixes are of mailboxes too, in their own range", breaks(func(s unsubscribe.Backend, b *broken) {
		b.prefixes = func(ctx context.Context, t troth.Tenant, r unsubscribe.PrefixRange) ([]uint64, error) {
			rows, err := s.EntriesOf(ctx, t, unsubscribe.Cursor{}, 100)
			var all []uint64
			for _, row := range rows {
				if top := topOf(row.Key); top >= r.From && top <= r.To {
					all = append(all, top)
				}
			}
			return all, err
		}
	})},
	{"the limit is one of the keys alone", "of prefixes beyond the limit there are as many as it says", ranging(
		func(_ *troth.Tenant, r *unsubscribe.PrefixRange) { r.Limit *= 2 })},
	{"prefixes are of everybody", "prefixes are of one tenant and of committed rows", breaks(func(s unsubscribe.Backend, b *broken) {
		b.prefixes = func(ctx context.Context, _ troth.Tenant, r unsubscribe.PrefixRange) ([]uint64, error) {
			rows, err := s.EntriesAfter(ctx, unsubscribe.Cursor{}, 100)
			var all []uint64
			for _, row := range rows {
				all = append(all, topOf(row.Key), topOf(row.Mailbox))
			}
			return all[:min(len(all), r.Limit)], err
		}
	})},
}
