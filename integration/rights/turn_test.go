package rights

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/integration/sqltest"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/storage/sqlstore"
)

// neighbours are five sources in one database: three with a record each, and two of which one
// spoils the transaction that it shares with them. What it does to it is a statement that it
// runs, and tells nobody of.
type neighbours struct {
	h     *sqlstore.Handle
	spoil string
	calls map[string]int
}

func (n *neighbours) eraser(name string) rights.Eraser {
	return erases(func(ctx context.Context, _ rights.Inquiry) (rights.Report, error) {
		n.calls[name]++
		if name == "orders" && n.spoil != "" {
			_, _ = n.h.Querier(ctx).Exec(ctx, n.spoil) // the host overlooks that it failed
		}
		done, err := n.h.Querier(ctx).Exec(ctx, n.h.Dialect().Rebind("DELETE FROM part WHERE name = ?"), name)
		if err != nil {
			return rights.Report{}, err
		}
		gone, err := done.RowsAffected()
		return rights.Report{Outcome: rights.Done, Method: rights.Deleted, Records: uint64(gone)}, err
	})
}

type erases func(ctx context.Context, q rights.Inquiry) (rights.Report, error)

func (e erases) Erase(ctx context.Context, q rights.Inquiry) (rights.Report, error) { return e(ctx, q) }

var places = []string{"account", "index", "letters", "orders", "visits"}

// TestErase_OneThatSpoilsItsTransaction: on PostgreSQL a statement that failed refuses all that
// come after it, and what is checked at the commit fails there, where nobody is to blame. The
// one that did it fails alone, as often as it may; the others are done, each once.
func TestErase_OneThatSpoilsItsTransaction(t *testing.T) {
	for name, spoil := range map[string]string{
		"by a statement that fails": "SELECT * FROM nowhere",
		"at the commit":             "INSERT INTO child VALUES (99)",
	} {
		t.Run(name, func(t *testing.T) {
			ctx := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "shop"})
			db := pgtest.Open(t)
			h, store := open(t, db, sqlstore.Postgres)
			_, err := db.ExecContext(ctx, "CREATE TABLE parent (id BIGINT PRIMARY KEY); "+
				"CREATE TABLE child (id BIGINT REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)")
			require.NoError(t, err)
			n := &neighbours{h: h, spoil: spoil, calls: map[string]int{}}
			d, now := n.desk(t, store)
			n.approved(ctx, t, d)
			for range 3 {
				require.NoError(t, d.Step(ctx, "acme", "e"))
				*now = now.Add(time.Hour)
			}
			n.done(ctx, t, d, map[string]rights.Outcome{"orders": rights.Failed})
			require.Equal(t, map[string]uint64{"orders": 1}, n.left(ctx, t))
		})
	}
}

// TestErase_OfOneDatabaseIsOneTransaction: nothing is elsewhere, and so nobody sees a part of
// it.
func TestErase_OfOneDatabaseIsOneTransaction(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, handle func() *sqlstore.Handle) {
		ctx := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "shop"})
		h := handle()
		store := storeOn(t, h)
		tx := &counted{Transactor: h}
		n := &neighbours{h: h, calls: map[string]int{}}
		d, _ := n.desk(t, countedStore{store, tx})
		n.approved(ctx, t, d)
		tx.begun.Store(0)
		require.NoError(t, d.Step(ctx, "acme", "e"))
		require.EqualValues(t, 1, tx.begun.Load())
		n.done(ctx, t, d, nil)
		require.Empty(t, n.left(ctx, t))
		require.Equal(t, map[string]int{"account": 1, "index": 1, "letters": 1, "orders": 1, "visits": 1}, n.calls)
	})
}

// desk is a desk with the neighbours as its sources, and its clock.
func (n *neighbours) desk(t *testing.T, store rights.Backend) (*rights.Desk, *time.Time) {
	t.Helper()
	now := time.Date(2026, 3, 5, 10, 0, 0, 0, time.UTC)
	opts := []rights.Option{
		rights.WithRegimes("gdpr"), rights.WithClock(func() time.Time { return now }), rights.WithSealer(fixedSealer{}),
		rights.Unmanaged("test"), rights.WithCoolingOff(0), rights.WithTries(3),
	}
	run := func(text string) {
		_, err := n.h.Querier(t.Context()).Exec(t.Context(), text)
		require.NoError(t, err)
	}
	run("CREATE TABLE part (name TEXT NOT NULL)")
	for _, name := range places {
		order := map[string]rights.Order{"index": rights.Derived, "account": rights.Identity}[name]
		if order == "" {
			order = rights.Primary
		}
		run(fmt.Sprintf("INSERT INTO part VALUES ('%s')", name))
		opts = append(opts, rights.WithSource(rights.Source{Name: name, Order: order, Eraser: n.eraser(name)}))
	}
	d, err := rights.New(t.Context(), rights.Config{Store: store, Recorder: troth.UnsafeNoEvidence(store.Transactor()), Keys: fixedKeys{}}, opts...)
	require.NoError(t, err)
	return d, &now
}

// approved is a request whose sources are to act.
func (n *neighbours) approved(ctx context.Context, t *testing.T, d *rights.Desk) {
	t.Helper()
	_, err := d.Submit(ctx, rights.Submission{Tenant: "acme", ID: "e", Right: rights.Erase, Via: rights.ViaAccount, SubjectID: "c-17"})
	require.NoError(t, err)
	p, err := d.Attest(ctx, rights.Attestation{Tenant: "acme", Request: "e", SubjectID: "c-17", Method: rights.ByReauthentication})
	require.NoError(t, err)
	_, err = d.Accept(ctx, "acme", "e", p)
	require.NoError(t, err)
	require.NoError(t, d.Step(ctx, "acme", "e"))
	_, err = d.Approve(ctx, "acme", "e")
	require.NoError(t, err)
}

// done checks that every source is, but for those that say otherwise.
func (n *neighbours) done(ctx context.Context, t *testing.T, d *rights.Desk, but map[string]rights.Outcome) {
	t.Helper()
	r, err := d.Request(ctx, "acme", "e")
	require.NoError(t, err)
	require.Equal(t, rights.StateDelivering, r.State)
	work, err := d.Work(ctx, "acme", "e")
	require.NoError(t, err)
	require.Len(t, work, len(places))
	for _, w := range work {
		if o, is := but[w.Source]; is {
			require.Equal(t, o, w.Outcome, w.Source)
			continue
		}
		require.Equal(t, rights.Done, w.Outcome, w.Source)
		require.EqualValues(t, 1, w.Records, w.Source)
	}
	require.Equal(t, len(but), r.Left)
}

// left are the records that are still there.
func (n *neighbours) left(ctx context.Context, t *testing.T) map[string]uint64 {
	t.Helper()
	all := map[string]uint64{}
	rows, err := n.h.Querier(ctx).Query(ctx, "SELECT name FROM part")
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	for rows.Next() {
		var name string
		require.NoError(t, rows.Scan(&name))
		all[name]++
	}
	require.NoError(t, rows.Err())
	return all
}
