package retention

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/trothdev/troth"
)

// ErasureState is what became of a granted erasure. It names no matter of a hold, so
// that it can be told to the person.
type ErasureState struct {
	ErasureGrant
	GrantedAt time.Time
	// Destroyed and Anonymised count records that are gone; GoneBy is when the last of
	// their copies that rotate are.
	Destroyed, Anonymised int64
	GoneBy                time.Time
	// Held are records that legal holds keep, by hold: one that two keep counts for
	// both. HeldRecords counts each once.
	Held        []ErasureHeld
	HeldRecords int64
	// Obliged are records that the law demands to be kept.
	Obliged []ErasureObliged
	// Open counts records that are due and not gone yet, or whose handler fails. Unknown
	// counts those of which something is not known.
	Open, Unknown int64
	// CompletedAt is when nothing was left; zero before.
	CompletedAt time.Time
}

// ErasureHeld is what one hold keeps.
type ErasureHeld struct {
	Hold string
	// Review is when people look at the hold again.
	Review  time.Time
	Records int64
}

// ErasureObliged is what one obligation keeps.
type ErasureObliged struct {
	Obligation, Cite string
	// Until is the end of it; zero if there is none yet. Where records are kept for
	// different times it is the latest.
	Until   time.Time
	Open    bool
	Records int64
}

// Complete reports whether nothing is left.
func (s *ErasureState) Complete() bool { return !s.CompletedAt.IsZero() }

// Erasure tells what became of a granted erasure, as of now. It reads all of the
// person's records that are left.
func (k *Keeper) Erasure(ctx context.Context, tenant troth.Tenant, request string) (ErasureState, error) {
	row, found, err := k.store.Control(ctx, ControlKey{tenant, ControlErasure, request})
	if err != nil {
		return ErasureState{}, fmt.Errorf("retention: read erasure: %w", err)
	}
	if !found {
		return ErasureState{}, ErrNotFound
	}
	g, s, err := decodeErasure(&row)
	if err != nil {
		return ErasureState{}, err
	}
	fits, err := k.authentic(ctx, row.message(), row.MAC)
	if err == nil && !fits {
		err = &TamperedError{tenant, []Tampering{{RowForged, ControlErasure, request}}}
	}
	if err != nil {
		return ErasureState{}, err
	}
	var p erasureProgress
	if err := p.of(&row); err != nil {
		return ErasureState{}, err
	}
	state := ErasureState{
		ErasureGrant: ErasureGrant{
			Tenant: tenant, Request: request, SubjectID: s.SubjectID, Classes: s.Classes, Types: s.Types, At: g.At, By: g.By,
		},
		GrantedAt: timeOf(s.GrantedAt), Destroyed: p.Destroyed, Anonymised: p.Anonymised,
		GoneBy: timeOf(p.Gone), CompletedAt: timeOf(p.FinishedAt),
	}
	if !row.Open {
		return state, nil
	}
	if err := k.left(ctx, &state, &g); err != nil {
		return ErasureState{}, err
	}
	return state, nil
}

// left takes in the records that are left.
func (k *Keeper) left(ctx context.Context, state *ErasureState, g *grantedErasure) error {
	h, err := k.history(ctx)
	if err != nil {
		return err
	}
	holds, err := k.holds(ctx, state.Tenant)
	if err != nil {
		return err
	}
	now := k.now()
	after := RecordKey{Tenant: state.Tenant}
	for {
		rows, err := k.store.RecordsOf(ctx, after, Many{OfSubject, state.SubjectID}, k.opt.batch)
		if err != nil {
			return fmt.Errorf("retention: read records: %w", err)
		}
		events, err := k.eventsFor(ctx, rows...)
		if err != nil {
			return err
		}
		for i := range rows {
			after = rows[i].RecordKey
			if !g.covers(&rows[i]) {
				continue
			}
			o, err := outcomeOf(h, holds, events, &rows[i], now)
			if err != nil || o.f == nil {
				state.Unknown++
				continue
			}
			o.f.Exceptions = nil // they keep nothing from an erasure
			d := h.Evaluate(o.f, now)
			state.take(o.f, &d)
		}
		if len(rows) < k.opt.batch {
			break
		}
	}
	state.reviews(holds)
	return nil
}

// take takes in one record.
func (s *ErasureState) take(f *Facts, d *Decision) {
	switch {
	case d.Purge.Ground == ByMissing:
		s.Unknown++
	case !d.DestroyAt.IsZero() && !d.DestroyAt.After(d.At):
		s.Open++
	case len(f.Holds) > 0:
		s.HeldRecords++
		for _, held := range f.Holds {
			i, found := slices.BinarySearchFunc(s.Held, held.Hold, func(h ErasureHeld, id string) int { return cmp.Compare(h.Hold, id) })
			if !found {
				s.Held = slices.Insert(s.Held, i, ErasureHeld{Hold: held.Hold})
			}
			s.Held[i].Records++
		}
	case d.Keep.Ground == ByObligation:
		i := slices.IndexFunc(s.Obliged, func(o ErasureObliged) bool { return o.Obligation == d.Keep.Rule })
		if i < 0 {
			i = len(s.Obliged)
			s.Obliged = append(s.Obliged, ErasureObliged{Obligation: d.Keep.Rule, Cite: d.Keep.Cite})
		}
		o := &s.Obliged[i]
		o.Records++
		o.Open = o.Open || d.DestroyAt.IsZero()
		if o.Until = later(o.Until, d.DestroyAt); o.Open {
			o.Until = time.Time{}
		}
	default:
		s.Unknown++
	}
}

// reviews sets when people look at the holds again.
func (s *ErasureState) reviews(x *holdIndex) {
	for i := range s.Held {
		s.Held[i].Review = x.review[s.Held[i].Hold]
	}
}
