package unsubscribetest

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/trothdev/troth/unsubscribe"
)

// beginning is a key of which the first eight bytes are known.
func beginning(top uint64, rest byte) (k unsubscribe.Key) {
	binary.BigEndian.PutUint64(k[:8], top)
	for i := 8; i < len(k); i++ {
		k[i] = rest
	}
	return k
}

func topOf(k unsubscribe.Key) uint64 { return binary.BigEndian.Uint64(k[:8]) }

// prefixes are those of a range, each once, in their order.
func (r *rig) prefixes(ctx context.Context, from, to uint64, limit int) []uint64 {
	r.Helper()
	all, err := r.s.Prefixes(ctx, r.A, unsubscribe.PrefixRange{From: from, To: to, Limit: limit})
	r.OK(err, "prefixes")
	slices.Sort(all)
	return slices.Compact(all)
}

var prefixChecks = []check{
	{Name: "the prefixes of a range are those of all keys in it, its ends included", Run: func(r *rig) {
		ctx := r.Context()
		tops := []uint64{0, 1, 99, 100, 101, 200, 201, math.MaxInt64, math.MaxInt64 + 1, math.MaxUint64 - 1, math.MaxUint64}
		for i, top := range tops {
			for _, rest := range []byte{0, 0xff} { // the first and the last key that begins so
				row := entry(r.A, "", []string{"", "list"}[i%2])
				row.Key = beginning(top, rest)
				row.Mailbox = row.Key
				r.keep(ctx, row)
			}
		}
		for _, one := range [][2]uint64{
			{0, math.MaxUint64},
			{0, 0},
			{100, 200},
			{101, 101},
			{102, 199},
			{201, math.MaxInt64},
			{math.MaxInt64, math.MaxInt64 + 1},
			{math.MaxUint64, math.MaxUint64},
			{300, math.MaxUint64},
		} {
			want := []uint64{}
			for _, top := range tops {
				if top >= one[0] && top <= one[1] {
					want = append(want, top)
				}
			}
			r.Same(append([]uint64{}, r.prefixes(ctx, one[0], one[1], 100)...), want, fmt.Sprint(one))
		}
	}},
	{Name: "prefixes are of mailboxes too, in their own range", Run: func(r *rig) {
		ctx := r.Context()
		row := entry(r.A, "", "")
		row.Key, row.Mailbox = beginning(7, 1), beginning(1<<63, 2)
		r.keep(ctx, row)
		r.Same(r.prefixes(ctx, 0, 100, 10), []uint64{7}, "of the key")
		r.Same(r.prefixes(ctx, 1<<62, math.MaxUint64, 10), []uint64{1 << 63}, "of the mailbox")
		row.Mailbox = beginning(1<<63+5, 2)
		r.OK(r.s.PutEntry(ctx, row), "put entry")
		r.Same(r.prefixes(ctx, 0, math.MaxUint64, 10), []uint64{7, 1<<63 + 5}, "once it is another")
	}},
	{Name: "of prefixes beyond the limit there are as many as it says", Run: func(r *rig) {
		ctx := r.Context()
		for i := range uint64(6) {
			row := entry(r.A, "", "")
			row.Key, row.Mailbox = beginning(i, 0), beginning(100+i, 0)
			r.keep(ctx, row)
		}
		for _, limit := range []int{1, 5, 6, 7, 11} {
			all, err := r.s.Prefixes(ctx, r.A, unsubscribe.PrefixRange{To: math.MaxUint64, Limit: limit})
			r.OK(err, "prefixes")
			r.Same(len(all), limit, fmt.Sprint("limit ", limit))
		}
		r.Same(len(r.prefixes(ctx, 0, math.MaxUint64, 12)), 12, "all")
		r.Same(len(r.prefixes(ctx, 0, math.MaxUint64, 13)), 12, "and more")
	}},
	{Name: "prefixes are of one tenant and of committed rows", Run: func(r *rig) {
		ctx := r.Context()
		mine, other := entry(r.A, "", ""), entry(r.B, "", "")
		mine.Key, mine.Mailbox = beginning(1, 0), beginning(2, 0)
		other.Key, other.Mailbox = beginning(3, 0), beginning(4, 0)
		r.keep(ctx, mine, other)
		r.Refused(ctx, func(in context.Context) {
			late := entry(r.A, "", "")
			late.Key, late.Mailbox = beginning(5, 0), beginning(5, 0)
			r.lock(in, late)
			r.Same(r.prefixes(in, 0, 10, 10), []uint64{1, 2, 5}, "inside")
		})
		r.Same(r.prefixes(ctx, 0, 10, 10), []uint64{1, 2}, "outside")
	}},
}
