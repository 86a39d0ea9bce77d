package rights_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/rights/export"
)

// dump is all that the database has of a request.
type dump struct {
	row    rights.RequestRow
	events []rights.EventRow
	items  []rights.ItemRow
}

var itemKinds = []rights.ItemKind{
	rights.ItemContents, rights.ItemProof, rights.ItemCode, rights.ItemMessage, rights.ItemRefusal, rights.ItemObligation,
	rights.ItemAlarm, rights.ItemLapse, rights.ItemEnd, rights.ItemSources, rights.ItemFound, rights.ItemStep,
	rights.ItemCheck, rights.ItemLifting,
}

func (w *world) dump(id string) (all dump) {
	w.Helper()
	var err error
	all.row, _, err = w.store.Request(w.ctx, acme, id)
	require.NoError(w, err)
	all.events, err = w.store.Events(w.ctx, acme, id)
	require.NoError(w, err)
	for _, k := range itemKinds {
		items, err := w.store.Items(w.ctx, rights.ItemQuery{Tenant: acme, Owner: id, Kind: k, Limit: 1000})
		require.NoError(w, err)
		all.items = append(all.items, items...)
	}
	return all
}

// putBack makes the database say of a request what it said before.
func (w *world) putBack(all dump) {
	w.Helper()
	_, err := w.store.DeleteRequest(w.ctx, acme, all.row.ID)
	require.NoError(w, err)
	_, err = w.store.InsertRequest(w.ctx, all.row)
	require.NoError(w, err)
	for _, e := range all.events {
		_, err = w.store.InsertEvents(w.ctx, []rights.EventRow{e})
		require.NoError(w, err)
	}
	for _, i := range all.items {
		_, err = w.store.InsertItem(w.ctx, i)
		require.NoError(w, err)
	}
}

// hurry makes everything of a request due at once, past the desk.
func (w *world) hurry(id string, kinds ...rights.ItemKind) {
	w.Helper()
	hurried := 0
	for _, k := range kinds {
		items, err := w.store.Items(w.ctx, rights.ItemQuery{Tenant: acme, Owner: id, Kind: k, Limit: 100})
		require.NoError(w, err)
		for _, i := range items {
			i.DueAt = 1
			require.NoError(w, w.store.PutItem(w.ctx, i))
			hurried++
		}
	}
	require.NotZero(w, hurried)
}

// tampered is what is found to be wrong.
func (w *world) tampered() []rights.Tampering {
	w.Helper()
	err := w.desk.Reconcile(w.ctx, acme)
	if err == nil {
		return nil
	}
	bad, ok := errors.AsType[*rights.TamperedError](err)
	require.True(w, ok, err)
	require.ErrorIs(w, err, rights.ErrRecord)
	require.NotContains(w, err.Error(), canary)
	return bad.Found
}

// A writer of the database makes rows due: the irreversible cools off for as long, nobody's
// request lapses early, and nothing is destroyed before its end.
func TestHostile_ADueInstantHurriesNothing(t *testing.T) {
	s := newShop()
	w := newWorld(t, s.options(rights.WithCoolingOff(72*time.Hour))...)
	r := w.approved(rights.Erase)
	w.clock.Move(71 * time.Hour)
	w.hurry(r.ID, rights.ItemStep)
	w.sweep()
	require.Equal(t, rights.StateCoolingOff, w.get(r.ID).State)
	require.Empty(t, s.acts())
	w.clock.Move(2 * time.Hour)
	w.sweep()
	require.Equal(t, rights.StateDelivering, w.get(r.ID).State, "and it is not kept up either")

	asking := w.submit(rights.Access)
	_, err := w.desk.AskIdentity(w.ctx, acme, asking.ID, time.Time{})
	require.NoError(t, err)
	w.clock.Move(24 * time.Hour)
	w.hurry(asking.ID, rights.ItemLapse)
	w.sweep()
	require.Equal(t, rights.StateVerifying, w.get(asking.ID).State)
	w.clock.Move(90 * 24 * time.Hour)
	w.sweep()
	require.Equal(t, rights.StateLapsed, w.get(asking.ID).State)

	w.hurry(asking.ID, rights.ItemEnd)
	w.sweep()
	c, err := w.desk.Contents(w.ctx, acme, asking.ID, "test")
	require.NoError(t, err)
	require.Equal(t, "email", c.Channel)
	w.clock.Move(91 * 24 * time.Hour)
	w.sweep()
	_, err = w.desk.Contents(w.ctx, acme, asking.ID, "test")
	require.ErrorIs(t, err, rights.ErrGone)
	w.hurry(asking.ID, rights.ItemEnd)
	w.sweep()
	w.get(asking.ID)
}

// An erasure is withdrawn, and a writer of the database puts everything back as it was
// while it cooled off: every record is genuine. The trail knows better.
func TestHostile_AWithdrawnErasureIsPutBack(t *testing.T) {
	for _, compared := range []bool{false, true} {
		s := newShop()
		w := newWorld(t)
		opts := s.options(rights.WithCoolingOff(72 * time.Hour))
		if compared {
			opts = append(opts, rights.WithEvidence(w.trail))
		}
		w.desk = w.open(opts...)
		r := w.approved(rights.Erase)
		before := w.dump(r.ID)
		p, err := w.desk.Proof(w.ctx, acme, r.ID)
		require.NoError(t, err)
		_, err = w.desk.Withdraw(w.ctx, acme, r.ID, p)
		require.NoError(t, err)
		w.putBack(before)
		w.clock.Move(73 * time.Hour)
		err = w.desk.Sweep(w.ctx)
		if !compared {
			require.NoError(t, err)
			require.NotEmpty(t, s.acts(), "an attack that never works proves nothing")
			continue
		}
		bad, ok := errors.AsType[*rights.TamperedError](err)
		require.True(t, ok, err)
		require.Equal(t, []rights.Tampering{{Request: r.ID, Kind: rights.RequestOld}}, bad.Found)
		require.Empty(t, s.acts())
		require.Equal(t, bad.Found, w.tampered())
		w.clock.Move(73 * time.Hour)
		require.Error(t, w.desk.Sweep(w.ctx))
		require.Empty(t, s.acts())
	}
}

// silent is a trail that tells nothing, as one whose index of people is gone.
type silent struct{}

func (silent) Told(context.Context, troth.Tenant, string, string) iter.Seq2[rights.TrailEntry, error] {
	return func(func(rights.TrailEntry, error) bool) {}
}

func TestHostile_ATrailThatTellsNothing(t *testing.T) {
	s := newShop()
	w := newWorld(t)
	w.desk = w.open(s.options(rights.WithEvidence(silent{}))...)
	r := w.approved(rights.Erase)
	err := w.desk.Step(w.ctx, acme, r.ID)
	bad, ok := errors.AsType[*rights.TamperedError](err)
	require.True(t, ok, err)
	require.Equal(t, []rights.Tampering{{Request: r.ID, Kind: rights.EventUnknown}}, bad.Found)
	require.Empty(t, s.acts())
}

// The request to see the data is hidden, so that the erasure goes first.
func TestHostile_AnAccessRequestIsHidden(t *testing.T) {
	s := newShop()
	w := newWorld(t)
	w.desk = w.open(s.options(rights.WithEvidence(w.trail))...)
	look := w.submit(rights.Access)
	r := w.approved(rights.Erase)
	row, _, err := w.store.Request(w.ctx, acme, look.ID)
	require.NoError(t, err)
	row.Open, row.State, row.DueAt = false, rights.StateFulfilled, rights.Parked
	require.NoError(t, w.store.PutRequest(w.ctx, row))
	require.ErrorIs(t, w.desk.Step(w.ctx, acme, r.ID), rights.ErrRecord)
	require.Empty(t, s.acts())
	require.Equal(t, []rights.Tampering{{Request: look.ID, Kind: rights.RequestForged}}, w.tampered())
}

// Somebody would rather keep the orders: they take the row of sources away that says what is to
// be erased.
func TestHostile_ASourceThatIsTakenAway(t *testing.T) {
	s := newShop()
	w := newWorld(t)
	w.desk = w.open(s.options(rights.WithEvidence(w.trail))...)
	r := w.approved(rights.Erase)
	key := rights.ItemKey{Tenant: acme, Owner: r.ID, Kind: rights.ItemSources, ID: "0000"}
	row, _, err := w.store.Item(w.ctx, key)
	require.NoError(t, err)
	_, err = w.store.DeleteItem(w.ctx, key)
	require.NoError(t, err)
	require.ErrorIs(t, w.desk.Step(w.ctx, acme, r.ID), rights.ErrRecord)
	require.Equal(t, rights.StateCoolingOff, w.get(r.ID).State, "nothing has begun")
	_, err = w.store.InsertItem(w.ctx, row)
	require.NoError(t, err)
	require.Equal(t, rights.StateDelivering, w.step(r.ID).State)
	_, err = w.store.DeleteItem(w.ctx, key)
	require.NoError(t, err)
	_, err = w.desk.Certify(w.ctx, acme, r.ID)
	require.ErrorIs(t, err, rights.ErrRecord, "no certificate that leaves them out")
	w.clock.Move(time.Second)
	require.Equal(t, []rights.Tampering{{Request: r.ID, Kind: rights.RequestForged}}, w.tampered())
}

// Somebody of another tenant's staff calls everything that changes a request.
func TestHostile_StaffOfAnotherTenant(t *testing.T) {
	s := newShop()
	w := newWorld(t, s.options(rights.WithExports(rights.Exports{Signer: exportSigner(t)}))...)
	r := w.approved(rights.Access)
	before, entries := w.get(r.ID), len(w.trail.All())
	p, err := w.desk.Proof(w.ctx, acme, r.ID)
	require.NoError(t, err)
	lock, _, err := export.FreshKey()
	require.NoError(t, err)
	ctx := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Person, ID: "eve", Tenant: globex, Roles: []string{"dpo", "admin"}})
	for name, call := range map[string]func() error{
		"submit": func() error {
			_, err := w.desk.Submit(ctx, rights.Submission{Tenant: acme, ID: "new", Right: rights.Erase, Via: rights.ViaWeb})
			return err
		},
		"attest": func() error {
			_, err := w.desk.Attest(ctx, rights.Attestation{Tenant: acme, Request: r.ID, SubjectID: ada.ID, Method: rights.BySession})
			return err
		},
		"know": func() error {
			_, err := w.desk.Know(ctx, rights.Knowledge{Tenant: acme, Request: r.ID, SubjectID: ada.ID, Kinds: []string{"email"}})
			return err
		},
		"code": func() error {
			return w.desk.SendCode(ctx, rights.CodeRequest{Tenant: acme, Request: r.ID, Address: troth.Address{Channel: "email", Value: troth.Protect(canary)}})
		},
		"check":    func() error { _, err := w.desk.CheckCode(ctx, acme, r.ID, troth.Protect("23456789")); return err },
		"accept":   func() error { _, err := w.desk.Accept(ctx, acme, r.ID, p); return err },
		"approve":  func() error { _, err := w.desk.Approve(ctx, acme, r.ID); return err },
		"withdraw": func() error { _, err := w.desk.Withdraw(ctx, acme, r.ID, p); return err },
		"deliver":  func() error { _, err := w.desk.Deliver(ctx, acme, r.ID, time.Time{}); return err },
		"assign":   func() error { _, err := w.desk.Assign(ctx, acme, r.ID, "mine"); return err },
		"forward":  func() error { _, err := w.desk.Forward(ctx, acme, r.ID, "globex"); return err },
		"extend": func() error {
			_, err := w.desk.Extend(ctx, rights.Extension{Tenant: acme, Request: r.ID, Reason: rights.Complexity})
			return err
		},
		"refuse": func() error { _, err := w.desk.Refuse(ctx, refusal(w, r.ID, rights.LegalClaims)); return err },
		"settle": func() error {
			return w.desk.Settle(ctx, acme, r.ID, "orders", rights.Report{Outcome: rights.Done, Method: rights.Deleted, Ref: "x"})
		},
		"certify": func() error { _, err := w.desk.Certify(ctx, acme, r.ID); return err },
		"lift":    func() error { _, err := w.desk.Lift(ctx, lifting(r)); return err },
		"export":  func() error { _, err := w.desk.Export(ctx, acme, r.ID, io.Discard, lock); return err },
		"return":  func() error { _, err := w.desk.Return(ctx, ada, nil); return err },
	} {
		require.ErrorIs(t, call(), rights.ErrNotFound, name)
	}
	require.Equal(t, before, w.get(r.ID))
	require.Len(t, w.trail.All(), entries)
	_, err = w.desk.Request(w.ctx, acme, "new")
	require.ErrorIs(t, err, rights.ErrNotFound)
}

// Nobody who is not verified gets anything approved, by whatever way.
func TestHostile_UnverifiedIsNeverApproved(t *testing.T) {
	for _, right := range rights.Rights() {
		if right.Needs(false) == rights.LevelNone {
			continue
		}
		t.Run(string(right), func(t *testing.T) {
			s := newShop()
			w := newWorld(t, s.options()...)
			r := w.submit(right)
			other := w.submit(right, func(s *rights.Submission) { s.SubjectID = "eve" })
			theirs, err := w.desk.Attest(w.ctx, rights.Attestation{Tenant: acme, Request: other.ID, SubjectID: "eve", Method: rights.ByReauthentication})
			require.NoError(t, err)
			for _, p := range []rights.Proof{{}, theirs} {
				_, err = w.desk.Accept(w.ctx, acme, r.ID, p)
				require.ErrorIs(t, err, rights.ErrUnproven)
			}
			_, err = w.desk.Approve(w.ctx, acme, r.ID)
			_, wrong := errors.AsType[*rights.StateError](err)
			require.True(t, wrong, err)
			require.NoError(t, w.desk.Step(w.ctx, acme, r.ID))
			for _, k := range []rights.Kind{rights.WasAccepted, rights.CollectionBegan, rights.Approved, rights.CooledOff, rights.ExecutionBegan, rights.Executed, rights.Delivered} {
				_, err = w.desk.Fire(w.ctx, acme, r.ID, k)
				require.Error(t, err, k)
			}
			require.Equal(t, rights.StateReceived, w.get(r.ID).State)
			require.Empty(t, s.acts())
		})
	}
}

// The clock jumps back, over and over: what happened stays in its order, and nothing that
// waits is done early.
func TestHostile_AClockThatJumpsBack(t *testing.T) {
	s := newShop()
	w := newWorld(t, s.options(rights.WithCoolingOff(72*time.Hour))...)
	r := w.submit(rights.Erase)
	due := w.get(r.ID).DueAt
	require.NoError(t, w.sendCode(r.ID, canary))
	code := w.code()
	w.clock.Move(20 * time.Minute)
	_, err := w.check(r.ID, "23456789")
	require.ErrorIs(t, err, rights.ErrCode)
	w.clock.Move(-24 * time.Hour)
	p := w.prove(r.ID)
	_, err = w.desk.Accept(w.ctx, acme, r.ID, p)
	require.NoError(t, err)
	w.clock.Move(-24 * time.Hour)
	require.NoError(t, w.desk.Step(w.ctx, acme, r.ID))
	_, err = w.desk.Approve(w.ctx, acme, r.ID)
	require.NoError(t, err)
	approved := w.clock.Now()
	for range 5 {
		w.clock.Move(-time.Hour)
		w.sweep()
		require.NoError(t, w.desk.Step(w.ctx, acme, r.ID))
		require.Equal(t, rights.StateCoolingOff, w.get(r.ID).State)
	}
	w.clock.Set(approved.Add(71 * time.Hour))
	require.NoError(t, w.desk.Step(w.ctx, acme, r.ID))
	require.Equal(t, rights.StateCoolingOff, w.get(r.ID).State)
	_, err = w.check(r.ID, code)
	require.ErrorIs(t, err, rights.ErrCode)
	events, err := w.desk.Events(w.ctx, acme, r.ID)
	require.NoError(t, err)
	for i := 1; i < len(events); i++ {
		require.True(t, events[i].RecordedAt.After(events[i-1].RecordedAt), events[i].Kind)
	}
	require.Equal(t, due, w.get(r.ID).DueAt, "receipt counts")
}
