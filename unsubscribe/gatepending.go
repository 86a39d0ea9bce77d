package unsubscribe

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/unsubscribe/internal/index"
)

// pending is a row that this process wrote and that the index does not have yet: its
// transaction may be open, or may not have been looked at since. What it blocks
// counts at once.
type pending struct {
	row EntryRow
	m   mark
	// scope is the transaction.
	scope *troth.Scope
	// noted is when, on the monotonic clock.
	noted int64
	// told is set once the feed told that something under its key changed, committed
	// once its event was read after that: the next look at the feed has it, or what
	// came after it. They belong to who looks.
	told, committed bool
}

// pendingLife is for how long a transaction of the host's is thought to be open:
// troth never hears its end. One that lasts longer still reaches the gate, by the
// feed.
const pendingLife = int64(10 * time.Minute)

// pendings are read without a lock.
type pendings struct {
	generation atomic.Uint64
	count      atomic.Int64
	// left is how many were kept when room was made.
	left  atomic.Int64
	byKey index.Overlay[[]*pending]

	mu sync.Mutex // for writing
}

func (ps *pendings) add(p *pending) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, k := range p.row.keys() {
		of, _ := ps.byKey.Get((*index.Key)(&k))
		ps.byKey.Put((*index.Key)(&k), append(slices.Clip(of), p))
	}
	ps.count.Add(1)
	ps.generation.Add(1)
}

// remove forgets some. Once there are none their room is given back.
func (ps *pendings) remove(done []*pending) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, p := range done {
		for _, k := range p.row.keys() {
			of, _ := ps.byKey.Get((*index.Key)(&k))
			left := slices.DeleteFunc(slices.Clone(of), func(o *pending) bool { return o == p })
			ps.byKey.Put((*index.Key)(&k), left)
		}
	}
	if ps.count.Add(-int64(len(done))) == 0 {
		ps.byKey.Reset()
	}
	ps.generation.Add(uint64(len(done)))
}

func (ps *pendings) all() []*pending {
	if ps.count.Load() == 0 {
		return nil
	}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	var all []*pending
	for k, of := range ps.byKey.All() {
		for _, p := range of {
			if p.row.Key == *k {
				all = append(all, p)
			}
		}
	}
	return all
}

// under appends what is pending under a key.
func (ps *pendings) under(k *Key, rows []EntryRow) []EntryRow {
	if ps.count.Load() == 0 {
		return rows
	}
	of, _ := ps.byKey.Get((*index.Key)(k))
	for _, p := range of {
		if p.scope.State() != troth.ScopeRolledBack {
			rows = append(rows, p.row)
		}
	}
	return rows
}

// watched is told of each row that this process writes. Before the index is loaded
// nobody is let through; but what is not committed then is in nothing that loading
// reads.
func (g *Gate) watched(ctx context.Context, row EntryRow) {
	m, blocks := markOf(&row)
	if !blocks {
		return
	}
	g.forgetEnded()
	g.pendings.add(&pending{row: row, m: m, scope: g.r.tx.Scope(ctx), noted: g.mono()})
}

// keptEnded is how many may be kept that are of no use, before anything is loaded.
const keptEnded = 1_000

// forgetEnded makes room while nobody looks at the feed.
func (g *Gate) forgetEnded() {
	ps := &g.pendings
	if count := ps.count.Load(); g.feed.reading.Load() || count < keptEnded || count < 2*ps.left.Load() {
		return
	}
	before := g.mono() - pendingLife
	var done []*pending
	for _, p := range ps.all() {
		if p.scope.State() != troth.ScopeOpen || p.noted < before {
			done = append(done, p)
		}
	}
	if g.feed.reading.Load() {
		return // loading that begins only now reads all that ended before
	}
	ps.remove(done)
	ps.left.Store(ps.count.Load())
}
