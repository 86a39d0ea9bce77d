package retention_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/retentionmem"
)

const ours troth.Tenant = "acme"

// notes is a recorder that shows what it was told by committed transactions.
type notes struct {
	troth.Recorder
	db   *memory.DB
	list *memory.Table[int, troth.Entry]
}

func newNotes(db *memory.DB) *notes {
	return &notes{
		Recorder: troth.UnsafeNoEvidence(db), db: db,
		list: memory.NewTable[int, troth.Entry](db, func(a, b int) int { return a - b }),
	}
}

func (n *notes) Record(ctx context.Context, e troth.Entry) (troth.EntryID, error) {
	id, err := n.Recorder.Record(ctx, e)
	if err != nil {
		return id, err
	}
	rows, err := n.list.Scan(ctx, nil, 0, nil)
	if err != nil {
		return id, err
	}
	return id, n.list.Put(ctx, len(rows), e)
}

// of returns the entries of an act.
func (n *notes) of(t testing.TB, act string) (all []troth.Entry) {
	t.Helper()
	rows, err := n.list.Scan(t.Context(), nil, 0, nil)
	require.NoError(t, err)
	for _, r := range rows {
		if r.Value.Act.Name == act {
			all = append(all, r.Value)
		}
	}
	return all
}

// files are the host's records, by key, with who sees them.
type files struct {
	rows *memory.Table[string, retention.Visibility]

	mu     sync.Mutex
	keeper *retention.Keeper
	orders []retention.Order
	// on is called in Destroy, after the check, and may fail it.
	on func(ctx context.Context, o retention.Order) error
	// seeing is called first in Hide and Restore, and may fail them.
	seeing func(ctx context.Context, o retention.Order) error
}

func (f *files) see(ctx context.Context, o retention.Order) error {
	if f.seeing != nil {
		if err := f.seeing(ctx, o); err != nil {
			return err
		}
	}
	if _, found, err := f.rows.Get(ctx, string(o.Tenant)+o.ID); err != nil || !found {
		return errors.Join(err, retention.ErrNotFound)
	}
	return f.rows.Put(ctx, string(o.Tenant)+o.ID, o.Visible)
}

func (f *files) Hide(ctx context.Context, o retention.Order) error    { return f.see(ctx, o) }
func (f *files) Restore(ctx context.Context, o retention.Order) error { return f.see(ctx, o) }

func (f *files) Destroy(ctx context.Context, o retention.Order) error {
	if err := f.keeper.Check(ctx, o); err != nil {
		return err
	}
	f.mu.Lock()
	f.orders = append(f.orders, o)
	on := f.on
	f.mu.Unlock()
	if on != nil {
		if err := on(ctx, o); err != nil {
			return err
		}
	}
	deleted, err := f.rows.Delete(ctx, string(o.Tenant)+o.ID)
	if err == nil && !deleted {
		err = retention.ErrNotFound
	}
	return err
}

func (f *files) Anonymise(ctx context.Context, o retention.Order) error { return f.Destroy(ctx, o) }

func (f *files) Count(context.Context, troth.Tenant) (int64, error) { return 0, nil }

// kept is a keeper with its host.
type kept struct {
	testing.TB
	ctx   context.Context
	db    *memory.DB
	store *retentionmem.Store
	notes *notes
	files *files
	k     *retention.Keeper
	now   time.Time
}

func person(ctx context.Context, id string, roles ...string) context.Context {
	return troth.WithActor(ctx, troth.Actor{Kind: troth.Person, ID: id, Roles: roles})
}

func newKept(t testing.TB, p *retention.Policy) *kept {
	t.Helper()
	db := memory.Open()
	w := &kept{
		TB: t, db: db, store: retentionmem.New(db), notes: newNotes(db), now: day(t, "2026-01-01"),
		files: &files{rows: memory.NewTable[string, retention.Visibility](db, func(a, b string) int {
			switch {
			case a < b:
				return -1
			case a > b:
				return 1
			}
			return 0
		})},
	}
	w.ctx = troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "host"})
	w.k = w.keeper()
	w.files.keeper = w.k
	if p != nil {
		require.NoError(t, w.k.Activate(person(w.ctx, "officer", "dpo"), p))
	}
	return w
}

func (w *kept) keeper(opts ...retention.Option) *retention.Keeper {
	w.Helper()
	opts = append([]retention.Option{
		retention.WithClock(func() time.Time { return w.now }), retention.WithRecords("file", retention.Registration{Handler: w.files}),
		retention.UnsafeWithoutApproval(),
	}, opts...)
	k, err := retention.New(w.ctx, retention.Config{Store: w.store, Recorder: w.notes}, opts...)
	require.NoError(w, err)
	return k
}

func fileKey(id string) retention.RecordKey {
	return retention.RecordKey{Tenant: ours, Type: "file", ID: id}
}

// add makes a file of a person, in one transaction with its record.
func (w *kept) add(id, subject string, labels ...string) {
	w.Helper()
	require.NoError(w, w.db.Atomically(w.ctx, func(ctx context.Context) error {
		if err := w.files.rows.Put(ctx, string(ours)+id, retention.VisibleAll); err != nil {
			return err
		}
		return w.k.Created(ctx, retention.NewRecord{RecordKey: fileKey(id), SubjectID: subject, Labels: labels, At: w.now})
	}))
}

func (w *kept) happened(id, event string) {
	w.Helper()
	require.NoError(w, w.k.Happened(w.ctx, fileKey(id), retention.Occurrence{Event: event, At: w.now}))
}

func (w *kept) after(days int) { w.now = w.now.AddDate(0, 0, days) }

func (w *kept) sweep() retention.Swept {
	w.Helper()
	s, err := w.k.Sweep(w.ctx)
	require.NoError(w, err)
	return s
}

// sees returns who sees a file; empty if there is none.
func (w *kept) sees(id string) retention.Visibility {
	w.Helper()
	v, _, err := w.files.rows.Get(w.ctx, string(ours)+id)
	require.NoError(w, err)
	return v
}

func (w *kept) hold(h retention.Hold) {
	w.Helper()
	h.Tenant, h.Review = ours, w.now.AddDate(1, 0, 0)
	if h.Matter == "" {
		h.Matter = "m-1"
	}
	require.NoError(w, w.k.Place(person(w.ctx, "lawyer", "counsel"), h))
}

func (w *kept) release(id string) {
	w.Helper()
	require.NoError(w, w.k.ProposeRelease(person(w.ctx, "lawyer", "counsel"), ours, id))
	require.NoError(w, w.k.Release(person(w.ctx, "second", "dpo"), ours, id))
}
