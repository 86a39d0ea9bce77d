package retention_test

import (
	"bytes"
	"context"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
)

// secretKeys are keys that an attacker with the database does not have.
type secretKeys struct{ err error }

func (s *secretKeys) MAC(_ context.Context, ref troth.KeyRef, message []byte) ([32]byte, error) {
	h := hmac.New(sha256.New, []byte("secret "+string(ref.Tenant)+ref.Use+ref.ID))
	h.Write(message)
	return [32]byte(h.Sum(nil)), s.err
}

func (*secretKeys) AEAD(context.Context, troth.KeyRef) (cipher.AEAD, error) {
	return nil, errors.New("nobody asks for it")
}

// trailOf reads what was noted.
type trailOf struct{ *notes }

func (e trailOf) Acts(ctx context.Context, tenant troth.Tenant, act string) iter.Seq2[troth.Facts, error] {
	return func(yield func(troth.Facts, error) bool) {
		rows, err := e.list.Scan(ctx, nil, 0, nil)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, r := range rows {
			if r.Value.Tenant == tenant && r.Value.Act.Name == act && !yield(r.Value.Facts, nil) {
				return
			}
		}
	}
}

// newSealed is a world with keys, in which everything is due but for a hold, and an
// exception.
func newSealed(t *testing.T, opts ...retention.Option) *kept {
	t.Helper()
	w := newKept(t, nil)
	w.k = w.keeper(append([]retention.Option{retention.WithKeys(&secretKeys{})}, opts...)...)
	w.files.keeper = w.k
	require.NoError(t, w.k.Activate(w.officer(), content(t)))
	for _, id := range []string{"1", "2", "3"} {
		w.add(id, "p"+id)
		w.happened(id, "trashed")
	}
	w.hold(retention.Hold{ID: "h", SubjectID: "p1"})
	w.except(retention.ExceptionRecord{ID: "x", Extent: retention.Extent{SubjectID: "p2"}, Until: w.now.AddDate(2, 0, 0)})
	return w
}

// stopped demands that nothing is destroyed, and that this is why.
func (w *kept) stopped(want ...retention.Tampering) {
	w.Helper()
	w.after(60)
	s, err := w.k.Sweep(w.ctx)
	if err == nil {
		require.Len(w, s.Stopped, 1)
		err = s.Stopped[0].Err
	}
	bad, ok := errors.AsType[*retention.TamperedError](err)
	require.True(w, ok, "%v", err)
	require.Equal(w, want, bad.Found)
	require.Zero(w, s.Destroyed)
	for _, id := range []string{"1", "2", "3"} {
		require.NotEmpty(w, w.sees(id))
	}
	leave := retention.Leave{Ref: troth.PermitRef{Tenant: string(ours), Subject: "p3"}, SubjectID: "p3", Ground: "x"}
	err = w.k.Permit(w.ctx, leave, func(context.Context, troth.Permit) error { return nil })
	require.ErrorIs(w, err, retention.ErrTampered)
	require.ErrorIs(w, err, troth.ErrNotPermitted)
}

func (w *kept) edit(change func(row *retention.HoldRow)) {
	w.Helper()
	row, _, err := w.store.Hold(w.ctx, ours, "h")
	require.NoError(w, err)
	change(&row)
	require.NoError(w, w.store.PutHold(w.ctx, row))
}

func (w *kept) editControl(key retention.ControlKey, change func(row *retention.ControlRow)) {
	w.Helper()
	row, found, err := w.store.Control(w.ctx, key)
	require.NoError(w, err)
	require.True(w, found)
	change(&row)
	require.NoError(w, w.store.PutControl(w.ctx, row))
}

func control(kind, id string) retention.ControlKey {
	return retention.ControlKey{Tenant: ours, Kind: kind, ID: id}
}

func TestSeal_NothingIsFoundWhereNothingIsWrong(t *testing.T) {
	w := newSealed(t)
	require.NoError(t, w.k.ProposeException(w.lawyer(), retention.ExceptionRecord{
		Tenant: ours, ID: "y", Reason: retention.BecauseDispute, Until: w.now.AddDate(1, 0, 0),
	}))
	w.grant(retention.ErasureGrant{Request: "r", SubjectID: "p3"})
	w.after(60)
	s := w.sweep()
	require.Empty(t, s.Stopped)
	require.Equal(t, 1, s.Destroyed)
	w.release("h")
	require.NoError(t, w.k.EndException(w.officer(), ours, "x"))
	require.NoError(t, w.k.EndException(w.officer(), ours, "y"))
	require.Equal(t, 2, w.sweep().Destroyed)
	require.NoError(t, w.k.Activate(w.officer(), changed(t, content(t), func(p *retention.Policy) {
		p.Version, p.Effective = 2, date(t, "2027-01-01")
	})))
	require.Empty(t, w.sweep().Stopped)
	w.keeper(retention.WithKeys(&secretKeys{}))
}

func TestSeal_WhatWasChangedPastTheKeeperDestroysNothing(t *testing.T) {
	hold := func(what retention.TamperingKind) []retention.Tampering {
		return []retention.Tampering{{What: what, Kind: "hold", ID: "h"}}
	}
	exception := func(what retention.TamperingKind) []retention.Tampering {
		return []retention.Tampering{{What: what, Kind: "exception", ID: "x"}}
	}
	sealed := func(what retention.TamperingKind) []retention.Tampering {
		return []retention.Tampering{{What: what, Kind: "seal", ID: "1"}}
	}
	for name, c := range map[string]struct {
		attack func(w *kept)
		found  []retention.Tampering
	}{
		"a forged release": {func(w *kept) {
			w.edit(func(row *retention.HoldRow) { row.ReleasedAt = 1 })
		}, hold(retention.RowMissing)},
		"a narrower person": {func(w *kept) {
			w.edit(func(row *retention.HoldRow) { row.SubjectID = "p9" })
		}, hold(retention.RowChanged)},
		"a narrower class": {func(w *kept) {
			w.edit(func(row *retention.HoldRow) { row.Class = "other" })
		}, hold(retention.RowChanged)},
		"a narrower time": {func(w *kept) {
			w.edit(func(row *retention.HoldRow) { row.To = 1 })
		}, hold(retention.RowChanged)},
		"a narrower condition": {func(w *kept) {
			w.edit(func(row *retention.HoldRow) { row.Where = []byte(`{"labels":["a"]}`) })
		}, hold(retention.RowChanged)},
		"a later review": {func(w *kept) {
			w.edit(func(row *retention.HoldRow) { row.ReviewAt++ })
		}, hold(retention.RowChanged)},
		"a forged half of a release": {func(w *kept) {
			w.edit(func(row *retention.HoldRow) { row.ProposedAt, row.Proposer = 1, bytes.Repeat([]byte{1}, 48) })
			err := w.k.Release(person(w.ctx, "second", "dpo"), ours, "h")
			require.ErrorIs(w, err, retention.ErrTampered)
		}, hold(retention.RowChanged)},
		"a forged hold": {func(w *kept) {
			_, err := w.store.InsertHold(w.ctx, retention.HoldRow{Tenant: ours, ID: "f", Matter: "m"})
			require.NoError(w, err)
		}, []retention.Tampering{{What: retention.RowForged, Kind: "hold", ID: "f"}}},
		"an exception that is closed": {func(w *kept) {
			w.editControl(control("exception", "x"), func(row *retention.ControlRow) { row.Open = false })
		}, exception(retention.RowMissing)},
		"an exception that lasts": {func(w *kept) {
			w.editControl(control("exception", "x"), func(row *retention.ControlRow) {
				row.Body = bytes.Replace(row.Body, []byte(`"until":17`), []byte(`"until":27`), 1)
				row.Body = bytes.Replace(row.Body, []byte(`"until":18`), []byte(`"until":28`), 1)
			})
		}, exception(retention.RowChanged)},
		"a seal that was edited": {func(w *kept) {
			w.editControl(control("seal", "1"), func(row *retention.ControlRow) {
				row.Body = bytes.Replace(row.Body, []byte(`"number":`), []byte(`"number":9`), 1)
			})
		}, sealed(retention.SealForged)},
		"a seal without a MAC": {func(w *kept) {
			w.editControl(control("seal", "1"), func(row *retention.ControlRow) { row.MAC = nil })
		}, sealed(retention.SealForged)},
		"a seal of another tenant": {func(w *kept) {
			other, _, err := w.store.Control(w.ctx, retention.ControlKey{Tenant: troth.Platform, Kind: "seal", ID: "1"})
			require.NoError(w, err)
			w.editControl(control("seal", "1"), func(row *retention.ControlRow) { row.Body, row.MAC = other.Body, other.MAC })
		}, sealed(retention.SealForged)},
	} {
		t.Run(name, func(t *testing.T) {
			w := newSealed(t)
			c.attack(w)
			w.stopped(c.found...)
			_, err := w.k.Record(w.ctx, fileKey("1"))
			require.ErrorIs(t, err, retention.ErrTampered)
			_, err = w.k.Holds(w.ctx, ours)
			require.ErrorIs(t, err, retention.ErrTampered)

			// A hold can be placed all the same. Other tenants go on.
			w.hold(retention.Hold{ID: "new"})
			other := retention.RecordKey{Tenant: "other", Type: "file", ID: "o"}
			require.NoError(t, w.k.Created(w.ctx, retention.NewRecord{RecordKey: other, SubjectID: "p", At: w.now}))
			require.NoError(t, w.k.Happened(w.ctx, other, retention.Occurrence{Event: "trashed", At: w.now}))
			w.after(60)
			s := w.sweep()
			require.Equal(t, 1, s.Destroyed)
			require.Len(t, s.Stopped, 1)
		})
	}
}

func TestSeal_AForgedPolicyStopsEverything(t *testing.T) {
	w := newSealed(t)
	p := changed(t, content(t), func(p *retention.Policy) {
		p.Version, p.Effective, p.Apply = 2, date(t, "2026-01-02"), retention.ApplyAll
		p.Classes[0].Stages[1].For = days(1)
	})
	text, err := json.Marshal(p)
	require.NoError(t, err)
	_, err = w.store.InsertPolicy(w.ctx, retention.PolicyRow{Tenant: troth.Platform, Version: 2, Hash: p.Hash(), Text: text})
	require.NoError(t, err)
	w.stopped(retention.Tampering{What: retention.RowForged, Kind: "policy", ID: "2"})
	w.k = w.keeper(retention.WithKeys(&secretKeys{}))
	w.stopped(retention.Tampering{What: retention.RowForged, Kind: "policy", ID: "2"})
	require.ErrorIs(t, w.k.Activate(w.officer(), changed(t, p, func(p *retention.Policy) {
		p.Version, p.Effective = 3, date(t, "2026-02-02")
	})), retention.ErrTampered)
}

func TestSeal_AForgedErasureDestroysNothing(t *testing.T) {
	w := newSealed(t)
	w.add("4", "p4")
	body := []byte(`{"subject":"p4","at":` + "1767225600000000" + `,"granted_at":1767225600000000}`)
	for _, mac := range [][]byte{nil, make([]byte, 32)} {
		row := retention.ControlRow{ControlKey: control("erasure", "f"), Open: true, DueAt: 1, Body: body, State: []byte("{}"), MAC: mac}
		if inserted, err := w.store.InsertControl(w.ctx, row); err != nil || !inserted {
			require.NoError(t, err)
			require.NoError(t, w.store.PutControl(w.ctx, row))
		}
		require.Zero(t, w.sweep().Destroyed)
		_, err := w.k.Erasure(w.ctx, ours, "f")
		require.ErrorIs(t, err, retention.ErrTampered)
	}
	// One that was granted and was changed since goes no further than it did.
	w.grant(retention.ErasureGrant{Request: "r", SubjectID: "p3", Classes: []string{"another"}})
	w.editControl(control("erasure", "r"), func(row *retention.ControlRow) {
		row.Body = bytes.Replace(row.Body, []byte(`"another"`), []byte(`"content"`), 1)
	})
	require.Zero(t, w.sweep().Destroyed)
	w.after(60)
	s := w.sweep()
	require.Zero(t, s.Destroyed, "of who has an erasure that nobody granted nothing is known")
	require.Positive(t, s.Unknown)
}

func TestSeal_KeysThatFailDestroyNothing(t *testing.T) {
	keys := &secretKeys{}
	w := newSealed(t, retention.WithKeys(keys))
	w.after(60)
	keys.err = errors.New("the KMS is down")
	_, err := w.k.Sweep(w.ctx)
	require.ErrorIs(t, err, keys.err)
	require.NotEmpty(t, w.sees("3"))
	keys.err = nil
	require.Equal(t, 1, w.sweep().Destroyed)
}

func TestAccept_TakesCounselAndTheOfficer(t *testing.T) {
	w := newSealed(t)
	w.edit(func(row *retention.HoldRow) { row.ReleasedAt = 1 })
	w.stopped(retention.Tampering{What: retention.RowMissing, Kind: "hold", ID: "h"})
	accept := func(ctx context.Context, want bool) {
		t.Helper()
		accepted, err := w.k.AcceptControls(ctx, ours)
		require.NoError(t, err)
		require.Equal(t, want, accepted)
	}
	_, err := w.k.AcceptControls(w.ctx, ours)
	require.ErrorIs(t, err, retention.ErrRole)
	both := person(w.ctx, "both", "dpo", "counsel")
	accept(both, false)
	accept(both, false) // the same person again
	accept(w.lawyer(), true)
	w.now = w.now.Add(time.Hour)
	s := w.sweep()
	require.Empty(t, s.Stopped)
	require.Equal(t, 2, s.Destroyed)

	// What changes between the halves begins them anew; a forged half counts for nothing.
	w.add("9", "p9")
	w.hold(retention.Hold{ID: "h2"})
	accept(w.officer(), false)
	w.hold(retention.Hold{ID: "h3"})
	accept(w.lawyer(), false)
	w.editControl(control("accept", "1"), func(row *retention.ControlRow) { row.MAC[0]++ })
	accept(person(w.ctx, "third", "dpo"), false)
	accept(w.lawyer(), true)
	require.Len(t, w.notes.of(t, "retention.accept"), 7)
}

func TestReconcile_AnOlderCopyOfTheRowsIsFoundByTheTrail(t *testing.T) {
	w := newSealed(t)
	w.k = w.keeper(retention.WithKeys(&secretKeys{}), retention.WithEvidence(trailOf{w.notes}))
	w.files.keeper = w.k
	require.NoError(t, w.k.Reconcile(w.ctx, ours))
	require.NoError(t, w.k.Reconcile(w.ctx, troth.Platform))

	before, _, err := w.store.Control(w.ctx, control("seal", "1"))
	require.NoError(t, err)
	w.hold(retention.Hold{ID: "late", SubjectID: "p3"})
	// The attacker puts everything back as it was before the hold, seal and all.
	require.NoError(t, w.store.PutControl(w.ctx, before))
	late, _, err := w.store.Hold(w.ctx, ours, "late")
	require.NoError(t, err)
	late.ReleasedAt = 1
	require.NoError(t, w.store.PutHold(w.ctx, late))
	w.stopped(retention.Tampering{What: retention.EntryMissing, Kind: "hold", ID: "late"})

	for range 2 {
		_, err := w.k.AcceptControls(w.officer(), ours)
		require.NoError(t, err)
		_, err = w.k.AcceptControls(w.lawyer(), ours)
		require.NoError(t, err)
	}
	w.now = w.now.Add(time.Hour)
	require.Equal(t, 1, w.sweep().Destroyed, "accepted, and not found again")
}

func TestReconcile_NamesWhatTheTrailDoesNotKnow(t *testing.T) {
	w := newSealed(t) // on the trail
	row := retention.HoldRow{Tenant: ours, ID: "f", Matter: "m", ReviewAt: 1}
	_, err := w.store.InsertHold(w.ctx, row)
	require.NoError(t, err)
	w.edit(func(row *retention.HoldRow) { row.ReleasedAt = 1 })
	w.editControl(control("exception", "x"), func(row *retention.ControlRow) { row.Open = false })
	_, err = w.store.InsertControl(w.ctx, retention.ControlRow{ControlKey: control("erasure", "e"), Open: true})
	require.NoError(t, err)
	k := w.keeper(retention.WithEvidence(trailOf{w.notes}))
	bad, ok := errors.AsType[*retention.TamperedError](k.Reconcile(w.ctx, ours))
	require.True(t, ok)
	require.ElementsMatch(t, []retention.Tampering{
		{What: retention.EntryMissing, Kind: "hold", ID: "h"},
		{What: retention.EntryMissing, Kind: "hold", ID: "f"},
		{What: retention.EntryMissing, Kind: "exception", ID: "x"},
		{What: retention.EntryMissing, Kind: "erasure", ID: "e"},
	}, bad.Found)
	require.NoError(t, k.Reconcile(w.ctx, troth.Platform))
	require.NoError(t, k.Reconcile(w.ctx, "other"))
}

func TestOutside_KeepsAndIsCompared(t *testing.T) {
	dir := t.TempDir()
	out := retention.WithOutside(retention.Folder(dir))
	w := newSealed(t, out)
	w.sweep()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	require.Len(t, files, 2, "the tenant and the platform")

	before, _, err := w.store.Control(w.ctx, control("seal", "1"))
	require.NoError(t, err)
	w.hold(retention.Hold{ID: "late", SubjectID: "p3"}) // kept before Place returns
	require.NoError(t, w.store.PutControl(w.ctx, before))
	w.stopped(retention.Tampering{What: retention.SealBehind, Kind: "seal", ID: "1"})
	w.k = w.keeper(retention.WithKeys(&secretKeys{}), out) // another process
	w.stopped(retention.Tampering{What: retention.SealBehind, Kind: "seal", ID: "1"})

	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(file, bytes.Replace(text, []byte(`"number":`), []byte(`"number":1`), 1), 0o600))
		_, err = retention.New(w.ctx, retention.Config{Store: w.store, Recorder: w.notes}, retention.WithKeys(&secretKeys{}), out)
		require.ErrorIs(t, err, retention.ErrOutside)
		require.NoError(t, os.WriteFile(file, text, 0o600))
	}
	_, err = retention.New(w.ctx, retention.Config{Store: w.store, Recorder: w.notes}, out)
	require.Error(t, err, "without keys")
}

// What cannot be kept outside is tried again, and the hold stands meanwhile.
func TestOutside_ThatFailsIsTriedAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "later")
	w := newKept(t, nil)
	require.NoError(t, os.Mkdir(dir, 0o700))
	w.k = w.keeper(retention.WithKeys(&secretKeys{}), retention.WithOutside(retention.Folder(dir)))
	require.NoError(t, w.k.Activate(w.officer(), content(t)))
	require.NoError(t, os.RemoveAll(dir))
	w.hold(retention.Hold{ID: "h"})
	_, err := w.k.Sweep(w.ctx)
	require.Error(t, err)
	require.NoError(t, os.Mkdir(dir, 0o700))
	w.sweep()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	require.Len(t, files, 1)
}
