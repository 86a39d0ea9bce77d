package retention

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/trothdev/troth"
)

// Hold is a legal hold: what it covers is not destroyed until it is released,
// whatever the policy says and whatever was promised or granted. Hiding goes on.
type Hold struct {
	Tenant troth.Tenant
	// ID names it; Matter is what it is for. Neither may be about a person.
	ID, Matter string
	// SubjectID limits it to what is about a person, Class to a class, From and To to
	// records created between them, both included. What is not known to be outside of
	// a limit is covered.
	SubjectID, Class string
	From, To         time.Time
	// Where limits it further.
	Where Condition
	// Review is when people look at it again. It ends nothing.
	Review time.Time
	// PlacedAt, ProposedAt and ReleasedAt are set by the keeper.
	PlacedAt, ProposedAt, ReleasedAt time.Time
}

// Place places a legal hold; only counsel may. A hold that commits before a sweep
// commits keeps everything that it covers; what was destroyed before stays so. Placing
// the same again changes nothing.
func (k *Keeper) Place(ctx context.Context, hold Hold) error {
	if err := k.person(ctx, hold.Tenant, k.opt.counsel); err != nil {
		return err
	}
	if err := hold.validate(); err != nil {
		return err
	}
	where, err := hold.Where.encode()
	if err != nil {
		return fmt.Errorf("retention: place: %w", err)
	}
	row := HoldRow{
		Where:  where,
		Tenant: hold.Tenant, ID: hold.ID, Matter: hold.Matter, SubjectID: hold.SubjectID, Class: hold.Class,
		From: microsOf(hold.From), To: microsOf(hold.To), ReviewAt: microsOf(hold.Review), PlacedAt: k.now().UnixMicro(),
	}
	defer k.keepNow(ctx, hold.Tenant)
	return k.tx.Atomically(ctx, func(ctx context.Context) error {
		if err := k.store.LockTenant(ctx, hold.Tenant, true); err != nil {
			return fmt.Errorf("retention: lock tenant: %w", err)
		}
		k.revokeLive(ctx)
		inserted, err := k.store.InsertHold(ctx, row)
		if err != nil {
			return fmt.Errorf("retention: write hold: %w", err)
		}
		if !inserted {
			return k.same(ctx, row)
		}
		if err := k.reseal(ctx, row.Tenant, row.sealed(), true, true); err != nil {
			return err
		}
		return k.record(ctx, row.entry(actHold))
	})
}

// same returns ErrConflict unless the stored hold is the one given, and active.
func (k *Keeper) same(ctx context.Context, row HoldRow) error {
	old, _, err := k.store.Hold(ctx, row.Tenant, row.ID)
	if err != nil {
		return fmt.Errorf("retention: read hold: %w", err)
	}
	if old.ReleasedAt != 0 || old.Matter != row.Matter || old.SubjectID != row.SubjectID || old.Class != row.Class ||
		old.From != row.From || old.To != row.To || old.ReviewAt != row.ReviewAt || !bytes.Equal(old.Where, row.Where) {
		return ErrConflict
	}
	return nil
}

func (hold *Hold) validate() error {
	if err := hold.Tenant.Validate(); err != nil {
		return err
	}
	if err := checkName("hold", hold.ID); err != nil {
		return err
	}
	if err := checkName("matter", hold.Matter); err != nil {
		return err
	}
	if hold.Review.IsZero() {
		return fmt.Errorf("%w: Review is missing", ErrHold)
	}
	x := Extent{SubjectID: hold.SubjectID, Class: hold.Class, From: hold.From, To: hold.To, Where: hold.Where}
	return x.validate(hold.Tenant)
}

// extent is what the hold covers.
func (row *HoldRow) extent() (x Extent, err error) {
	x = Extent{SubjectID: row.SubjectID, Class: row.Class, From: timeOf(row.From), To: timeOf(row.To)}
	x.Where, err = decodeCondition(row.Where)
	return x, err
}

func (row *HoldRow) entry(act *troth.Act) troth.Entry {
	e := troth.Entry{Act: act, Tenant: row.Tenant, Facts: troth.Facts{
		"hold": troth.Word(row.ID), "matter": troth.Word(row.Matter),
	}}
	if act != actHold {
		return e
	}
	e.SubjectID = row.SubjectID
	e.Facts["review"] = troth.Instant(timeOf(row.ReviewAt))
	if row.Class != "" {
		e.Facts["class"] = troth.Word(row.Class)
	}
	if row.From != 0 {
		e.Facts["from"] = troth.Instant(timeOf(row.From))
	}
	if row.To != 0 {
		e.Facts["to"] = troth.Instant(timeOf(row.To))
	}
	return e
}

// ProposeRelease is the first half of a release; only counsel may. The hold stands
// until somebody else says so too. Proposing the same again changes nothing.
func (k *Keeper) ProposeRelease(ctx context.Context, tenant troth.Tenant, id string) error {
	if err := k.person(ctx, tenant, k.opt.counsel); err != nil {
		return err
	}
	return k.withHold(ctx, tenant, id, func(ctx context.Context, row HoldRow) error {
		if row.ProposedAt != 0 && errors.Is(another(ctx, row.Proposer), ErrRole) {
			return nil // the same person again
		}
		proposer, err := proposerOf(ctx, nil)
		if err != nil {
			return err
		}
		row.ProposedAt, row.Proposer = k.now().UnixMicro(), proposer
		if err := k.putHold(ctx, &row); err != nil {
			return err
		}
		return k.record(ctx, row.entry(actPropose))
	})
}

// Release releases a hold that counsel proposed to release. It takes another person,
// who is counsel or the data-protection officer. All that waited is looked at again at
// once: what no other hold keeps is destroyed by the next sweep.
func (k *Keeper) Release(ctx context.Context, tenant troth.Tenant, id string) error {
	if k.person(ctx, tenant, k.opt.counsel) != nil {
		if err := k.person(ctx, tenant, k.opt.officer); err != nil {
			return err
		}
	}
	return k.withHold(ctx, tenant, id, func(ctx context.Context, row HoldRow) error {
		if row.ProposedAt == 0 {
			return fmt.Errorf("%w: nobody has proposed it", ErrRole)
		}
		if err := another(ctx, row.Proposer); err != nil {
			return err
		}
		row.ReleasedAt, row.Proposer = k.now().UnixMicro(), nil
		if err := k.putHold(ctx, &row); err != nil {
			return err
		}
		woken, err := k.store.WakeHeld(ctx, tenant, atOnce)
		if err != nil {
			return fmt.Errorf("retention: wake: %w", err)
		}
		e := row.entry(actRelease)
		e.Facts["records"] = troth.Count(woken)
		return k.record(ctx, e)
	})
}

// withHold runs fn with an active hold, alone with the tenant.
func (k *Keeper) withHold(ctx context.Context, tenant troth.Tenant, id string, fn func(ctx context.Context, row HoldRow) error) error {
	return k.tx.Atomically(ctx, func(ctx context.Context) error {
		if err := k.store.LockTenant(ctx, tenant, true); err != nil {
			return fmt.Errorf("retention: lock tenant: %w", err)
		}
		row, found, err := k.store.Hold(ctx, tenant, id)
		if err != nil {
			return fmt.Errorf("retention: read hold: %w", err)
		}
		if !found || row.ReleasedAt != 0 {
			return ErrNotFound
		}
		if err := k.fits(ctx, tenant, row.sealed()); err != nil {
			return err
		}
		return fn(ctx, row)
	})
}

// putHold writes a hold that the caller has alone, and seals it.
func (k *Keeper) putHold(ctx context.Context, row *HoldRow) error {
	if err := k.store.PutHold(ctx, *row); err != nil {
		return fmt.Errorf("retention: write hold: %w", err)
	}
	return k.reseal(ctx, row.Tenant, row.sealed(), row.ReleasedAt == 0, false)
}

const saltSize = 16

// proposerOf tells the actor of ctx from others: a salt, fresh where none is given, and
// the hash of it with the actor's tenant and id.
func proposerOf(ctx context.Context, salt []byte) ([]byte, error) {
	a, err := troth.ActorFrom(ctx)
	if err != nil {
		return nil, err
	}
	b := make([]byte, saltSize, saltSize+sha256.Size)
	if salt == nil {
		_, _ = rand.Read(b) // never fails, crypto/rand documents
	} else {
		copy(b, salt)
	}
	sum := sha256.Sum256([]byte(string(b) + string(a.Home()) + "\x00" + a.ID))
	return append(b, sum[:]...), nil
}

// Holds returns the tenant's active holds, ordered by id. A *[TamperedError] comes with
// what is there.
func (k *Keeper) Holds(ctx context.Context, tenant troth.Tenant) ([]Hold, error) {
	rows, err := k.store.ActiveHolds(ctx, tenant)
	if err != nil {
		return nil, fmt.Errorf("retention: read holds: %w", err)
	}
	var all []Hold
	for i := range rows {
		hold, err := rows[i].hold()
		if err != nil {
			return nil, err
		}
		all = append(all, hold)
	}
	_, err = k.holds(ctx, tenant)
	if _, bad := errors.AsType[*TamperedError](err); bad {
		return all, err
	}
	return all, nil
}

func (row *HoldRow) hold() (Hold, error) {
	where, err := decodeCondition(row.Where)
	return Hold{
		Tenant: row.Tenant, ID: row.ID, Matter: row.Matter, SubjectID: row.SubjectID, Class: row.Class,
		From: timeOf(row.From), To: timeOf(row.To), Where: where, Review: timeOf(row.ReviewAt),
		PlacedAt: timeOf(row.PlacedAt), ProposedAt: timeOf(row.ProposedAt), ReleasedAt: timeOf(row.ReleasedAt),
	}, err
}

// covers reports whether the hold covers something of a class that was created at an
// instant. What is not known is within every limit.
func (row *HoldRow) covers(class string, created time.Time) bool {
	x, err := row.extent()
	return err != nil || x.covers(&thing{class: class, created: created})
}
