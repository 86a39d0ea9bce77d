package unsubscribe

import "context"

// Confirm decides again, just before messages are handed over, about recipients whom
// the gate let through before, in the order of their permits. A permit stands as long
// as nothing changed since it was given; then what is known now decides. Other
// ledgers are asked each time.
//
// With an error nobody may be written to; see [Gate.Filter].
func (g *Gate) Confirm(ctx context.Context, permits ...Permit) ([]Decision, error) {
	decisions := make([]Decision, len(permits))
	for first := 0; first < len(permits); {
		c := permits[first].campaign
		last := first + 1
		for last < len(permits) && permits[last].campaign == c {
			last++
		}
		if err := g.confirm(ctx, c, permits[first:last], decisions[first:last]); err != nil {
			return nil, err
		}
		first = last
	}
	return decisions, nil
}

// confirm decides about permits of one campaign.
func (g *Gate) confirm(ctx context.Context, c Campaign, permits []Permit, decisions []Decision) error {
	if c == (Campaign{}) { // of nobody
		for i := range decisions {
			decisions[i] = refused
		}
		return nil
	}
	a, err := g.ask(ctx, c)
	if err != nil {
		return err
	}
	if !a.database && len(g.r.opt.peers) == 0 {
		if err := g.checkIndex(ctx); err != nil {
			return err
		}
		if now := g.generation(); unmoved(g, permits, now) {
			for i := range permits {
				decisions[i] = permits[i].decision
			}
			return nil
		}
	}
	batch := make([]Verdict, len(permits))
	for i, p := range permits {
		batch[i].Recipient = Recipient{SubjectID: p.subjectID, Address: p.address, Keys: p.keys}
		if p.gate == g {
			batch[i].permit.keys, batch[i].permit.made = p.keys, p.made
		}
	}
	if err := a.decide(ctx, batch); err != nil {
		return err
	}
	for i := range batch {
		if decisions[i] = batch[i].Decision; !permits[i].decision.Send {
			decisions[i] = permits[i].decision
		}
	}
	return nil
}

// unmoved reports whether nothing at all changed since the permits were given.
func unmoved(g *Gate, permits []Permit, now uint64) bool {
	for i := range permits {
		if permits[i].gate != g || permits[i].generation != now {
			return false
		}
	}
	return true
}
