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

func TestKeeper_ARecordGoesThroughItsStages(t *testing.T) {
	w := newKept(t, content(t))
	w.add("1", "p")
	require.Zero(t, w.sweep())
	w.happened("1", "trashed")
	require.Equal(t, retention.VisibleOwner, w.sees("1"))
	w.after(24)
	require.Zero(t, w.sweep())
	w.after(4) // the sweep comes days late, and the stage began when it was due
	require.Equal(t, 1, w.sweep().Moved)
	require.Equal(t, retention.VisibleNone, w.sees("1"))
	w.now = endOf(t, "2026-02-25").Add(-time.Microsecond) // 25 and 30 days
	require.Zero(t, w.sweep())
	w.now = endOf(t, "2026-02-25")
	require.Equal(t, 1, w.sweep().Destroyed)
	require.Empty(t, w.sees("1"))
	_, err := w.k.Record(w.ctx, fileKey("1"))
	require.ErrorIs(t, err, retention.ErrNotFound)
	require.Equal(t, []string{"primary", "search"}, w.files.orders[0].Copies, "backups rotate")
	require.Len(t, w.notes.of(t, "retention.move"), 2)
	require.Len(t, w.notes.of(t, "retention.purge"), 1)
	require.Equal(t, endOf(t, "2026-03-27").UnixMicro(), w.notes.of(t, "retention.purge")[0].Facts["gone"].Number())
	require.Zero(t, w.sweep(), "once")
}

func TestKeeper_RestoringBringsBack(t *testing.T) {
	w := newKept(t, content(t))
	w.add("1", "p")
	w.happened("1", "trashed")
	w.after(10)
	w.happened("1", "restored")
	require.Equal(t, retention.VisibleAll, w.sees("1"))
	w.after(400)
	require.Zero(t, w.sweep())
	require.Equal(t, retention.VisibleAll, w.sees("1"))
}

func TestKeeper_ReportsAreIdempotentAndInTheHostsTransaction(t *testing.T) {
	w := newKept(t, content(t))
	refused := errors.New("refused")
	require.ErrorIs(t, w.db.Atomically(w.ctx, func(ctx context.Context) error {
		require.NoError(t, w.k.Created(ctx, retention.NewRecord{RecordKey: fileKey("1"), SubjectID: "p"}))
		return refused
	}), refused)
	_, err := w.k.Record(w.ctx, fileKey("1"))
	require.ErrorIs(t, err, retention.ErrNotFound)

	w.add("1", "p")
	w.add("1", "p")
	require.ErrorIs(t, w.k.Created(w.ctx, retention.NewRecord{RecordKey: fileKey("1"), SubjectID: "q"}), retention.ErrConflict)
	w.happened("1", "trashed")
	before, _, err := w.store.Record(w.ctx, fileKey("1"))
	require.NoError(t, err)
	w.happened("1", "trashed")
	after, _, err := w.store.Record(w.ctx, fileKey("1"))
	require.NoError(t, err)
	require.Equal(t, before, after)

	for _, event := range []string{"unheard", retention.Created} {
		require.ErrorIs(t, w.k.Happened(w.ctx, fileKey("1"), retention.Occurrence{Event: event}), retention.ErrEvent)
	}
	require.ErrorIs(t, w.k.Happened(w.ctx, fileKey("1"), retention.Occurrence{Event: "restored", At: w.now.Add(time.Second)}), retention.ErrFuture)
	require.ErrorIs(t, w.k.Happened(w.ctx, fileKey("2"), retention.Occurrence{Event: "trashed"}), retention.ErrNotFound)
	other := retention.RecordKey{Tenant: ours, Type: "other", ID: "1"}
	require.ErrorIs(t, w.k.Created(w.ctx, retention.NewRecord{RecordKey: other}), retention.ErrUnregistered)
}

func TestKeeper_AFailingHandlerIsTriedAgainAndReported(t *testing.T) {
	w := newKept(t, content(t))
	w.add("1", "p")
	w.add("2", "p")
	w.happened("1", "trashed")
	w.happened("2", "trashed")
	w.after(60)
	broken := errors.New("the index does not answer")
	w.files.on = func(_ context.Context, o retention.Order) error {
		if o.ID == "1" {
			return broken
		}
		return nil
	}
	for tries := range uint32(3) {
		s := w.sweep()
		require.Len(t, s.Failed, 1)
		require.ErrorIs(t, s.Failed[0].Err, broken)
		require.Equal(t, tries+1, s.Failed[0].Tries)
		require.NotEmpty(t, w.sees("1"), "what it did is undone")
		require.Empty(t, w.sees("2"), "others go on")
		require.Zero(t, w.sweep(), "not at once")
		failing, err := w.k.Failing(w.ctx, 9)
		require.NoError(t, err)
		require.Len(t, failing, 1)
		w.now = w.now.Add(time.Hour)
	}
	w.files.on = nil
	require.Equal(t, 1, w.sweep().Destroyed)
	require.Empty(t, w.sees("1"))
	require.Len(t, w.notes.of(t, "retention.purge"), 2)
}

func TestKeeper_NotFoundIsSuccess(t *testing.T) {
	w := newKept(t, content(t))
	w.add("1", "p")
	w.happened("1", "trashed")
	_, err := w.files.rows.Delete(w.ctx, string(ours)+"1")
	require.NoError(t, err)
	w.after(60)
	require.Equal(t, 1, w.sweep().Destroyed)
	require.Equal(t, "no", w.notes.of(t, "retention.purge")[0].Facts["found"].Text())
}

func TestKeeper_ATypeWithoutHandlerStaysAndIsReported(t *testing.T) {
	w := newKept(t, content(t))
	w.add("1", "p")
	w.happened("1", "trashed")
	w.after(60)
	k, err := retention.New(w.ctx, retention.Config{Store: w.store, Recorder: w.notes}, retention.WithClock(func() time.Time { return w.now }))
	require.NoError(t, err)
	s, err := k.Sweep(w.ctx)
	require.NoError(t, err)
	require.Len(t, s.Failed, 1)
	require.ErrorIs(t, s.Failed[0].Err, retention.ErrUnregistered)
	require.NotEmpty(t, w.sees("1"))
}

func TestKeeper_ActivatesWhatLintsCleanOnly(t *testing.T) {
	w := newKept(t, nil)
	officer := person(w.ctx, "officer", "dpo")
	require.ErrorIs(t, w.k.Created(w.ctx, retention.NewRecord{RecordKey: fileKey("1")}), retention.ErrNoPolicy)
	require.Zero(t, w.sweep())
	late := changed(t, content(t), func(p *retention.Policy) { p.Classes[0].Stages[2].For = days(90) })
	var lint *retention.LintError
	require.ErrorAs(t, w.k.Activate(officer, late), &lint)
	require.NotEmpty(t, lint.Findings)
	unclassed := changed(t, content(t), func(p *retention.Policy) { p.Classes[0].Records = []string{"other"} })
	require.ErrorAs(t, w.k.Activate(officer, unclassed), &lint)
	require.ErrorIs(t, w.k.Activate(w.ctx, content(t)), retention.ErrRole)
	require.ErrorIs(t, w.k.Activate(person(w.ctx, "x", "counsel"), content(t)), retention.ErrRole)
	foreign := troth.WithActor(w.ctx, troth.Actor{Kind: troth.Person, ID: "officer", Roles: []string{"dpo"}, Tenant: "other"})
	require.ErrorIs(t, w.k.Activate(foreign, content(t)), retention.ErrRole)
	require.NoError(t, w.k.Activate(officer, content(t)))
	require.NoError(t, w.k.Activate(officer, content(t)))
	require.NoError(t, w.k.Activate(w.ctx, content(t)), "at a start of the host's")
	other := changed(t, content(t), func(p *retention.Policy) { p.Title += "!" })
	require.ErrorIs(t, w.k.Activate(w.ctx, other), retention.ErrRole)
	require.ErrorIs(t, w.k.Activate(officer, other), retention.ErrVersion)
	require.Len(t, w.notes.of(t, "retention.activate"), 1)
}

func TestKeeper_AShorterPolicyFindsWhatItMadeDue(t *testing.T) {
	p := changed(t, content(t), func(p *retention.Policy) {
		p.Labels = []retention.Label{{Name: "draft", From: retention.Created, For: days(25), Why: "w"}}
	})
	w := newKept(t, p)
	w.add("1", "p")
	w.add("2", "p", "draft")
	w.happened("1", "trashed")
	before, _, err := w.store.Record(w.ctx, fileKey("1"))
	require.NoError(t, err)
	w.after(15)
	require.Zero(t, w.sweep())
	next := changed(t, p, func(p *retention.Policy) {
		p.Version, p.Effective = 2, date(t, "2026-01-18")
		p.Classes[0].Stages[1].For = days(5)
		p.Labels[0].For = days(10)
	})
	other := w.keeper() // another process, which knows nothing of the new version yet
	require.NoError(t, w.k.Activate(person(w.ctx, "officer", "dpo"), next))
	row, _, err := w.store.Record(w.ctx, fileKey("1"))
	require.NoError(t, err)
	require.Equal(t, before, row, "no row is rewritten")
	require.Zero(t, w.sweep().Destroyed, "not in force yet")
	require.NotEmpty(t, w.sees("2"))
	w.after(3)
	s, err := other.Sweep(w.ctx)
	require.NoError(t, err)
	require.Equal(t, 1, s.Moved)
	require.Equal(t, 1, s.Destroyed, "the draft")
	require.Empty(t, w.sees("2"))
}

func TestKeeper_TenantsAreWalls(t *testing.T) {
	w := newKept(t, content(t))
	w.add("1", "p")
	w.happened("1", "trashed")
	hold := retention.Hold{Tenant: "other", ID: "h", Matter: "m", Review: w.now.AddDate(1, 0, 0)}
	require.NoError(t, w.k.Place(person(w.ctx, "lawyer", "counsel"), hold))
	foreign := troth.WithActor(w.ctx, troth.Actor{Kind: troth.Person, ID: "lawyer", Roles: []string{"counsel"}, Tenant: "other"})
	hold.Tenant = ours
	require.ErrorIs(t, w.k.Place(foreign, hold), retention.ErrRole)
	stranger := retention.RecordKey{Tenant: "other", Type: "file", ID: "1"}
	require.ErrorIs(t, w.k.Happened(w.ctx, stranger, retention.Occurrence{Event: "restored"}), retention.ErrNotFound)
	w.after(60)
	require.Equal(t, 1, w.sweep().Destroyed)
}

func TestKeeper_TheEarliestOfOverlappingPromisesBinds(t *testing.T) {
	for closed, gone := range map[int]int{10: 40, 29: 59, 60: 59} { // 30 days of backups and one of sweeping before day 70, 89 and 90
		w := newKept(t, content(t))
		w.add("1", "p")
		w.happened("1", "trashed")
		for day := range 100 {
			if day == closed && w.sees("1") != "" {
				w.happened("1", "account.closed")
			}
			if w.sees("1") == "" {
				require.LessOrEqual(t, day, gone, closed)
				break
			}
			w.sweep()
			w.after(1)
		}
		require.Empty(t, w.sees("1"))
	}
}

func TestKeeper_OfSeveralVersionsToComeTheFirstCounts(t *testing.T) {
	p := changed(t, content(t), func(p *retention.Policy) {
		p.Labels = []retention.Label{{Name: "draft", From: retention.Created, For: days(25), Why: "w"}}
	})
	w := newKept(t, p)
	w.add("1", "p", "draft")
	officer := person(w.ctx, "officer", "dpo")
	p.Version, p.Effective, p.Labels[0].For = 2, date(t, "2026-01-05"), days(3)
	require.NoError(t, w.k.Activate(officer, p))
	p.Version, p.Effective = 3, date(t, "2026-01-20")
	p.Copies = append(p.Copies, retention.Copy{Name: "archive", Kind: retention.Analytics, Of: "primary"})
	require.NoError(t, w.k.Activate(officer, p))
	require.Zero(t, w.sweep().Destroyed)
	w.now = day(t, "2026-01-05")
	require.Equal(t, 1, w.sweep().Destroyed)
	require.Equal(t, []string{"primary", "search"}, w.files.orders[0].Copies)

	w.add("2", "p", "draft")
	w.now = day(t, "2026-01-21")
	require.Equal(t, 1, w.sweep().Destroyed)
	require.Equal(t, []string{"primary", "search", "archive"}, w.files.orders[1].Copies, "and those of later versions")
}
