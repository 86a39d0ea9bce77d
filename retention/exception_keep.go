package retention

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/trothdev/troth"
)

// ProposeException is the first half of an exception: the data-protection officer's or
// counsel's. It keeps nothing until [Keeper.GrantException]. Proposing the same again
// changes nothing.
func (k *Keeper) ProposeException(ctx context.Context, x ExceptionRecord) error {
	halves, err := k.halves(ctx, x.Tenant)
	if err != nil {
		return err
	}
	if err := k.validException(&x); err != nil {
		return err
	}
	row, s, err := k.exceptionRow(&x)
	if err != nil {
		return err
	}
	if s.Proposer, err = proposerOf(ctx, nil); err != nil {
		return err
	}
	s.Roles = halves
	if err := s.encodeTo(&row); err != nil {
		return fmt.Errorf("retention: exception: %w", err)
	}
	return k.tx.Atomically(ctx, func(ctx context.Context) error {
		if err := k.store.LockTenant(ctx, x.Tenant, true); err != nil {
			return fmt.Errorf("retention: lock tenant: %w", err)
		}
		inserted, err := k.store.InsertControl(ctx, row)
		if err != nil {
			return fmt.Errorf("retention: write exception: %w", err)
		}
		if !inserted {
			return k.sameException(ctx, &row, s)
		}
		if err := k.reseal(ctx, x.Tenant, row.sealed(), true, false); err != nil {
			return err
		}
		return k.record(ctx, exceptionEntry(actProposeException, row.ControlKey, &s))
	})
}

// sameException returns ErrConflict unless what is stored is what is proposed, and has
// not ended.
func (k *Keeper) sameException(ctx context.Context, row *ControlRow, s storedException) error {
	old, _, err := k.store.Control(ctx, row.ControlKey)
	if err != nil {
		return fmt.Errorf("retention: read exception: %w", err)
	}
	var was storedException
	if err := decodeStored(&old, &was); err != nil {
		return err
	}
	if !old.Open {
		return ErrConflict
	}
	s.ProposedAt, s.Proposer, s.Roles, s.GrantedAt = was.ProposedAt, was.Proposer, was.Roles, was.GrantedAt
	again := ControlRow{}
	if err := s.encodeTo(&again); err != nil || !bytes.Equal(again.Body, old.Body) {
		return ErrConflict
	}
	return nil
}

// GrantException is the other half, by another person: counsel's where the
// data-protection officer proposed it, and the other way round. From its commit on the
// exception is in force. An exception whose end has come meanwhile is [ErrNotFound].
func (k *Keeper) GrantException(ctx context.Context, tenant troth.Tenant, id string) error {
	halves, err := k.halves(ctx, tenant)
	if err != nil {
		return err
	}
	return k.withException(ctx, tenant, id, func(ctx context.Context, row *ControlRow, s *storedException) error {
		if s.GrantedAt != 0 {
			return nil
		}
		other := slices.Contains(s.Roles, halfOfficer) && slices.Contains(halves, halfCounsel) ||
			slices.Contains(s.Roles, halfCounsel) && slices.Contains(halves, halfOfficer)
		if !other {
			return ErrRole
		}
		if err := another(ctx, s.Proposer); err != nil {
			return err
		}
		k.revokeLive(ctx)
		s.GrantedAt, s.Proposer, s.Roles = k.now().UnixMicro(), nil, nil
		if err := k.putException(ctx, row, s); err != nil {
			return err
		}
		count, err := k.CountExceptions(ctx, tenant)
		if err != nil {
			return err
		}
		e := exceptionEntry(actGrantException, row.ControlKey, s)
		e.Facts["granted"], e.Facts["standing"] = troth.Count(count.Granted), troth.Count(count.InForce)
		return k.record(ctx, e)
	})
}

// EndException ends an exception before its time, or takes a proposal back; the
// data-protection officer or counsel may. What it kept is looked at again at once.
func (k *Keeper) EndException(ctx context.Context, tenant troth.Tenant, id string) error {
	if _, err := k.halves(ctx, tenant); err != nil {
		return err
	}
	return k.withException(ctx, tenant, id, func(ctx context.Context, row *ControlRow, s *storedException) error {
		return k.endException(ctx, row, s, "person")
	})
}

// endException closes an exception that the caller has alone.
func (k *Keeper) endException(ctx context.Context, row *ControlRow, s *storedException, by string) error {
	granted := s.GrantedAt != 0
	s.EndedAt, s.Proposer, s.Roles = k.now().UnixMicro(), nil, nil
	row.Open, row.DueAt = false, 0
	if err := k.putException(ctx, row, s); err != nil || !granted {
		return err // a proposal kept nothing
	}
	woken, err := k.store.WakeHeld(ctx, row.Tenant, atOnce)
	if err != nil {
		return fmt.Errorf("retention: wake: %w", err)
	}
	e := exceptionEntry(actEndException, row.ControlKey, s)
	e.Facts["by"], e.Facts["records"] = troth.Word(by), troth.Count(woken)
	return k.record(ctx, e)
}

func (k *Keeper) putException(ctx context.Context, row *ControlRow, s *storedException) error {
	if err := s.encodeTo(row); err != nil {
		return fmt.Errorf("retention: exception: %w", err)
	}
	if err := k.store.PutControl(ctx, *row); err != nil {
		return fmt.Errorf("retention: write exception: %w", err)
	}
	return k.reseal(ctx, row.Tenant, row.sealed(), row.Open, false)
}

// withException runs fn with an exception that has not ended, alone with the tenant.
func (k *Keeper) withException(ctx context.Context, tenant troth.Tenant, id string, fn func(ctx context.Context, row *ControlRow, s *storedException) error) error {
	return k.tx.Atomically(ctx, func(ctx context.Context) error {
		if err := k.store.LockTenant(ctx, tenant, true); err != nil {
			return fmt.Errorf("retention: lock tenant: %w", err)
		}
		row, found, err := k.store.LockControl(ctx, ControlKey{tenant, ControlException, id})
		if err != nil {
			return fmt.Errorf("retention: read exception: %w", err)
		}
		if !found || !row.Open {
			return ErrNotFound
		}
		if err := k.fits(ctx, tenant, row.sealed()); err != nil {
			return err
		}
		var s storedException
		if err := decodeStored(&row, &s); err != nil {
			return err
		}
		if s.GrantedAt == 0 && s.Until <= k.now().UnixMicro() {
			return ErrNotFound
		}
		return fn(ctx, &row, &s)
	})
}

// sweepExceptions closes exceptions whose end has come. They keep nothing from then on,
// closed or not: closing tells the trail, and keeps what is read small.
func (k *Keeper) sweepExceptions(ctx context.Context, now time.Time) error {
	for {
		left := 0
		rows, err := k.store.DueControls(ctx, ControlException, now.UnixMicro(), k.opt.batch)
		if err != nil {
			return fmt.Errorf("retention: look for exceptions: %w", err)
		}
		for _, row := range rows {
			err := k.expireException(ctx, row.ControlKey, now)
			if _, bad := errors.AsType[*TamperedError](err); bad || errors.Is(err, ErrRecord) {
				left++ // it keeps what it covers, and the tenant's sweep says so
				continue
			}
			if err != nil {
				return err
			}
		}
		if left > 0 || len(rows) < k.opt.batch {
			return nil
		}
	}
}

func (k *Keeper) expireException(ctx context.Context, key ControlKey, now time.Time) error {
	return k.tx.Atomically(ctx, func(ctx context.Context) error {
		if err := k.store.LockTenant(ctx, key.Tenant, true); err != nil {
			return fmt.Errorf("retention: lock tenant: %w", err)
		}
		row, found, err := k.store.LockControl(ctx, key)
		if err != nil {
			return fmt.Errorf("retention: read exception: %w", err)
		}
		if !found || row.DueAt == 0 || row.DueAt > now.UnixMicro() {
			return nil // somebody else did
		}
		if err := k.fits(ctx, key.Tenant, row.sealed()); err != nil {
			return err
		}
		var s storedException
		if err := decodeStored(&row, &s); err != nil {
			return err
		}
		return k.endException(ctx, &row, &s, "time")
	})
}

// ExceptionCount counts a tenant's exceptions.
type ExceptionCount struct {
	// Proposed wait for their other half. Granted were ever granted, InForce of them
	// count now; ByReason are the granted ones.
	Proposed, Granted, InForce int
	ByReason                   map[ExceptionReason]int
}

// CountExceptions counts the tenant's exceptions.
func (k *Keeper) CountExceptions(ctx context.Context, tenant troth.Tenant) (ExceptionCount, error) {
	n := ExceptionCount{ByReason: map[ExceptionReason]int{}}
	now := k.now()
	after := ""
	for {
		page, err := k.Exceptions(ctx, tenant, after, exceptionsPage)
		if err != nil {
			return n, err
		}
		for i := range page {
			x := &page[i]
			after = x.ID
			switch {
			case !x.GrantedAt.IsZero():
				n.Granted++
				n.ByReason[x.Reason]++
				if x.InForce(now) {
					n.InForce++
				}
			case x.EndedAt.IsZero() && x.Until.After(now):
				n.Proposed++
			}
		}
		if len(page) < exceptionsPage {
			return n, nil
		}
	}
}

const exceptionsPage = 256

// Exceptions returns the tenant's exceptions whose id is behind another, proposed ones
// and those that ended included, ordered by id, at most limit.
func (k *Keeper) Exceptions(ctx context.Context, tenant troth.Tenant, after string, limit int) ([]ExceptionRecord, error) {
	rows, err := k.store.Controls(ctx, ControlKey{tenant, ControlException, after}, limit)
	if err != nil {
		return nil, fmt.Errorf("retention: read exceptions: %w", err)
	}
	var all []ExceptionRecord
	for i := range rows {
		x, err := decodeException(&rows[i])
		if err != nil {
			return nil, err
		}
		all = append(all, x)
	}
	return all, nil
}

func exceptionEntry(act *troth.Act, key ControlKey, s *storedException) troth.Entry {
	e := troth.Entry{Act: act, Tenant: key.Tenant, SubjectID: s.SubjectID, Facts: troth.Facts{
		"exception": troth.Word(key.ID), "reason": troth.Word(s.Reason), "until": troth.Instant(timeOf(s.Until)),
	}}
	if s.Reference != "" {
		e.Facts["reference"] = troth.Word(s.Reference)
	}
	if s.Class != "" {
		e.Facts["class"] = troth.Word(s.Class)
	}
	return e
}
