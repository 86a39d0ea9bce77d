package kit_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/unsubscribe"
	"github.com/trothdev/troth/vault"
)

// hand is a clock that stands until it is moved.
type hand struct {
	mu sync.Mutex
	at time.Time
}

func (h *hand) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at
}

func (h *hand) move(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = h.at.Add(d)
}

// letterbox keeps the messages that a host's desk sends; the lid can be shut.
type letterbox struct {
	mu   sync.Mutex
	shut bool
	got  []rights.MessageKind
}

func (l *letterbox) Notify(_ context.Context, m rights.Message) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shut {
		return troth.ErrBusy
	}
	l.got = append(l.got, m.Kind)
	return nil
}

// asked has Ada ask for something at the kit's desk, and carries it on to its answer.
func asked(t *testing.T, k *kit.Kit, s rights.Submission) rights.Request {
	t.Helper()
	ctx := asService(t)
	s.Tenant, s.Via = "acme", rights.ViaAccount
	r, err := k.Rights.Submit(ctx, s)
	require.NoError(t, err)
	if r.Needs > rights.LevelNone {
		p, err := k.Rights.Attest(ctx, rights.Attestation{
			Tenant: r.Tenant, Request: r.ID, SubjectID: s.SubjectID, Method: rights.ByReauthentication,
		})
		require.NoError(t, err)
		_, err = k.Rights.Accept(ctx, r.Tenant, r.ID, p)
		require.NoError(t, err)
	} else {
		p, err := k.Rights.Proof(ctx, r.Tenant, r.ID)
		require.NoError(t, err)
		_, err = k.Rights.Accept(ctx, r.Tenant, r.ID, p)
		require.NoError(t, err)
	}
	require.NoError(t, k.Rights.Step(ctx, r.Tenant, r.ID))
	r, err = k.Rights.Request(ctx, r.Tenant, r.ID)
	require.NoError(t, err)
	if r.State == rights.StateReviewing {
		_, err = k.Rights.Approve(ctx, r.Tenant, r.ID)
		require.NoError(t, err)
		require.NoError(t, k.Rights.Step(ctx, r.Tenant, r.ID))
		r, err = k.Rights.Request(ctx, r.Tenant, r.ID)
		require.NoError(t, err)
	}
	return r
}

// TestRights_ARestrictionHoldsInTheVaultUntilItWasAnnounced: a restricted person's data
// opens for what the law leaves alone, also what is sealed later. The desk's decision to lift
// changes nothing before the person was told, and then lifts the request's own restriction.
func TestRights_ARestrictionHoldsInTheVaultUntilItWasAnnounced(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		clock, box := &hand{at: time.Now()}, &letterbox{shut: true}
		c := d.config(d.connect(t))
		c.Clock = clock.now
		c.Rights = func(*kit.Kit) []rights.Option { return []rights.Option{rights.WithNotifier(box)} }
		k, err := kit.Open(t.Context(), c)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, k.Close(context.WithoutCancel(t.Context()))) })
		ctx := asService(t)
		place := troth.Context{
			Subject: reader("ada"), Compartment: "orders", Cell: troth.Cell{Table: "t", Column: "c", Row: "1"},
		}
		sealed, err := k.Vault.AppendSeal(ctx, nil, place, []byte("x"))
		require.NoError(t, err)
		opens := func(p troth.Purpose) error { _, err := k.Vault.AppendOpen(ctx, nil, place, p, sealed); return err }
		require.NoError(t, opens("marketing"))

		r := asked(t, k, rights.Submission{
			ID: "r", Right: rights.Restrict, SubjectID: "ada",
			Contents: rights.Contents{Channel: "email", Address: troth.Protect("ada" + at)},
		})
		require.Equal(t, rights.StateDelivering, r.State)
		require.ErrorIs(t, opens("marketing"), vault.ErrRestricted)
		require.NoError(t, opens("legal-claims"))
		_, err = k.Rights.Deliver(ctx, "acme", "r", time.Time{})
		require.NoError(t, err)
		own, err := k.Vault.Restrict(ctx, vault.Restriction{
			Tenant: "acme", SubjectID: "ada", Except: []troth.Purpose{"legal-claims", "support"}, Ground: "fraud-inquiry",
		})
		require.NoError(t, err)

		clock.move(time.Hour)
		_, err = k.Rights.Lift(ctx, rights.Lifting{Tenant: "acme", Request: "r", Ground: "accuracy-verified"})
		require.NoError(t, err)
		for range 3 {
			clock.move(7 * time.Hour)
			require.NoError(t, k.Rights.Sweep(ctx))
			require.ErrorIs(t, opens("support"), vault.ErrRestricted, "nobody was told")
		}
		left, err := k.Rights.Obligations(ctx, "acme", "r")
		require.NoError(t, err)
		require.Len(t, left, 1)
		require.Equal(t, rights.LiftingNotice, left[0].Kind)

		box.shut = false
		for range 2 {
			clock.move(7 * time.Hour)
			require.NoError(t, k.Rights.Sweep(ctx))
		}
		require.Contains(t, box.got, rights.MessageLifting)
		require.NoError(t, opens("support"))
		require.ErrorIs(t, opens("marketing"), vault.ErrRestricted, "of the restriction that nobody lifted")
		all, err := k.Vault.Restrictions(ctx, "acme", "ada")
		require.NoError(t, err)
		require.Len(t, all, 2)
		for _, one := range all {
			require.Equal(t, one.Entry == own.Entry, one.LiftedAt.IsZero())
		}
		granted, err := k.Vault.Grants(ctx, "acme", "ada")
		require.NoError(t, err)
		require.Len(t, granted, 1)
		require.Equal(t, "accuracy-verified", granted[0].Ground)
		for _, one := range all {
			if one.Entry == granted[0].Restriction {
				require.False(t, one.LiftedAt.Before(granted[0].Announced), "announced first")
			}
		}
	})
}

// TestRights_AnObjectionEndsConsentAndMessages: who objects at the desk is not written to any
// more, and the ledger of consent says no.
func TestRights_AnObjectionEndsConsentAndMessages(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		c := d.config(d.connect(t))
		c.Directory = directory{}
		c.Rights = func(*kit.Kit) []rights.Option { return []rights.Option{rights.WithCoolingOff(0)} }
		k, err := kit.Open(t.Context(), c)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, k.Close(context.WithoutCancel(t.Context()))) })
		ctx := asService(t)
		_, err = k.Consent.Publish(ctx, consent.Terms{
			Tenant: "acme", Purpose: "letter", Version: 1, Title: "A letter", Basis: consent.Consent,
			DirectMarketing: true, Data: []string{"email"},
		})
		require.NoError(t, err)
		for _, id := range []string{"ada", "bob", "eve"} {
			_, err = k.Consent.Record(ctx, consent.Form{
				ID: "f-" + id, Subject: reader(id), Method: consent.ByCheckbox, Channel: consent.OnWeb,
				Choices: []consent.Choice{{Purpose: "letter", Kind: consent.Granted}},
			})
			require.NoError(t, err)
		}
		require.NoError(t, k.Gate.Load(ctx))
		campaign := unsubscribe.Campaign{Tenant: "acme", List: "letter", Channel: unsubscribe.Email, Class: unsubscribe.Marketing}
		says := func(id string) (consented, sent bool) {
			given, err := k.Consent.Check(ctx, reader(id), "letter", time.Time{})
			require.NoError(t, err)
			decision, err := k.Unsubscribe.Check(ctx, campaign, troth.Protect(id+at))
			require.NoError(t, err)
			return given.Allowed, decision.Send
		}
		for _, id := range []string{"ada", "bob", "eve"} {
			consented, sent := says(id)
			require.True(t, consented && sent, id)
		}
		asked(t, k, rights.Submission{Right: rights.Object, SubjectID: "ada", Purposes: []troth.Purpose{"letter"}})
		asked(t, k, rights.Submission{Right: rights.WithdrawConsent, SubjectID: "bob"})
		sale := asked(t, k, rights.Submission{Right: rights.OptOut, SubjectID: "eve"})
		work, err := k.Rights.Work(ctx, "acme", sale.ID)
		require.NoError(t, err)
		for _, w := range work {
			require.Equal(t, rights.Unsupported, w.Outcome, "nobody said what sells data: %s", w.Source)
		}
		for _, id := range []string{"ada", "bob"} {
			consented, sent := says(id)
			require.False(t, consented, id)
			require.False(t, sent, id)
		}
		consented, sent := says("eve")
		require.True(t, consented && sent)

		// It outlives the person.
		gone := asked(t, k, rights.Submission{Right: rights.Erase, SubjectID: "ada"})
		require.Equal(t, rights.StateDelivering, gone.State)
		_, sent = says("ada")
		require.False(t, sent)
	})
}
