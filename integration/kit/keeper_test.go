package kit_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/unsubscribe"
	"github.com/trothdev/troth/vault"
)

// kept is a policy with trash of one day.
const kept = `
format: troth.retention.policy/1
policy: shop
version: 1
title: What the shop keeps
effective: 2020-01-01
zone: UTC
sweep: P1D
retry: P1D
events:
  - {event: trashed}
copies:
  - {copy: database, kind: primary}
classes:
  - class: order
    title: Orders
    records: [order]
    copies: [database]
    stages:
      - {stage: active, visible: all, for: P3Y}
      - {stage: trashed, visible: owner, for: P1D}
    on:
      - {event: trashed, goto: trashed}
promises:
  - {promise: trash, classes: [order], from: trashed, within: P10D, cite: "Privacy policy"}
`

// orders are records that a host has in memory.
type orders struct {
	k    *kit.Kit
	mu   sync.Mutex
	gone []string
}

func (*orders) Hide(context.Context, retention.Order) error    { return nil }
func (*orders) Restore(context.Context, retention.Order) error { return nil }

func (h *orders) Destroy(ctx context.Context, o retention.Order) error {
	if err := h.k.Keeper.Check(ctx, o); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.gone = append(h.gone, o.ID)
	return nil
}

func (h *orders) Anonymise(ctx context.Context, o retention.Order) error { return h.Destroy(ctx, o) }

func (*orders) Count(context.Context, troth.Tenant) (int64, error) { return 0, nil }

func (h *orders) destroyed() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.gone
}

// withKeeper opens a kit with a keeper, whose policy is active.
func withKeeper(t *testing.T, d database) (*kit.Kit, *orders) {
	t.Helper()
	c, h := d.config(d.connect(t)), &orders{}
	c.Retention = func(k *kit.Kit) []retention.Option {
		h.k = k
		return []retention.Option{
			retention.WithRecords("order", retention.Registration{Handler: h}),
			retention.WithPoll(10 * time.Millisecond), retention.UnsafeWithoutApproval(),
		}
	}
	k, err := kit.Open(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, k.Close(context.WithoutCancel(t.Context()))) })
	p, err := retention.ParseYAML([]byte(kept))
	require.NoError(t, err)
	require.NoError(t, k.Keeper.Activate(as(t, "officer", "dpo"), p))
	return k, h
}

func as(t *testing.T, id, role string) context.Context {
	t.Helper()
	return troth.WithActor(t.Context(), troth.Actor{Kind: troth.Person, ID: id, Roles: []string{role}})
}

func reader(id string) troth.Subject { return troth.Subject{Tenant: "acme", ID: id} }

// TestKeeper_AloneGivesLeaveToDestroy: with a keeper no part of a kit destroys
// anything without it, and a database that had one opens without it no more.
func TestKeeper_AloneGivesLeaveToDestroy(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		k, _ := withKeeper(t, d)
		ctx := asService(t)
		_, err := k.Vault.Shred(ctx, troth.UnmanagedPermit("erasure-request"), vault.Target{Tenant: "acme", SubjectID: "ada"})
		require.ErrorIs(t, err, vault.ErrUnmanaged)
		_, err = k.Trail.Redact(ctx, troth.UnmanagedPermit("tidy"), "acme", troth.EntryID{})
		require.ErrorIs(t, err, troth.ErrNotPermitted)
		_, err = kit.Open(ctx, d.config(d.connect(t)))
		require.ErrorIs(t, err, audit.ErrUnmanaged)

		erase := map[string]func(id string) error{
			"vault": func(id string) error {
				leave := retention.Leave{
					Ref: troth.PermitRef{Tenant: "acme", Subject: id}, SubjectID: id, Ground: "erasure-request",
				}
				return k.Keeper.Permit(ctx, leave, func(ctx context.Context, p troth.Permit) error {
					_, err := k.Vault.Shred(ctx, p, vault.Target{Tenant: "acme", SubjectID: id})
					return err
				})
			},
			"consent": func(id string) error {
				_, err := k.Consent.Erase(ctx, reader(id), "erasure-request")
				return err
			},
			"unsubscribe": func(id string) error {
				_, err := k.Unsubscribe.Erase(ctx, unsubscribe.EraseParams{Tenant: "acme", SubjectID: id, Ground: "erasure-request"})
				return err
			},
		}
		hold := retention.Hold{Tenant: "acme", ID: "h", Matter: "m", SubjectID: "ada", Review: time.Now().AddDate(1, 0, 0)}
		require.NoError(t, k.Keeper.Place(as(t, "lawyer", "counsel"), hold))
		for part, erase := range erase {
			require.ErrorIs(t, erase("ada"), retention.ErrHeld, part)
			require.NoError(t, erase("bob"), part)
		}
		require.NoError(t, k.Keeper.ProposeRelease(as(t, "lawyer", "counsel"), "acme", "h"))
		require.NoError(t, k.Keeper.Release(as(t, "second", "counsel"), "acme", "h"))
		for part, erase := range erase {
			require.NoError(t, erase("ada"), part)
		}
	})
}

// TestKeeper_GivesLeaveForProof: the permits that a kit's keeper mints are good for
// the keys of everything that the ledger of consent destroys.
func TestKeeper_GivesLeaveForProof(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		k, _ := withKeeper(t, d)
		ctx := asService(t)
		_, err := k.Consent.Publish(ctx, consent.Terms{
			Tenant: "acme", Purpose: "letter", Version: 1, Title: "A letter", Basis: consent.Consent, Data: []string{"email"},
		})
		require.NoError(t, err)
		_, err = k.Consent.Record(ctx, consent.Form{
			ID: "f", Subject: reader("ada"), Method: consent.ByCheckbox, Channel: consent.OnWeb,
			Choices: []consent.Choice{{Purpose: "letter", Kind: consent.Granted}},
		})
		require.NoError(t, err)
		_, err = k.Consent.Erase(ctx, reader("ada"), "erasure-request")
		require.NoError(t, err)
	})
}

// TestRun_Sweeps: the keeper of a kit does what is due while the kit runs.
func TestRun_Sweeps(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		k, h := withKeeper(t, d)
		ctx, stop := context.WithCancel(asService(t))
		key := retention.RecordKey{Tenant: "acme", Type: "order", ID: "4711"}
		require.NoError(t, k.Keeper.Created(ctx, retention.NewRecord{RecordKey: key, SubjectID: "ada", At: time.Now().AddDate(0, 0, -9)}))
		trashed := retention.Occurrence{Event: "trashed", At: time.Now().AddDate(0, 0, -3)}
		require.NoError(t, k.Keeper.Happened(ctx, key, trashed))
		ended := make(chan error, 1)
		go func() { ended <- k.Run(ctx) }()
		require.Eventually(t, func() bool { return len(h.destroyed()) == 1 }, time.Minute, 5*time.Millisecond)
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			require.NoError(t, err)
		}
		require.Equal(t, []string{"4711"}, h.destroyed())
	})
}
