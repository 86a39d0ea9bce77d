package retention_test

import (
	"context"
	"encoding/hex"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
)

// edited returns copies of a row, each with one field changed, by the field's name.
func edited[T any](t *testing.T, row T, but ...string) map[string]T {
	t.Helper()
	all := map[string]T{}
	for i := range reflect.TypeFor[T]().NumField() {
		name := reflect.TypeFor[T]().Field(i).Name
		if slices.Contains(but, name) {
			continue
		}
		bad := row
		switch f := reflect.ValueOf(&bad).Elem().Field(i); f.Kind() {
		case reflect.String:
			f.SetString(f.String() + "x")
		case reflect.Int64:
			f.SetInt(f.Int() + 1)
		case reflect.Uint32:
			f.SetUint(f.Uint() + 1)
		case reflect.Bool:
			f.SetBool(!f.Bool())
		case reflect.Array:
			f.Index(3).SetUint(f.Index(3).Uint() ^ 1)
		case reflect.Slice:
			f.Set(reflect.AppendSlice(reflect.MakeSlice(f.Type(), 0, f.Len()+1), f))
			f.Set(reflect.Append(f, reflect.Zero(f.Type().Elem())))
		default:
			require.Fail(t, "a field of another kind", name)
		}
		all[name] = bad
	}
	return all
}

// Who writes to the database has no copy destroyed by a warrant that no keeper wrote, and
// nothing certified by it.
func TestSeal_AWarrantThatNobodyWroteTellsNobodyAndShowsNothing(t *testing.T) {
	w := newSpread(t, retention.WithKeys(&secretKeys{}))
	h := w.purged("1", "p")
	rows, err := w.store.WarrantsOf(w.ctx, ours, h)
	require.NoError(t, err)
	w.trashed("2", "p")
	w.after(58)
	w.sweep()
	for name, bad := range edited(t, rows[0], "Tenant", "ID", "NextAt") {
		require.NoError(t, w.store.PutWarrant(w.ctx, bad))
		for _, q := range w.works.all(t) {
			job := troth.Job{Ref: troth.WorkRef{Tenant: ours, ID: q.id}, Kind: q.Kind, Payload: q.Payload, Complete: func(context.Context) error { return nil }}
			if q.Key[:len(rows[0].ID)] != rows[0].ID {
				continue // of the other record
			}
			outcome, err := w.k.Do(w.ctx, job)
			require.ErrorIs(t, err, retention.ErrTampered, name)
			require.Equal(t, troth.Retry, outcome, name)
		}
		require.Empty(t, w.search.orders, name)
		if name != "Handle" && name != "End" { // it is not found by another
			_, err = w.k.Gone(w.ctx, ours, h)
			require.ErrorIs(t, err, retention.ErrTampered, name)
			_, err = w.k.Certify(w.ctx, ours, h)
			require.ErrorIs(t, err, retention.ErrTampered, name)
			require.ErrorIs(t, w.confirm(h), retention.ErrTampered, name)
		}
	}
	// Others go on: the other record's copies are told, and counsel hears of both.
	bad := rows[0]
	bad.Type, bad.NextAt = "x", 1
	require.NoError(t, w.store.PutWarrant(w.ctx, bad))
	tended := w.tend()
	require.Equal(t, 1, tended.Failed)
	require.Error(t, w.works.run(t, w.k))
	require.Len(t, w.search.orders, 1)
	require.Equal(t, "2", w.search.orders[0].ID)
	w.hold(retention.Hold{ID: "late"})
	late, forged := 0, 0
	for _, err := range w.k.TooLate(lawyer(w.kept), ours, "late") {
		if err == nil {
			late++
			continue
		}
		require.ErrorIs(t, err, retention.ErrTampered)
		forged++
	}
	require.Equal(t, []int{1, 1}, []int{late, forged})
	require.Len(t, w.notes.of(t, "retention.toolate"), 1)
	require.NoError(t, w.store.PutWarrant(w.ctx, rows[0]))
	require.NoError(t, w.works.run(t, w.k))
	require.Len(t, w.search.orders, 2)
}

// Who writes to the database approves nothing.
func TestSeal_AnApprovalThatNobodyGaveLetsNothingGo(t *testing.T) {
	keys := retention.WithKeys(&secretKeys{})
	proposed := func() (*kept, retention.PlanRow) {
		w := careful(t, keys)
		w.trash("1")
		w.after(60)
		require.NoError(t, w.k.Propose(officer(w), w.preview()))
		rows, err := w.store.OpenPlans(w.ctx, troth.Platform)
		require.NoError(t, err)
		return w, rows[0]
	}
	// opened has the database say that something was approved once.
	opened := func(w *kept) {
		require.NoError(t, w.db.Atomically(w.ctx, func(ctx context.Context) error {
			row, _, err := w.store.LockAllowance(ctx, troth.Platform, "~first", true)
			require.NoError(t, err)
			row.Since, row.ClosedAt = w.now.UnixMicro(), 0
			return w.store.PutAllowance(ctx, row)
		}))
	}
	t.Run("an approval", func(t *testing.T) {
		w, row := proposed()
		opened(w)
		row.ApprovedAt, row.Spent = w.now.UnixMicro(), []int64{0}
		require.NoError(t, w.store.PutPlan(w.ctx, row))
		_, err := w.k.Sweep(w.ctx)
		require.ErrorIs(t, err, retention.ErrTampered)
		require.NotEmpty(t, w.sees("1"))
		_, err = w.k.Plans(w.ctx)
		require.ErrorIs(t, err, retention.ErrTampered)
	})
	t.Run("that something was approved once", func(t *testing.T) {
		w, _ := proposed()
		opened(w)
		w.sweepAwaiting(retention.AwaitsFirst)
		require.NotEmpty(t, w.sees("1"))
	})
	t.Run("a copy of another tenant's row", func(t *testing.T) {
		w, _ := proposed()
		opened(w)
		w.hold(retention.Hold{ID: "h", SubjectID: "q"}) // a row with a MAC
		row, found, err := w.store.Control(w.ctx, control(retention.ControlSeal, "1"))
		require.NoError(t, err)
		require.True(t, found)
		row.ControlKey = retention.ControlKey{Tenant: troth.Platform, Kind: "approved", ID: "1"}
		_, err = w.store.InsertControl(w.ctx, row)
		require.NoError(t, err)
		w.sweepAwaiting(retention.AwaitsFirst)
		require.NotEmpty(t, w.sees("1"))
	})
	t.Run("another proposer, so that one person is two", func(t *testing.T) {
		w, row := proposed()
		row.Proposer = slices.Clone(row.Proposer)
		row.Proposer[20] ^= 1
		require.NoError(t, w.store.PutPlan(w.ctx, row))
		require.ErrorIs(t, w.k.Approve(officer(w), row.Hash), retention.ErrTampered)
	})
	t.Run("less spent than was", func(t *testing.T) {
		w, row := proposed()
		for name, bad := range edited(t, row, "Tenant", "Hash", "Text", "EndedAt") {
			require.NoError(t, w.store.PutPlan(w.ctx, bad))
			require.ErrorIs(t, w.k.Approve(lawyer(w), row.Hash), retention.ErrTampered, name)
		}
	})
	t.Run("and two people approve", func(t *testing.T) {
		w, row := proposed()
		require.NoError(t, w.k.Approve(lawyer(w), row.Hash))
		require.Equal(t, 1, w.sweep().Destroyed)
		w.trash("2") // what is due later needs no plan any more
		w.after(60)
		require.Equal(t, 1, w.sweep().Destroyed)
	})
}

// An approval that was carried out is put back as it was: the trail knows that it ended.
func TestReconcile_AnApprovalThatEndedIsFoundByTheTrail(t *testing.T) {
	w := newKept(t, nil)
	w.now = w.now.Add(time.Hour)
	k := func() *retention.Keeper {
		k, err := retention.New(w.ctx, retention.Config{Store: w.store, Recorder: w.notes},
			retention.WithClock(func() time.Time { return w.now }), retention.WithKeys(&secretKeys{}), retention.WithEvidence(trailOf{w.notes}),
			retention.WithRecords("file", retention.Registration{Handler: w.files}))
		require.NoError(t, err)
		return k
	}
	w.k = k()
	w.files.keeper = w.k
	require.NoError(t, w.k.Activate(officer(w), content(t)))
	w.trash("1")
	w.after(60)
	p := w.preview()
	w.agree(p)
	rows, err := w.store.OpenPlans(w.ctx, troth.Platform)
	require.NoError(t, err)
	require.Equal(t, 1, w.sweep().Destroyed)
	require.NoError(t, w.k.Reconcile(w.ctx, troth.Platform))
	require.NoError(t, w.store.PutPlan(w.ctx, rows[0]))
	w.k = k()
	w.files.keeper = w.k
	hash := p.Hash()
	err = w.k.Permit(w.ctx, retention.Leave{Ref: troth.PermitRef{Tenant: string(ours), Subject: "q"}, SubjectID: "q", Ground: "x"},
		func(context.Context, troth.Permit) error { return nil })
	var bad *retention.TamperedError
	require.ErrorAs(t, err, &bad)
	require.Equal(t, []retention.Tampering{{What: retention.EntryMissing, Kind: "plan", ID: hex.EncodeToString(hash[:])}}, bad.Found)
}
