package kit_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/unsubscribe"
)

// TestRights_UnderAHoldEachPartSaysWhatItHolds: a hold on everything of a person keeps what there
// is, counted; a part that holds nothing of them says that it found nothing, and leaves nothing
// to be done.
func TestRights_UnderAHoldEachPartSaysWhatItHolds(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		k, _, clock := d.erasing(t)
		ctx := asService(t)
		counsel := as(t, "jurist", "counsel")
		hold := func(person string) {
			t.Helper()
			require.NoError(t, k.Keeper.Place(counsel, retention.Hold{
				Tenant: "acme", ID: "h-" + person, Matter: "dispute", SubjectID: person, Review: clock.now().AddDate(1, 0, 0),
			}))
		}
		outcomes := func(id string) map[string]rights.SourceWork {
			t.Helper()
			work, err := k.Rights.Work(ctx, "acme", id)
			require.NoError(t, err)
			all := map[string]rights.SourceWork{}
			for _, w := range work {
				all[w.Source] = w
			}
			return all
		}

		hold("eve")
		asked(t, k, rights.Submission{
			ID: "nothing", Right: rights.Erase, SubjectID: "eve",
			Contents: rights.Contents{Name: troth.Protect("Eve"), Channel: "email", Address: troth.Protect("eve" + at)},
		})
		for name, w := range outcomes("nothing") {
			require.Equal(t, rights.NothingFound, w.Outcome, name)
			require.Empty(t, w.Kept, name)
			require.True(t, w.Located, name)
			require.Zero(t, w.Found, name)
		}
		left, err := k.Rights.Obligations(ctx, "acme", "nothing")
		require.NoError(t, err)
		require.Empty(t, left)

		for _, compartment := range []troth.Compartment{"orders", "profile"} {
			_, err := k.Vault.AppendSeal(ctx, nil, troth.Context{
				Subject: reader("ada"), Compartment: compartment, Cell: troth.Cell{Table: "t", Column: "c", Row: "1"},
			}, []byte("x"))
			require.NoError(t, err)
		}
		optOut := func(subject, address string) {
			t.Helper()
			_, err := k.Unsubscribe.OptOut(ctx, unsubscribe.OptOutParams{
				Tenant: "acme", Scope: unsubscribe.Client, Channel: unsubscribe.Email, Address: troth.Protect(address),
				SubjectID: subject, Method: unsubscribe.ByPage,
			})
			require.NoError(t, err)
		}
		optOut("ada", "ada"+at)     // found by both, and counted once
		optOut("ada", "ada.old"+at) // found by who said it
		_, err = k.Consent.Publish(ctx, consent.Terms{
			Tenant: "acme", Purpose: "letter", Version: 1, Title: "A letter", Basis: consent.Consent, Data: []string{"email"},
		})
		require.NoError(t, err)
		_, err = k.Consent.Record(ctx, consent.Form{
			ID: "f", Subject: reader("ada"), Method: consent.ByCheckbox, Channel: consent.OnWeb,
			Choices: []consent.Choice{{Purpose: "letter", Kind: consent.Granted}},
		})
		require.NoError(t, err)
		hold("ada")
		asked(t, k, rights.Submission{
			ID: "e", Right: rights.Erase, SubjectID: "ada",
			Contents: rights.Contents{Name: troth.Protect("Ada"), Channel: "email", Address: troth.Protect("ada" + at)},
		})
		all := outcomes("e")
		for name, records := range map[string]uint64{"troth.vault": 2, "troth.unsubscribe": 2, "troth.retention": 1, "troth.consent": 1} {
			require.Equal(t, rights.Retained, all[name].Outcome, name)
			require.Len(t, all[name].Kept, 1, name)
			require.Equal(t, records, all[name].Kept[0].Records, name)
			require.Equal(t, records, all[name].Found, name) // which staff saw before they approved
		}

		clock.move(time.Minute)
		require.NoError(t, k.Keeper.ProposeRelease(counsel, "acme", "h-ada"))
		require.NoError(t, k.Keeper.Release(as(t, "second", "counsel"), "acme", "h-ada"))
		clock.move(25 * time.Hour)
		require.NoError(t, k.Rights.Sweep(ctx))
		all = outcomes("e")
		require.EqualValues(t, 2, all["troth.unsubscribe"].Records)
		require.Equal(t, rights.Done, all["troth.unsubscribe"].Outcome)
		require.EqualValues(t, 2, all["troth.vault"].Records)
	})
}
