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
		how := permits[first].verdict.asked
		last := first + 1
		for last < len(permits) && permits[last].verdict.asked.sameCampaign(how) {
			last++
		}
		if err := g.confirm(ctx, how, permits[first:last], decisions[first:last]); err != nil {
			return nil, err
		}
		first = last
	}
	return decisions, nil
}

func (a *asked) sameCampaign(b *asked) bool {
	return a == b || a != nil && b != nil && a.campaign == b.campaign
}

// confirm decides about permits of one campaign.
func (g *Gate) confirm(ctx context.Context, how *asked, permits []Permit, decisions []Decision) error {
	for i := range permits {
		decisions[i] = permits[i].verdict.Decision
		if how == nil { // of nobody
			decisions[i] = refused
		}
	}
	if how == nil {
		return nil
	}
	a, err := g.ask(ctx, how.campaign)
	if err != nil {
		return err
	}
	if !a.database && len(g.r.opt.peers) == 0 {
		if err := g.checkIndex(ctx); err != nil {
			return err
		}
		if unmoved(g, permits, g.generation()) {
			return nil
		}
	}
	batch := make([]Verdict, len(permits))
	for i := range permits {
		batch[i] = permits[i].verdict
		if batch[i].asked.gate != g {
			batch[i].made = 0
		}
	}
	if err := a.decide(ctx, batch); err != nil {
		return err
	}
	for i := range batch {
		if decisions[i].Send { // what was no stays no
			decisions[i] = batch[i].Decision
		}
	}
	return nil
}

// unmoved reports whether nothing at all changed since the permits were given.
func unmoved(g *Gate, permits []Permit, now uint64) bool {
	for i := range permits {
		if how := permits[i].verdict.asked; how.gate != g || how.generation != now {
			return false
		}
	}
	return true
}
