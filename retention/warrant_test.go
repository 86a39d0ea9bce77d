package retention_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
)

func TestWarrant_CopiesOutsideAreToldAfterTheCommitAndAsOftenAsItTakes(t *testing.T) {
	w := newSpread(t)
	h := w.purged("1", "p")
	ordered := w.now
	require.Equal(t, []string{"primary"}, w.files.orders[0].Copies, "what is told apart is not the handler's")
	require.True(t, w.search.has["1"], "nothing outside is told in the transaction")
	require.Len(t, w.notes.of(t, "retention.warrant"), 1)
	require.Equal(t, []string{"ads", "file-cabinet", "search"}, w.notes.of(t, "retention.warrant")[0].Facts["copies"].Words())

	for name, want := range map[string]retention.CopyStatus{
		"primary": retention.CopyGone, "search": retention.CopyWaiting, "ads": retention.CopyWaiting, "ads-report": retention.CopyWaiting,
		"ads-backup": retention.CopyWaiting, "file-cabinet": retention.CopyWaiting, "backups": retention.CopyLeaving,
	} {
		s := w.where(h, name)
		require.Equal(t, want, s.Status, name)
		require.Equal(t, ordered, s.Ordered)
	}
	require.Equal(t, endOf(t, "2026-03-29").Add(24*time.Hour), w.where(h, "backups").By, "30 days of rotation")

	broken := errors.New("cannot reach the index of jane@example.org")
	w.ads.fails = broken
	err := w.works.run(t, w.k)
	require.ErrorIs(t, err, broken)
	require.NotContains(t, err.Error(), "jane", "the copy's own words are not quoted")
	require.False(t, w.search.has["1"])
	require.Equal(t, retention.CopyGone, w.where(h, "search").Status)
	require.True(t, w.where(h, "search").Shown)
	require.EqualValues(t, 1, w.where(h, "ads").Tries)
	require.Equal(t, retention.CopyWaiting, w.where(h, "ads-backup").Status)

	w.ads.fails = nil
	w.after(1)
	require.NoError(t, w.works.run(t, w.k))
	require.False(t, w.ads.has["1"])
	require.Len(t, w.search.orders, 1, "what is done is not told again")
	require.Equal(t, w.ads.orders[0].EffectKey, w.ads.orders[1].EffectKey)
	require.Equal(t, ordered, w.ads.orders[0].At)
	require.Equal(t, w.now, w.where(h, "ads").At)
	require.Equal(t, endOf(t, "2026-03-08"), w.where(h, "ads-backup").By, "7 days from when the provider let go")
	require.Len(t, w.notes.of(t, "retention.copy"), 2)
}

func TestWarrant_ACopyThatCannotShowItIsTakenAtItsWordAndOneThatShowsItIsToldAgain(t *testing.T) {
	w := newSpread(t)
	h := w.purged("1", "p")
	w.search.stubborn, w.ads.blind = true, true
	var unconfirmed *retention.CopyError
	require.ErrorAs(t, w.works.run(t, w.k), &unconfirmed)
	require.True(t, unconfirmed.Unconfirmed)
	require.Equal(t, "search", unconfirmed.Copy)
	require.Equal(t, retention.CopyWaiting, w.where(h, "search").Status)
	s := w.where(h, "ads")
	require.Equal(t, retention.CopyLeaving, s.Status, "it has its lag")
	require.False(t, s.Shown)
	w.search.stubborn = false
	require.NoError(t, w.works.run(t, w.k))
	require.Equal(t, retention.CopyGone, w.where(h, "search").Status)
	w.after(3)
	require.Equal(t, retention.CopyGone, w.where(h, "ads").Status)
}

func TestWarrant_PaperWaitsForAPersonWhoShowsSomething(t *testing.T) {
	w := newSpread(t)
	h := w.purged("1", "p")
	require.NoError(t, w.works.run(t, w.k))
	manual := func() (n int) {
		for _, q := range w.works.all(t) {
			n += count(q.state == troth.Manual)
		}
		return n
	}
	require.Equal(t, 1, manual())
	conf := retention.Confirmation{Tenant: ours, Handle: h, Copy: "file-cabinet", Method: retention.MethodShredded}
	porter := person(w.ctx, "porter", "custodian")
	require.ErrorIs(t, w.k.ConfirmCopy(porter, conf), retention.ErrEvidence, "nothing is shown")
	conf.Evidence = "protocol-7"
	require.ErrorIs(t, w.k.ConfirmCopy(person(w.ctx, "porter", "visitor"), conf), retention.ErrRole)
	require.ErrorIs(t, w.k.ConfirmCopy(w.ctx, conf), retention.ErrRole, "a program")
	foreign := troth.WithActor(w.ctx, troth.Actor{Kind: troth.Person, ID: "porter", Roles: []string{"custodian"}, Tenant: "other"})
	require.ErrorIs(t, w.k.ConfirmCopy(foreign, conf), retention.ErrRole)
	wrong := conf
	wrong.Method = retention.MethodDeleted
	require.ErrorIs(t, w.k.ConfirmCopy(porter, wrong), retention.ErrEvidence, "paper is not deleted")
	wrong = conf
	wrong.Copy = "backups"
	require.ErrorIs(t, w.k.ConfirmCopy(porter, wrong), retention.ErrNotFound, "what rotates waits for nobody")
	wrong = conf
	wrong.Handle = "unheard"
	require.ErrorIs(t, w.k.ConfirmCopy(porter, wrong), retention.ErrNotFound)
	elsewhere := conf
	elsewhere.Tenant = "other"
	require.ErrorIs(t, w.k.ConfirmCopy(porter, elsewhere), retention.ErrNotFound, "another tenant's")
	require.Equal(t, retention.CopyWaiting, w.where(h, "file-cabinet").Status)

	require.NoError(t, w.k.ConfirmCopy(porter, conf))
	s := w.where(h, "file-cabinet")
	require.Equal(t, retention.CopyGone, s.Status)
	require.Equal(t, "protocol-7", s.Evidence)
	require.Equal(t, "destroy", s.Method.Sanitisation())
	require.NotZero(t, s.Entry)
	require.ErrorIs(t, w.k.ConfirmCopy(porter, conf), retention.ErrNotFound, "once")
	require.NoError(t, w.works.run(t, w.k))
	require.Zero(t, manual(), "the work ends with it")
	entry := w.notes.of(t, "retention.copy")[2]
	require.Equal(t, "protocol-7", entry.Facts["evidence"].Text())
	require.Equal(t, "person", entry.Facts["how"].Text())
}

func TestWarrant_WithoutTasksPaperIsListedAndConfirmedAllTheSame(t *testing.T) {
	w := newSpread(t)
	bare := w.keeper()
	w.files.keeper, w.k = bare, bare
	h := w.purged("1", "p")
	require.Equal(t, []string{"primary", "search", "ads", "ads-report"}, w.files.orders[0].Copies)
	require.Equal(t, retention.CopyWaiting, w.where(h, "file-cabinet").Status)
	require.NoError(t, w.confirm(h))
	require.Equal(t, retention.CopyGone, w.where(h, "file-cabinet").Status)
	_, err := retention.New(w.ctx, retention.Config{Store: w.store, Recorder: w.notes}, retention.WithCopy("search", w.search))
	require.ErrorIs(t, err, retention.ErrNoTasks)
}

func TestWarrant_IsGoneWithTheLastCopyAndThenForgotten(t *testing.T) {
	w := newSpread(t)
	h := w.purged("1", "p")
	require.NoError(t, w.works.run(t, w.k))
	require.NoError(t, w.confirm(h))
	require.Zero(t, w.tend())
	rows, err := w.store.WarrantsOf(w.ctx, ours, h)
	require.NoError(t, err)
	require.Empty(t, rows[0].RecordID, "nobody needs the host's name any more")
	w.now = endOf(t, "2026-03-30").Add(-time.Microsecond)
	require.Zero(t, w.tend())
	w.now = endOf(t, "2026-03-30")
	require.Equal(t, retention.Tended{Gone: 1}, w.tend())
	_, err = w.k.Gone(w.ctx, ours, h)
	require.ErrorIs(t, err, retention.ErrNotFound)
	require.Zero(t, w.tend())
	gone := w.notes.of(t, "retention.gone")
	require.Len(t, gone, 1)
	require.Equal(t, "yes", gone[0].Facts["kept"].Text())
	require.Equal(t, "trash", gone[0].Facts["rule"].Text())
	require.Equal(t, w.now.UnixMicro(), gone[0].Facts["gone"].Number())
}

func TestWarrant_AHoldThatCommitsFirstKeepsEverythingOneThatComesLaterIsTooLate(t *testing.T) {
	w := newSpread(t)
	w.trashed("1", "p")
	w.trashed("2", "q")
	w.hold(retention.Hold{ID: "first", SubjectID: "p"})
	w.after(58)
	require.Equal(t, 1, w.sweep().Destroyed)
	cut := w.now
	require.NoError(t, w.works.run(t, w.k))
	require.True(t, w.search.has["1"] && w.ads.has["1"])
	require.False(t, w.search.has["2"])

	w.after(1)
	w.hold(retention.Hold{ID: "late", SubjectID: "q"})
	tooLate := func(id string) (all []retention.Late) {
		for l, err := range w.k.TooLate(person(w.ctx, "lawyer", "counsel"), ours, id) {
			require.NoError(t, err)
			all = append(all, l)
		}
		return all
	}
	require.Empty(t, tooLate("first"))
	late := tooLate("late")
	require.Len(t, late, 1)
	require.Equal(t, w.files.orders[0].Handle, late[0].Handle)
	require.Equal(t, cut, late[0].Since)
	require.Equal(t, []string{"file-cabinet"}, late[0].Waits)
	require.Equal(t, []string{"backups", "ads-report", "ads-backup"}, late[0].Leaves)
	require.Contains(t, late[0].String(), "too late since 2026-02-28T")
	require.NoError(t, w.confirm(late[0].Handle), "the cut-off is the commit")
	w.hold(retention.Hold{ID: "other-class", Class: "notes"})
	require.Empty(t, tooLate("other-class"))
	w.hold(retention.Hold{ID: "all"})
	require.Len(t, tooLate("all"), 1)
	entries := w.notes.of(t, "retention.toolate")
	require.EqualValues(t, 1, entries[1].Facts["records"].Number())
	require.Equal(t, cut.UnixMicro(), entries[1].Facts["since"].Number())
	for _, err := range w.k.TooLate(w.ctx, ours, "late") {
		require.ErrorIs(t, err, retention.ErrRole)
	}
	for _, err := range w.k.TooLate(person(w.ctx, "lawyer", "counsel"), "other", "late") {
		require.ErrorIs(t, err, retention.ErrNotFound, "another tenant's")
	}
	w.after(60)
	w.tend()
	require.Empty(t, tooLate("late"), "gone everywhere")
}

// shedding is content whose trash is not in the search index, and not in what is made of
// what the provider has.
func shedding(tb testing.TB) *retention.Policy {
	tb.Helper()
	return changed(tb, wide(tb), func(p *retention.Policy) {
		p.Classes[0].Stages[1].Copies = []string{"primary", "backups", "file-cabinet", "ads", "ads-backup"}
	})
}

func TestWarrant_AStageIsDoneWhenEachOfItsCopiesIs(t *testing.T) {
	w := newSpreadOf(t, shedding(t))
	w.trashed("1", "p")
	states, err := w.k.Copies(w.ctx, fileKey("1"))
	require.NoError(t, err)
	require.Equal(t, retention.CopyWaiting, stateOf(t, states, "search").Status)
	require.Equal(t, retention.CopyPresent, stateOf(t, states, "primary").Status)
	require.NoError(t, w.works.run(t, w.k))
	require.False(t, w.search.has["1"])
	require.Empty(t, w.search.orders[0].End, "the record is there")
	states, err = w.k.Copies(w.ctx, fileKey("1"))
	require.NoError(t, err)
	require.Equal(t, retention.CopyGone, stateOf(t, states, "search").Status)
	require.Equal(t, retention.CopyPresent, stateOf(t, states, "backups").Status)
	w.after(4)
	require.Equal(t, 1, w.tend().Gone)
	require.Equal(t, "stage", w.notes.of(t, "retention.gone")[0].Facts["end"].Text())

	w.happened("1", "restored")
	states, err = w.k.Copies(w.ctx, fileKey("1"))
	require.NoError(t, err)
	require.Equal(t, retention.CopyPresent, stateOf(t, states, "search").Status, "it may be there again")
	_, err = w.k.Copies(w.ctx, fileKey("2"))
	require.ErrorIs(t, err, retention.ErrNotFound)
	_, err = w.k.Copies(w.ctx, retention.RecordKey{Tenant: "other", Type: "file", ID: "1"})
	require.ErrorIs(t, err, retention.ErrNotFound)
}

func TestWarrant_WhatCameBackKeepsItsCopies(t *testing.T) {
	w := newSpreadOf(t, shedding(t))
	w.trashed("1", "p")
	w.after(1)
	w.happened("1", "restored")
	require.NoError(t, w.works.run(t, w.k))
	require.True(t, w.search.has["1"])
	require.Empty(t, w.search.orders)
	w.after(4)
	require.Equal(t, 1, w.tend().Gone, "nothing is waited for any more")
}

func TestWarrant_ForgedWorkAndRowsDestroyNothing(t *testing.T) {
	w := newSpread(t)
	h := w.purged("1", "p")
	rows, err := w.store.WarrantsOf(w.ctx, ours, h)
	require.NoError(t, err)
	var search queued
	for _, q := range w.works.all(t) {
		if q.Line == "search" {
			search = q
		}
	}
	do := func(tenant troth.Tenant, payload []byte) (troth.Outcome, error) {
		return w.k.Do(w.ctx, troth.Job{
			Ref: troth.WorkRef{Tenant: tenant, ID: "x"}, Kind: retention.WorkCopy, Payload: payload,
			Complete: func(context.Context) error { return nil },
		})
	}
	outcome, _ := do("other", search.Payload)
	require.Equal(t, troth.Completed, outcome, "there is no such warrant")
	require.Empty(t, w.search.orders)
	for name, payload := range map[string]string{
		"no payload": ``, "nothing": `{}`, "another record": string(search.Payload[:len(search.Payload)-2]) + `2"}`,
		"no copy": `{"warrant":"` + rows[0].ID + `","copy":"x"}`,
	} {
		outcome, err := do(ours, []byte(payload))
		require.Equal(t, troth.Failed, outcome, name)
		require.Error(t, err)
	}
	for name, change := range map[string]func(r *retention.WarrantRow){
		"another record": func(r *retention.WarrantRow) { r.RecordID = "2" },
		"another name":   func(r *retention.WarrantRow) { r.Handle = "x" },
		"another type":   func(r *retention.WarrantRow) { r.Type = "x" },
		"a version":      func(r *retention.WarrantRow) { r.Version = 9 },
		"a detail":       func(r *retention.WarrantRow) { r.Detail = append([]byte(" "), r.Detail...) },
		"no detail":      func(r *retention.WarrantRow) { r.Detail = nil },
	} {
		bad := rows[0]
		change(&bad)
		require.NoError(t, w.store.PutWarrant(w.ctx, bad))
		outcome, err := do(ours, search.Payload)
		require.NotEqual(t, troth.Completed, outcome, name)
		require.Error(t, err, name)
		require.Empty(t, w.search.orders, name)
	}
	require.NoError(t, w.store.PutWarrant(w.ctx, rows[0]))
	require.NoError(t, w.works.run(t, w.k))
	require.Len(t, w.search.orders, 1)
}

func TestWarrant_NothingIsKeptOfWhatIsGoneAtOnceAndWasNotPromised(t *testing.T) {
	p := changed(t, content(t), func(p *retention.Policy) {
		p.Copies, p.Promises = p.Copies[:1], nil
	})
	w := newSpreadOf(t, p)
	w.trashed("1", "p")
	w.after(60)
	require.Equal(t, 1, w.sweep().Destroyed)
	rows, err := w.store.WarrantsOf(w.ctx, ours, w.files.orders[0].Handle)
	require.NoError(t, err)
	require.Empty(t, rows)
	require.Empty(t, w.works.all(t))
}
