package consent

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/trothdev/troth"
)

// Check decides whether the personal data of somebody may be processed for a
// purpose at an instant. The zero time is now: after everything that is recorded,
// whatever the clocks of the machines say that recorded it. Any other instant is
// answered as of that instant.
//
// Everything but a live grant, or a basis that nobody objected to, denies. An
// error comes with a decision that denies.
//
// Inside a transaction it sees what the transaction has recorded. Outside, people
// who were asked about before are answered from memory, for at most the bound of
// [WithFeedAge] after another process has recorded something.
func (l *Ledger) Check(ctx context.Context, who troth.Subject, p troth.Purpose, at time.Time) (Decision, error) {
	if at.IsZero() && len(l.opt.peers) == 0 {
		var d Decision
		if l.remembers(ctx, who, p, &d) {
			return d, nil
		}
	}
	return l.check(ctx, Query{Subject: who, Purpose: p, At: at})
}

// remembers finds a decision as of now that is still the decision. It is a shorter
// way to what check finds, and asks the same: that the feed is young, that nothing
// of this process is undecided, and that neither catalogue nor states were evicted.
func (l *Ledger) remembers(ctx context.Context, who troth.Subject, p troth.Purpose, d *Decision) bool {
	if l.tx.Scope(ctx) != nil || l.pendings.count.Load() != 0 || ctx.Err() != nil {
		return false
	}
	wall, mono := l.clocks()
	if !l.feed.Fresh(mono) {
		return false
	}
	t := l.tenants.last.Load()
	if t == nil || t.key.tenant != who.Tenant {
		return false
	}
	place := l.cache.seek(who)
	k := place.get()
	if k == nil {
		return false
	}
	at := max(wall, k.given, t.catalogue.latest(p))
	m := k.last.Load()
	if m == nil || m.tenant != t || m.purpose != p || at < m.from || at >= m.end {
		return false
	}
	*d = m.decision
	d.At = instant(at)
	return true
}

// Query is a question with everything that can be asked.
type Query struct {
	Subject troth.Subject
	Purpose troth.Purpose
	// Recipient, if it is given, must be covered too.
	Recipient string
	// At is the instant asked about, KnownAt the state of knowledge: what the
	// ledger learnt later does not count. Zero is now, and everything.
	At, KnownAt time.Time
}

// CheckQuery is [Ledger.Check] with a recipient, or as it was known at another
// instant.
func (l *Ledger) CheckQuery(ctx context.Context, q Query) (Decision, error) { return l.check(ctx, q) }

// CheckAsKnown decides about an instant as it was known at another: was this
// allowed at the time, by what the ledger knew then?
func (l *Ledger) CheckAsKnown(ctx context.Context, who troth.Subject, p troth.Purpose, at, knownAt time.Time) (Decision, error) {
	return l.check(ctx, Query{Subject: who, Purpose: p, At: at, KnownAt: knownAt})
}

func (l *Ledger) check(ctx context.Context, q Query) (Decision, error) {
	d, err := l.answer(ctx, &q)
	if err != nil {
		return Decision{Reason: ReasonUnavailable, Purpose: q.Purpose, At: q.At, KnownAt: q.KnownAt}, err
	}
	return d, nil
}

func (l *Ledger) answer(ctx context.Context, q *Query) (Decision, error) {
	if err := q.Subject.Validate(); err != nil {
		return Decision{}, err
	}
	inTx := l.tx.Scope(ctx) != nil
	wall, mono := l.clocks()
	if !inTx {
		if err := l.checkFeedAt(ctx, mono); err != nil {
			return Decision{}, err
		}
	}
	t, err := l.tenant(ctx, q.Subject.Tenant)
	if err != nil {
		return Decision{}, err
	}
	var open []*pending
	if !inTx {
		if open, err = l.undecided(ctx, q.Subject); err != nil {
			return Decision{}, err
		}
	}
	k, err := l.known(ctx, t, q.Subject, inTx || len(open) > 0)
	if err != nil {
		return Decision{}, err
	}
	asked := q.question(wall, t.catalogue, k, open)
	d, err := l.decideFor(ctx, t, q, asked, k)
	if err != nil || !d.Allowed {
		return d, err
	}
	if len(open) > 0 {
		d.overrule(t.catalogue, open, asked, 0)
	}
	if d.Allowed && len(l.opt.peers) > 0 {
		err = l.askPeers(ctx, t, q, &d)
	}
	return d, err
}

// question translates the instants of a query. Now is after everything that is
// recorded or published, or will be if what is open is committed.
func (q *Query) question(now int64, c Catalogue, k *known, open []*pending) question {
	asked := question{purpose: q.Purpose, recipient: q.Recipient, knownAt: forever}
	if q.At.IsZero() {
		asked.at = max(now, c.latest(q.Purpose), k.given, latestNo(open))
	} else {
		asked.at = q.At.UnixMicro()
	}
	if !q.KnownAt.IsZero() {
		asked.knownAt = q.KnownAt.UnixMicro()
	}
	return asked
}

// latest is when the newest version of a purpose was published.
func (c Catalogue) latest(p troth.Purpose) int64 {
	if versions := c[p]; len(versions) > 0 {
		return versions[len(versions)-1].PublishedAt.UnixMicro()
	}
	return 0
}

func latestNo(open []*pending) (at int64) {
	for _, p := range open {
		for _, n := range p.nos {
			at = max(at, n.given)
		}
	}
	return at
}

// known returns a person's states: from memory, or by one read.
func (l *Ledger) known(ctx context.Context, t *tenantData, who troth.Subject, fresh bool) (*known, error) {
	place := l.cache.seek(who)
	if !fresh {
		if k := place.get(); k != nil {
			return k, nil
		}
	}
	all, err := l.readStates(ctx, t, who)
	if err != nil {
		return nil, err
	}
	k := newKnown(all)
	if !fresh {
		place.put(k)
	}
	return k, nil
}

// decideFor decides by the states where these are of the instants asked about, and
// else by the events.
func (l *Ledger) decideFor(ctx context.Context, t *tenantData, q *Query, asked question, k *known) (Decision, error) {
	if asked.at >= k.given && asked.knownAt == forever {
		return k.decide(t, asked), nil
	}
	events, err := l.eventsOf(ctx, t, q.Subject)
	if err != nil {
		return Decision{}, err
	}
	return Decide(DecideParams{
		Catalogue: t.catalogue, Events: events, Purpose: q.Purpose, Recipient: q.Recipient,
		At: instant(asked.at), KnownAt: q.KnownAt,
	}), nil
}

// eventsOf reads all events of a person, and of the devices that became theirs.
func (l *Ledger) eventsOf(ctx context.Context, t *tenantData, who troth.Subject) ([]Event, error) {
	row, found, err := l.store.Person(ctx, who.Tenant, who.ID)
	if err != nil {
		return nil, fmt.Errorf("consent: read person: %w", err)
	}
	if !found {
		return nil, nil
	}
	p, err := t.openPerson(row)
	if err != nil {
		return nil, err
	}
	events, err := l.eventsUnder(ctx, t, who, p.pseudonym)
	if err != nil {
		return nil, err
	}
	linked, err := l.linkedEvents(ctx, t, who, p.pseudonym)
	return append(events, linked...), err
}

// eventsUnder reads the events of a person by the id of their rows.
func (l *Ledger) eventsUnder(ctx context.Context, t *tenantData, who troth.Subject, p Pseudonym) ([]Event, error) {
	rows, err := l.store.Events(ctx, who.Tenant, who.ID, "")
	if err != nil {
		return nil, fmt.Errorf("consent: read events: %w", err)
	}
	events := make([]Event, len(rows))
	for i, row := range rows {
		if events[i], err = t.openEvent(row); err != nil {
			return nil, err
		}
		if events[i].Pseudonym != p {
			return nil, ErrRecord // another person's
		}
	}
	return events, nil
}

// overrule denies what a transaction that is still open would deny.
func (d *Decision) overrule(c Catalogue, open []*pending, q question, depth int) {
	for _, p := range open {
		for _, n := range p.nos {
			if n.purpose != q.purpose || n.given > q.at || q.knownAt != forever || !n.counts(c, q) {
				continue
			}
			d.Event = n.event
			d.deny(n.reason)
			return
		}
	}
	if depth >= maxDepth {
		return
	}
	if t := inForce(c[q.purpose], q.at, q.knownAt); t != nil {
		for _, required := range t.Requires {
			inner := q
			inner.purpose = required
			if d.overrule(c, open, inner, depth+1); !d.Allowed {
				if d.Reason != ReasonDependency {
					d.Requires, d.Reason = required, ReasonDependency
				}
				return
			}
		}
	}
}

// counts reports whether a no of its kind stops processing on the purpose's basis.
func (n *no) counts(c Catalogue, q question) bool {
	t := inForce(c[q.purpose], q.at, q.knownAt)
	return t == nil || t.Basis == Consent || t.DirectMarketing || n.reason == ReasonObjected && t.Basis.objectable()
}

// askPeers asks the ledgers of opt-outs before direct marketing is allowed. No
// answer is never permission.
func (l *Ledger) askPeers(ctx context.Context, t *tenantData, q *Query, d *Decision) error {
	if !q.At.IsZero() || !q.KnownAt.IsZero() {
		return nil
	}
	return l.askAll(ctx, t.catalogue.marketing(q.Purpose, micros(d.At)), []troth.Subject{q.Subject}, []*Decision{d})
}

// askAll asks all ledgers of opt-outs about people and purposes, one of which is that
// of the decisions and the others those that it requires, and denies what they
// object to.
func (l *Ledger) askAll(ctx context.Context, purposes []troth.Purpose, people []troth.Subject, decisions []*Decision) error {
	if len(purposes) == 0 || len(people) == 0 {
		return nil
	}
	queries := make([]troth.ObjectionQuery, 0, len(purposes)*len(people))
	for _, who := range people {
		for _, p := range purposes {
			queries = append(queries, troth.ObjectionQuery{Subject: who, Purpose: p})
		}
	}
	for _, peer := range l.opt.peers {
		answers, err := peer.Objected(ctx, queries)
		if err != nil {
			return fmt.Errorf("consent: ask for objections: %w", err)
		}
		if len(answers) != len(queries) {
			return fmt.Errorf("%w: a ledger of objections gave no answer", ErrStale)
		}
		for i, a := range answers {
			d := decisions[i/len(purposes)]
			if !a.Objected || !d.Allowed {
				continue
			}
			d.Event = a.OriginID
			d.deny(ReasonObjected)
			if p := queries[i].Purpose; p != d.Purpose {
				d.Requires, d.Reason = p, ReasonDependency
			}
		}
	}
	return nil
}

// marketing are the purposes among one and those that it requires that are direct
// marketing at an instant.
func (c Catalogue) marketing(p troth.Purpose, at int64) []troth.Purpose {
	var all []troth.Purpose
	seen := []troth.Purpose{p}
	for i := 0; i < len(seen); i++ {
		t := inForce(c[seen[i]], at, forever)
		if t == nil {
			continue
		}
		if t.DirectMarketing {
			all = append(all, seen[i])
		}
		for _, required := range t.Requires {
			if !slices.Contains(seen, required) {
				seen = append(seen, required)
			}
		}
	}
	return all
}
