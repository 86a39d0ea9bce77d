package rights_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/rights"
)

// many are fourteen sources, which take three sheets, and what each is asked for.
func many(t *testing.T) (*world, []*shelf) {
	t.Helper()
	w := newWorld(t)
	opts := []rights.Option{rights.WithCoolingOff(0)}
	var all []*shelf
	for n := range 14 {
		order := rights.Orders()[n%4]
		s := &shelf{house: &house{tx: w.db}, name: fmt.Sprintf("source-%02d", n), order: order, by: "subject", held: map[string]uint64{ada.ID: uint64(n + 1)}}
		all, opts = append(all, s), append(opts, rights.WithSource(s.source()))
	}
	w.desk = w.open(opts...)
	return w, all
}

func (w *world) sheets(id string) []rights.ItemRow {
	w.Helper()
	rows, err := w.store.Items(w.ctx, rights.ItemQuery{Tenant: acme, Owner: id, Kind: rights.ItemSources, Limit: 100})
	require.NoError(w, err)
	return rows
}

func TestSheets_OfManySources(t *testing.T) {
	w, all := many(t)
	r := w.approved(rights.Erase)
	all[7].fails = 1
	require.Len(t, w.sheets(r.ID), 3)
	require.Equal(t, rights.StateExecuting, w.step(r.ID).State)
	require.Equal(t, 1, w.work(r.ID)[all[7].name].Tries)
	w.clock.Move(time.Minute)
	require.Equal(t, rights.StateDelivering, w.step(r.ID).State)
	work, err := w.desk.Work(w.ctx, acme, r.ID)
	require.NoError(t, err)
	require.Len(t, work, 14)
	for n, one := range work {
		require.Equal(t, all[n].name, one.Source)
		require.Equal(t, rights.Done, one.Outcome, one.Source)
		require.EqualValues(t, n+1, one.Records, one.Source)
		require.EqualValues(t, n+1, one.Found, one.Source)
	}
}

// TestHostile_ASheetThatIsTakenAway: nobody is asked by half of the sheets, whichever is gone,
// nor by one that stands in the place of another.
func TestHostile_ASheetThatIsTakenAway(t *testing.T) {
	for n := range 3 {
		w, all := many(t)
		r := w.approved(rights.Erase)
		sheets := w.sheets(r.ID)
		_, err := w.store.DeleteItem(w.ctx, sheets[n].ItemKey)
		require.NoError(t, err)
		require.ErrorIs(t, w.desk.Step(w.ctx, acme, r.ID), rights.ErrRecord, n)
		_, err = w.desk.Work(w.ctx, acme, r.ID)
		require.ErrorIs(t, err, rights.ErrRecord, n)
		moved := sheets[(n+1)%3]
		moved.ID = sheets[n].ID
		_, err = w.store.InsertItem(w.ctx, moved)
		require.NoError(t, err)
		require.ErrorIs(t, w.desk.Step(w.ctx, acme, r.ID), rights.ErrRecord, n)
		for i, s := range all {
			require.EqualValues(t, i+1, s.held[ada.ID], "%s was not touched", s.name)
		}
		require.NoError(t, w.store.PutItem(w.ctx, sheets[n]))
		w.step(r.ID)
		require.Equal(t, rights.StateDelivering, w.get(r.ID).State)
	}
}

// TestSheets_OneAtATime: who notes one source writes its sheet alone.
func TestSheets_OneAtATime(t *testing.T) {
	w, all := many(t)
	all[0].kept = []rights.Kept{{Basis: rights.LegalClaims, Records: 1, Review: w.clock.Now().AddDate(1, 0, 0)}}
	r := w.approved(rights.Erase)
	w.step(r.ID)
	before := w.sheets(r.ID)
	require.NoError(t, w.desk.Settle(w.ctx, acme, r.ID, all[0].name, rights.Report{
		Outcome: rights.Done, Method: rights.Deleted, Asked: []string{"subject"}, Ref: "ticket-1",
	}))
	after := w.sheets(r.ID)
	require.NotEqual(t, before[0].Record, after[0].Record)
	require.Equal(t, before[1:], after[1:])
}

func TestNew_ATitleIsShortText(t *testing.T) {
	for _, title := range []string{string(make([]byte, 1001)), "\xff"} {
		w := newWorld(t)
		s := &shelf{house: &house{}, name: "orders", order: rights.Primary, by: "subject"}
		source := s.source()
		source.Title = title
		_, err := rights.New(w.ctx, rights.Config{Store: w.store, Recorder: sharedTrail{w.trail, w.db}, Keys: keys{}}, rights.WithSource(source), rights.Unmanaged("test"), rights.WithRegimes("gdpr"))
		require.ErrorContains(t, err, "title of source orders")
	}
}

// TestHostile_AllSheetsThatAreTakenAway: a request that lost its sheets is none without any
// source, whoever looks, however far it is.
func TestHostile_AllSheetsThatAreTakenAway(t *testing.T) {
	w, all := many(t)
	r := w.approved(rights.Erase)
	sheets := w.sheets(r.ID)
	w.lose(sheets)
	_, err := w.desk.Work(w.ctx, acme, r.ID)
	require.ErrorIs(t, err, rights.ErrRecord)
	require.ErrorIs(t, w.desk.Step(w.ctx, acme, r.ID), rights.ErrRecord)
	require.ErrorIs(t, w.desk.Settle(w.ctx, acme, r.ID, all[0].name, rights.Report{Outcome: rights.Done, Method: rights.Deleted, Asked: []string{"subject"}, Ref: "ticket-1"}), rights.ErrRecord)
	w.giveBack(sheets)
	require.Equal(t, rights.StateDelivering, w.step(r.ID).State)
}

// TestHostile_ARestrictionOfWhichTheSheetsAreGone: it does not end by being forgotten.
func TestHostile_ARestrictionOfWhichTheSheetsAreGone(t *testing.T) {
	w, s, r := restricted(t)
	l := lifting(r)
	l.ToldAt = w.clock.Now()
	_, err := w.desk.Lift(w.ctx, l)
	require.NoError(t, err)
	sheets := w.sheets(r.ID)
	w.lose(sheets)
	_, err = w.desk.Lift(w.ctx, l)
	require.ErrorIs(t, err, rights.ErrRecord)
	w.clock.Move(time.Minute)
	require.ErrorIs(t, w.desk.Sweep(w.ctx), rights.ErrRecord)
	require.Zero(t, s.lifts())
	w.giveBack(sheets)
	w.clock.Move(26 * time.Hour)
	w.sweep()
	require.Equal(t, 4, s.lifts())
}

// TestSheets_OfAsManySourcesAsThereAre: none, and at either side of a full sheet.
func TestSheets_OfAsManySourcesAsThereAre(t *testing.T) {
	for _, n := range []int{0, 1, 5, 6, 7, 12, 13} {
		w := newWorld(t)
		opts := []rights.Option{rights.WithCoolingOff(0)}
		for i := range n {
			s := &shelf{house: &house{tx: w.db}, name: fmt.Sprintf("source-%02d", i), order: rights.Primary, by: "subject", held: map[string]uint64{ada.ID: 1}}
			opts = append(opts, rights.WithSource(s.source()))
		}
		w.desk = w.open(opts...)
		r := w.approved(rights.Erase)
		require.Len(t, w.sheets(r.ID), (n+5)/6, n)
		w.step(r.ID)
		require.Equal(t, rights.StateDelivering, w.get(r.ID).State, n)
		work, err := w.desk.Work(w.ctx, acme, r.ID)
		require.NoError(t, err, n)
		require.Len(t, work, n)
		for _, one := range work {
			require.Equal(t, rights.Done, one.Outcome, n)
		}
	}
}

// lose deletes items past the desk.
func (w *world) lose(rows []rights.ItemRow) {
	w.Helper()
	for _, row := range rows {
		deleted, err := w.store.DeleteItem(w.ctx, row.ItemKey)
		require.NoError(w, err)
		require.True(w, deleted)
	}
}

// giveBack puts back what was lost.
func (w *world) giveBack(rows []rights.ItemRow) {
	w.Helper()
	for _, row := range rows {
		inserted, err := w.store.InsertItem(w.ctx, row)
		require.NoError(w, err)
		require.True(w, inserted)
	}
}
