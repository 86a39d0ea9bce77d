package kit_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/unsubscribe"
)

// directory is a host's own: everybody has one address, which their id gives.
type directory struct{}

const at = "@readers.example"

func (directory) Addresses(_ context.Context, s troth.Subject) ([]troth.Address, error) {
	return []troth.Address{{Channel: string(unsubscribe.Email), Value: troth.Protect(s.ID + at)}}, nil
}

func (directory) Subjects(_ context.Context, tenant troth.Tenant, a troth.Address) ([]troth.Subject, error) {
	address, err := a.Value.Reveal("look-up")
	if err != nil || len(address) <= len(at) {
		return nil, err
	}
	return []troth.Subject{{Tenant: tenant, ID: address[:len(address)-len(at)]}}, nil
}

// TestDirectory_AnOptOutAndAWithdrawalAreOne: with a directory the two ledgers of a
// kit tell each other, and the gate hears of both at once.
func TestDirectory_AnOptOutAndAWithdrawalAreOne(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		c := d.config(d.connect(t))
		c.Directory = directory{}
		k, err := kit.Open(t.Context(), c)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, k.Close(context.WithoutCancel(t.Context()))) })
		ctx := asService(t)
		letter := unsubscribe.Campaign{Tenant: "acme", List: "letter", Channel: unsubscribe.Email, Class: unsubscribe.Marketing}
		_, err = k.Consent.Publish(ctx, consent.Terms{
			Tenant: letter.Tenant, Purpose: "letter", Version: 1, Title: "A letter", Basis: consent.Consent,
			DirectMarketing: true, Data: []string{"email"},
		})
		require.NoError(t, err)
		says := func(id, person string, kind consent.Kind) {
			_, err := k.Consent.Record(ctx, consent.Form{
				ID: id, Subject: troth.Subject{Tenant: letter.Tenant, ID: person}, Method: consent.ByCheckbox, Channel: consent.OnWeb,
				Choices: []consent.Choice{{Purpose: "letter", Kind: kind}},
			})
			require.NoError(t, err)
		}
		require.NoError(t, k.Gate.Load(ctx))
		sent := func() (to []string) {
			all := unsubscribe.Recipients([]unsubscribe.Recipient{
				{Address: troth.Protect("ada" + at)}, {Address: troth.Protect("bob" + at)}, {Address: troth.Protect("eve" + at)},
			})
			for v, err := range k.Gate.Filter(ctx, letter, all) {
				require.NoError(t, err)
				if v.Send {
					address, err := v.Recipient.Address.Reveal("test")
					require.NoError(t, err)
					to = append(to, address)
				}
			}
			return to
		}
		for _, person := range []string{"ada", "bob", "eve"} {
			says("yes-"+person, person, consent.Granted)
		}
		require.Equal(t, []string{"ada" + at, "bob" + at, "eve" + at}, sent())

		says("no-ada", "ada", consent.Withdrawn)
		_, err = k.Unsubscribe.OptOut(ctx, unsubscribe.OptOutParams{
			Tenant: letter.Tenant, Channel: unsubscribe.Email, Address: troth.Protect("bob" + at),
			Scope: unsubscribe.List, List: letter.List, Method: unsubscribe.ByPage,
		})
		require.NoError(t, err)
		require.Equal(t, []string{"eve" + at}, sent())
		decision, err := k.Unsubscribe.Check(ctx, letter, troth.Protect("ada"+at))
		require.NoError(t, err)
		require.False(t, decision.Send, "what was withdrawn is an opt-out")
		given, err := k.Consent.Check(ctx, troth.Subject{Tenant: letter.Tenant, ID: "bob"}, "letter", time.Time{})
		require.NoError(t, err)
		require.False(t, given.Allowed, "an opt-out is a withdrawal")
	})
}

// TestWithoutADirectory_TheHostSaysWhoItIs, and the gate asks about them; of a list
// whose purpose people were asked for it lets nobody else through.
func TestWithoutADirectory_TheHostSaysWhoItIs(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		k, err := kit.Open(t.Context(), d.config(d.connect(t)))
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, k.Close(context.WithoutCancel(t.Context()))) })
		ctx := asService(t)
		says := func(person string, kind consent.Kind) {
			_, err := k.Consent.Record(ctx, consent.Form{
				ID: string(kind) + person, Subject: troth.Subject{Tenant: "acme", ID: person}, Method: consent.ByCheckbox, Channel: consent.OnWeb,
				Choices: []consent.Choice{{Purpose: "letter", Kind: kind}},
			})
			require.NoError(t, err)
		}
		letter := unsubscribe.Campaign{Tenant: "acme", List: "letter", Channel: unsubscribe.Email, Class: unsubscribe.Marketing}
		require.NoError(t, k.Gate.Load(ctx))
		reasons := func(c unsubscribe.Campaign, ids ...string) (why []unsubscribe.Reason) {
			var all []unsubscribe.Recipient
			for _, id := range ids {
				all = append(all, unsubscribe.Recipient{Address: troth.Protect("somebody" + id + at), SubjectID: id})
			}
			for v, err := range k.Gate.Filter(ctx, c, unsubscribe.Recipients(all)) {
				require.NoError(t, err)
				require.Equal(t, v.Reason == unsubscribe.ReasonClear, v.Send)
				why = append(why, v.Reason)
			}
			return why
		}
		require.Equal(t, []unsubscribe.Reason{unsubscribe.ReasonClear}, reasons(letter, ""), "nobody was asked for the purpose")

		_, err = k.Consent.Publish(ctx, consent.Terms{
			Tenant: "acme", Purpose: "letter", Version: 1, Title: "A letter", Basis: consent.Consent,
			DirectMarketing: true, Data: []string{"email"},
		})
		require.NoError(t, err)
		for _, person := range []string{"ada", "bob", "eve"} {
			says(person, consent.Granted)
		}
		says("ada", consent.Withdrawn)
		require.Equal(t, []unsubscribe.Reason{unsubscribe.ReasonObjected, unsubscribe.ReasonClear, unsubscribe.ReasonPerson},
			reasons(letter, "ada", "bob", ""))
		other := letter
		other.List = "offers"
		require.Equal(t, []unsubscribe.Reason{unsubscribe.ReasonClear}, reasons(other, ""), "of which the ledger keeps nothing")

		_, err = k.Unsubscribe.OptOut(ctx, unsubscribe.OptOutParams{
			Tenant: letter.Tenant, Channel: unsubscribe.Email, Address: troth.Protect("another" + at), SubjectID: "eve",
			Scope: unsubscribe.List, List: letter.List, Method: unsubscribe.ByPage,
		})
		require.NoError(t, err)
		require.Equal(t, []unsubscribe.Reason{unsubscribe.ReasonObjected}, reasons(letter, "eve"), "whatever the address")
	})
}
