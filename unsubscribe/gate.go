package unsubscribe

import (
	"sync/atomic"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
	"github.com/trothdev/troth/unsubscribe/internal/index"
)

// Gate says of each recipient of a campaign whether they may be written to. It
// answers from an index in memory, which it follows the registry with: what this
// process records stops messages at once, even before its transaction commits, and
// what others record after at most the bound of [WithIndexAge]. Where that cannot be
// kept, nobody is let through. Make one for each process, with [NewGate]. It is safe
// for concurrent use.
type Gate struct {
	r   *Registry
	opt gateOptions
	// mono is a clock for ages, in nanoseconds: see ageClock.
	mono func() int64

	index    index.Index[mark]
	pendings pendings
	feed     feed
	// rekeys counts how often keys of a registry changed: until then, keys that were
	// made before are found.
	rekeys atomic.Uint64
}

// NewGate returns a gate for what the registry keeps. It reads nothing: nobody is
// let through before [Gate.Load]. It starts no goroutine, see [Gate.Run].
func NewGate(r *Registry, opts ...GateOption) (*Gate, error) {
	o := gateDefaults()
	for _, opt := range opts {
		if err := opt(&o); err != nil {
			return nil, err
		}
	}
	clock := &ageClock{start: time.Now()}
	g := &Gate{r: r, opt: o, mono: clock.now}
	g.feed.Init(o.age)
	if !o.database {
		r.watch(g.watched)
	}
	return g, nil
}

// generation grows whenever an answer may have become another one.
func (g *Gate) generation() uint64 {
	return g.index.Generation() + g.pendings.generation.Load() + g.rekeys.Load()
}

// mark is what a row blocks.
type mark struct {
	registry troth.Tenant
	channel  Channel
	list     string
	// live has a bit for each reason that stands, in the order of reasons.
	live byte
}

func markOf(row *EntryRow) (m mark, blocks bool) {
	m = mark{registry: row.Tenant, channel: row.Channel, list: row.List}
	for i, reason := range reasons {
		if row.Live(reason) {
			m.live |= 1 << i
		}
	}
	return m, m.live != 0
}

// row is one that decides as the row did of which the mark was made.
func (m mark) row() EntryRow {
	row := EntryRow{Tenant: m.registry, Channel: m.channel, List: m.list}
	for i := range reasons {
		if m.live&(1<<i) != 0 {
			row.Marks[i] = 1
		}
	}
	return row
}

const markDomain = "troth.unsubscribe.index-mark/1"

func appendMark(b []byte, m mark) []byte {
	b = canon.AppendText(canon.AppendDomain(b, markDomain), m.registry)
	b = canon.AppendText(canon.AppendText(b, m.channel), m.list)
	return canon.AppendUint(b, uint64(m.live))
}

func parseMark(b []byte) (mark, error) {
	w := canon.Walk(b, markDomain)
	m := mark{registry: troth.Tenant(w.Text()), channel: Channel(w.Text()), list: string(w.Text())}
	live := w.Uint()
	if !w.Done() || m.channel.number() == 0 || live == 0 || live >= 1<<len(reasons) {
		return mark{}, ErrRecord
	}
	m.live = byte(live)
	return m, nil
}

// found decides by what is known under the keys of an address, as [Decide] does by
// the rows themselves. It knows no events and no instants.
func (g *Gate) found(c *Campaign, k *Keys) Decision {
	if !g.knows(&k.Client) && !g.knows(&k.Everything) { // as with nearly everybody
		return Decision{Send: true, Reason: ReasonClear}
	}
	var rows []EntryRow
	for _, p := range [...]*Pair{&k.Client, &k.Everything} {
		rows = g.under(&p.Exact, rows)
		if p.Mailbox != p.Exact {
			rows = g.under(&p.Mailbox, rows)
		}
	}
	d := Decide(*c, rows)
	if d.Event == "" {
		d.At = time.Time{}
	}
	return d
}

// knows reports whether anything may stand under the keys of a pair.
func (g *Gate) knows(p *Pair) bool {
	// In this order: what leaves the pendings is in the index before it does.
	return g.pendings.count.Load() > 0 || g.index.Get((*index.Key)(&p.Exact)).Len() > 0 ||
		p.Mailbox != p.Exact && g.index.Get((*index.Key)(&p.Mailbox)).Len() > 0
}

func (g *Gate) under(k *Key, rows []EntryRow) []EntryRow {
	// In this order: what leaves the pendings is in the index before it does.
	rows = g.pendings.under(k, rows)
	found := g.index.Get((*index.Key)(k))
	for i := range found.Len() {
		rows = append(rows, found.At(i).row())
	}
	return rows
}
