package rights

import (
	"sync"

	"github.com/trothdev/troth/deadline"
	"github.com/trothdev/troth/internal/canon"
)

// led is the clock that a request is worked to: when it ends, in microseconds, and its rule.
type led struct {
	due  int64
	rule string
	// found is false where no law sets a time.
	found bool
}

// leads remembers which clocks led requests: most of what moves one moves none of its
// clocks, and counting them costs as much as a statement.
type leads struct {
	mu sync.Mutex
	of map[string]led
}

// leadsKept bounds the memory of leads: some two hundred kilobytes, and a few megabytes if
// all are of requests of which people were asked as often as they can be.
const leadsKept = 1024

func (l *leads) get(key []byte) (led, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	found, is := l.of[string(key)]
	return found, is
}

func (l *leads) put(key []byte, v led) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of == nil || len(l.of) >= leadsKept {
		l.of = make(map[string]led)
	}
	l.of[string(key)] = v
}

// appendLeadKey appends all of a request that these clocks look at: what none of them names
// moves none.
func appendLeadKey(dst []byte, c deadline.Clocks, q *request) []byte {
	dst = canon.AppendText(dst, q.right)
	dst = canon.AppendList(dst, len(q.regimes))
	for _, r := range q.regimes {
		dst = canon.AppendText(dst, r)
	}
	acknowledged := int64(0)
	if q.acknowledgedAt != 0 {
		acknowledged = 1
	}
	dst = canon.AppendInt(dst, acknowledged)
	for _, t := range q.ticks {
		if c.Names(t.typ) {
			dst = canon.AppendText(dst, t.typ)
			dst = canon.AppendInt(dst, t.at)
		}
	}
	return dst
}

// lead is the clock to work to: the earliest of those that still run.
func (d *Desk) lead(q *request) (led, error) {
	clocks := d.leading.of(q)
	key := appendLeadKey(make([]byte, 0, 512), clocks, q)
	if known, is := d.leads.get(key); is {
		return known, nil
	}
	docket, err := d.docket(clocks, q)
	if err != nil {
		return led{}, err
	}
	var first led
	for i := range docket.Limits {
		l := &docket.Limits[i]
		end := d.endOf(l)
		if first.found && end >= first.due {
			continue
		}
		r := l.Rule()
		if r.Kind == deadline.Acknowledge && q.acknowledgedAt != 0 {
			continue
		}
		first = led{due: end, rule: r.ID, found: true}
	}
	d.leads.put(key, first)
	return first, nil
}
