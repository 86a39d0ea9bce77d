package unsubscribe

import (
	"context"
	"crypto/sha256"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/trothdev/troth"
)

// ImportParams say what is taken over.
type ImportParams struct {
	Tenant  troth.Tenant
	Channel Channel
	Scope   Scope
	List    string
	// Source is the older tool, in the host's words. Importing the same address from
	// the same source and place again changes nothing.
	Source string
}

// Imported is one opt-out of an older tool.
type Imported struct {
	Address troth.Sensitive[string]
	// At is when it was said; now if zero, or if it cannot be: before 1970, as tools
	// write that do not know, or in the future, as clocks and time zones make it.
	At time.Time
}

// ImportReport tells what became of an import. After an error it tells what was
// done: doing the whole again goes on from there.
type ImportReport struct {
	// New were taken over, Known were before.
	New, Known int
	// Unreadable are the positions, from 0, of rows whose address cannot be used:
	// nothing stands against these.
	Unreadable []int
}

// importBatch is how many rows go into one transaction.
const importBatch = 500

// Import takes over the opt-outs of an older tool, without any proof: to block too
// much is the safe error. The other way round there is no import: who was let in
// elsewhere comes in by [Registry.OptIn]. An opt-out that is older than the person's
// way back does not undo that.
func (r *Registry) Import(ctx context.Context, p ImportParams, rows iter.Seq2[Imported, error]) (ImportReport, error) {
	var report ImportReport
	if err := checkName("source", p.Source); err != nil {
		return report, err
	}
	place := Place{p.Tenant, p.Scope, p.List}
	if err := place.Validate(); err != nil {
		return report, err
	}
	if p.Tenant == troth.Platform {
		return report, ErrScope
	}
	if p.Channel.number() == 0 {
		return report, ErrChannel
	}
	var batch []*draft
	n := -1
	for row, err := range rows {
		if n++; err != nil {
			return report, fmt.Errorf("unsubscribe: read import: %w", err)
		}
		d := &draft{bulk: true, event: Event{Kind: KindImport, Place: place, Channel: p.Channel, Method: ByFile, Origin: p.Source}}
		if r.prepare(d, "", row.At, row.Address) != nil {
			report.Unreadable = append(report.Unreadable, n)
			continue
		}
		if batch = append(batch, d); len(batch) < importBatch {
			continue
		}
		if err := r.importAll(ctx, &p, batch, &report); err != nil {
			return report, err
		}
		batch = batch[:0]
	}
	err := r.importAll(ctx, &p, batch, &report)
	return report, err
}

// importAll writes a batch in one transaction.
func (r *Registry) importAll(ctx context.Context, p *ImportParams, batch []*draft, report *ImportReport) error {
	if len(batch) == 0 {
		return nil
	}
	var done ImportReport
	err := r.tx.Atomically(ctx, func(ctx context.Context) error {
		done = ImportReport{}
		hashes := sha256.New()
		fresh, err := r.importFresh(ctx, p, batch)
		if err != nil {
			return err
		}
		if err := r.tellPeers(ctx, fresh...); err != nil {
			return err
		}
		for _, d := range fresh {
			// Looked at again: the batch may have the address twice.
			if err := r.writtenBefore(ctx, d); err != nil {
				return err
			}
			if d.known {
				continue
			}
			if err := r.append(ctx, d); err != nil {
				return err
			}
			done.New++
			h := d.event.Hash()
			hashes.Write(h[:])
		}
		done.Known = len(batch) - done.New
		if done.New == 0 {
			_, err := troth.ActorFrom(ctx)
			return err
		}
		facts := placeFacts(batch[0].event.Place, p.Channel)
		facts["source"], facts["events"] = troth.Word(p.Source), troth.Count(done.New)
		facts["batch"] = troth.Digest([32]byte(hashes.Sum(nil)))
		return r.record(ctx, troth.Entry{Act: actImport, Tenant: batch[0].event.Place.registry(), Facts: facts})
	})
	if err == nil {
		report.New += done.New
		report.Known += done.Known
	}
	return err
}

// importFresh makes the keys of a batch, and returns what was not taken over before, in
// the order of addresses: entries are locked in it, by whoever imports them in whatever
// order.
func (r *Registry) importFresh(ctx context.Context, p *ImportParams, batch []*draft) ([]*draft, error) {
	fresh := make([]*draft, 0, len(batch))
	forms := make(map[*draft]string, len(batch))
	var keys *ring
	for _, d := range batch {
		d.ring = keys
		if err := r.find(ctx, d); err != nil {
			return nil, err
		}
		keys = d.ring
		d.event.ID = storedID(d.event.Place, "~import/"+digest(p.Source, p.List, string(p.Channel), d.keys.Exact.Hex()))
		if err := r.writtenBefore(ctx, d); err != nil {
			return nil, err
		}
		if d.known {
			continue
		}
		form, err := Normalise(d.event.Channel, d.address)
		if err != nil {
			return nil, err
		}
		forms[d] = form.Exact
		fresh = append(fresh, d)
	}
	slices.SortStableFunc(fresh, func(a, b *draft) int { return strings.Compare(forms[a], forms[b]) })
	return fresh, nil
}
