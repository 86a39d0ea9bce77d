package consent_test

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
)

// full says something with all kinds of evidence.
func (w *world) full(who troth.Subject, k consent.Kind) consent.Event {
	f := w.form(who, letter, k)
	f.Choices[0].Wording = "Yes, please"
	f.Evidence = consent.Evidence{
		IP: troth.Protect(netip.MustParseAddr("2001:db8:1234:5678::1")), UserAgent: troth.Protect("Browser/3.14159 (Windows NT; build 7)"),
		Page: troth.Protect("/sign-up?email=ada@example.org"), Address: troth.Protect("ada@example.org"), Note: troth.Protect("by hand"),
	}
	return w.sayForm(f)
}

func TestHistory_ShowsEverythingAndOpensWithAPurpose(t *testing.T) {
	w := newWorld(t)
	w.publish(consent.Terms{Purpose: letter, Title: "A letter <b>"})
	e := w.full(ada, consent.Granted)
	w.say(ada, letter, consent.Withdrawn)
	h, err := w.ledger.History(w.ctx, ada, reasons)
	require.NoError(t, err)
	require.Len(t, h.Entries, 2)
	first := h.Entries[0]
	require.Equal(t, e.ID, first.Event.ID)
	require.Equal(t, consent.ProofDetails{Network: "2001:db8:1234::/48", UserAgent: "Browser/3 (Windows)", Page: "/sign-up"}, first.Proof)
	require.Equal(t, consent.ContentDetails{Address: "ada@example.org", Note: "by hand"}, first.Content)
	require.Equal(t, "Yes, please", first.Wording)
	require.Contains(t, w.sealer.Opened(), reasons)
	require.Equal(t, consent.ReasonWithdrawn, h.Decisions[0].Reason)
	var page bytes.Buffer
	require.NoError(t, h.WriteHTML(&page))
	for _, want := range []string{"A letter &lt;b&gt;", "ada@example.org", "2001:db8:1234::/48", first.Hash, "granted", "withdrawn", "Article 6(1)(a)", "2026-11-22T10:00:00.000000Z"} {
		require.Contains(t, page.String(), want)
	}
	require.NotContains(t, page.String(), "<b>")
	other, err := w.ledger.History(w.ctx, troth.Subject{Tenant: globex, ID: ada.ID}, reasons)
	require.NoError(t, err)
	require.Empty(t, other.Entries)
}

func TestErase_ContentAtOnceAndProofInTheEnd(t *testing.T) {
	var w *world
	w = newWorld(t, consent.Unmanaged("test"), consent.WithProofPeriod(years(3), "bgb-195-199"),
		consent.WithShredder(func(ctx context.Context, p troth.Permit, s troth.Subject, cs ...troth.Compartment) error {
			return w.sealer.Shred(ctx, p, s, cs...)
		}))
	w.publish(consent.Terms{Purpose: letter})
	e := w.full(ada, consent.Granted)
	w.full(subject("other"), consent.Granted)
	done, err := w.ledger.Erase(w.ctx, ada, "erasure-request")
	require.NoError(t, err)
	require.Equal(t, 1, done.Events)
	entry := w.trail.Of("consent.erase")
	require.Len(t, entry, 1)
	require.Equal(t, "bgb-195-199", entry[0].Facts["basis"].Text())
	require.Equal(t, "unmanaged", entry[0].Facts["permit"].Text())
	w.wants(ada, letter, consent.ReasonUnknown)
	w.wants(subject("other"), letter, consent.ReasonGranted)
	// The id is taken for ever, for a yes and for a no.
	for _, k := range []consent.Kind{consent.Granted, consent.Withdrawn} {
		_, err = w.ledger.Record(w.ctx, w.form(ada, letter, k))
		require.ErrorIs(t, err, consent.ErrErased)
	}
	again, err := w.ledger.Erase(w.ctx, ada, "erasure-request")
	require.NoError(t, err)
	require.True(t, again.Already)
	// No row names the person any more.
	_, found, err := w.store.Person(w.ctx, acme, ada.ID)
	require.NoError(t, err)
	require.False(t, found)
	row, found, err := w.store.Event(w.ctx, acme, e.ID)
	require.NoError(t, err)
	require.True(t, found)
	require.NotContains(t, row.SubjectID, ada.ID)
	require.Nil(t, row.Content)
	// The proof is found by who knows the id, and is what was proved before.
	h, err := w.ledger.History(w.ctx, ada, reasons)
	require.NoError(t, err)
	require.Len(t, h.Entries, 1)
	require.Equal(t, e, h.Entries[0].Event)
	require.Equal(t, "2001:db8:1234::/48", h.Entries[0].Proof.Network)
	require.True(t, h.Entries[0].ContentGone)
	require.False(t, h.ErasedAt.IsZero())
	var page bytes.Buffer
	require.NoError(t, h.WriteHTML(&page))
	require.Contains(t, page.String(), "destroyed")
	// Before its time nothing goes; then everything does.
	w.clock.Move(2 * 365 * 24 * time.Hour)
	require.NoError(t, w.ledger.Sweep(w.ctx))
	require.Empty(t, w.trail.Of("consent.proof-erase"))
	w.clock.Move(367 * 24 * time.Hour)
	require.NoError(t, w.ledger.Sweep(w.ctx))
	last := w.trail.Of("consent.proof-erase")
	require.Len(t, last, 1)
	require.Equal(t, entry[0].Facts["person"], last[0].Facts["person"], "the trail tells which erasure it completes")
	require.Empty(t, last[0].SubjectID)
	h, err = w.ledger.History(w.ctx, ada, reasons)
	require.NoError(t, err)
	require.Empty(t, h.Entries)
	_, found, err = w.store.Event(w.ctx, acme, e.ID)
	require.NoError(t, err)
	require.False(t, found)
	require.True(t, w.sealer.Shredded(ada, consent.ProofCompartment), "by the id that was kept under seal")
	require.Len(t, w.trail.Of("consent.erase"), 1)
}

// keeper is a disposer that may refuse.
type keeper struct {
	tx   troth.Transactor
	held bool
	refs []troth.DisposalRef
	give func() troth.Permit
}

func (k *keeper) Dispose(ctx context.Context, ref troth.DisposalRef, _ string, destroy func(context.Context, troth.Permit) error) error {
	k.refs = append(k.refs, ref)
	if k.held {
		return errHeld
	}
	return k.tx.Atomically(ctx, func(ctx context.Context) error { return destroy(ctx, k.give()) })
}

var errHeld = errors.New("held")

func TestErase_NeedsLeave(t *testing.T) {
	w := newWorld(t)
	w.publish(consent.Terms{Purpose: letter})
	w.full(ada, consent.Granted)
	_, err := w.ledger.Erase(w.ctx, ada, "erasure-request")
	require.ErrorIs(t, err, consent.ErrNeeds)
	k := &keeper{tx: w.db, held: true}
	managed := w.open(consent.WithDisposer(k))
	_, err = managed.Erase(w.ctx, ada, "erasure-request")
	require.ErrorIs(t, err, errHeld)
	require.Equal(t, []troth.DisposalRef{{Tenant: acme, Kind: consent.DisposeContent, ID: ada.ID}}, k.refs)
	for _, p := range []troth.Permit{{}, troth.UnmanagedPermit("x")} {
		k.held, k.give = false, func() troth.Permit { return p }
		_, err = managed.Erase(w.ctx, ada, "erasure-request")
		require.ErrorIs(t, err, troth.ErrNotPermitted)
	}
	w.wants(ada, letter, consent.ReasonGranted)
	// A store that a keeper has taken over is destroyed in by nobody else.
	loose := w.open(consent.Unmanaged("test"))
	require.NoError(t, w.store.SetManaged(w.ctx))
	_, err = loose.Erase(w.ctx, ada, "erasure-request")
	require.ErrorIs(t, err, consent.ErrUnmanaged)
	_, err = consent.New(w.ctx, consent.Config{Store: w.store, Recorder: w.trail, Keys: w.keys}, consent.Unmanaged("test"))
	require.ErrorIs(t, err, consent.ErrUnmanaged)
	w.wants(ada, letter, consent.ReasonGranted)
}

func TestErase_TakesTheDevicesAlong(t *testing.T) {
	w := newWorld(t, consent.Unmanaged("test"))
	w.publish(consent.Terms{Purpose: letter})
	device := subject("device")
	w.full(device, consent.Granted)
	require.NoError(t, w.ledger.Link(w.ctx, consent.LinkParams{Tenant: acme, Device: device.ID, Account: ada.ID}))
	w.wants(ada, letter, consent.ReasonGranted)
	done, err := w.ledger.Erase(w.ctx, ada, "erasure-request")
	require.NoError(t, err)
	require.Equal(t, 1, done.Events)
	w.wants(device, letter, consent.ReasonUnknown)
	h, err := w.ledger.History(w.ctx, ada, reasons)
	require.NoError(t, err)
	require.Len(t, h.Entries, 1, "what the device had said is still part of the proof")
	w.clock.Move(4 * 366 * 24 * time.Hour)
	require.NoError(t, w.ledger.Sweep(w.ctx))
	require.Len(t, w.trail.Of("consent.proof-erase"), 2)
}

func TestErase_AnIdThatWasErasedIsNeverGoodAgain(t *testing.T) {
	w := newWorld(t, consent.Unmanaged("test"))
	w.publish(consent.Terms{Purpose: letter, Refresh: years(1)})
	w.say(ada, letter, consent.Granted)
	_, err := w.ledger.Erase(w.ctx, ada, "erasure-request")
	require.NoError(t, err)
	// What is due of an erased person, however it came back, makes no row for them,
	// nor does a caller who swallows the error.
	for _, kind := range []consent.DueKind{consent.DueRefresh, consent.DueRequest} {
		require.NoError(t, w.store.PutDue(w.ctx, consent.DueRow{Tenant: acme, SubjectID: ada.ID, Kind: kind, Purpose: letter, At: 1}))
	}
	require.NoError(t, w.ledger.Sweep(w.ctx))
	require.NoError(t, w.db.Atomically(w.ctx, func(ctx context.Context) error {
		_, err := w.ledger.Record(ctx, w.form(ada, letter, consent.Granted))
		require.ErrorIs(t, err, consent.ErrErased)
		return nil
	}))
	_, found, err := w.store.Person(w.ctx, acme, ada.ID)
	require.NoError(t, err)
	require.False(t, found)
	_, err = w.ledger.Record(w.ctx, w.form(ada, letter, consent.Granted))
	require.ErrorIs(t, err, consent.ErrErased)
}

func TestRecord_ANoNeedsNoEvidence(t *testing.T) {
	w := newWorld(t)
	w.publish(consent.Terms{Purpose: letter})
	w.full(ada, consent.Granted)
	require.NoError(t, w.sealer.Shred(w.ctx, troth.Permit{}, ada, consent.ProofCompartment, consent.ContentCompartment))
	f := w.form(ada, letter, consent.Renewed)
	f.Evidence.Note = troth.Protect("note")
	_, err := w.ledger.Record(w.ctx, f)
	require.Error(t, err)
	f.Choices[0].Kind = consent.Withdrawn
	e := w.sayForm(f)
	require.Zero(t, e.Content)
	w.wants(ada, letter, consent.ReasonWithdrawn)
}
