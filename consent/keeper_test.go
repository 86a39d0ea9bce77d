package consent_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/internal/permit"
)

// retention is a keeper as one that holds and policies stand behind: it forbids while
// a person or a kind is held, and mints for what it was asked about and nothing else.
type retention struct {
	tx   troth.Transactor
	held map[string]bool // ids and kinds
	ask  []troth.DisposalRef
	// mint, if it is set, makes another permit than the right one.
	mint func(ctx context.Context, ref troth.DisposalRef) troth.Permit
}

func (k *retention) Transactor() troth.Transactor { return k.tx }

func (k *retention) Dispose(ctx context.Context, ref troth.DisposalRef, ground string, destroy func(context.Context, troth.Permit) error) error {
	k.ask = append(k.ask, ref)
	if k.held[ref.ID] || k.held[ref.Kind] {
		return errHeld
	}
	return k.tx.Atomically(ctx, func(ctx context.Context) error {
		if k.mint != nil {
			return destroy(ctx, k.mint(ctx, ref))
		}
		return destroy(ctx, permit.Managed(consent.PermitFor(ref), ground, [32]byte{9}, k.tx.Scope(ctx)))
	})
}

// kept is a world that a keeper manages, whose vault demands a permit for each key as
// a real one does.
func kept(t *testing.T) (*world, *retention) {
	t.Helper()
	w := newWorld(t)
	k := &retention{tx: w.db, held: map[string]bool{}}
	require.NoError(t, w.store.SetManaged(w.ctx))
	w.ledger = w.open(consent.WithDisposer(k), consent.WithShredder(
		func(ctx context.Context, p troth.Permit, s troth.Subject, cs ...troth.Compartment) error {
			for _, c := range cs {
				err := p.Check(troth.PermitRef{Tenant: string(s.Tenant), Subject: s.ID, Compartment: string(c)}, func(minted any) bool {
					scope, is := minted.(*troth.Scope)
					return is && w.db.Scope(ctx).Within(scope)
				})
				if err != nil {
					return err
				}
			}
			return w.sealer.Shred(ctx, p, s, cs...)
		}))
	w.publish(consent.Terms{Purpose: letter})
	w.publish(consent.Terms{Purpose: stats, DoubleOptIn: true})
	return w, k
}

// TestDispose_HeldAndLaterAllowed: what a keeper forbids stays whole, is asked about
// again, and goes once it allows, keys and all, by its permit.
func TestDispose_HeldAndLaterAllowed(t *testing.T) {
	w, k := kept(t)
	device := subject("a-device") // asked about before the person
	w.full(device, consent.Granted)
	require.NoError(t, w.ledger.Link(w.ctx, consent.LinkParams{Tenant: acme, Device: device.ID, Account: ada.ID}))
	w.full(ada, consent.Granted)
	// A hold on the device holds the person's whole erasure.
	k.held[device.ID] = true
	_, err := w.ledger.Erase(w.ctx, ada, "erasure-request")
	require.ErrorIs(t, err, errHeld)
	w.wants(ada, letter, consent.ReasonGranted)
	h, err := w.ledger.History(w.ctx, ada, reasons)
	require.NoError(t, err)
	for _, e := range h.Entries {
		require.Equal(t, "ada@example.org", e.Content.Address, "nothing is gone, and what the device had said is shown with its evidence")
	}
	require.Empty(t, w.trail.Of("consent.erase"))
	require.Zero(t, w.sealer.Shreddings())
	k.held, k.ask = map[string]bool{}, nil
	_, err = w.ledger.Erase(w.ctx, ada, "erasure-request")
	require.NoError(t, err)
	require.ElementsMatch(t, []troth.DisposalRef{
		{Tenant: acme, Kind: consent.DisposeContent, ID: ada.ID}, {Tenant: acme, Kind: consent.DisposeContent, ID: device.ID},
	}, k.ask)
	for _, e := range w.trail.Of("consent.erase") {
		require.Equal(t, "managed", e.Facts["permit"].Text())
		require.Equal(t, string(append([]byte{9}, make([]byte, 31)...)), e.Facts["policy"].Text(), "the policy that allowed it")
	}
	require.True(t, w.sealer.Shredded(ada, consent.ContentCompartment))
	require.True(t, w.sealer.Shredded(device, consent.ContentCompartment))
	// The proof's time is over, and the person is held, under the id that they had.
	w.clock.Move(4 * 366 * 24 * time.Hour)
	k.held[ada.ID], k.ask = true, nil
	require.ErrorIs(t, w.ledger.Sweep(w.ctx), errHeld)
	require.Len(t, w.trail.Of("consent.proof-erase"), 1, "the device is not held")
	require.Contains(t, k.ask, troth.DisposalRef{Tenant: acme, Kind: consent.DisposeProof, ID: ada.ID})
	h, err = w.ledger.History(w.ctx, ada, reasons)
	require.NoError(t, err)
	require.NotEmpty(t, h.Entries)
	k.held = map[string]bool{}
	w.clock.Move(2 * time.Hour)
	require.NoError(t, w.ledger.Sweep(w.ctx))
	require.Len(t, w.trail.Of("consent.proof-erase"), 2)
	require.True(t, w.sealer.Shredded(ada, consent.ProofCompartment))
	h, err = w.ledger.History(w.ctx, ada, reasons)
	require.NoError(t, err)
	require.Empty(t, h.Entries)
}

func TestDispose_ARequestThatIsHeldWaits(t *testing.T) {
	w, k := kept(t)
	f := w.form(ada, stats, consent.Requested)
	_, err := w.ledger.Request(w.ctx, f)
	require.NoError(t, err)
	w.clock.Move(8 * 24 * time.Hour)
	k.held[consent.DisposeRequest] = true
	require.ErrorIs(t, w.ledger.Sweep(w.ctx), errHeld)
	w.wants(ada, stats, consent.ReasonPending)
	k.held = map[string]bool{}
	w.clock.Move(2 * time.Hour)
	require.NoError(t, w.ledger.Sweep(w.ctx))
	require.Equal(t, troth.DisposalRef{Tenant: acme, Kind: consent.DisposeRequest, ID: f.ID}, k.ask[len(k.ask)-1])
	require.Len(t, w.trail.Of("consent.request-erase"), 1)
	w.wants(ada, stats, consent.ReasonUnknown)
}

// TestDispose_APermitIsForOneThing: neither for another person or tenant, nor the
// other compartment, nor from a transaction that is over.
func TestDispose_APermitIsForOneThing(t *testing.T) {
	w, k := kept(t)
	w.full(ada, consent.Granted)
	var old *troth.Scope
	require.NoError(t, w.db.Atomically(w.ctx, func(ctx context.Context) error {
		old = w.db.Scope(ctx)
		return nil
	}))
	for name, mint := range map[string]func(ctx context.Context, ref troth.DisposalRef) troth.Permit{
		"another person": func(ctx context.Context, ref troth.DisposalRef) troth.Permit {
			ref.ID = "c-18"
			return permit.Managed(consent.PermitFor(ref), "g", [32]byte{}, w.db.Scope(ctx))
		},
		"another tenant": func(ctx context.Context, ref troth.DisposalRef) troth.Permit {
			ref.Tenant = globex
			return permit.Managed(consent.PermitFor(ref), "g", [32]byte{}, w.db.Scope(ctx))
		},
		"the proof": func(ctx context.Context, ref troth.DisposalRef) troth.Permit {
			ref.Kind = consent.DisposeProof
			return permit.Managed(consent.PermitFor(ref), "g", [32]byte{}, w.db.Scope(ctx))
		},
		"a request of that name": func(ctx context.Context, ref troth.DisposalRef) troth.Permit {
			ref.Kind = consent.DisposeRequest
			return permit.Managed(consent.PermitFor(ref), "g", [32]byte{}, w.db.Scope(ctx))
		},
		"the whole person": func(ctx context.Context, ref troth.DisposalRef) troth.Permit {
			return permit.Managed(troth.PermitRef{Tenant: string(ref.Tenant), Subject: ref.ID}, "g", [32]byte{}, w.db.Scope(ctx))
		},
		"a transaction that is over": func(_ context.Context, ref troth.DisposalRef) troth.Permit {
			return permit.Managed(consent.PermitFor(ref), "g", [32]byte{}, old)
		},
		"nobody":    func(context.Context, troth.DisposalRef) troth.Permit { return troth.Permit{} },
		"no keeper": func(context.Context, troth.DisposalRef) troth.Permit { return troth.UnmanagedPermit("g") },
	} {
		k.mint = mint
		_, err := w.ledger.Erase(w.ctx, ada, "erasure-request")
		require.ErrorIs(t, err, troth.ErrNotPermitted, name)
		w.wants(ada, letter, consent.ReasonGranted)
	}
	k.mint = nil
	_, err := w.ledger.Erase(w.ctx, ada, "erasure-request")
	require.NoError(t, err)
}
