package rights_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
)

var errCrash = errors.New("crash")

// frail is a store that fails at one of its writes, before or after it was made.
type frail struct {
	rights.Backend
	left  int
	after bool
}

func (f *frail) write(do func() error) error {
	f.left--
	if f.left != 0 {
		return do()
	}
	if f.after {
		return errors.Join(do(), errCrash)
	}
	return errCrash
}

func (f *frail) PutRequest(ctx context.Context, row rights.RequestRow) error {
	return f.write(func() error { return f.Backend.PutRequest(ctx, row) })
}

func (f *frail) InsertEvents(ctx context.Context, rows []rights.EventRow) (n int, err error) {
	err = f.write(func() (err error) { n, err = f.Backend.InsertEvents(ctx, rows); return err })
	return n, err
}

func (f *frail) WriteItems(ctx context.Context, rows []rights.ItemRow) error {
	return f.write(func() error { return f.Backend.WriteItems(ctx, rows) })
}

func (f *frail) InsertItem(ctx context.Context, row rights.ItemRow) (ok bool, err error) {
	return ok, f.write(func() (err error) { ok, err = f.Backend.InsertItem(ctx, row); return err })
}

func (f *frail) PutItem(ctx context.Context, row rights.ItemRow) error {
	return f.write(func() error { return f.Backend.PutItem(ctx, row) })
}

func (f *frail) DeleteItem(ctx context.Context, key rights.ItemKey) (ok bool, err error) {
	return ok, f.write(func() (err error) { ok, err = f.Backend.DeleteItem(ctx, key); return err })
}

// TestErase_CrashAtEveryStep: a process dies at every write, before and after it was made,
// and another one carries on: every source is dealt with, everything is counted once.
func TestErase_CrashAtEveryStep(t *testing.T) {
	for _, after := range []bool{false, true} {
		for n := 1; ; n++ {
			s := newShop()
			s.orders.held["4711"], s.orders.batch = 3, 2
			w := newWorld(t, s.options()...)
			s.tx = w.db
			r := w.approved(rights.Erase)
			broken := &frail{Backend: w.store, left: n, after: after}
			d := w.openOn(broken, s.options()...)
			failed := d.Step(w.ctx, acme, r.ID)
			name := fmt.Sprintf("write %d, after it was made: %v", n, after)
			if broken.left > 0 {
				require.NoError(t, failed, name)
				require.Greater(t, n, 9, "the writes were not met")
				break
			}
			for range 10 {
				w.clock.Move(2 * time.Hour)
				w.sweep()
			}
			require.Equal(t, rights.StateDelivering, w.get(r.ID).State, name)
			for source, records := range map[string]uint64{"account": 1, "orders": 3, "provider": 2, "index": 4, "mailbox": 0} {
				work := w.work(r.ID)[source]
				require.Equal(t, records, work.Records, "%s: %s", name, source)
				require.True(t, work.Outcome.Complete(), "%s: %s", name, source)
			}
			require.Len(t, w.trail.events(rights.SourceDone), 5, name)
			require.Len(t, w.trail.events(rights.Executed), 1, name)
			require.Empty(t, w.obligations(r.ID), name)
		}
	}
}

// TestErase_TwoProcesses: two carry the same request on at once.
func TestErase_TwoProcesses(t *testing.T) {
	s := newShop()
	w := newWorld(t, s.options()...)
	s.tx = w.db
	r := w.approved(rights.Erase)
	other := w.open(s.options()...)
	ends := make(chan error, 2)
	for _, d := range []*rights.Desk{w.desk, other} {
		go func() { ends <- d.Step(w.ctx, acme, r.ID) }()
	}
	for range 2 {
		<-ends // one may find it busy
	}
	w.clock.Move(time.Hour)
	require.Equal(t, rights.StateDelivering, w.step(r.ID).State)
	require.EqualValues(t, 3, w.work(r.ID)["orders"].Records)
	require.Len(t, w.trail.events(rights.SourceDone), 5)
}

// blind is a store that once cannot read, whatever it was asked for.
type blind struct {
	rights.Backend
	left int
}

func (b *blind) read() error {
	if b.left--; b.left == 0 {
		return errCrash
	}
	return nil
}

func (b *blind) Request(ctx context.Context, tenant troth.Tenant, id string) (rights.RequestRow, bool, error) {
	if err := b.read(); err != nil {
		return rights.RequestRow{}, false, err
	}
	return b.Backend.Request(ctx, tenant, id)
}

func (b *blind) LockRequest(ctx context.Context, tenant troth.Tenant, id string) (rights.RequestRow, bool, error) {
	if err := b.read(); err != nil {
		return rights.RequestRow{}, false, err
	}
	return b.Backend.LockRequest(ctx, tenant, id)
}

func (b *blind) RequestsOf(ctx context.Context, tenant troth.Tenant, subject string) ([]rights.RequestRow, error) {
	if err := b.read(); err != nil {
		return nil, err
	}
	return b.Backend.RequestsOf(ctx, tenant, subject)
}

func (b *blind) Events(ctx context.Context, tenant troth.Tenant, request string) ([]rights.EventRow, error) {
	if err := b.read(); err != nil {
		return nil, err
	}
	return b.Backend.Events(ctx, tenant, request)
}

func (b *blind) Item(ctx context.Context, key rights.ItemKey) (rights.ItemRow, bool, error) {
	if err := b.read(); err != nil {
		return rights.ItemRow{}, false, err
	}
	return b.Backend.Item(ctx, key)
}

func (b *blind) ItemsAt(ctx context.Context, keys []rights.ItemKey) ([]rights.ItemRow, error) {
	if err := b.read(); err != nil {
		return nil, err
	}
	return b.Backend.ItemsAt(ctx, keys)
}

func (b *blind) File(ctx context.Context, tenant troth.Tenant, id string, kinds []rights.ItemKind) (rights.File, bool, error) {
	if err := b.read(); err != nil {
		return rights.File{}, false, err
	}
	return b.Backend.File(ctx, tenant, id, kinds)
}

func (b *blind) LockRequestAs(ctx context.Context, tenant troth.Tenant, id string, record []byte) (bool, error) {
	if err := b.read(); err != nil {
		return false, err
	}
	return b.Backend.LockRequestAs(ctx, tenant, id, record)
}

func (b *blind) Items(ctx context.Context, q rights.ItemQuery) ([]rights.ItemRow, error) {
	if err := b.read(); err != nil {
		return nil, err
	}
	return b.Backend.Items(ctx, q)
}

// TestErase_WhatCouldNotBeReadIsNoOutcome: a read that fails is tried again, and never
// taken for a source that can do nothing.
func TestErase_WhatCouldNotBeReadIsNoOutcome(t *testing.T) {
	for n := 1; ; n++ {
		s := newShop()
		w := newWorld(t, s.options()...)
		s.tx = w.db
		r := w.approved(rights.Erase)
		store := &blind{Backend: w.store, left: n}
		failed := w.openOn(store, s.options()...).Step(w.ctx, acme, r.ID)
		if store.left > 0 {
			require.NoError(t, failed)
			require.Greater(t, n, 4, "the reads were not met")
			return
		}
		w.clock.Move(2 * time.Hour)
		w.step(r.ID)
		for source, outcome := range w.outcomes(r.ID) {
			require.True(t, outcome.Complete(), "read %d: %s is %s", n, source, outcome)
		}
	}
}

// overtaken is a store after whose first reading of how far sources are another process does
// everything.
type overtaken struct {
	rights.Backend
	then func()
}

func (o *overtaken) File(ctx context.Context, tenant troth.Tenant, id string, kinds []rights.ItemKind) (rights.File, bool, error) {
	f, found, err := o.Backend.File(ctx, tenant, id, kinds)
	if then := o.then; then != nil && slices.Contains(kinds, rights.ItemSources) {
		o.then = nil
		then()
	}
	return f, found, err
}

// TestErase_OvertakenByAnotherProcess: who finds the request moved on lets it be.
func TestErase_OvertakenByAnotherProcess(t *testing.T) {
	s := newShop()
	only := rights.WithSource(s.provider.source())
	w := newWorld(t, only, rights.WithCoolingOff(0))
	s.provider.by, s.provider.held = "subject", map[string]uint64{ada.ID: 2}
	r := w.approved(rights.Erase)
	w.fire(r.ID, rights.CooledOff)
	store := &overtaken{Backend: w.store, then: func() { require.NoError(t, w.desk.Step(w.ctx, acme, r.ID)) }}
	ctx, cancel := context.WithTimeout(w.ctx, 30*time.Second)
	defer cancel()
	require.NoError(t, w.openOn(store, only, rights.WithCoolingOff(0)).Step(ctx, acme, r.ID))
	require.Nil(t, store.then)
	require.Equal(t, rights.StateDelivering, w.get(r.ID).State)
	require.EqualValues(t, 2, w.work(r.ID)["provider"].Records)
}

// TestErase_TriesBeginAnew: who could not be found out is tried as often as others when
// something is to be done.
func TestErase_TriesBeginAnew(t *testing.T) {
	s := newShop()
	w := newWorld(t, s.options(rights.WithTries(2))...)
	s.mailbox.fails = 2
	r := w.accepted(rights.Erase)
	for range 3 {
		require.NoError(t, w.desk.Step(w.ctx, acme, r.ID))
		w.clock.Move(2 * time.Hour)
	}
	require.Equal(t, rights.StateReviewing, w.get(r.ID).State)
	_, err := w.desk.Approve(w.ctx, acme, r.ID)
	require.NoError(t, err)
	s.mailbox.fails = 1
	w.step(r.ID)
	require.Empty(t, w.outcomes(r.ID)["mailbox"])
	w.clock.Move(2 * time.Hour)
	w.step(r.ID)
	require.Equal(t, rights.NothingFound, w.outcomes(r.ID)["mailbox"])
}
