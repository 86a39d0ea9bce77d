package retention

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/integration/sqltest"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/retentionsql"
)

// process is one of several that share a database.
type process struct {
	h *sqlstore.Handle
	k *retention.Keeper
	// destroyed is called in Destroy, inside its transaction.
	destroyed func()
	// seen is called in Hide and Restore.
	seen func()
}

func (p *process) see(ctx context.Context, o retention.Order) error {
	if p.seen != nil {
		p.seen()
	}
	_, err := p.h.Querier(ctx).Exec(ctx, p.h.Dialect().Rebind(`UPDATE file SET visible = ? WHERE id = ?`), string(o.Visible), o.ID)
	return err
}

func (p *process) Hide(ctx context.Context, o retention.Order) error    { return p.see(ctx, o) }
func (p *process) Restore(ctx context.Context, o retention.Order) error { return p.see(ctx, o) }

func (p *process) Destroy(ctx context.Context, o retention.Order) error {
	if err := p.k.Check(ctx, o); err != nil {
		return err
	}
	if p.destroyed != nil {
		p.destroyed()
	}
	res, err := p.h.Querier(ctx).Exec(ctx, p.h.Dialect().Rebind(`DELETE FROM file WHERE id = ?`), o.ID)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, retention.ErrNotFound)
	}
	return nil
}

func (p *process) Anonymise(ctx context.Context, o retention.Order) error { return p.Destroy(ctx, o) }

func (p *process) Count(ctx context.Context, _ troth.Tenant) (n int64, err error) {
	_, err = sqlstore.QueryRow(ctx, p.h.Querier(ctx), `SELECT COUNT(*) FROM file`, nil, &n)
	return n, err
}

const ours troth.Tenant = "acme"

var began = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func start(t *testing.T, h *sqlstore.Handle, now func() time.Time, opts ...retention.Option) *process {
	t.Helper()
	s, err := retentionsql.New(t.Context(), h)
	require.NoError(t, err)
	p := &process{h: h}
	opts = append(opts, retention.WithClock(now), retention.UnsafeWithoutApproval(),
		retention.WithRecords("document", retention.Registration{Handler: p}))
	p.k, err = retention.New(t.Context(), retention.Config{Store: s, Recorder: troth.UnsafeNoEvidence(h)}, opts...)
	require.NoError(t, err)
	return p
}

func person(ctx context.Context, id, role string) context.Context {
	return troth.WithActor(ctx, troth.Actor{Kind: troth.Person, ID: id, Roles: []string{role}})
}

// policyOf is one class, kept for 30 days.
func policyOf(t testing.TB) *retention.Policy {
	t.Helper()
	policy, err := retention.ParseYAML([]byte(`
format: troth.retention.policy/1
policy: documents
version: 1
title: Documents
effective: 2020-01-01
zone: UTC
sweep: P1D
copies:
  - {copy: primary, kind: primary}
classes:
  - class: documents
    title: Documents
    records: [document]
    copies: [primary]
    stages:
      - {stage: active, visible: all, for: P30D}
`))
	require.NoError(t, err)
	return policy
}

// documents activates the policy and makes n documents.
func documents(t *testing.T, p *process, n int) {
	t.Helper()
	require.NoError(t, p.k.Activate(person(t.Context(), "officer", "dpo"), policyOf(t)))
	_, err := p.h.Querier(t.Context()).Exec(t.Context(), `CREATE TABLE file (id TEXT PRIMARY KEY, visible TEXT NOT NULL)`)
	require.NoError(t, err)
	for i := range n {
		id := fmt.Sprintf("%04d", i)
		require.NoError(t, p.h.Atomically(t.Context(), func(ctx context.Context) error {
			_, err := p.h.Querier(ctx).Exec(ctx, p.h.Dialect().Rebind(`INSERT INTO file (id, visible) VALUES (?, 'all')`), id)
			if err != nil {
				return err
			}
			return p.k.Created(ctx, retention.NewRecord{
				RecordKey: retention.RecordKey{Tenant: ours, Type: "document", ID: id}, SubjectID: "p", At: began,
			})
		}))
	}
}

func (p *process) left(t *testing.T) int64 {
	t.Helper()
	n, err := p.Count(t.Context(), ours)
	require.NoError(t, err)
	return n
}

// Two keepers sweep the same rows: each goes once.
func TestKeeper_SeveralSweepAtOnce(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, open func() *sqlstore.Handle) {
		now := func() time.Time { return began.AddDate(0, 0, 40) }
		a, b := start(t, open(), now, retention.WithBatch(7)), start(t, open(), now, retention.WithBatch(7))
		documents(t, a, 60)
		counts := make(chan int, 2)
		for _, p := range []*process{a, b} {
			go func() {
				s, err := p.k.Sweep(t.Context())
				if err != nil || len(s.Failed) > 0 {
					t.Errorf("sweep: %v %v", err, s.Failed)
				}
				counts <- s.Destroyed
			}()
		}
		total := <-counts + <-counts
		s, err := a.k.Sweep(t.Context()) // what each left to the other
		require.NoError(t, err)
		require.Equal(t, 60, total+s.Destroyed)
		require.Zero(t, a.left(t))
	})
}

// A hold placed through one handle while another sweeps: once Place returns, nothing
// that it covers goes any more. Its release lets the rest go.
func TestHold_WinsOverASweepElsewhere(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, open func() *sqlstore.Handle) {
		now := func() time.Time { return began.AddDate(0, 0, 40) }
		sweeper, office := start(t, open(), now, retention.WithBatch(1)), start(t, open(), now)
		const total = 30
		documents(t, sweeper, total)
		begun, returned, n := make(chan struct{}), make(chan struct{}), 0
		sweeper.destroyed = func() {
			if n++; n != 3 {
				return
			}
			close(begun)
			select {
			case <-returned:
				t.Error("a hold was placed while what it covers was being destroyed")
			case <-time.After(300 * time.Millisecond):
			}
		}
		placed := make(chan int64, 1)
		go func() {
			<-begun
			hold := retention.Hold{Tenant: ours, ID: "h", Matter: "m", SubjectID: "p", Review: began.AddDate(1, 0, 0)}
			if err := office.k.Place(person(t.Context(), "lawyer", "counsel"), hold); err != nil {
				t.Error(err)
			}
			close(returned)
			n, err := office.Count(t.Context(), ours)
			if err != nil {
				t.Error(err)
			}
			placed <- n
		}()
		s, err := sweeper.k.Sweep(t.Context())
		require.NoError(t, err)
		require.Empty(t, s.Failed)
		left := <-placed
		require.Equal(t, left, sweeper.left(t), "nothing went after the hold was there")
		require.EqualValues(t, total-left, s.Destroyed)
		s, err = sweeper.k.Sweep(t.Context())
		require.NoError(t, err)
		require.Zero(t, s.Destroyed)
		require.NoError(t, office.k.ProposeRelease(person(t.Context(), "lawyer", "counsel"), ours, "h"))
		require.NoError(t, office.k.Release(person(t.Context(), "second", "dpo"), ours, "h"))
		s, err = sweeper.k.Sweep(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, left, s.Destroyed)
		require.Zero(t, sweeper.left(t))
	})
}

// What is undone leaves everything as it was, and is done once when it is tried again.
func TestKeeper_AFailureUndoesTheHostsWorkToo(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, open func() *sqlstore.Handle) {
		at := began.AddDate(0, 0, 40)
		p := start(t, open(), func() time.Time { return at })
		documents(t, p, 3)
		fail := true
		p.destroyed = func() {
			if fail {
				panic(os.ErrClosed)
			}
		}
		s, err := p.k.Sweep(t.Context())
		require.NoError(t, err)
		require.Len(t, s.Failed, 3, "a panic is a failure of one record")
		require.ErrorIs(t, s.Failed[0].Err, retention.ErrPanic)
		require.EqualValues(t, 3, p.left(t))
		fail, at = false, at.Add(time.Hour)
		s, err = p.k.Sweep(t.Context())
		require.NoError(t, err)
		require.Equal(t, 3, s.Destroyed)
	})
}
