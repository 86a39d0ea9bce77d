package kit_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/vault"
)

// profiles is a policy for what a person's keys open: gone with the account.
const profiles = `
format: troth.retention.policy/1
policy: profiles
version: 1
title: What people tell of themselves
effective: 2020-01-01
zone: UTC
sweep: P1D
events:
  - {event: account.closed, scope: account}
copies:
  - {copy: database, kind: primary}
classes:
  - class: profile
    title: Profiles
    records: [profile, consents]
    copies: [database]
    stages:
      - {stage: active, visible: all, until: account.closed}
      - {stage: closed, visible: none, for: P30D}
promises:
  - {promise: closing, from: account.closed, within: P60D, cite: "Privacy policy"}
`

// keys are records that are the vault's keys of a compartment, and consents those that
// are what a person said beside a consent.
type (
	keys     struct{ k *kit.Kit }
	consents struct{ k *kit.Kit }
)

func (keys) Hide(context.Context, retention.Order) error    { return nil }
func (keys) Restore(context.Context, retention.Order) error { return nil }

func (h keys) Destroy(ctx context.Context, o retention.Order) error {
	if err := h.k.Keeper.Check(ctx, o); err != nil {
		return err
	}
	_, err := h.k.Vault.Shred(ctx, o.Permit, vault.Target{Tenant: o.Tenant, SubjectID: o.ID, Compartments: []troth.Compartment{"profile"}})
	return err
}

func (h keys) Anonymise(ctx context.Context, o retention.Order) error { return h.Destroy(ctx, o) }

func (keys) Count(context.Context, troth.Tenant) (int64, error) { return 0, nil }

func (consents) Hide(context.Context, retention.Order) error    { return nil }
func (consents) Restore(context.Context, retention.Order) error { return nil }

func (h consents) Destroy(ctx context.Context, o retention.Order) error {
	if err := h.k.Keeper.Check(ctx, o); err != nil {
		return err
	}
	_, err := h.k.Consent.Erase(ctx, troth.Subject{Tenant: o.Tenant, ID: o.ID}, "account-closed")
	return err
}

func (h consents) Anonymise(ctx context.Context, o retention.Order) error { return h.Destroy(ctx, o) }

func (consents) Count(context.Context, troth.Tenant) (int64, error) { return 0, nil }

// TestKeeper_ClosingAnAccountShredsItsKeys: one report hides and destroys what belongs
// to an account, through the permits of the keeper alone, and the trail tells of each step
// and holds.
func TestKeeper_ClosingAnAccountShredsItsKeys(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		c, now := d.config(d.connect(t)), time.Now()
		c.Secrets.Signer = signerOf(t, origin, 1)
		c.Retention = func(k *kit.Kit) []retention.Option {
			keyOf := func(key retention.RecordKey, _ string) troth.PermitRef {
				return troth.PermitRef{Tenant: string(key.Tenant), Subject: key.ID, Compartment: "profile"}
			}
			return []retention.Option{
				retention.WithRecords("profile", retention.Registration{Handler: keys{k}, Permit: keyOf}),
				retention.WithRecords("consents", retention.Registration{Handler: consents{k}}),
				retention.UnsafeWithoutApproval(), retention.WithClock(func() time.Time { return now }),
			}
		}
		k, err := kit.Open(t.Context(), c)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, k.Close(context.WithoutCancel(t.Context()))) })
		p, err := retention.ParseYAML([]byte(profiles))
		require.NoError(t, err)
		require.NoError(t, k.Keeper.Activate(as(t, "officer", "dpo"), p))
		ctx := asService(t)
		_, err = k.Consent.Publish(ctx, consent.Terms{
			Tenant: "acme", Purpose: "letter", Version: 1, Title: "A letter", Basis: consent.Consent, Data: []string{"email"},
		})
		require.NoError(t, err)

		opens := map[string]func() error{}
		page := func(id string) string {
			h, err := k.Consent.History(ctx, reader(id), "court")
			require.NoError(t, err)
			require.Len(t, h.Entries, 1, "the proof stays")
			return h.Entries[0].Content.Address
		}
		for id, account := range map[string]string{"ada": "one", "bob": "two"} {
			at := troth.Context{Subject: reader(id), Compartment: "profile", Cell: troth.Cell{Table: "t", Column: "c", Row: id}}
			sealed, err := k.Vault.AppendSeal(ctx, nil, at, []byte("x"))
			require.NoError(t, err)
			opens[id] = func() error { _, err := k.Vault.AppendOpen(ctx, nil, at, "support", sealed); return err }
			_, err = k.Consent.Record(ctx, consent.Form{
				ID: "f-" + id, Subject: reader(id), Method: consent.ByCheckbox, Channel: consent.OnWeb,
				Choices:  []consent.Choice{{Purpose: "letter", Kind: consent.Granted}},
				Evidence: consent.Evidence{Address: troth.Protect(id + "@example.org")},
			})
			require.NoError(t, err)
			for _, kind := range []string{"profile", "consents"} {
				require.NoError(t, k.Keeper.Created(ctx, retention.NewRecord{
					RecordKey: retention.RecordKey{Tenant: "acme", Type: kind, ID: id}, AccountID: account, SubjectID: id,
				}))
			}
		}
		now = now.AddDate(0, 0, 1)
		require.NoError(t, k.Keeper.HappenedTo(ctx, retention.Whole{Tenant: "acme", ID: "one"}, retention.Occurrence{Event: "account.closed"}))
		sweep := func() retention.Swept {
			s, err := k.Keeper.Sweep(ctx)
			require.NoError(t, err)
			require.Empty(t, s.Failed)
			return s
		}
		for s := sweep(); s.Open > 0; s = sweep() { // others may write in the same cluster
			require.Zero(t, s.Destroyed)
		}
		require.NoError(t, opens["ada"]())
		require.Equal(t, "ada@example.org", page("ada"))
		now = now.AddDate(0, 0, 31)
		require.Equal(t, 2, sweep().Destroyed)
		require.ErrorIs(t, opens["ada"](), vault.ErrShredded)
		require.NoError(t, opens["bob"]())
		require.Empty(t, page("ada"))
		require.Equal(t, "bob@example.org", page("bob"))

		_, err = k.Trail.Sequence(t.Context())
		require.NoError(t, err)
		counts := map[string]int{}
		for r, err := range k.Trail.Entries(ctx, "acme", audit.Query{Sequenced: true}) {
			require.NoError(t, err)
			counts[r.Act]++
		}
		for act, want := range map[string]int{"retention.report": 1, "retention.reach": 1, "retention.move": 2, "retention.purge": 2, "vault.shred": 2} {
			require.Equal(t, want, counts[act], "%s of %v", act, counts)
		}
		report, err := k.Trail.Verify(t.Context(), audit.VerifyParams{})
		require.NoError(t, err)
		require.Equal(t, report.Logs[0].Size, report.Logs[0].Read)
	})
}
