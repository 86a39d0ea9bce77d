package retention

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
)

// settleAfter is when a granted erasure goes through the person's records for the second
// time: for those whose transactions were not over when it went the first time.
const settleAfter = time.Hour

// sweepErasures brings granted erasures to the records that they are about, a batch in
// each transaction, and ends those of which nothing is left.
func (k *Keeper) sweepErasures(ctx context.Context, now time.Time) error {
	for {
		rows, err := k.store.DueControls(ctx, ControlErasure, now.UnixMicro(), k.opt.batch)
		if err != nil {
			return fmt.Errorf("retention: look for erasures: %w", err)
		}
		for _, row := range rows {
			for more := true; more; {
				if more, err = k.spread(ctx, row.ControlKey, now); err != nil {
					return err
				}
			}
		}
		if len(rows) < k.opt.batch {
			return nil
		}
	}
}

// spread takes the next batch of the records that an erasure is about: the first two
// times all are made due, later it looks whether any is left.
func (k *Keeper) spread(ctx context.Context, key ControlKey, now time.Time) (more bool, err error) {
	err = k.tx.Atomically(ctx, func(ctx context.Context) error {
		more = false
		row, found, err := k.store.LockControl(ctx, key)
		if err != nil {
			return fmt.Errorf("retention: lock erasure: %w", err)
		}
		if !found || row.DueAt == 0 || row.DueAt > now.UnixMicro() {
			return nil // somebody else did
		}
		g, s, err := decodeErasure(&row)
		var p erasureProgress
		if err == nil {
			err = p.of(&row)
		}
		if err == nil {
			var fits bool
			if fits, err = k.authentic(ctx, row.message(), row.MAC); err != nil {
				return err
			}
			if !fits {
				err = &TamperedError{key.Tenant, []Tampering{{RowForged, ControlErasure, key.ID}}}
			}
		}
		if err != nil {
			k.log.Error("retention: an erasure cannot be read", zap.String("tenant", string(key.Tenant)), zap.Error(err))
			row.DueAt = now.Add(unknownWait).UnixMicro()
			return k.putErasure(ctx, &row)
		}
		after := RecordKey{Tenant: key.Tenant, Type: p.AfterType, ID: p.AfterID}
		records, err := k.store.RecordsOf(ctx, after, Many{OfSubject, s.SubjectID}, k.opt.batch)
		if err != nil {
			return fmt.Errorf("retention: read records: %w", err)
		}
		busy := false
		for i := range records {
			r := &records[i]
			if g.covers(r) {
				p.Left = true
				if p.Passes < 2 {
					if busy, err = k.wake(ctx, r.RecordKey); err != nil || busy {
						break
					}
				}
			}
			p.AfterType, p.AfterID = r.Type, r.ID
		}
		if err != nil {
			return err
		}
		more = !busy && len(records) == k.opt.batch && (p.Passes < 2 || !p.Left)
		if !more && !busy {
			if err := k.passed(ctx, &row, &s, &p, now); err != nil {
				return err
			}
			more = row.DueAt == atOnce
		}
		if err := p.to(&row); err != nil {
			return err
		}
		return k.putErasure(ctx, &row)
	})
	return more, err
}

// wake has a record looked at by the next sweep. busy says that somebody else has it: the
// way goes on from there the next time, since whoever waits with an erasure locked could
// wait for ever.
func (k *Keeper) wake(ctx context.Context, key RecordKey) (busy bool, err error) {
	row, found, err := k.store.LockRecord(ctx, key, false)
	if err != nil {
		return false, fmt.Errorf("retention: lock record: %w", err)
	}
	if !found {
		if _, busy, err = k.store.Record(ctx, key); err != nil {
			return false, fmt.Errorf("retention: read record: %w", err)
		}
		return busy, nil
	}
	row.DueAt, row.Held = atOnce, true
	return false, k.put(ctx, &row)
}

// passed ends one way through the records.
func (k *Keeper) passed(ctx context.Context, row *ControlRow, s *storedErasure, p *erasureProgress, now time.Time) error {
	left := p.Left
	p.Passes = min(p.Passes+1, 3)
	p.AfterType, p.AfterID, p.Left = "", "", false
	switch settled := timeOf(s.GrantedAt).Add(settleAfter); {
	case settled.After(now):
		p.Passes = 1
		row.DueAt = settled.UnixMicro()
	case p.Passes < 2:
		row.DueAt = atOnce // it came late, and goes again at once
	case left:
		row.DueAt = 0 // until something of it is destroyed
	default:
		row.Open, row.DueAt = false, 0
		p.FinishedAt = now.UnixMicro()
		whole := Whole{Tenant: row.Tenant, ID: s.SubjectID}
		if err := k.forget(ctx, whole, OfSubject); err != nil && !errors.Is(err, ErrNotOver) {
			return err
		}
		if err := k.tellErased(ctx, row.ControlKey); err != nil {
			return err
		}
		return k.record(ctx, troth.Entry{Act: actErased, Tenant: row.Tenant, SubjectID: s.SubjectID, Facts: troth.Facts{
			"request": troth.Word(row.ID), "destroyed": troth.Count(p.Destroyed), "anonymised": troth.Count(p.Anonymised),
		}})
	}
	return nil
}

// tellErased tells whoever granted an erasure that it went on.
func (k *Keeper) tellErased(ctx context.Context, key ControlKey) error {
	if k.opt.erased == nil {
		return nil
	}
	if err := k.opt.erased(ctx, key.Tenant, key.ID); err != nil {
		return fmt.Errorf("retention: tell of erasure: %w", err)
	}
	return nil
}

func (k *Keeper) putErasure(ctx context.Context, row *ControlRow) error {
	if err := k.store.PutControl(ctx, *row); err != nil {
		return fmt.Errorf("retention: write erasure: %w", err)
	}
	return nil
}

// erased is what a batch destroyed under granted erasures.
type erased map[ControlKey]erasureProgress

// erase counts a record that is gone for the erasures that were granted of it.
func (s *Swept) erase(tenant troth.Tenant, f *Facts, end End, gone time.Time) {
	for _, g := range f.Erasures {
		if s.erased == nil {
			s.erased = erased{}
		}
		key := ControlKey{tenant, ControlErasure, g.Request}
		p := s.erased[key]
		if end == Anonymise {
			p.Anonymised++
		} else {
			p.Destroyed++
		}
		p.Gone = max(p.Gone, gone.UnixMicro())
		s.erased[key] = p
	}
}

func (e *erased) add(b erased) {
	for key, n := range b {
		if *e == nil {
			*e = erased{}
		}
		p := (*e)[key]
		p.Destroyed, p.Anonymised, p.Gone = p.Destroyed+n.Destroyed, p.Anonymised+n.Anonymised, max(p.Gone, n.Gone)
		(*e)[key] = p
	}
}

// countErased adds to the erasures what a batch destroyed, in its transaction, always in
// the same order so that two batches never wait for each other, and has them looked at.
func (k *Keeper) countErased(ctx context.Context, e erased) error {
	keys := slices.SortedFunc(maps.Keys(e), func(a, b ControlKey) int { return cmp.Compare(a.ID, b.ID) })
	for _, key := range keys {
		row, found, err := k.store.LockControl(ctx, key)
		if err != nil {
			return fmt.Errorf("retention: lock erasure: %w", err)
		}
		if !found {
			continue
		}
		var p erasureProgress
		if err := p.of(&row); err != nil {
			return err
		}
		n := e[key]
		p.Destroyed, p.Anonymised, p.Gone = p.Destroyed+n.Destroyed, p.Anonymised+n.Anonymised, max(p.Gone, n.Gone)
		if row.DueAt == 0 && row.Open {
			row.DueAt = atOnce
		}
		if err := p.to(&row); err != nil {
			return err
		}
		if err := errors.Join(k.putErasure(ctx, &row), k.tellErased(ctx, key)); err != nil {
			return err
		}
	}
	return nil
}
