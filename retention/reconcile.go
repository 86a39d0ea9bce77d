package retention

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/trothdev/troth"
)

// Evidence reads the trail, to compare it with what the keeper's rows say. What it
// returns is believed: whether the trail is whole is for whoever verifies that.
type Evidence interface {
	// Acts yields the facts of the tenant's entries of an act, the oldest first, those
	// included that wait for the log. An entry that was redacted or cannot be read is left
	// out.
	Acts(ctx context.Context, tenant troth.Tenant, act string) iter.Seq2[troth.Facts, error]
}

// WithEvidence has the keeper compare holds, exceptions, granted erasures and policies
// with the trail before it destroys anything of a tenant for the first time, and again
// each hour. While they disagree nothing of the tenant is destroyed.
func WithEvidence(e Evidence) Option {
	return func(o *options) error { o.evidence = e; return present("evidence", e != nil) }
}

// reconcileEach is for how long a comparison holds good.
const reconcileEach = time.Hour

// compared is what comparing a tenant with the trail came to.
type compared struct {
	at  time.Time
	err error
}

// Reconcile compares the tenant's rows with the trail now, and returns a *[TamperedError]
// that names what disagrees. What is missing on both sides it does not find, as after both
// were restored from one backup: see [WithOutside]. Entries that were pruned from the trail
// make their rows look as if nobody had decided them: compare before, or accept them.
func (k *Keeper) Reconcile(ctx context.Context, tenant troth.Tenant) error {
	if k.opt.evidence == nil {
		return errors.New("retention: reconcile needs the option WithEvidence")
	}
	found, err := k.compareTrail(ctx, tenant)
	if err != nil {
		return err
	}
	if len(found) > 0 {
		err = &TamperedError{tenant, found}
	}
	k.trail.Store(tenant, compared{k.opt.now(), err})
	return err
}

// agrees returns why the trail forbids destroying something of the tenant's, as far as is
// known from the last hour; else it looks.
func (k *Keeper) agrees(ctx context.Context, tenant troth.Tenant) error {
	if k.opt.evidence == nil {
		return nil
	}
	last, ok := k.trail.Load(tenant)
	if c, is := last.(compared); ok && is && c.err == nil {
		if age := k.opt.now().Sub(c.at); age >= 0 && age < reconcileEach {
			return nil
		}
	}
	return k.Reconcile(ctx, tenant)
}

// compareTrail names in what rows and trail disagree.
func (k *Keeper) compareTrail(ctx context.Context, tenant troth.Tenant) ([]Tampering, error) {
	c := comparison{k: k, tenant: tenant}
	for _, part := range []func(context.Context) error{c.holds, c.exceptions, c.erasures, c.stops, c.policies, c.plans} {
		if err := part(ctx); err != nil {
			return nil, err
		}
	}
	if len(c.found) == 0 || k.opt.keys == nil {
		return c.found, nil
	}
	s, _, _, err := k.readSeal(ctx, tenant)
	if _, bad := errors.AsType[*TamperedError](err); err != nil && !bad {
		return nil, err
	}
	return slices.DeleteFunc(c.found, func(t Tampering) bool { return slices.Contains(s.Accepted, t.String()) }), nil
}

type comparison struct {
	k      *Keeper
	tenant troth.Tenant
	found  []Tampering
}

func (c *comparison) add(what TamperingKind, kind, id string) {
	c.found = append(c.found, Tampering{what, kind, id})
}

// told are the ids that the trail's entries of an act name.
func (c *comparison) told(ctx context.Context, act *troth.Act, field string, each func(f troth.Facts)) (ids map[string]bool, err error) {
	ids = map[string]bool{}
	for f, err := range c.k.opt.evidence.Acts(ctx, c.tenant, act.Name) {
		if err != nil {
			return nil, fmt.Errorf("retention: read the trail: %w", err)
		}
		ids[f[field].Text()] = true
		if each != nil {
			each(f)
		}
	}
	return ids, nil
}

func (c *comparison) holds(ctx context.Context) error {
	placed, err := c.told(ctx, actHold, "hold", nil)
	if err != nil {
		return err
	}
	released, err := c.told(ctx, actRelease, "hold", nil)
	if err != nil {
		return err
	}
	for id := range placed {
		row, found, err := c.k.store.Hold(ctx, c.tenant, id)
		switch {
		case err != nil:
			return fmt.Errorf("retention: read hold: %w", err)
		case !found:
			c.add(RowUnknown, sealedHold, id)
		case (row.ReleasedAt != 0) != released[id]:
			c.add(EntryMissing, sealedHold, id)
		}
	}
	rows, err := c.k.store.ActiveHolds(ctx, c.tenant)
	if err != nil {
		return fmt.Errorf("retention: read holds: %w", err)
	}
	for i := range rows {
		if !placed[rows[i].ID] {
			c.add(EntryMissing, sealedHold, rows[i].ID)
		}
	}
	return nil
}

func (c *comparison) exceptions(ctx context.Context) error {
	granted, err := c.told(ctx, actGrantException, "exception", nil)
	if err != nil {
		return err
	}
	ended, err := c.told(ctx, actEndException, "exception", nil)
	if err != nil {
		return err
	}
	for id := range granted {
		row, found, err := c.k.store.Control(ctx, ControlKey{c.tenant, ControlException, id})
		switch {
		case err != nil:
			return fmt.Errorf("retention: read exception: %w", err)
		case !found:
			c.add(RowUnknown, ControlException, id)
		case row.Open == ended[id]:
			c.add(EntryMissing, ControlException, id)
		}
	}
	rows, err := c.k.store.OpenControls(ctx, c.tenant, ControlException)
	if err != nil {
		return fmt.Errorf("retention: read exceptions: %w", err)
	}
	for i := range rows {
		if x, err := decodeException(&rows[i]); err == nil && !x.GrantedAt.IsZero() && !granted[x.ID] {
			c.add(EntryMissing, ControlException, x.ID)
		}
	}
	return nil
}

func (c *comparison) erasures(ctx context.Context) error {
	granted, err := c.told(ctx, actGrantErasure, "request", nil)
	if err != nil {
		return err
	}
	for id := range granted {
		_, found, err := c.k.store.Control(ctx, ControlKey{c.tenant, ControlErasure, id})
		if err != nil {
			return fmt.Errorf("retention: read erasure: %w", err)
		}
		if !found {
			c.add(RowUnknown, ControlErasure, id)
		}
	}
	rows, err := c.k.store.OpenControls(ctx, c.tenant, ControlErasure)
	if err != nil {
		return fmt.Errorf("retention: read erasures: %w", err)
	}
	for i := range rows {
		if !granted[rows[i].ID] {
			c.add(EntryMissing, ControlErasure, rows[i].ID)
		}
	}
	return nil
}

// stops are compared as holds are: one that is in force on the trail is in force.
func (c *comparison) stops(ctx context.Context) error {
	placed, err := c.told(ctx, actStop, "stop", nil)
	if err != nil {
		return err
	}
	lifted, err := c.told(ctx, actLift, "stop", nil)
	if err != nil {
		return err
	}
	rows, err := c.k.store.ActiveStops(ctx, c.tenant)
	if err != nil {
		return fmt.Errorf("retention: read stops: %w", err)
	}
	active := map[string]bool{}
	for _, row := range rows {
		active[row.ID] = true
		if !placed[row.ID] {
			c.add(EntryMissing, sealedStop, row.ID)
		}
	}
	for id := range placed {
		if active[id] == lifted[id] {
			c.add(EntryMissing, sealedStop, id)
		}
	}
	return nil
}

// plans are compared where they let something go: an approval is on the trail, and no end.
func (c *comparison) plans(ctx context.Context) error {
	if c.tenant != troth.Platform {
		return nil
	}
	rows, err := c.k.store.OpenPlans(ctx, c.tenant)
	if err != nil {
		return fmt.Errorf("retention: read plans: %w", err)
	}
	if !slices.ContainsFunc(rows, func(row PlanRow) bool { return row.ApprovedAt != 0 }) {
		return nil
	}
	approved, err := c.told(ctx, actApprove, "plan", nil)
	if err != nil {
		return err
	}
	ended, err := c.told(ctx, actCarried, "plan", nil)
	if err != nil {
		return err
	}
	for i := range rows {
		if hash := string(rows[i].Hash[:]); rows[i].ApprovedAt != 0 && (!approved[hash] || ended[hash]) {
			c.add(EntryMissing, sealedPlan, hex.EncodeToString(rows[i].Hash[:]))
		}
	}
	return nil
}

// policies are compared by their hash.
func (c *comparison) policies(ctx context.Context) error {
	if c.tenant != troth.Platform {
		return nil
	}
	rows, err := c.k.store.Policies(ctx, c.tenant, 0)
	if err != nil {
		return fmt.Errorf("retention: read policies: %w", err)
	}
	there := map[string]bool{}
	for i := range rows {
		there[string(rows[i].Hash[:])] = true
	}
	known, err := c.told(ctx, actActivate, "policy", func(f troth.Facts) {
		if !there[f["policy"].Text()] {
			c.add(RowUnknown, sealedPolicy, strconv.FormatInt(f["version"].Number(), 10))
		}
	})
	if err != nil {
		return err
	}
	for i := range rows {
		if !known[string(rows[i].Hash[:])] {
			c.add(EntryMissing, sealedPolicy, strconv.FormatUint(uint64(rows[i].Version), 10))
		}
	}
	return nil
}
