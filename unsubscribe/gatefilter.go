package unsubscribe

import (
	"context"
	"fmt"
	"iter"
)

// filterBatch is how many recipients are decided about at once, databaseBatch the
// same in database mode: more, and PostgreSQL would take the time to compile the
// statement.
const filterBatch, databaseBatch = 1_000, 5_000

// refused is the decision that goes with an error.
var refused = Decision{Reason: ReasonUnknown}

// Filter decides about each recipient of a campaign, in their order. It takes a batch
// from the iterator, asks the index and the other ledgers, and yields the verdicts.
//
// A verdict is of the instant at which its batch was asked: show its [Permit] to
// [Gate.Confirm] before the message goes out, if that is not at once.
//
// An error is yielded once, and ends it: nobody after that may be written to. It is
// [ErrStale] where what is known is not loaded, too old or cannot be read, that of
// the iterator where it gives one, or of another ledger. A bad address is no error:
// its decision says so.
//
// In a transaction the gate asks the database in it, so that it sees what was
// recorded there; and once more outside of it, where it reads an older snapshot.
func (g *Gate) Filter(ctx context.Context, c Campaign, recipients iter.Seq2[Recipient, error]) iter.Seq2[Verdict, error] {
	return func(yield func(Verdict, error) bool) {
		a, err := g.ask(ctx, c)
		if err != nil {
			yield(Verdict{Decision: refused}, err)
			return
		}
		a.sifting.allowed = a.database && a.g.r.tx.Scope(ctx) == nil
		var batch []Verdict // which grows to its size where there are so many
		flush := func() bool {
			defer func() { batch = batch[:0] }()
			if err := a.decide(ctx, batch); err != nil {
				yield(Verdict{Decision: refused}, err)
				return false
			}
			for i := range batch {
				if !yield(batch[i], nil) {
					return false
				}
			}
			return true
		}
		for r, err := range recipients {
			if err != nil {
				if flush() {
					yield(Verdict{Decision: refused}, fmt.Errorf("unsubscribe: recipients: %w", err))
				}
				return
			}
			if batch = append(batch, Verdict{Recipient: r}); len(batch) == a.size() && !flush() {
				return
			}
		}
		flush()
	}
}

// Ask decides about one recipient, as [Gate.Filter] does. With an error goes a
// decision that does not let through.
func (g *Gate) Ask(ctx context.Context, c Campaign, r Recipient) (Verdict, error) {
	a, err := g.ask(ctx, c)
	if err != nil {
		return Verdict{Decision: refused, Recipient: r}, err
	}
	batch := []Verdict{{Recipient: r}}
	if err := a.decide(ctx, batch); err != nil {
		return Verdict{Decision: refused, Recipient: r}, err
	}
	return batch[0], nil
}

// asking is one caller's question about a campaign.
type asking struct {
	g *Gate
	c Campaign
	// database is set where the rows themselves are asked.
	database bool
	// hasher makes the keys that are in force since rekeys.
	hasher *Hasher
	rekeys uint64
	// sifting is for long campaigns in database mode.
	sifting sifting
}

func (g *Gate) ask(ctx context.Context, c Campaign) (*asking, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	a := &asking{g: g, c: c, database: g.opt.database || g.r.tx.Scope(ctx) != nil}
	if !a.database && !g.feed.opened.Load() {
		return nil, errNotLoaded
	}
	return a, nil
}

func (a *asking) size() int {
	if a.database {
		return databaseBatch
	}
	return filterBatch
}

// decide fills in the decisions of a batch.
func (a *asking) decide(ctx context.Context, batch []Verdict) error {
	if len(batch) == 0 {
		return nil
	}
	how := &asked{a.g, a.c, a.g.generation()}
	decide := a.byIndex
	if a.database {
		decide = a.byRows
	}
	if err := decide(ctx, batch); err != nil {
		return err
	}
	if err := a.askOthers(ctx, batch); err != nil {
		return err
	}
	if scope := a.g.r.tx.Scope(ctx); scope != nil && !scope.Current() {
		if err := a.decideNow(a.g.r.tx.Detach(ctx), batch); err != nil {
			return err
		}
	}
	for i := range batch {
		batch[i].asked = how
	}
	return nil
}

// decideNow asks outside of a transaction whose snapshot may be older than a no: who is
// let through is let through by both.
func (a *asking) decideNow(ctx context.Context, batch []Verdict) error {
	now := &asking{g: a.g, c: a.c, database: true}
	again := make([]Verdict, len(batch))
	for i := range batch {
		again[i].Recipient = batch[i].Recipient
	}
	if err := now.decide(ctx, again); err != nil {
		return err
	}
	for i := range batch {
		if batch[i].Send {
			batch[i].Decision = again[i].Decision
		}
	}
	return nil
}

// byIndex decides by what is in memory. Keys that change meanwhile are made again.
func (a *asking) byIndex(ctx context.Context, batch []Verdict) error {
	for {
		if err := a.g.checkIndex(ctx); err != nil {
			return err
		}
		if now := a.g.rekeys.Load(); a.rekeys != now {
			a.hasher, a.rekeys = nil, now
		}
		if err := a.makeKeys(ctx, batch); err != nil {
			return err
		}
		for i := range batch {
			if v := &batch[i]; v.Reason == "" {
				v.Decision = a.g.found(&a.c, &v.Recipient.Keys)
			}
		}
		if a.g.rekeys.Load() == a.rekeys {
			return nil
		}
	}
}

// makeKeys gives each recipient the keys that are in force, or the decision that
// there are none; Reason is empty then for those who have.
func (a *asking) makeKeys(ctx context.Context, batch []Verdict) error {
	for i := range batch {
		v := &batch[i]
		v.Decision = Decision{}
		if v.made == a.rekeys && a.rekeys != 0 {
			continue // a permit's, which is shown again
		}
		if a.hasher == nil {
			if err := a.renew(ctx); err != nil {
				return err
			}
		}
		if v.Reason = a.keys(&v.Recipient); v.Reason == "" {
			v.made = a.rekeys
		}
	}
	return nil
}

// renew makes a hasher. The keys that it makes are found in the index: it has looked
// at everything that was committed before.
func (a *asking) renew(ctx context.Context) (err error) {
	for {
		before := a.g.rekeys.Load()
		if a.hasher, err = a.g.r.Hasher(ctx, a.c.Tenant); err != nil {
			return err
		}
		if !a.database {
			if err := a.g.catchUp(ctx, a.g.mono()); err != nil {
				return err
			}
		}
		if a.database {
			return nil
		}
		if a.g.rekeys.Load() == before {
			a.rekeys = before
			return nil
		}
	}
}

// keys gives a recipient the keys that are in force, or returns why there are none.
func (a *asking) keys(r *Recipient) (why Reason) {
	if r.Keys == (Keys{}) {
		address, err := r.Address.Reveal(purpose)
		if err == nil {
			r.Keys, err = a.hasher.Keys(a.c.Channel, address)
		}
		if err != nil {
			return ReasonAddress
		}
		return ""
	}
	if r.Keys.tag != a.hasher.tag(a.c.Channel) {
		return ReasonKeys
	}
	for _, p := range [...]*Pair{&r.Keys.Client, &r.Keys.Everything} {
		if p.Exact.IsZero() || p.Mailbox.IsZero() {
			return ReasonAddress
		}
	}
	if client, everything := a.hasher.Epochs(); r.Keys.Client.Epoch == client && r.Keys.Everything.Epoch == everything {
		return ""
	}
	k, err := a.hasher.Rewrap(r.Keys)
	if err != nil {
		return ReasonUnknown
	}
	r.Keys = k
	return ""
}
