package retention

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
)

// Config is what a keeper cannot do without.
type Config struct {
	Store Backend
	// Recorder keeps the evidence. It must share the store's Transactor.
	Recorder troth.Recorder
	// Manages are stores of other packages that the keeper takes over: from then on,
	// and for ever, they destroy nothing without its permit.
	Manages []Managed
}

// Managed is a store that a keeper can take over, such as a vault's.
type Managed interface {
	Transactor() troth.Transactor
	Managed(ctx context.Context) (bool, error)
	SetManaged(ctx context.Context) error
}

// Keeper carries the policy out: it knows every record, moves it from stage to stage,
// and alone gives leave to destroy. Make it with [New]. It is safe for concurrent
// use.
type Keeper struct {
	store Backend
	tx    troth.Transactor
	rec   troth.Recorder
	opt   options
	log   *zap.Logger
	// known is what was committed of the policy when somebody looked last.
	known atomic.Pointer[knownPolicy]
	// numbers are those of seals that are kept outside, trail what comparing with it came
	// to; both by tenant.
	numbers, trail sync.Map
	// holder is the keeper's name in leases, first the lane that it begins with, and busy
	// are those that a sweep of its own has.
	holder string
	first  int
	busy   [lanes]sync.Mutex
}

// knownPolicy is the versions up to one, which never change.
type knownPolicy struct {
	last     uint32
	policies []*Policy
	history  *History
	sealed   []sealedRow
}

// New returns a keeper on the store, and takes the stores over that it manages. It
// starts no goroutine. It returns [troth.ErrNotShared] if its parts do not share a
// Transactor.
func New(ctx context.Context, c Config, opts ...Option) (*Keeper, error) {
	if c.Store == nil || c.Recorder == nil {
		return nil, errors.New("retention: new: store and recorder are required")
	}
	o := defaults()
	for _, opt := range opts {
		if err := opt(&o); err != nil {
			return nil, err
		}
	}
	tx := c.Store.Transactor()
	if c.Recorder.Transactor() != tx {
		return nil, troth.ErrNotShared
	}
	for _, m := range c.Manages {
		if m.Transactor() != tx {
			return nil, troth.ErrNotShared
		}
	}
	if p, has := o.tasks.(interface{ Transactor() troth.Transactor }); has && p.Transactor() != tx {
		return nil, troth.ErrNotShared
	}
	if len(o.copies) > 0 && o.tasks == nil {
		return nil, ErrNoTasks
	}
	k := &Keeper{store: c.Store, tx: tx, rec: c.Recorder, opt: o, log: o.log, holder: rand.Text()}
	k.first = laneOf(k.holder)
	if tx.Scope(ctx) != nil {
		return nil, errors.New("retention: new: not inside a transaction")
	}
	if err := tx.Atomically(ctx, func(ctx context.Context) error { return k.manage(ctx, c.Manages) }); err != nil {
		return nil, err
	}
	if _, err := k.tag(ctx, nil); err != nil { // asks for the key, if need be, before others wait
		return nil, err
	}
	if err := k.lookOutside(ctx, nil); err != nil {
		return nil, err
	}
	if _, err := k.history(ctx); err != nil && !errors.Is(err, ErrNoPolicy) && !errors.Is(err, ErrTampered) {
		return nil, err // what was found in rows stops sweeps, and is for people to look at
	}
	return k, nil
}

// manage takes stores over, and records it if that is new.
func (k *Keeper) manage(ctx context.Context, stores []Managed) error {
	taken := 0
	for _, m := range stores {
		already, err := m.Managed(ctx)
		if err != nil {
			return fmt.Errorf("retention: ask a store: %w", err)
		}
		if already {
			continue
		}
		if err := m.SetManaged(ctx); err != nil {
			return fmt.Errorf("retention: take a store over: %w", err)
		}
		taken++
	}
	if taken == 0 {
		return nil
	}
	return k.record(troth.WithActor(ctx, self), troth.Entry{
		Act: actManage, Tenant: troth.Platform, Facts: troth.Facts{"stores": troth.Count(taken)},
	})
}

// Transactor is the one whose transactions the keeper joins.
func (k *Keeper) Transactor() troth.Transactor { return k.tx }

// now is the keeper's clock, in microseconds as it is stored.
func (k *Keeper) now() time.Time { return timeOf(k.opt.now().UnixMicro()) }

// history returns the versions as ctx sees them. Versions never change, so only those
// that are new are read; what was read inside a transaction may be undone, and is
// forgotten with it.
func (k *Keeper) history(ctx context.Context) (*History, error) {
	known, err := k.versions(ctx)
	if err != nil {
		return nil, err
	}
	return known.history, nil
}

// versions is history, with the policies themselves.
func (k *Keeper) versions(ctx context.Context) (*knownPolicy, error) {
	known := k.known.Load()
	if known == nil {
		known = &knownPolicy{}
	}
	rows, err := k.store.Policies(ctx, troth.Platform, known.last)
	if err != nil {
		return nil, fmt.Errorf("retention: read policies: %w", err)
	}
	if len(rows) > 0 {
		if known, err = known.with(rows); err != nil {
			return nil, err
		}
		if err := k.checkSeal(ctx, troth.Platform, known.sealed, sealedPolicy); err != nil {
			return nil, err
		}
		if k.tx.Scope(ctx) == nil {
			k.known.Store(known)
		}
	}
	if known.history == nil {
		return nil, ErrNoPolicy
	}
	return known, nil
}

func (n *knownPolicy) with(rows []PolicyRow) (*knownPolicy, error) {
	next := &knownPolicy{policies: slices.Clone(n.policies), sealed: slices.Clone(n.sealed)}
	for i := range rows {
		p, err := Parse(rows[i].Text)
		if err != nil || p.Hash() != rows[i].Hash || p.Version != rows[i].Version {
			return nil, fmt.Errorf("%w: policy version %d", ErrRecord, rows[i].Version)
		}
		next.policies = append(next.policies, p)
		next.sealed = append(next.sealed, rows[i].sealed())
		next.last = p.Version
	}
	h, err := NewHistory(next.policies...)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRecord, err)
	}
	next.history = h
	return next, nil
}

// History returns the versions of the policy that were activated.
func (k *Keeper) History(ctx context.Context) (*History, error) { return k.history(ctx) }

// Activate makes a policy the next version. Its linter must find nothing, with the
// record types that are registered; otherwise the error is a *[LintError]. Only the
// data-protection officer may. No record is changed: sweeps find by the new version
// what it made due. The newest version again changes nothing, whoever asks, so that a
// host can activate its policy at each start; ErrVersion is for another text of that
// version, and for older ones.
//
// A version that makes records go earlier that are there takes a plan of
// [Keeper.PreviewActivation] that two people approved; the error is an *[ApprovalError]
// otherwise.
func (k *Keeper) Activate(ctx context.Context, p *Policy) error {
	may := k.person(ctx, troth.Platform, k.opt.officer)
	p, text, err := k.checked(p)
	if err != nil {
		return cmp.Or(may, err)
	}
	err = k.tx.Atomically(ctx, func(ctx context.Context) error { return k.activate(ctx, p, text, may) })
	if err == nil {
		k.keepNow(ctx, troth.Platform)
	}
	return err
}

// RecordTypes returns the types that are registered, in the order of their names.
func (k *Keeper) RecordTypes() []string { return slices.Sorted(maps.Keys(k.opt.types)) }

// checked returns a copy of a policy that nobody changes meanwhile, and its text, if it
// lints clean.
func (k *Keeper) checked(p *Policy) (own *Policy, text []byte, err error) {
	if text, err = json.Marshal(p); err != nil {
		return nil, nil, fmt.Errorf("retention: write policy: %w", err)
	}
	if own, err = Parse(text); err != nil {
		return nil, nil, err
	}
	report, err := own.Lint(LintOptions{RecordTypes: k.RecordTypes()})
	if err != nil {
		return nil, nil, err
	}
	if len(report.Findings) > 0 {
		return nil, nil, &LintError{Findings: report.Findings}
	}
	return own, text, nil
}

// activate activates a policy; may is why the actor may not, if that is so.
func (k *Keeper) activate(ctx context.Context, p *Policy, text []byte, may error) error {
	if err := k.store.LockTenant(ctx, troth.Platform, true); err != nil {
		return fmt.Errorf("retention: lock: %w", err)
	}
	rows, err := k.store.Policies(ctx, troth.Platform, 0)
	if err != nil {
		return fmt.Errorf("retention: read policies: %w", err)
	}
	row := PolicyRow{Tenant: troth.Platform, Version: p.Version, Hash: p.Hash(), Text: text, ActivatedAt: k.now().UnixMicro()}
	before := &knownPolicy{}
	if len(rows) > 0 {
		if before, err = before.with(rows); err != nil {
			return err
		}
	}
	if err := k.checkSeal(ctx, troth.Platform, before.sealed, sealedPolicy); err != nil {
		return err
	}
	if (before.newest() == PlanVersion{Number: p.Version, Policy: row.Hash}) {
		return nil
	}
	if may != nil {
		return may
	}
	known, err := before.with([]PolicyRow{row})
	if err != nil {
		return outOfOrder(err)
	}
	if err := k.shortening(ctx, before, known); err != nil {
		return err
	}
	inserted, err := k.store.InsertPolicy(ctx, row)
	if err != nil {
		return fmt.Errorf("retention: write policy: %w", err)
	}
	if !inserted {
		return ErrVersion
	}
	if err := k.reseal(ctx, troth.Platform, row.sealed(), true, false); err != nil {
		return err
	}
	// Rows that are there already are never waited for when they are first needed.
	for _, id := range append(known.history.classes(), firstRun) {
		if _, _, err := k.store.LockAllowance(ctx, troth.Platform, id, true); err != nil {
			return fmt.Errorf("retention: make allowance: %w", err)
		}
	}
	v := known.history.versions[len(known.history.versions)-1]
	return k.record(ctx, troth.Entry{Act: actActivate, Tenant: troth.Platform, Facts: troth.Facts{
		"name": troth.Word(p.Name), "version": troth.Count(p.Version),
		"effective": troth.Instant(v.from), "policy": troth.Digest(v.hash),
	}})
}

// shortening demands an approved plan for a version that makes records go earlier.
func (k *Keeper) shortening(ctx context.Context, before, known *knownPolicy) error {
	if k.opt.unapproved || before.history == nil {
		return nil
	}
	now := k.now()
	d, err := differ(ctx, before, known, known.from(now), k, 1)
	if err != nil || !d.shortens {
		return err
	}
	rows, err := k.store.OpenPlans(ctx, troth.Platform)
	if err != nil {
		return fmt.Errorf("retention: read plans: %w", err)
	}
	for i := range rows {
		p, err := k.readPlan(ctx, &rows[i])
		if errors.Is(err, ErrTampered) {
			continue
		} else if err != nil {
			return err
		}
		if rows[i].ApprovedAt != 0 && p.Base == before.newest() && p.Version == known.newest() && !now.After(k.expires(&p)) {
			return nil
		}
	}
	return &ApprovalError{Why: AwaitsShortening, Since: now}
}

// person demands a person with a role, who belongs to the tenant or to the host.
func (k *Keeper) person(ctx context.Context, tenant troth.Tenant, role string) error {
	a, err := troth.ActorFrom(ctx)
	if err != nil {
		return err
	}
	if a.Kind != troth.Person || !a.HasRole(role) || a.Home() != troth.Platform && a.Home() != tenant {
		return fmt.Errorf("%w: one with the role %q", ErrRole, role)
	}
	return nil
}

// outOfOrder is why a version cannot be the next.
func outOfOrder(err error) error {
	if problem, is := errors.AsType[*PolicyError](err); is {
		err = problem
	}
	return fmt.Errorf("%w: %w", ErrVersion, err)
}

// timeOf reads a stored instant.
func timeOf(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// microsOf stores an instant; zero is 0.
func microsOf(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}
