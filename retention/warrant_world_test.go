package retention_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/storage/memory"
)

// queued is a work that was enqueued.
type queued struct {
	troth.Work
	id      string
	state   troth.Outcome // empty while it is open
	attempt int
}

// works is a queue in the keeper's database.
type works struct {
	db   *memory.DB
	rows *memory.Table[string, queued]
}

func newWorks(db *memory.DB) *works {
	return &works{db: db, rows: memory.NewTable[string, queued](db, strings.Compare)}
}

func (q *works) Transactor() troth.Transactor { return q.db }

func (q *works) Enqueue(ctx context.Context, w troth.Work) (string, error) {
	if err := w.Validate(); err != nil {
		return "", err
	}
	all, err := q.rows.Scan(ctx, nil, 0, nil)
	if err != nil {
		return "", err
	}
	for _, r := range all {
		if r.Value.Tenant == w.Tenant && r.Value.Kind == w.Kind && r.Value.Key == w.Key {
			return r.Key, nil
		}
	}
	id := fmt.Sprintf("w%04d", len(all))
	return id, q.rows.Put(ctx, id, queued{Work: w, id: id})
}

var errWaitsForNobody = errors.New("the work waits for nobody")

// Resume is as the engine's of package task.
func (q *works) Resume(ctx context.Context, ref troth.WorkRef) error {
	w, found, err := q.rows.Get(ctx, ref.ID)
	if err != nil || !found || w.Tenant != ref.Tenant || w.state != troth.Manual {
		return errors.Join(err, errWaitsForNobody)
	}
	w.state = ""
	return q.rows.Put(ctx, ref.ID, w)
}

func (q *works) all(t testing.TB) (all []queued) {
	t.Helper()
	rows, err := q.rows.Scan(t.Context(), nil, 0, nil)
	require.NoError(t, err)
	for _, r := range rows {
		all = append(all, r.Value)
	}
	return all
}

// run does every open work once, and returns the errors.
func (q *works) run(t testing.TB, k *retention.Keeper) error {
	t.Helper()
	return q.runIn(t.Context(), t, k)
}

func (q *works) runIn(ctx context.Context, t testing.TB, k *retention.Keeper) (errs error) {
	t.Helper()
	for _, w := range q.all(t) {
		if w.state != "" {
			continue
		}
		ready := true
		for _, other := range q.all(t) {
			ready = ready && (!slices.Contains(w.After, other.id) || other.state == troth.Completed)
		}
		if !ready {
			continue
		}
		w.attempt++
		completed := false
		outcome, err := k.Do(ctx, troth.Job{
			Ref: troth.WorkRef{Tenant: w.Tenant, ID: w.id}, Kind: w.Kind, Key: w.Key, Payload: w.Payload, Attempt: w.attempt,
			EffectKey: "effect-" + w.id, Deadline: w.Deadline,
			Complete: func(ctx context.Context) error {
				done := w
				done.state, completed = troth.Completed, true
				return q.rows.Put(ctx, w.id, done)
			},
		})
		errs = errors.Join(errs, err)
		if now, _, err := q.rows.Get(context.WithoutCancel(ctx), w.id); err == nil && now.state == troth.Completed {
			continue // it ended, whoever heard of that
		}
		if outcome != troth.Completed {
			w.state = outcome
			if outcome == troth.Retry {
				w.state = ""
			}
			require.NoError(t, q.rows.Put(context.WithoutCancel(ctx), w.id, w))
		} else {
			require.True(t, completed, "ended in the keeper's transaction")
		}
	}
	return errs
}

// index is a copy outside of the database.
type index struct {
	mu     sync.Mutex
	has    map[string]bool
	orders []retention.CopyOrder
	fails  error
	// blind cannot show what it has, stubborn shows what it was told to let go of.
	blind, stubborn bool
}

func (x *index) Destroy(_ context.Context, o retention.CopyOrder) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.orders = append(x.orders, o)
	if x.fails != nil {
		return x.fails
	}
	if !x.has[o.ID] {
		return retention.ErrNotFound
	}
	delete(x.has, o.ID)
	return nil
}

func (x *index) Confirm(_ context.Context, o retention.CopyOrder) (bool, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.blind {
		return false, errors.ErrUnsupported
	}
	return !x.stubborn && !x.has[o.ID], nil
}

// spread is a world whose records lie in more than the database.
type spread struct {
	*kept
	works  *works
	search *index
	ads    *index
	told   *lookout
}

// lookout keeps what it was told.
type lookout struct {
	list  []retention.Lateness
	fails error
}

func (l *lookout) Late(_ context.Context, n retention.Lateness) error {
	if l.fails != nil {
		return l.fails
	}
	l.list = append(l.list, n)
	return nil
}

// wide is content with a provider, an extract of what that has, and paper.
func wide(tb testing.TB) *retention.Policy {
	tb.Helper()
	return changed(tb, content(tb), func(p *retention.Policy) {
		p.Retry = days(2)
		p.Copies = append(p.Copies,
			retention.Copy{Name: "ads", Kind: retention.Provider, Lag: days(2)},
			retention.Copy{Name: "ads-report", Kind: retention.Analytics, Of: "ads", Lag: days(1)},
			retention.Copy{Name: "ads-backup", Kind: retention.Backup, Of: "ads", Rotation: days(7)},
			retention.Copy{Name: "file-cabinet", Kind: retention.Paper, Lag: days(3)},
		)
		p.Classes[0].Copies = append(p.Classes[0].Copies, "ads", "file-cabinet")
		p.Classes[0].Stages[3].For = days(20) // closed: 20, 30 of backups, 2 and 1 more
		p.Classes[0].Stages[2].For = days(28)
	})
}

func newSpread(t testing.TB, opts ...retention.Option) *spread {
	t.Helper()
	return newSpreadOf(t, wide(t), opts...)
}

func newSpreadOf(t testing.TB, p *retention.Policy, opts ...retention.Option) *spread {
	t.Helper()
	w := &spread{
		kept: newKept(t, nil), search: &index{has: map[string]bool{}}, ads: &index{has: map[string]bool{}}, told: &lookout{},
	}
	w.works = newWorks(w.db)
	w.k = w.keeper(append([]retention.Option{
		retention.WithTasks(w.works), retention.WithCopy("search", w.search), retention.WithCopy("ads", w.ads),
		retention.WithLookout(w.told),
	}, opts...)...)
	w.files.keeper = w.k
	if p != nil {
		require.NoError(t, w.k.Activate(person(w.ctx, "officer", "dpo"), p))
	}
	return w
}

// trashed is a file that was put into the trash, with copies.
func (w *spread) trashed(id, subject string) {
	w.Helper()
	w.add(id, subject)
	w.search.has[id], w.ads.has[id] = true, true
	w.happened(id, "trashed")
}

// purged lets a file be destroyed, and returns its handle.
func (w *spread) purged(id, subject string) string {
	w.Helper()
	w.trashed(id, subject)
	w.after(58)
	s := w.sweep()
	require.Empty(w, s.Failed)
	require.Equal(w, 1, s.Destroyed)
	return w.files.orders[len(w.files.orders)-1].Handle
}

func (w *spread) tend() retention.Tended {
	w.Helper()
	tended, err := w.k.Tend(w.ctx)
	require.NoError(w, err)
	return tended
}

// where is the state of one copy.
func (w *spread) where(handle, name string) retention.CopyState {
	w.Helper()
	states, err := w.k.Gone(w.ctx, ours, handle)
	require.NoError(w, err)
	return stateOf(w, states, name)
}

func stateOf(t testing.TB, states []retention.CopyState, name string) retention.CopyState {
	t.Helper()
	i := slices.IndexFunc(states, func(s retention.CopyState) bool { return s.Copy == name })
	require.GreaterOrEqual(t, i, 0, name)
	return states[i]
}

func (w *spread) confirm(handle string) error {
	return w.k.ConfirmCopy(person(w.ctx, "porter", "custodian"), retention.Confirmation{
		Tenant: ours, Handle: handle, Copy: "file-cabinet", Method: retention.MethodShredded, Evidence: "protocol-7",
	})
}

// late are the entries about thresholds, as words.
func (w *spread) late() (all []string) {
	for _, e := range w.notes.of(w, "retention.late") {
		all = append(all, e.Facts["threshold"].Text()+" "+e.Facts["why"].Text())
	}
	return all
}
