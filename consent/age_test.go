package consent_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/consent"
)

func TestAges_AreDataWithSourceAndDate(t *testing.T) {
	table := consent.ShippedAges()
	require.NotEmpty(t, table.AsOf())
	require.Equal(t, 16, table.Limit("XX"), "the default of Article 8(1)")
	for country, age := range map[string]int{"DE": 16, "AT": 14, "FR": 15, "BE": 13, "GB": 13, "US": 13, "IN": 18, "DK": 15} {
		require.Equal(t, age, table.Limit(country), country)
	}
	require.Greater(t, len(table.Limits()), 28)
	verified := map[string]bool{}
	for _, limit := range table.Limits() {
		require.NotEmpty(t, limit.Source, limit.Country)
		day, err := time.Parse(time.DateOnly, limit.AsOf)
		require.NoError(t, err, limit.Country)
		require.Less(t, day.Year(), 2027, limit.Country)
		if limit.Verified != "" {
			verified[limit.Country] = true
			require.NotEmpty(t, limit.Evidence, limit.Country)
		}
	}
	// What was not found in public text says so.
	require.True(t, verified["CY"] && verified["DK"] && verified["IE"])
	for _, from := range []string{"PL", "RO", "HR", "PT", "LV", "NO", "GB", "IN"} {
		require.False(t, verified[from], from)
	}
	for name, bad := range map[string]string{
		"not JSON":            `x`,
		"unknown member":      `{"version":"1","asOf":"2026-01-01","default":16,"extra":1}`,
		"no default":          `{"version":"1","asOf":"2026-01-01"}`,
		"no date":             `{"version":"1","default":16}`,
		"no source":           `{"version":"1","asOf":"2026-01-01","default":16,"limits":[{"country":"DE","age":16,"asOf":"2020-01-01"}]}`,
		"a country twice":     `{"version":"1","asOf":"2026-01-01","default":16,"limits":[{"country":"DE","age":16,"source":"s","asOf":"2020-01-01"},{"country":"DE","age":15,"source":"s","asOf":"2020-01-01"}]}`,
		"verified by nothing": `{"version":"1","asOf":"2026-01-01","default":16,"limits":[{"country":"DE","age":16,"source":"s","asOf":"2020-01-01","verified":"2026-01-01"}]}`,
		"verified on no day":  `{"version":"1","asOf":"2026-01-01","default":16,"limits":[{"country":"DE","age":16,"source":"s","asOf":"2020-01-01","verified":"yes","evidence":"e"}]}`,
		"an age of nobody":    `{"version":"1","asOf":"2026-01-01","default":16,"limits":[{"country":"DE","age":0,"source":"s","asOf":"2020-01-01"}]}`,
	} {
		_, err := consent.ParseAges([]byte(bad))
		require.Error(t, err, name)
	}
}

func TestChild_NeedsAGuardianUntilOfAge(t *testing.T) {
	var asked []consent.Notification
	w := newWorld(t, consent.WithNotifier(consent.NotifierFunc(func(_ context.Context, n consent.Notification) error {
		asked = append(asked, n)
		return nil
	})))
	w.publish(consent.Terms{Purpose: letter, Age: consent.DigitalConsent})
	f := w.form(ada, letter, consent.Granted)
	_, err := w.ledger.Record(w.ctx, f)
	require.ErrorIs(t, err, consent.ErrAge)
	// In Austria fourteen is enough.
	old := w.form(subject("at"), letter, consent.Granted)
	old.Age = &consent.Age{Country: "AT", Years: 14}
	w.sayForm(old)
	w.wants(subject("at"), letter, consent.ReasonGranted)
	birthday := time.Date(2027, 2, 14, 0, 0, 0, 0, time.UTC)
	f.Age = &consent.Age{Country: "DE", Years: 15, ComesOfAge: birthday}
	e := w.sayForm(f)
	require.Equal(t, consent.AgeResult{Country: "DE", Limit: 16, Table: consent.ShippedAges().Version(), Minor: true, ComesOfAge: time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)}, e.Age)
	w.wants(ada, letter, consent.ReasonGuardianMissing)
	g := w.form(ada, letter, consent.GuardianAuthorised)
	_, err = w.ledger.Record(w.ctx, g)
	require.Error(t, err, "somebody must have given it")
	g.Guardian = &consent.Guardian{ID: "c-99", Relation: "mother", Method: "card-check"}
	given := w.sayForm(g)
	require.Equal(t, "card-check", given.Guardian.Method)
	require.NotZero(t, given.Guardian.Pseudonym)
	d := w.wants(ada, letter, consent.ReasonGranted)
	require.Equal(t, e.Age.ComesOfAge, d.Ends)
	// At majority they are asked, and the guardian's leave is over.
	w.clock.Move(e.Age.ComesOfAge.Sub(w.clock.Now()) + time.Hour)
	w.wants(ada, letter, consent.ReasonCameOfAge)
	require.NoError(t, w.ledger.Sweep(w.ctx))
	w.drain()
	require.Len(t, asked, 1)
	require.Equal(t, consent.WhyMajority, asked[0].Why)
	require.Equal(t, ada, asked[0].Subject)
	grown := w.form(ada, letter, consent.Granted)
	grown.Age = &consent.Age{Country: "DE", Years: 16}
	w.sayForm(grown)
	w.wants(ada, letter, consent.ReasonGranted)
	require.NoError(t, w.ledger.Sweep(w.ctx))
	w.drain()
	require.Len(t, asked, 1)
}

func TestChild_NotForChildrenKeepsACountAndNothingElse(t *testing.T) {
	w := newWorld(t)
	w.publish(consent.Terms{Purpose: letter, Age: consent.NotForChildren, MinimumAge: 16})
	w.publish(consent.Terms{Purpose: stats})
	for i, country := range []string{"DE", "AT"} {
		f := w.form(ada, letter, consent.Granted)
		f.Age = &consent.Age{Country: country, Years: 15 - i}
		f.Choices = append(f.Choices, consent.Choice{Purpose: stats, Kind: consent.Granted})
		_, err := w.ledger.Record(w.ctx, f)
		require.ErrorIs(t, err, consent.ErrTooYoung)
	}
	require.Empty(t, w.trail.Of("consent.event"))
	h, err := w.ledger.History(w.ctx, ada, reasons)
	require.NoError(t, err)
	require.Empty(t, h.Pseudonym)
	w.wants(ada, stats, consent.ReasonUnknown)
	rows, err := w.ledger.Refusals(w.ctx, acme, letter)
	require.NoError(t, err)
	require.Equal(t, []consent.RefusalRow{{Day: w.clock.Now().Unix() / 86400, Count: 2}}, rows)
	rows, err = w.ledger.Refusals(w.ctx, globex, letter)
	require.NoError(t, err)
	require.Empty(t, rows)
	f := w.form(ada, letter, consent.Granted)
	f.Age = &consent.Age{Country: "DE", Years: 16}
	w.sayForm(f)
	w.wants(ada, letter, consent.ReasonGranted)
}

func TestSweep_AsksAgainWhenConsentIsOld(t *testing.T) {
	var asked []consent.Notification
	w := newWorld(t, consent.WithNotifier(consent.NotifierFunc(func(_ context.Context, n consent.Notification) error {
		asked = append(asked, n)
		return nil
	})))
	w.publish(consent.Terms{Purpose: letter, Refresh: years(1)})
	w.say(ada, letter, consent.Granted)
	w.say(subject("gone"), letter, consent.Granted)
	w.say(subject("gone"), letter, consent.Withdrawn)
	for range 2 {
		w.clock.Move(366 * 24 * time.Hour)
		require.NoError(t, w.ledger.Sweep(w.ctx))
		w.drain()
		require.Len(t, asked, 1, "once for each date")
	}
	require.Equal(t, consent.WhyRefresh, asked[0].Why)
	w.wants(ada, letter, consent.ReasonGranted)
	w.say(ada, letter, consent.Renewed)
	w.clock.Move(366 * 24 * time.Hour)
	require.NoError(t, w.ledger.Sweep(w.ctx))
	w.drain()
	require.Len(t, asked, 2)
}

func TestSweep_ALateFormDoesNotMoveTheDate(t *testing.T) {
	w := newWorld(t)
	w.publish(consent.Terms{Purpose: letter, Refresh: years(1)})
	w.say(ada, letter, consent.Granted)
	f := w.form(ada, letter, consent.Withdrawn)
	f.GivenAt = w.clock.Now().Add(-time.Hour)
	w.sayForm(f)
	w.wants(ada, letter, consent.ReasonGranted)
	w.clock.Move(366 * 24 * time.Hour)
	require.NoError(t, w.ledger.Sweep(w.ctx))
	require.Len(t, w.queue.Pending(consent.WorkNotify), 1)
	// What was said between the reading and the asking counts.
	w.say(subject("c-18"), letter, consent.Granted)
	require.NoError(t, w.store.PutDue(w.ctx, consent.DueRow{Tenant: acme, SubjectID: "c-18", Kind: consent.DueRefresh, Purpose: letter, At: 1}))
	require.NoError(t, w.ledger.Sweep(w.ctx))
	require.Len(t, w.queue.Pending(consent.WorkNotify), 1)
	w.clock.Move(367 * 24 * time.Hour)
	require.NoError(t, w.ledger.Sweep(w.ctx))
	require.Len(t, w.queue.Pending(consent.WorkNotify), 2)
}
