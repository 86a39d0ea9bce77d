package retention

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
)

// lanes are how many processes can share the work of a sweep. Each lane is leased to one
// at a time.
const lanes = 8

// errLost says that a lease was lost: what was done under it is undone.
var errLost = errors.New("retention: the lease was lost")

// sweeping is one sweep.
type sweeping struct {
	k     *Keeper
	swept Swept
	// lanes are the fences of the lanes that it has.
	lanes map[int]int64
	// passed are tenants that could not be locked, which are passed over.
	passed map[troth.Tenant]bool
	errs   []error
}

// search finds records behind a place.
type search func(after Place, limit int) ([]Place, error)

// unit is what one transaction takes.
type unit struct {
	lane int
	keys []RecordKey
}

// claim gets a lane, if neither another process nor another sweep of this one has it.
func (r *sweeping) claim(ctx context.Context, lane int) (ok bool, err error) {
	if _, has := r.lanes[lane]; has {
		return true, nil
	}
	if !r.k.busy[lane].TryLock() {
		return false, nil
	}
	fence, ok, err := r.k.store.ClaimLease(ctx, laneName(lane), r.k.holder, r.k.opt.lease)
	if err != nil || !ok {
		r.k.busy[lane].Unlock()
		if err != nil {
			err = fmt.Errorf("retention: claim: %w", err)
		}
		return false, err
	}
	r.lanes[lane] = fence
	return true, nil
}

func laneName(lane int) string { return fmt.Sprintf("sweep/%d", lane) }

// keep begins the lease of a lane anew, or returns errLost.
func (r *sweeping) keep(ctx context.Context, lane int) error {
	kept, err := r.k.store.KeepLease(ctx, laneName(lane), r.lanes[lane], r.k.opt.lease)
	if err != nil {
		return fmt.Errorf("retention: keep a lease: %w", err)
	}
	if !kept {
		return errLost
	}
	return nil
}

// end gives up all lanes. One that cannot be given up ends by itself, or is claimed again
// by this keeper.
func (r *sweeping) end(ctx context.Context) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), endWait)
	defer stop()
	err := r.k.tx.Atomically(ctx, func(ctx context.Context) error { // one commit for all
		for _, lane := range slices.Sorted(maps.Keys(r.lanes)) {
			if err := r.k.store.EndLease(ctx, laneName(lane), r.lanes[lane]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		r.k.log.Warn("retention: leases could not be given up", zap.Error(err))
	}
	for lane := range r.lanes {
		r.k.busy[lane].Unlock()
	}
	clear(r.lanes)
}

// endWait is how long giving leases up may take.
const endWait = 5 * time.Second

// drain goes through everything that a search finds, page by page.
func (r *sweeping) drain(ctx context.Context, source search) error {
	limit := lanes * r.k.opt.batch
	for after := (Place{}); ; {
		page, err := source(after, limit)
		if err != nil {
			return fmt.Errorf("retention: look for records: %w", err)
		}
		if err := r.page(ctx, page); err != nil || len(page) < limit {
			return err
		}
		after = page[len(page)-1]
	}
}

// page does what is due for records at places.
func (r *sweeping) page(ctx context.Context, page []Place) error {
	keys := make([]RecordKey, len(page))
	for i := range page {
		keys[i] = page[i].RecordKey
	}
	return r.keys(ctx, keys)
}

// keys does what is due for records, by lanes. Each process begins elsewhere, and leaves
// out what others have.
func (r *sweeping) keys(ctx context.Context, keys []RecordKey) error {
	byLane := r.units(keys)
	for i := range lanes {
		lane := (r.k.first + i) % lanes
		if len(byLane[lane]) == 0 {
			continue
		}
		ok, err := r.claim(ctx, lane)
		if err != nil {
			return err
		}
		for _, u := range byLane[lane] {
			if !ok {
				r.swept.Passed += len(u.keys)
				continue
			}
			if ok, err = r.unit(ctx, u); err != nil {
				return err
			}
		}
	}
	return nil
}

// units divides records among lanes: those of a tenant go into one lane, or, if they are
// more than a batch, into all.
func (r *sweeping) units(keys []RecordKey) (byLane [lanes][]unit) {
	slices.SortFunc(keys, RecordKey.compare)
	for all := range chunks(keys, func(a, b RecordKey) bool { return a.Tenant == b.Tenant }) {
		if len(all) <= r.k.opt.batch {
			lane := laneOf(string(all[0].Tenant))
			byLane[lane] = append(byLane[lane], unit{lane, all})
			continue
		}
		var split [lanes][]RecordKey
		for _, key := range all {
			lane := laneOf(string(key.Tenant), key.Type, key.ID)
			split[lane] = append(split[lane], key)
		}
		for lane := range split {
			for part := range slices.Chunk(split[lane], r.k.opt.batch) {
				byLane[lane] = append(byLane[lane], unit{lane, part})
			}
		}
	}
	return byLane
}

// chunks yields the longest runs of neighbours that are alike.
func chunks(keys []RecordKey, alike func(a, b RecordKey) bool) func(yield func([]RecordKey) bool) {
	return func(yield func([]RecordKey) bool) {
		for len(keys) > 0 {
			n := slices.IndexFunc(keys, func(key RecordKey) bool { return !alike(key, keys[0]) })
			if n < 0 {
				n = len(keys)
			}
			if !yield(keys[:n:n]) {
				return
			}
			keys = keys[n:]
		}
	}
}

func laneOf(names ...string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(strings.Join(names, "\x00"))) // a hash never fails
	return int(h.Sum32() % lanes)
}

func (key RecordKey) compare(b RecordKey) int {
	return cmp.Or(cmp.Compare(key.Tenant, b.Tenant), strings.Compare(key.Type, b.Type), strings.Compare(key.ID, b.ID))
}

// unit sweeps records of one tenant. What spoils it stops nobody else: a tenant that
// cannot be locked is passed over, and where the whole fails each record is tried alone,
// also one that was alone: its transaction may be committed all the same. ok is false if the lane was lost.
func (r *sweeping) unit(ctx context.Context, u unit) (ok bool, err error) {
	if r.passed[u.keys[0].Tenant] {
		r.swept.Passed += len(u.keys)
		return true, nil
	}
	err = r.take(ctx, u)
	if err == nil || ctx.Err() != nil {
		return true, err
	}
	if r.pass(u, err) {
		return true, nil
	}
	if errors.Is(err, errLost) {
		return r.lost(u), nil
	}
	for i, key := range u.keys {
		err := r.take(ctx, unit{u.lane, []RecordKey{key}})
		switch {
		case ctx.Err() != nil:
			return false, ctx.Err()
		case errors.Is(err, errLost):
			return r.lost(u), nil
		case err == nil:
		case r.pass(unit{u.lane, u.keys[i:]}, err):
			return true, nil
		default:
			if err = r.spoil(ctx, key, err); err != nil {
				return false, err
			}
		}
	}
	return true, nil
}

// pass passes over the tenant of what is left of a unit, if it is that which cannot be
// locked.
func (r *sweeping) pass(left unit, err error) bool {
	if _, locked := errors.AsType[*tenantError](err); !locked {
		return false
	}
	r.passed[left.keys[0].Tenant] = true
	r.swept.Passed += len(left.keys)
	r.errs = append(r.errs, err)
	return true
}

func (r *sweeping) lost(u unit) (ok bool) {
	r.swept.Passed += len(u.keys)
	r.k.log.Warn("retention: a lease was lost, and what was done under it is undone")
	delete(r.lanes, u.lane)
	r.k.busy[u.lane].Unlock()
	return false
}

// take sweeps records in one transaction, which ends before the lease does.
func (r *sweeping) take(ctx context.Context, u unit) error {
	ctx, stop := context.WithTimeout(ctx, r.k.opt.lease*3/4)
	defer stop()
	part, err := r.k.sweepTenant(ctx, u.keys, func(ctx context.Context) error { return r.keep(ctx, u.lane) })
	if err == nil {
		r.swept.add(part)
	}
	return err
}

// spoil notes that a record failed together with its transaction: the handler broke that,
// or took longer than the lease.
func (r *sweeping) spoil(ctx context.Context, key RecordKey, why error) error {
	k := r.k
	var part Swept
	err := k.tx.Atomically(ctx, func(ctx context.Context) error {
		part = Swept{}
		h, err := k.history(ctx)
		if err != nil {
			return err
		}
		row, found, err := k.store.LockRecord(ctx, key, false)
		if err != nil {
			return fmt.Errorf("retention: lock record: %w", err)
		}
		if !found {
			part.Failed = append(part.Failed, Failure{RecordKey: key, Err: why})
			return nil
		}
		return k.fail(ctx, h, &row, k.now(), why, &part)
	})
	if err != nil {
		return errors.Join(why, err)
	}
	r.swept.add(part)
	return nil
}
