package rights_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
)

// tally is a store that counts the transactions which are begun on it.
type tally struct {
	rights.Backend
	tx *counting
}

func (s tally) Transactor() troth.Transactor { return s.tx }

type counting struct {
	troth.Transactor
	begun int
}

func (c *counting) Atomically(ctx context.Context, fn func(ctx context.Context) error) error {
	if c.Scope(ctx) == nil {
		c.begun++
	}
	return c.Transactor.Atomically(ctx, fn)
}

// count is a desk on the world's rows whose transactions are counted.
func (w *world) count(opts ...rights.Option) (*rights.Desk, *counting) {
	w.Helper()
	tx := &counting{Transactor: w.db}
	d, err := rights.New(w.Context(), rights.Config{Store: tally{w.store, tx}, Recorder: sharedTrail{w.trail, tx}, Keys: keys{}}, append([]rights.Option{
		rights.WithClock(w.clock.Now), rights.WithSealer(w.sealer), rights.WithNotifier(w.post), rights.WithRegimes("gdpr"),
		rights.Unmanaged("test"),
	}, opts...)...)
	require.NoError(w, err)
	tx.begun = 0
	return d, tx
}

// undoing is a shop whose shelves take back what is rolled back.
func undoing(t *testing.T, opts ...rights.Option) (*shop, *world) {
	t.Helper()
	s := newShop()
	w := newWorld(t, s.options(opts...)...)
	s.tx = w.db
	return s, w
}

// does is a source that is a function.
type does func(ctx context.Context, q rights.Inquiry) (rights.Report, error)

func (d does) Erase(ctx context.Context, q rights.Inquiry) (rights.Report, error) { return d(ctx, q) }

// TestErase_SharesTransactions: asking is one transaction, what comes before the provider
// another, and all the rest the third.
func TestErase_SharesTransactions(t *testing.T) {
	s, w := undoing(t)
	r := w.accepted(rights.Erase)
	d, tx := w.count(s.options()...)
	require.NoError(t, d.Step(w.ctx, acme, r.ID))
	require.Equal(t, rights.StateReviewing, w.get(r.ID).State)
	require.Equal(t, 1, tx.begun)
	_, err := w.desk.Approve(w.ctx, acme, r.ID)
	require.NoError(t, err)
	require.NoError(t, d.Step(w.ctx, acme, r.ID))
	require.Equal(t, rights.StateDelivering, w.get(r.ID).State)
	require.Equal(t, 3, tx.begun)
	require.Equal(t, []string{"erase index", "erase provider", "erase mailbox", "erase orders", "erase account"}, s.acts())
	require.Equal(t, []rights.Kind{
		rights.WasAccepted, rights.CollectionBegan, rights.Collected, rights.Approved, rights.CooledOff, rights.SourceDone, rights.SourceDone,
		rights.SourceDone, rights.SourceDone, rights.SourceDone, rights.Executed,
	}, w.kinds(r.ID)[slices.Index(w.kinds(r.ID), rights.WasAccepted):])
}

// TestErase_LongSourcesHaveTransactionsOfTheirOwn: a lock is held for no more than one of
// them.
func TestErase_LongSourcesHaveTransactionsOfTheirOwn(t *testing.T) {
	s, w := undoing(t)
	r := w.approved(rights.Erase)
	d, tx := w.count(s.options(rights.WithTurnTime(-1))...)
	require.NoError(t, d.Step(w.ctx, acme, r.ID))
	require.Equal(t, rights.StateDelivering, w.get(r.ID).State)
	require.Equal(t, 6, tx.begun, "index, provider, mailbox, orders, account, the end")
	require.Len(t, w.trail.events(rights.SourceDone), 5)
}

// TestErase_EachPartOfManyIsCommitted: who has more to do has a transaction for each part.
func TestErase_EachPartOfManyIsCommitted(t *testing.T) {
	s, w := undoing(t)
	s.orders.held["4711"], s.orders.batch = 7, 2
	r := w.approved(rights.Erase)
	var seen []uint64
	orders := s.orders.source()
	orders.Eraser = does(func(ctx context.Context, q rights.Inquiry) (rights.Report, error) {
		seen = append(seen, w.work(r.ID)["orders"].Records) // as it is committed
		return s.orders.Erase(ctx, q)
	})
	opts := []rights.Option{rights.WithCoolingOff(0), rights.WithSource(orders)}
	for _, one := range []*shelf{s.account, s.provider, s.index, s.mailbox} {
		opts = append(opts, rights.WithSource(one.source()))
	}
	d, tx := w.count(opts...)
	require.NoError(t, d.Step(w.ctx, acme, r.ID))
	require.Equal(t, rights.StateDelivering, w.get(r.ID).State)
	require.Equal(t, []uint64{0, 2, 4, 6}, seen)
	require.EqualValues(t, 7, w.work(r.ID)["orders"].Records)
	require.Equal(t, 5, tx.begun)
}

// TestErase_OneFailsAmongOthers: whoever fails, and in whatever way, takes nobody along: it is
// called once for each try and counted once, others of its order end, and what they did in the
// transaction that it spoilt is undone and done once.
func TestErase_OneFailsAmongOthers(t *testing.T) {
	for name, c := range map[string]struct {
		bad            func(s *shop) *shelf
		done, untended []string
		panics         bool
	}{
		"the first, with what begins it": {
			bad: func(s *shop) *shelf { return s.index }, untended: []string{"provider", "mailbox", "orders", "account"},
		},
		"the only one elsewhere": {
			bad: func(s *shop) *shelf { return s.provider }, done: []string{"index"}, untended: []string{"mailbox", "orders", "account"},
		},
		"before another of its order": {
			bad: func(s *shop) *shelf { return s.mailbox }, done: []string{"index", "provider", "orders"}, untended: []string{"account"},
		},
		"after another of its order": {
			bad: func(s *shop) *shelf { return s.orders }, done: []string{"index", "provider", "mailbox"}, untended: []string{"account"},
		},
		"the last": {
			bad: func(s *shop) *shelf { return s.account }, done: []string{"index", "provider", "mailbox", "orders"},
		},
		"by a panic": {
			bad: func(s *shop) *shelf { return s.orders }, done: []string{"index", "provider", "mailbox"}, untended: []string{"account"}, panics: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, w := undoing(t)
			s.mailbox.held["4711"] = 5
			r := w.approved(rights.Erase)
			bad := c.bad(s)
			bad.fails, bad.panics = 1, c.panics
			require.Equal(t, rights.StateExecuting, w.step(r.ID).State)
			calls := 0
			for _, a := range s.acts() {
				if a == "erase "+bad.name {
					calls++
				}
			}
			require.Equal(t, 1, calls)
			work := w.work(r.ID)
			require.Equal(t, 1, work[bad.name].Tries)
			require.Empty(t, work[bad.name].Outcome)
			for _, n := range c.done {
				require.Equal(t, rights.Done, work[n].Outcome, n)
			}
			for _, n := range c.untended {
				require.Empty(t, work[n].Outcome, n)
				require.Zero(t, work[n].Tries, n)
			}
			require.Len(t, w.trail.events(rights.SourceDone), len(c.done))
			require.Len(t, w.trail.events(rights.CooledOff), 1)
			require.Empty(t, w.trail.events(rights.Executed))

			bad.fails, bad.panics = 0, false
			w.clock.Move(time.Minute)
			w.sweep()
			require.Equal(t, rights.StateDelivering, w.get(r.ID).State)
			for n, records := range map[string]uint64{"index": 4, "provider": 2, "mailbox": 5, "orders": 3, "account": 1} {
				require.Equal(t, records, w.work(r.ID)[n].Records, n)
				require.Zero(t, w.work(r.ID)[n].Tries, n)
			}
			require.Len(t, w.trail.events(rights.SourceDone), 5)
		})
	}
}

// TestErase_ElsewhereNothingIsUncommitted: who is called elsewhere finds in the rows all that
// came before: the ledger of erasures, and the order before its own.
func TestErase_ElsewhereNothingIsUncommitted(t *testing.T) {
	s, w := undoing(t)
	var r rights.Request
	var ledger []bool
	var index rights.Outcome
	far := s.provider.source()
	far.Eraser = does(func(ctx context.Context, q rights.Inquiry) (_ rights.Report, err error) {
		require.Nil(t, w.db.Scope(ctx))
		if ledger, err = w.desk.Erased(w.ctx, acme, []rights.Identifier{id("email", canary), id("subject", ada.ID)}); err != nil {
			return rights.Report{}, err
		}
		index = w.outcomes(r.ID)["index"]
		return s.provider.Erase(ctx, q)
	})
	opts := []rights.Option{rights.WithCoolingOff(0), rights.WithSource(far)}
	for _, one := range []*shelf{s.account, s.orders, s.index, s.mailbox} {
		opts = append(opts, rights.WithSource(one.source()))
	}
	r = w.approved(rights.Erase)
	require.NoError(t, w.open(opts...).Step(w.ctx, acme, r.ID))
	require.Equal(t, rights.StateDelivering, w.get(r.ID).State)
	require.Equal(t, []bool{true, true}, ledger)
	require.Equal(t, rights.Done, index)
}

// TestErase_DiesBetweenElsewhereAndIdentity: what was done elsewhere and could not be noted
// any more is asked again under the same key, and counted once.
func TestErase_DiesBetweenElsewhereAndIdentity(t *testing.T) {
	s, w := undoing(t)
	r := w.approved(rights.Erase)
	ctx, die := context.WithCancel(w.ctx)
	account := s.account.source()
	account.Eraser = does(func(ctx context.Context, q rights.Inquiry) (rights.Report, error) {
		said, err := s.account.Erase(ctx, q)
		die()
		return said, err
	})
	opts := []rights.Option{rights.WithCoolingOff(0), rights.WithSource(account)}
	for _, one := range []*shelf{s.orders, s.provider, s.index, s.mailbox} {
		opts = append(opts, rights.WithSource(one.source()))
	}
	require.ErrorIs(t, w.open(opts...).Step(ctx, acme, r.ID), context.Canceled)
	require.Equal(t, rights.StateExecuting, w.get(r.ID).State)
	require.Equal(t, map[string]rights.Outcome{"index": rights.Done, "provider": "", "mailbox": "", "orders": "", "account": ""}, w.outcomes(r.ID))
	require.Len(t, w.trail.events(rights.SourceDone), 1)

	w.clock.Move(time.Hour)
	require.Equal(t, rights.StateDelivering, w.step(r.ID).State)
	require.Len(t, s.provider.keys, 1)
	for n, records := range map[string]uint64{"index": 4, "provider": 2, "orders": 3, "account": 1} {
		require.Equal(t, records, w.work(r.ID)[n].Records, n)
	}
	require.Len(t, w.trail.events(rights.SourceDone), 5)
	require.Len(t, w.trail.events(rights.CooledOff), 1)
}

// TestErase_WhatOneElsewhereSaidIsKept: it is not called again for others that fail after it.
func TestErase_WhatOneElsewhereSaidIsKept(t *testing.T) {
	s, w := undoing(t)
	r := w.approved(rights.Erase)
	s.orders.fails = 1
	w.step(r.ID)
	n := 0
	for _, a := range s.acts() {
		if a == "erase provider" {
			n++
		}
	}
	require.Equal(t, 1, n)
	require.Equal(t, rights.Done, w.outcomes(r.ID)["provider"])
}

// TestErase_ATransactionThatCannotEnd: where the database takes back what several did
// together, and nobody is to blame, each does it alone.
func TestErase_ATransactionThatCannotEnd(t *testing.T) {
	s, w := undoing(t)
	r := w.approved(rights.Erase)
	tx := &refusing{Transactor: w.db, limit: 1}
	d, err := rights.New(t.Context(), rights.Config{
		Store: refusingStore{w.store, tx}, Recorder: sharedTrail{w.trail, tx}, Keys: keys{},
	}, s.options(rights.WithClock(w.clock.Now), rights.WithSealer(w.sealer), rights.WithRegimes("gdpr"), rights.Unmanaged("test"))...)
	require.NoError(t, err)
	require.NoError(t, d.Step(w.ctx, acme, r.ID))
	require.Equal(t, rights.StateDelivering, w.get(r.ID).State)
	for n, records := range map[string]uint64{"index": 4, "provider": 2, "orders": 3, "account": 1} {
		require.Equal(t, records, w.work(r.ID)[n].Records, n)
		require.Zero(t, w.work(r.ID)[n].Tries)
	}
	require.NotZero(t, tx.refused)
	require.Len(t, w.trail.events(rights.SourceDone), 5)
}

// refusing is a transactor that commits nothing in which more than limit sources were
// settled.
type refusing struct {
	troth.Transactor
	limit, settled, refused int
}

var errRefused = errors.New("could not serialize access")

func (r *refusing) Atomically(ctx context.Context, fn func(ctx context.Context) error) error {
	if r.Scope(ctx) != nil {
		return r.Transactor.Atomically(ctx, fn)
	}
	r.settled = 0
	return r.Transactor.Atomically(ctx, func(ctx context.Context) error {
		if err := fn(ctx); err != nil || r.settled <= r.limit {
			return err
		}
		r.refused++
		return errRefused
	})
}

type refusingStore struct {
	rights.Backend
	tx *refusing
}

func (s refusingStore) Transactor() troth.Transactor { return s.tx }

func (s refusingStore) InsertEvents(ctx context.Context, rows []rights.EventRow) (int, error) {
	for _, row := range rows {
		s.tx.settled += bytes.Count(row.Record, []byte(rights.SourceDone))
	}
	return s.Backend.InsertEvents(ctx, rows)
}

// TestErase_SeveralElsewhere: each is noted, whoever fails among them, and one that has more
// to do is asked until it has not.
func TestErase_SeveralElsewhere(t *testing.T) {
	for _, failing := range []string{"courier", "mailer"} {
		w := newWorld(t)
		calls := map[string]int{}
		far := func(name string) rights.Option {
			return rights.WithSource(rights.Source{Name: name, Order: rights.Remote, Eraser: does(func(context.Context, rights.Inquiry) (rights.Report, error) {
				calls[name]++
				if name == failing && calls[name] == 1 {
					return rights.Report{}, errDown
				}
				n := calls[name] - count(name == failing)
				return rights.Report{Outcome: rights.Done, Method: rights.Deleted, Records: uint64(n), More: n < 3}, nil
			})})
		}
		near := &shelf{house: &house{tx: w.db}, name: "near", order: rights.Primary, by: "subject", held: map[string]uint64{ada.ID: 1}}
		w.desk = w.open(rights.WithCoolingOff(0), far("courier"), far("mailer"), rights.WithSource(near.source()))
		r := w.approved(rights.Erase)
		require.Equal(t, rights.StateExecuting, w.step(r.ID).State)
		other := map[string]string{"courier": "mailer", "mailer": "courier"}[failing]
		require.Equal(t, map[string]rights.Outcome{other: rights.Done, failing: "", "near": ""}, w.outcomes(r.ID), failing)
		require.Equal(t, 1, w.work(r.ID)[failing].Tries)
		w.clock.Move(time.Minute)
		require.Equal(t, rights.StateDelivering, w.step(r.ID).State)
		require.Equal(t, map[string]int{other: 3, failing: 4}, calls)
		require.EqualValues(t, 3, w.work(r.ID)[failing].Records)
		require.EqualValues(t, 3, w.work(r.ID)[other].Records)
	}
}

// TestCollect_SaysWhenItBegan: what is noted at the end of asking says when that began.
func TestCollect_SaysWhenItBegan(t *testing.T) {
	s, w := undoing(t)
	slow := s.index.source()
	slow.Locator = looks(func(ctx context.Context, q rights.Inquiry) (rights.Located, error) {
		w.clock.Move(time.Hour)
		return s.index.Locate(ctx, q)
	})
	w.desk = w.open(rights.WithCoolingOff(0), rights.WithSource(slow))
	began := w.clock.Now()
	r := w.accepted(rights.Erase)
	require.NoError(t, w.desk.Step(w.ctx, acme, r.ID))
	events, err := w.desk.Events(w.ctx, acme, r.ID)
	require.NoError(t, err)
	i := slices.IndexFunc(events, func(e rights.Event) bool { return e.Kind == rights.CollectionBegan })
	require.WithinDuration(t, began, events[i].At, time.Second)
	require.GreaterOrEqual(t, events[i].RecordedAt.Sub(events[i].At), 59*time.Minute)
}

// looks is a locator that is a function.
type looks func(ctx context.Context, q rights.Inquiry) (rights.Located, error)

func (l looks) Locate(ctx context.Context, q rights.Inquiry) (rights.Located, error) {
	return l(ctx, q)
}

// TestErase_IsDueAtOnceAfterACrash: a process that dies once destroying began leaves the
// request due, whatever instant its step had been put off to.
func TestErase_IsDueAtOnceAfterACrash(t *testing.T) {
	for _, putOff := range []bool{false, true} {
		w := newWorld(t)
		ctx, die := context.WithCancel(w.ctx)
		calls := 0
		w.desk = w.open(rights.WithCoolingOff(0), rights.WithSource(rights.Source{
			Name: "courier", Order: rights.Remote, Eraser: does(func(context.Context, rights.Inquiry) (rights.Report, error) {
				if calls++; calls == 1 {
					die()
				}
				return rights.Report{Outcome: rights.Done, Method: rights.Deleted, Records: 1}, ctx.Err()
			}),
		}))
		r := w.approved(rights.Erase)
		if putOff {
			rows, err := w.store.Items(w.ctx, rights.ItemQuery{Tenant: acme, Owner: r.ID, Kind: rights.ItemStep, Limit: 1})
			require.NoError(t, err)
			rows[0].DueAt = w.clock.Now().Add(time.Hour).UnixMicro()
			require.NoError(t, w.store.PutItem(w.ctx, rows[0]))
		}
		require.ErrorIs(t, w.desk.Step(ctx, acme, r.ID), context.Canceled)
		require.Equal(t, rights.StateExecuting, w.get(r.ID).State)
		w.clock.Move(time.Millisecond)
		keys, err := w.store.DueItems(w.ctx, rights.ItemStep, w.clock.Now().UnixMicro(), 2)
		require.NoError(t, err)
		require.Len(t, keys, 1, "put off before: %v", putOff)
	}
}
