package retention

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
)

// Tended is what [Keeper.Tend] did.
type Tended struct {
	// Gone are records whose last copy is gone, Broken those of them that were promised
	// to be gone before, with nothing that kept them.
	Gone, Broken int
	// Told counts thresholds that were told of, see [WithLookout].
	Told int
	// Forgotten are records of which nothing is kept any more, see [WithCertificates].
	Forgotten int
	// Failed are those that could not be seen to, and are again in a minute.
	Failed int
}

// Tend looks at the warrants whose time has come: records whose last copy is gone, and
// promises that come near to being broken; of records too that are due and were not swept. [Keeper.Run] does it after every sweep. Several
// processes may at once. It costs what has come due, and as many look-ups as the policy
// has stages that end by time.
func (k *Keeper) Tend(ctx context.Context) (Tended, error) {
	ctx = troth.WithActor(k.tx.Detach(ctx), self)
	var t Tended
	now := k.now()
	for {
		keys, err := k.store.DueWarrants(ctx, now.UnixMicro(), k.opt.batch)
		if err != nil {
			return t, fmt.Errorf("retention: look for warrants: %w", err)
		}
		slices.SortStableFunc(keys, func(a, b WarrantKey) int { return cmp.Compare(a.Tenant, b.Tenant) })
		acted := 0
		for len(keys) > 0 {
			n := slices.IndexFunc(keys, func(key WarrantKey) bool { return key.Tenant != keys[0].Tenant })
			if n < 0 {
				n = len(keys)
			}
			did, err := k.tendTenant(ctx, keys[:n], now, &t)
			if err != nil {
				return t, err
			}
			acted += did
			keys = keys[n:]
		}
		if acted == 0 {
			break
		}
	}
	err := k.watch(ctx, now, &t)
	return t, err
}

// tending is one transaction of Tend.
type tending struct {
	k     *Keeper
	h     *History
	now   time.Time
	did   Tended
	tally map[tallyKey]TallyRow
}

type tallyKey struct {
	month       int64
	class, rule string
	ground      Ground
}

// tendTenant sees to warrants of one tenant, in one transaction.
func (k *Keeper) tendTenant(ctx context.Context, keys []WarrantKey, now time.Time, t *Tended) (acted int, err error) {
	var all tending
	err = k.tx.Atomically(ctx, func(ctx context.Context) error {
		acted, all = 0, tending{k: k, now: now, tally: map[tallyKey]TallyRow{}}
		if err := k.store.LockTenant(ctx, keys[0].Tenant, false); err != nil {
			return fmt.Errorf("retention: lock tenant: %w", err)
		}
		if all.h, err = k.history(ctx); err != nil {
			return err
		}
		for _, key := range keys {
			row, found, err := k.store.LockWarrant(ctx, key, false)
			if err != nil {
				return fmt.Errorf("retention: lock warrant: %w", err)
			}
			if !found || row.NextAt > now.UnixMicro() {
				continue // somebody else is at it, or was
			}
			acted++
			if err := all.take(ctx, row); err != nil {
				return err
			}
		}
		return all.write(ctx)
	})
	if err != nil {
		return 0, err
	}
	t.add(all.did)
	return acted, nil
}

func (t *Tended) add(o Tended) {
	t.Gone += o.Gone
	t.Broken += o.Broken
	t.Told += o.Told
	t.Forgotten += o.Forgotten
	t.Failed += o.Failed
}

// take sees to one warrant; what fails is undone for it, and tried again in a minute.
func (t *tending) take(ctx context.Context, row WarrantRow) error {
	one := tending{k: t.k, h: t.h, now: t.now, tally: map[tallyKey]TallyRow{}}
	var failed error
	err := t.k.tx.Atomically(ctx, func(ctx context.Context) error {
		failed = one.tend(ctx, row)
		return failed
	})
	switch {
	case err == nil:
		t.did.add(one.did)
		for key, row := range one.tally {
			t.count(key, row)
		}
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case failed == nil:
		return err
	}
	t.did.Failed++
	t.k.log.Warn("retention: a warrant could not be seen to, and is again in a minute", zap.String("tenant", string(row.Tenant)),
		zap.String("class", row.Class), zap.String("record", row.Handle), zap.Error(err))
	row.NextAt = t.now.Add(time.Minute).UnixMicro()
	if err := t.k.store.PutWarrant(ctx, row); err != nil {
		return fmt.Errorf("retention: write warrant: %w", err)
	}
	return nil
}

// tend sees to one warrant that is locked.
func (t *tending) tend(ctx context.Context, row WarrantRow) error {
	if row.Gone != 0 {
		t.did.Forgotten++
		return t.forget(ctx, &row)
	}
	p, err := t.k.progress(ctx, t.h, &row)
	if err != nil {
		return err
	}
	if g := p.lastGone(time.Time{}); !g.IsZero() && !g.After(t.now) {
		return t.finish(ctx, p, g)
	}
	if err := t.alarm(ctx, p); err != nil {
		return err
	}
	return t.k.putWarrant(ctx, t.h, p)
}

func (t *tending) forget(ctx context.Context, row *WarrantRow) error {
	if err := t.k.store.DeleteWarrant(ctx, row.Key()); err != nil {
		return fmt.Errorf("retention: delete warrant: %w", err)
	}
	return nil
}

// finish notes that the last copy is gone, counts it, and forgets it unless a certificate
// may be asked for.
func (t *tending) finish(ctx context.Context, p *progress, g time.Time) error {
	row := p.row
	t.did.Gone++
	kept := "yes"
	if by := timeOf(row.GoneBy); row.GoneBy != 0 {
		key := tallyKey{month: monthOf(g), class: row.Class, rule: row.Rule, ground: row.Ground}
		switch {
		case !g.After(by):
			t.count(key, TallyRow{Kept: 1, KeptEntry: row.Entry})
		case row.Deferred != "":
			kept = "deferred"
			t.count(key, TallyRow{Deferred: 1})
		default:
			kept = "no"
			t.did.Broken++
			t.count(key, TallyRow{Broken: 1, BrokenEntry: row.Entry, BrokenHandle: row.Handle, BrokenAt: g.UnixMicro()})
		}
	}
	if kept != "yes" || p.outside() {
		if err := t.k.record(ctx, p.entry(g, kept)); err != nil {
			return err
		}
	}
	row.Gone, row.SubjectID, row.RecordID = g.UnixMicro(), "", ""
	if row.End == "" || t.k.opt.certify == 0 {
		return t.forget(ctx, row)
	}
	return t.k.putWarrant(ctx, t.h, p)
}

// outside reports whether a copy was seen to by a connector or a person.
func (p *progress) outside() bool {
	return slices.ContainsFunc(p.copies, func(c warrantCopy) bool { return c.How == byConnector || c.How == byPerson })
}

func (p *progress) entry(g time.Time, kept string) troth.Entry {
	row := p.row
	e := troth.Entry{Act: actGone, Tenant: row.Tenant, SubjectID: row.SubjectID, Facts: troth.Facts{
		"record": troth.ID(row.Handle), "warrant": troth.ID(row.ID), "type": troth.Word(row.Type), "class": troth.Word(row.Class),
		"end": troth.Word(cmp.Or(string(row.End), "stage")), "since": troth.Instant(timeOf(row.At)), "gone": troth.Instant(g),
		"kept": troth.Word(kept),
	}}
	if row.Rule != "" {
		e.Facts["rule"] = troth.Word(row.Rule)
	}
	if row.GoneBy != 0 {
		e.Facts["by"] = troth.Instant(timeOf(row.GoneBy))
	}
	return e
}

// monthOf is when the month of an instant begins, UTC.
func monthOf(at time.Time) int64 {
	y, m, _ := at.UTC().Date()
	return time.Date(y, m, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
}

func (t *tending) count(key tallyKey, row TallyRow) {
	sum := t.tally[key]
	sum.Kept += row.Kept
	sum.Deferred += row.Deferred
	if row.Kept > 0 {
		sum.KeptEntry = row.KeptEntry
	}
	if row.Broken > 0 {
		sum.Broken += row.Broken
		sum.BrokenEntry, sum.BrokenHandle, sum.BrokenAt = row.BrokenEntry, row.BrokenHandle, row.BrokenAt
	}
	t.tally[key] = sum
}

// write adds the counts to what is stored, in one order everywhere, so that nobody waits
// for each other.
func (t *tending) write(ctx context.Context) error {
	keys := make([]tallyKey, 0, len(t.tally))
	for key := range t.tally {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b tallyKey) int {
		return cmp.Or(cmp.Compare(a.month, b.month), strings.Compare(a.class, b.class),
			cmp.Compare(a.ground, b.ground), strings.Compare(a.rule, b.rule))
	})
	for _, key := range keys {
		row := t.tally[key]
		row.Tenant, row.Month, row.Class, row.Rule, row.Ground = troth.Platform, key.month, key.class, key.rule, key.ground
		if err := t.k.store.AddTally(ctx, row); err != nil {
			return fmt.Errorf("retention: count: %w", err)
		}
	}
	return nil
}
