package retention_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
)

// newCompared is a world with keys, that is compared with the trail and kept outside.
func newCompared(t *testing.T) *kept {
	t.Helper()
	w := newSealed(t)
	w.k = w.keeper(retention.WithKeys(&secretKeys{}), retention.WithEvidence(trailOf{w.notes}), retention.WithOutside(retention.Folder(t.TempDir())))
	w.files.keeper = w.k
	w.hold(retention.Hold{ID: "h3", SubjectID: "p3"})
	return w
}

// found is what stops a tenant, by a sweep.
func (w *kept) found() []retention.Tampering {
	w.Helper()
	w.now = w.now.Add(time.Hour) // what was stopped is put off for as long
	s, err := w.k.Sweep(w.ctx)
	require.Zero(w, s.Destroyed)
	if err == nil && len(s.Stopped) > 0 {
		err = s.Stopped[0].Err
	}
	bad, _ := errors.AsType[*retention.TamperedError](err)
	if bad == nil {
		require.NoError(w, err)
		return nil
	}
	return bad.Found
}

// accept has counsel and the officer accept the rows as they are.
func (w *kept) accept() {
	w.Helper()
	_, err := w.k.AcceptControls(w.officer(), ours)
	require.NoError(w, err)
	accepted, err := w.k.AcceptControls(w.lawyer(), ours)
	require.NoError(w, err)
	require.True(w, accepted)
}

// lateHold has the database be an older copy: one from before the hold "late" was placed, which is
// kept outside.
func (w *kept) lateHold() {
	w.Helper()
	before, _, err := w.store.Control(w.ctx, control("seal", "1"))
	require.NoError(w, err)
	w.hold(retention.Hold{ID: "late", SubjectID: "p2"})
	late, _, err := w.store.Hold(w.ctx, ours, "late")
	require.NoError(w, err)
	late.ReleasedAt = 1
	require.NoError(w, w.store.PutHold(w.ctx, late))
	require.NoError(w, w.store.PutControl(w.ctx, before))
}

// TestRemedy_RowsAreMended does what docs/tampering.md says about each kind: what is missing
// is placed anew as a hold, which is possible whatever is wrong, then two people accept, and
// what nobody decided ends. Nothing that was held is destroyed at any time; afterwards it
// goes once counsel lets it.
func TestRemedy_RowsAreMended(t *testing.T) {
	again := func(subject string) func(w *kept) {
		return func(w *kept) { w.hold(retention.Hold{ID: "again", SubjectID: subject}) }
	}
	for name, c := range map[string]struct {
		attack func(w *kept)
		what   retention.TamperingKind
		// missing puts in force what is missing, before anybody accepts.
		missing func(w *kept)
		// ends are the holds that are in force afterwards.
		ends []string
	}{
		"a hold is released past the keeper": {
			func(w *kept) { w.edit(func(row *retention.HoldRow) { row.ReleasedAt = 1 }) },
			retention.RowMissing, again("p1"),
			[]string{"again", "h3"},
		},
		"an exception is closed": {
			func(w *kept) {
				w.editControl(control("exception", "x"), func(row *retention.ControlRow) { row.Open = false })
			},
			retention.RowMissing, again("p2"),
			[]string{"again", "h", "h3"},
		},
		"a hold is about somebody else": {
			func(w *kept) { w.edit(func(row *retention.HoldRow) { row.SubjectID = "p9" }) },
			retention.RowChanged, again("p1"),
			[]string{"again", "h", "h3"},
		},
		"a hold comes that nobody placed": {
			func(w *kept) {
				_, err := w.store.InsertHold(w.ctx, retention.HoldRow{Tenant: ours, ID: "f", Matter: "m"})
				require.NoError(w, err)
			},
			retention.RowForged, func(*kept) {},
			[]string{"f", "h", "h3"},
		},
		"the seal is edited": {
			func(w *kept) {
				w.editControl(control("seal", "1"), func(row *retention.ControlRow) {
					row.Body = bytes.Replace(row.Body, []byte(`"number":`), []byte(`"number":9`), 1)
				})
			},
			retention.SealForged, func(*kept) {},
			[]string{"h", "h3"},
		},
		"a hold is deleted with its line in the seal, and the trail knows of it": {
			func(w *kept) {
				e := w.notes.of(w, "retention.hold")[0]
				e.Facts = troth.Facts{"hold": troth.Word("gone"), "matter": troth.Word("m"), "review": troth.Instant(w.now)}
				_, err := w.notes.Record(w.ctx, e)
				require.NoError(w, err)
			},
			retention.RowUnknown, again("p1"),
			[]string{"again", "h", "h3"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newCompared(t)
			c.attack(w)
			w.after(60)
			found := w.found()
			require.Len(t, found, 1)
			require.Equal(t, c.what, found[0].What)
			c.missing(w)
			require.NotEmpty(t, w.found(), "a hold alone mends nothing")
			w.accept()
			if c.what == retention.SealForged { // how old it was nobody knows
				require.Equal(t, []retention.Tampering{{What: retention.SealBehind, Kind: "seal", ID: "1"}}, w.found())
				_, err := w.k.PutBack(w.ctx)
				require.NoError(t, err)
			}
			require.Empty(t, w.found())
			require.NoError(t, w.k.Reconcile(w.ctx, ours))
			for _, id := range []string{"1", "2", "3"} {
				require.NotEmpty(t, w.sees(id))
			}
			for _, id := range c.ends {
				w.release(id)
			}
			w.now = w.now.Add(time.Hour)
			require.Positive(t, w.sweep().Destroyed)
			require.NoError(t, w.k.Reconcile(w.ctx, ours))
		})
	}
}

// A tenant whose rows were written without keys has no seal: it is accepted once.
func TestRemedy_ASealThatIsMissing(t *testing.T) {
	w := newKept(t, nil)
	require.NoError(t, w.k.Activate(w.officer(), content(t)))
	w.add("1", "p1")
	w.happened("1", "trashed")
	w.hold(retention.Hold{ID: "h", SubjectID: "p1"})
	w.k = w.keeper(retention.WithKeys(&secretKeys{}))
	w.files.keeper = w.k
	w.after(60)
	for _, tenant := range []troth.Tenant{troth.Platform, ours} {
		found := w.found()
		require.Len(t, found, 1)
		require.Equal(t, retention.SealMissing, found[0].What)
		_, err := w.k.AcceptControls(w.officer(), tenant)
		require.NoError(t, err)
		accepted, err := w.k.AcceptControls(w.lawyer(), tenant)
		require.NoError(t, err)
		require.True(t, accepted)
		w.now = w.now.Add(time.Hour)
	}
	require.Empty(t, w.found())
	require.NotEmpty(t, w.sees("1"))
}

// An older copy: what is kept outside is put back, and the hold is in force.
func TestRemedy_AnOlderCopy(t *testing.T) {
	for _, how := range []string{"put back", "the copy outside is lost"} {
		t.Run(how, func(t *testing.T) {
			w := newCompared(t)
			w.lateHold()
			w.after(60)
			want := []retention.Tampering{{What: retention.SealBehind, Kind: "seal", ID: "1"}}
			if how != "put back" { // another process, with the trail alone
				w.k = w.keeper(retention.WithKeys(&secretKeys{}), retention.WithEvidence(trailOf{w.notes}))
				w.files.keeper = w.k
				want = []retention.Tampering{{What: retention.EntryMissing, Kind: "hold", ID: "late"}}
			}
			require.Equal(t, want, w.found())
			if how == "put back" {
				done, err := w.k.PutBack(w.ctx)
				require.NoError(t, err)
				require.Equal(t, 1, done.Holds)
			} else {
				w.hold(retention.Hold{ID: "again", SubjectID: "p2"})
				w.accept()
			}
			require.Empty(t, w.found())
			require.NoError(t, w.k.Reconcile(w.ctx, ours))
			holds, err := w.k.Holds(w.ctx, ours)
			require.NoError(t, err)
			require.Len(t, holds, 3)
		})
	}
}

// An older copy in which somebody changed a hold besides: that is treated first, and then what
// is kept outside is put back, also where holds were placed meanwhile.
func TestRemedy_AnOlderCopyThatWasChanged(t *testing.T) {
	for name, changed := range map[string]bool{"changed": true, "older alone": false} {
		t.Run(name, func(t *testing.T) {
			w := newCompared(t)
			w.lateHold()
			if changed {
				w.edit(func(row *retention.HoldRow) { row.SubjectID = "p9" })
			}
			w.after(60)
			require.NotEmpty(t, w.found())
			for _, id := range []string{"again", "and again"} { // none of them makes up for what is missing
				w.hold(retention.Hold{ID: id, SubjectID: "p1"})
				require.NotEmpty(t, w.found())
			}
			if changed {
				_, err := w.k.PutBack(w.ctx)
				require.ErrorIs(t, err, retention.ErrTampered)
				w.accept()
				require.Equal(t, []retention.Tampering{{What: retention.SealBehind, Kind: "seal", ID: "1"}}, w.found())
			}
			done, err := w.k.PutBack(w.ctx)
			require.NoError(t, err)
			require.Positive(t, done.Holds)
			require.Empty(t, w.found())
			require.NoError(t, w.k.Reconcile(w.ctx, ours))
			of := map[string]string{}
			holds, err := w.k.Holds(w.ctx, ours)
			require.NoError(t, err)
			for _, h := range holds {
				of[h.ID] = h.SubjectID
			}
			require.Equal(t, map[string]string{"h": "p1", "h3": "p3", "late": "p2", "again": "p1", "and again": "p1"}, of)
		})
	}
}
