package rights_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/rights/export"
)

// offered is an offer, with the hash of its token.
func (w *world) offered(id string, change ...func(o *rights.Offer)) (rights.Offered, export.Hash) {
	w.Helper()
	o := rights.Offer{Tenant: acme, Request: id, Proof: w.prove(id)}
	for _, c := range change {
		c(&o)
	}
	got, err := w.desk.Offer(w.ctx, o)
	require.NoError(w, err)
	text, err := got.Token.Reveal("test")
	require.NoError(w, err)
	hash, err := export.HashToken(acme, text)
	require.NoError(w, err)
	return got, hash
}

func TestFetch_GivesAnExportOnce(t *testing.T) {
	w, r := disclosing(t, newShop())
	got, token := w.offered(r.ID)
	require.Equal(t, w.clock.Now().Add(7*24*time.Hour), got.ExpiresAt)
	var out bytes.Buffer
	receipt, err := w.desk.Fetch(w.ctx, acme, r.ID, token, &out)
	require.NoError(t, err)
	unlock, err := export.UnlockWithPassphrase(got.Passphrase)
	require.NoError(t, err)
	key, err := export.VerifierKey("acme.example/exports", ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32)).Public().(ed25519.PublicKey))
	require.NoError(t, err)
	a, err := export.Open(bytes.NewReader(out.Bytes()), int64(out.Len()), export.OpenConfig{Unlock: unlock, Key: key, Tenant: acme})
	require.NoError(t, err)
	require.Equal(t, receipt.ID, a.Manifest.ID)
	_, err = w.desk.Fetch(w.ctx, acme, r.ID, token, &out)
	require.ErrorIs(t, err, export.ErrTicketUsed)
	// What closed it is forgotten.
	row, found, err := w.store.Item(w.ctx, rights.ItemKey{Tenant: acme, Owner: r.ID, Kind: rights.ItemTicket, ID: "ticket"})
	require.NoError(t, err)
	require.True(t, found)
	require.Empty(t, row.Sealed)
	events, err := w.desk.Events(w.ctx, acme, r.ID)
	require.NoError(t, err)
	last := events[len(events)-1]
	require.Equal(t, []string{string(rights.Disclosing), "fetched", receipt.ID}, []string{string(last.Kind), last.Word, last.Ref})
}

func TestFetch_RefusesWhatIsNoTicket(t *testing.T) {
	w, r := disclosing(t, newShop())
	var out bytes.Buffer
	fetch := func(tenant troth.Tenant, id string, token export.Hash) error {
		_, err := w.desk.Fetch(w.ctx, tenant, id, token, &out)
		return err
	}
	require.ErrorIs(t, fetch(acme, r.ID, export.Hash{}), export.ErrTicket, "there is none yet")
	_, first := w.offered(r.ID)
	_, token := w.offered(r.ID, func(o *rights.Offer) { o.Life = time.Hour })
	require.ErrorIs(t, fetch(acme, r.ID, first), export.ErrTicket, "the one before")
	require.ErrorIs(t, fetch(acme, r.ID, export.Hash{1}), export.ErrTicket)
	require.ErrorIs(t, fetch(acme, "another", token), export.ErrTicket)
	require.ErrorIs(t, fetch(globex, r.ID, token), export.ErrTicket)
	w.clock.Move(time.Hour - time.Second)
	require.NoError(t, fetch(acme, r.ID, token))
	_, token = w.offered(r.ID, func(o *rights.Offer) { o.Life = time.Hour })
	w.clock.Move(time.Hour)
	require.ErrorIs(t, fetch(acme, r.ID, token), export.ErrTicketExpired)
	// One that expires while sources are asked is not handed out.
	_, token = w.offered(r.ID, func(o *rights.Offer) { o.Life = time.Hour })
	_, err := w.desk.Fetch(w.ctx, acme, r.ID, token, slow{w})
	require.ErrorIs(t, err, export.ErrTicketExpired)
	// The answer was given: it is over.
	_, token = w.offered(r.ID)
	_, err = w.desk.Deliver(w.ctx, acme, r.ID, time.Time{})
	require.NoError(t, err)
	require.ErrorIs(t, fetch(acme, r.ID, token), export.ErrTicketExpired)
}

// slow takes an hour for each write.
type slow struct{ w *world }

func (s slow) Write(b []byte) (int, error) {
	s.w.clock.Move(time.Hour)
	return len(b), nil
}

func TestFetch_AFailureUsesNothing(t *testing.T) {
	w, r := disclosing(t, newShop())
	_, token := w.offered(r.ID)
	_, err := w.desk.Fetch(w.ctx, acme, r.ID, token, &full{left: 1000})
	require.Error(t, err)
	require.NotErrorIs(t, err, export.ErrTicket)
	_, err = w.desk.Fetch(w.ctx, acme, r.ID, token, &bytes.Buffer{})
	require.NoError(t, err)
}

func TestOffer_IsForWhoIsProven(t *testing.T) {
	w, r := disclosing(t, newShop())
	for _, p := range []rights.Proof{{}, w.prove(w.submit(rights.Know).ID)} {
		_, err := w.desk.Offer(w.ctx, rights.Offer{Tenant: acme, Request: r.ID, Proof: p})
		require.ErrorIs(t, err, rights.ErrUnproven)
	}
	low, err := w.desk.Attest(w.ctx, rights.Attestation{Tenant: acme, Request: r.ID, SubjectID: ada.ID, Method: rights.BySession})
	require.NoError(t, err)
	_, err = w.desk.Offer(w.ctx, rights.Offer{Tenant: acme, Request: r.ID, Proof: low})
	require.ErrorIs(t, err, rights.ErrUnproven)
	p := w.prove(r.ID)
	w.clock.Move(31 * 24 * time.Hour)
	_, err = w.desk.Offer(w.ctx, rights.Offer{Tenant: acme, Request: r.ID, Proof: p})
	require.ErrorIs(t, err, rights.ErrUnproven, "it is too old")
	before := w.get(r.ID)
	w.offered(r.ID) // shown again, where nothing is left to be moved by it
	require.Equal(t, before.State, w.get(r.ID).State)
	require.True(t, slices.Contains(w.kinds(r.ID), rights.IdentityPart))
	p = w.prove(r.ID)
	for _, o := range []rights.Offer{
		{Life: -1},
		{Life: 31 * 24 * time.Hour},
		{Keys: []string{"age1"}},
		{Passphrase: troth.Protect("short")},
		{Keys: []string{"age1"}, Passphrase: troth.Protect("correct horse battery")},
	} {
		o.Tenant, o.Request, o.Proof = acme, r.ID, p
		_, err := w.desk.Offer(w.ctx, o)
		require.Error(t, err)
	}
	early := w.accepted(rights.Portability)
	_, err = w.desk.Offer(w.ctx, rights.Offer{Tenant: acme, Request: early.ID, Proof: w.prove(early.ID)})
	_, state := errors.AsType[*rights.StateError](err)
	require.True(t, state, "%v", err)
}

func TestComplete_ClosesWhatHasNoSource(t *testing.T) {
	w := newWorld(t)
	r := w.accepted(rights.Object)
	require.NoError(t, w.desk.Step(w.ctx, acme, r.ID))
	r, err := w.desk.Approve(w.ctx, acme, r.ID)
	require.NoError(t, err)
	require.NoError(t, w.desk.Step(w.ctx, acme, r.ID))
	open, err := w.desk.Obligations(w.ctx, acme, r.ID)
	require.NoError(t, err)
	require.Len(t, open, 1)
	_, err = w.desk.Complete(w.ctx, acme, r.ID, open[0].ID, "")
	require.Error(t, err)
	_, err = w.desk.Complete(w.ctx, globex, r.ID, open[0].ID, "done")
	require.ErrorIs(t, err, rights.ErrNotFound)
	_, err = w.desk.Complete(w.ctx, acme, r.ID, open[0].ID, "done")
	require.NoError(t, err)
	_, err = w.desk.Complete(w.ctx, acme, r.ID, open[0].ID, "done")
	require.ErrorIs(t, err, rights.ErrNotFound)
	open, err = w.desk.Obligations(w.ctx, acme, r.ID)
	require.NoError(t, err)
	require.Empty(t, open)
	require.NoError(t, w.desk.Oblige(w.ctx, acme, r.ID, rights.Obligation{ID: "x", Kind: rights.LiftingNotice, Ref: "y", DueAt: w.clock.Now()}))
	_, err = w.desk.Complete(w.ctx, acme, r.ID, "x", "done")
	_, state := errors.AsType[*rights.StateError](err)
	require.True(t, state, "%v", err)
}
