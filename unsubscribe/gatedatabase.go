package unsubscribe

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/trothdev/troth"
)

// byRows decides by the rows themselves, with two reads for a batch, of those whom
// sieves do not let pass. If keys changed meanwhile it is done again.
func (a *asking) byRows(ctx context.Context, batch []Verdict) error {
	for {
		if err := a.makeKeys(ctx, batch); err != nil {
			return err
		}
		// Before the rows: what leaves the pendings is in them then.
		waiting := a.g.pendings.ofAll(batch)
		sieves, err := a.sift(ctx, len(batch))
		if err != nil {
			return err
		}
		client, err := a.rows(ctx, a.c.Tenant, sieves, batch, func(k *Keys) *Pair { return &k.Client })
		if err != nil {
			return err
		}
		everything, err := a.rows(ctx, troth.Platform, sieves, batch, func(k *Keys) *Pair { return &k.Everything })
		if err != nil {
			return err
		}
		same, err := a.epochsHold(ctx)
		if err != nil {
			return err
		}
		if !same {
			a.hasher = nil
			continue
		}
		for i := range batch {
			if v := &batch[i]; v.Reason == "" {
				k := &v.Recipient.Keys
				v.Decision = Decide(a.c, slices.Concat(waiting[k.Client.Exact], k.Client.of(client), k.Everything.of(everything)))
			}
		}
		return nil
	}
}

// rows reads what one registry has about a batch, by key. Sorted keys are found on
// pages of the database that lie beside each other.
func (a *asking) rows(
	ctx context.Context, registry troth.Tenant, sifted *sieves, batch []Verdict, of func(*Keys) *Pair,
) (map[Key][]EntryRow, error) {
	mayHave := func(*Key) bool { return true }
	if sifted != nil {
		mayHave = sifted.of[registry].mayHave
	}
	var keys []Key
	for i := range batch {
		if batch[i].Reason != "" {
			continue
		}
		p := of(&batch[i].Recipient.Keys)
		if mayHave(&p.Exact) {
			keys = append(keys, p.Exact)
		}
		if p.Mailbox != p.Exact && mayHave(&p.Mailbox) {
			keys = append(keys, p.Mailbox)
		}
	}
	if len(keys) == 0 {
		return nil, nil
	}
	slices.SortFunc(keys, func(a, b Key) int { return bytes.Compare(a[:], b[:]) })
	rows, err := a.g.r.store.Entries(ctx, registry, slices.Compact(keys))
	if err != nil {
		return nil, fmt.Errorf("%w: unsubscribe: read entries: %w", ErrStale, err)
	}
	byKey := make(map[Key][]EntryRow, len(rows))
	for i := range rows {
		for _, k := range rows[i].keys() {
			byKey[k] = append(byKey[k], rows[i])
		}
	}
	return byKey, nil
}

// epochsHold reports whether the keys that were looked up are still in force.
func (a *asking) epochsHold(ctx context.Context) (bool, error) {
	client, everything := a.hasher.Epochs()
	for registry, epoch := range map[troth.Tenant]uint32{a.c.Tenant: client, troth.Platform: everything} {
		now, err := a.g.r.store.Epoch(ctx, registry)
		if err != nil {
			return false, fmt.Errorf("%w: unsubscribe: read epoch: %w", ErrStale, err)
		}
		if now != epoch {
			return false, nil
		}
	}
	return true, nil
}

// of are the rows under the keys of a pair.
func (p *Pair) of(byKey map[Key][]EntryRow) []EntryRow {
	rows := byKey[p.Exact]
	if p.Mailbox != p.Exact {
		rows = slices.Concat(rows, byKey[p.Mailbox])
	}
	return rows
}

// ofAll is what is pending about a batch, by the exact keys of the client's registry.
func (ps *pendings) ofAll(batch []Verdict) map[Key][]EntryRow {
	if ps.count.Load() == 0 {
		return nil
	}
	all := map[Key][]EntryRow{}
	for i := range batch {
		k := &batch[i].Recipient.Keys
		var rows []EntryRow
		for _, one := range k.all() {
			rows = ps.under(&one, rows)
		}
		if len(rows) > 0 {
			all[k.Client.Exact] = rows
		}
	}
	return all
}

func (k *Keys) all() [4]Key {
	return [4]Key{k.Client.Exact, k.Client.Mailbox, k.Everything.Exact, k.Everything.Mailbox}
}

// Explain reads what stands about a recipient who was not let through, to name the
// event and its time: the index knows the reason and the place alone.
func (g *Gate) Explain(ctx context.Context, v Verdict) (Decision, error) {
	if v.asked == nil || v.asked.gate != g || v.Event != "" || v.Place.Scope == "" {
		return v.Decision, nil
	}
	a := &asking{g: g, c: v.asked.campaign, database: true}
	batch := []Verdict{{Recipient: Recipient{Keys: v.Recipient.Keys}}}
	if err := a.byRows(ctx, batch); err != nil {
		return refused, err
	}
	return batch[0].Decision, nil
}
