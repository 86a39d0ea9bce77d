package consent_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/deadline"
)

var t0 = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

func at(days int) time.Time { return t0.AddDate(0, 0, days) }

// ev is an event of a purpose, said and recorded on a day.
func ev(k consent.Kind, day int, version uint32) consent.Event {
	return consent.Event{
		ID: fmt.Sprintf("%s-%d", k, day), Tenant: acme, Purpose: letter, Version: version, Kind: k,
		GivenAt: at(day), RecordedAt: at(day),
	}
}

// versions make a catalogue of one purpose.
func versions(all ...consent.Terms) consent.Catalogue {
	for i := range all {
		all[i].Tenant, all[i].Purpose, all[i].Version = acme, letter, uint32(i+1)
		if all[i].Basis == "" {
			all[i].Basis = consent.Consent
		}
		if all[i].EffectiveAt.IsZero() {
			all[i].EffectiveAt = at(-100)
		}
		if all[i].PublishedAt.IsZero() {
			all[i].PublishedAt = at(-100)
		}
	}
	return consent.Catalogue{letter: all}
}

func TestDecide_TellsWhy(t *testing.T) {
	expiring := ev(consent.Granted, 0, 1)
	expiring.Until = at(10)
	child := ev(consent.Granted, 0, 1)
	child.Age = consent.AgeResult{Country: "DE", Limit: 16, Minor: true, ComesOfAge: at(20)}
	dm := consent.Terms{Basis: consent.LegitimateInterests, DirectMarketing: true}
	material := consent.Terms{Change: consent.Material, EffectiveAt: at(5), Grace: deadline.Period{Days: 3}}
	type list = []consent.Event
	for name, c := range map[string]struct {
		catalogue consent.Catalogue
		events    list
		day       int
		want      consent.Reason
		ends      time.Time
	}{
		"nothing is known":                         {versions(consent.Terms{}), nil, 1, consent.ReasonUnknown, time.Time{}},
		"no such purpose":                          {consent.Catalogue{}, list{ev(consent.Granted, 0, 1)}, 1, consent.ReasonUnknownPurpose, time.Time{}},
		"before it takes effect":                   {versions(consent.Terms{EffectiveAt: at(2)}), list{ev(consent.Granted, 0, 1)}, 1, consent.ReasonUnknownPurpose, time.Time{}},
		"shown only":                               {versions(consent.Terms{}), list{ev(consent.NoticeServed, 0, 1)}, 1, consent.ReasonUnknown, time.Time{}},
		"granted":                                  {versions(consent.Terms{}), list{ev(consent.Granted, 0, 1)}, 0, consent.ReasonGranted, time.Time{}},
		"before the grant":                         {versions(consent.Terms{}), list{ev(consent.Granted, 1, 1)}, 0, consent.ReasonUnknown, time.Time{}},
		"requested":                                {versions(consent.Terms{DoubleOptIn: true}), list{ev(consent.Requested, 0, 1)}, 1, consent.ReasonPending, time.Time{}},
		"requested and confirmed":                  {versions(consent.Terms{DoubleOptIn: true}), list{ev(consent.Requested, 0, 1), ev(consent.Confirmed, 1, 1)}, 1, consent.ReasonGranted, time.Time{}},
		"granted without the confirmation":         {versions(consent.Terms{DoubleOptIn: true}), list{ev(consent.Granted, 0, 1)}, 1, consent.ReasonPending, time.Time{}},
		"a new request takes nothing away":         {versions(consent.Terms{DoubleOptIn: true}), list{ev(consent.Confirmed, 0, 1), ev(consent.Requested, 1, 1)}, 1, consent.ReasonGranted, time.Time{}},
		"refused":                                  {versions(consent.Terms{}), list{ev(consent.Refused, 0, 1)}, 1, consent.ReasonRefused, time.Time{}},
		"withdrawn":                                {versions(consent.Terms{}), list{ev(consent.Granted, 0, 1), ev(consent.Withdrawn, 1, 1)}, 1, consent.ReasonWithdrawn, time.Time{}},
		"withdrawn, an hour before":                {versions(consent.Terms{}), list{ev(consent.Granted, 0, 1), ev(consent.Withdrawn, 2, 1)}, 1, consent.ReasonGranted, time.Time{}},
		"granted and withdrawn at once":            {versions(consent.Terms{}), list{ev(consent.Withdrawn, 1, 1), ev(consent.Granted, 1, 1)}, 1, consent.ReasonWithdrawn, time.Time{}},
		"imported and withdrawn at once":           {versions(consent.Terms{}), list{ev(consent.Withdrawn, 1, 1), ev(consent.Imported, 1, 1)}, 1, consent.ReasonWithdrawn, time.Time{}},
		"granted again":                            {versions(consent.Terms{}), list{ev(consent.Withdrawn, 1, 1), ev(consent.Granted, 2, 1)}, 2, consent.ReasonGranted, time.Time{}},
		"the last moment":                          {versions(consent.Terms{}), list{expiring}, 9, consent.ReasonGranted, at(10)},
		"expired":                                  {versions(consent.Terms{}), list{expiring}, 10, consent.ReasonExpired, time.Time{}},
		"invalidated":                              {versions(consent.Terms{}), list{ev(consent.Granted, 0, 1), ev(consent.Invalidated, 1, 1)}, 1, consent.ReasonInvalidated, time.Time{}},
		"an editorial change":                      {versions(consent.Terms{}, consent.Terms{Change: consent.Editorial, EffectiveAt: at(5)}), list{ev(consent.Granted, 0, 1)}, 9, consent.ReasonGranted, time.Time{}},
		"before a material change":                 {versions(consent.Terms{}, material), list{ev(consent.Granted, 0, 1)}, 4, consent.ReasonGranted, at(8)},
		"in its grace":                             {versions(consent.Terms{}, material), list{ev(consent.Granted, 0, 1)}, 7, consent.ReasonGrace, at(8)},
		"after its grace":                          {versions(consent.Terms{}, material), list{ev(consent.Granted, 0, 1)}, 8, consent.ReasonSuperseded, time.Time{}},
		"granted anew ahead":                       {versions(consent.Terms{}, material), list{ev(consent.Granted, 1, 2)}, 4, consent.ReasonGranted, time.Time{}},
		"the new one refused in its grace":         {versions(consent.Terms{}, material), list{ev(consent.Granted, 0, 1), ev(consent.Refused, 6, 2)}, 6, consent.ReasonRefused, time.Time{}},
		"a material change that nobody knew":       {versions(consent.Terms{}, consent.Terms{Change: consent.Material, EffectiveAt: at(2), PublishedAt: at(99)}), list{ev(consent.Granted, 0, 1)}, 3, consent.ReasonSuperseded, time.Time{}},
		"a new recipient":                          {versions(consent.Terms{}, consent.Terms{Change: consent.NewRecipient, EffectiveAt: at(5)}), list{ev(consent.Granted, 0, 1), ev(consent.Declined, 6, 2)}, 9, consent.ReasonGranted, time.Time{}},
		"retired":                                  {versions(consent.Terms{}, consent.Terms{Change: consent.Editorial, Retired: true, EffectiveAt: at(5)}), list{ev(consent.Granted, 0, 1)}, 5, consent.ReasonRetired, time.Time{}},
		"before it is retired":                     {versions(consent.Terms{}, consent.Terms{Change: consent.Editorial, Retired: true, EffectiveAt: at(5)}), list{ev(consent.Granted, 0, 1)}, 4, consent.ReasonGranted, at(5)},
		"a child without a guardian":               {versions(consent.Terms{Age: consent.DigitalConsent}), list{child}, 1, consent.ReasonGuardianMissing, time.Time{}},
		"a child with a guardian":                  {versions(consent.Terms{Age: consent.DigitalConsent}), list{child, ev(consent.GuardianAuthorised, 1, 1)}, 1, consent.ReasonGranted, at(20)},
		"a guardian who takes it back":             {versions(consent.Terms{Age: consent.DigitalConsent}), list{child, ev(consent.GuardianAuthorised, 1, 1), ev(consent.GuardianWithdrawn, 2, 1)}, 2, consent.ReasonGuardianMissing, time.Time{}},
		"a child that came of age":                 {versions(consent.Terms{Age: consent.DigitalConsent}), list{child, ev(consent.GuardianAuthorised, 1, 1)}, 20, consent.ReasonCameOfAge, time.Time{}},
		"a child that came of age, with time left": {versions(consent.Terms{Age: consent.DigitalConsent, AfterMajority: deadline.Period{Days: 2}}), list{child, ev(consent.GuardianAuthorised, 1, 1)}, 21, consent.ReasonGranted, at(22)},
		"a contract":                               {versions(consent.Terms{Basis: consent.Contract}), list{ev(consent.Objected, 0, 1)}, 1, consent.ReasonBasis, time.Time{}},
		"legal obligation":                         {versions(consent.Terms{Basis: consent.LegalObligation}), list{ev(consent.Withdrawn, 0, 1)}, 1, consent.ReasonBasis, time.Time{}},
		"legitimate interests":                     {versions(consent.Terms{Basis: consent.LegitimateInterests}), nil, 1, consent.ReasonBasis, time.Time{}},
		"legitimate interests, objected":           {versions(consent.Terms{Basis: consent.LegitimateInterests}), list{ev(consent.Objected, 0, 1)}, 1, consent.ReasonObjected, time.Time{}},
		"public task, objected":                    {versions(consent.Terms{Basis: consent.PublicTask}), list{ev(consent.Objected, 0, 1)}, 1, consent.ReasonObjected, time.Time{}},
		"an objection taken back":                  {versions(consent.Terms{Basis: consent.LegitimateInterests}), list{ev(consent.Objected, 0, 1), ev(consent.ObjectionLifted, 1, 1)}, 1, consent.ReasonBasis, time.Time{}},
		"an objection overruled":                   {versions(consent.Terms{Basis: consent.LegitimateInterests}), list{ev(consent.Objected, 0, 1), ev(consent.ObjectionOverruled, 1, 1)}, 1, consent.ReasonBasis, time.Time{}},
		"direct marketing overrules nothing":       {versions(dm), list{ev(consent.Objected, 0, 1), ev(consent.ObjectionOverruled, 1, 1)}, 1, consent.ReasonObjected, time.Time{}},
		"direct marketing, withdrawn":              {versions(dm), list{ev(consent.Withdrawn, 0, 1)}, 1, consent.ReasonObjected, time.Time{}},
		"direct marketing by contract, objected":   {versions(consent.Terms{Basis: consent.Contract, DirectMarketing: true}), list{ev(consent.Objected, 0, 1)}, 1, consent.ReasonObjected, time.Time{}},
		"an opt-out after consent":                 {versions(consent.Terms{}), list{ev(consent.Granted, 0, 1), ev(consent.Objected, 1, 0)}, 1, consent.ReasonObjected, time.Time{}},
		"consent after an opt-out":                 {versions(consent.Terms{}), list{ev(consent.Objected, 1, 0), ev(consent.Granted, 2, 1)}, 2, consent.ReasonGranted, time.Time{}},
		"an opt-out and consent at once":           {versions(consent.Terms{}), list{ev(consent.Objected, 1, 0), ev(consent.Granted, 1, 1)}, 1, consent.ReasonObjected, time.Time{}},
		"a grant of a version that is not there":   {versions(consent.Terms{}), list{ev(consent.Granted, 0, 9)}, 1, consent.ReasonUnknown, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			d := consent.Decide(consent.DecideParams{Catalogue: c.catalogue, Events: c.events, Purpose: letter, At: at(c.day)})
			require.Equal(t, c.want, d.Reason, "%v", d)
			require.Equal(t, c.want.Allows(), d.Allowed)
			require.Equal(t, c.ends, d.Ends, "%v", d)
			require.NotContains(t, d.String(), "\n")
			require.Contains(t, d.String(), string(c.want))
			// The order of events is nothing.
			reversed := make([]consent.Event, len(c.events))
			for i, e := range c.events {
				reversed[len(reversed)-1-i] = e
			}
			require.Equal(t, d, consent.Decide(consent.DecideParams{Catalogue: c.catalogue, Events: reversed, Purpose: letter, At: at(c.day)}))
		})
	}
}

func TestDecide_Recipients(t *testing.T) {
	c := versions(consent.Terms{Recipients: []string{"mailer"}},
		consent.Terms{Change: consent.NewRecipient, Recipients: []string{"ads", "mailer"}, EffectiveAt: at(5)})
	ask := func(recipient string, events ...consent.Event) consent.Reason {
		return consent.Decide(consent.DecideParams{Catalogue: c, Events: events, Purpose: letter, Recipient: recipient, At: at(9)}).Reason
	}
	old := ev(consent.Granted, 0, 1)
	require.Equal(t, consent.ReasonGranted, ask("mailer", old))
	require.Equal(t, consent.ReasonRecipient, ask("ads", old))
	require.Equal(t, consent.ReasonGranted, ask("ads", ev(consent.Granted, 6, 2)))
	require.Equal(t, consent.ReasonRecipient, ask("nobody", ev(consent.Granted, 6, 2)))
}

func TestDecide_Requirements(t *testing.T) {
	c := versions(consent.Terms{})
	c[stats] = []consent.Terms{{
		Tenant: acme, Purpose: stats, Version: 1, Basis: consent.Consent, Requires: []troth.Purpose{letter}, EffectiveAt: at(-1), PublishedAt: at(-1),
	}}
	own := ev(consent.Granted, 0, 1)
	own.Purpose = stats
	required := ev(consent.Granted, 0, 1)
	required.Until = at(3)
	ask := func(day int, events ...consent.Event) consent.Decision {
		return consent.Decide(consent.DecideParams{Catalogue: c, Events: events, Purpose: stats, At: at(day)})
	}
	d := ask(1, own)
	require.Equal(t, consent.ReasonDependency, d.Reason)
	require.Equal(t, letter, d.Requires)
	d = ask(1, own, required)
	require.True(t, d.Allowed)
	require.Equal(t, at(3), d.Ends, "it ends with what it requires")
	require.Equal(t, consent.ReasonDependency, ask(3, own, required).Reason)
}

func TestDecision_InOneLine(t *testing.T) {
	d := consent.Decide(consent.DecideParams{
		Catalogue: versions(consent.Terms{}), Events: []consent.Event{ev(consent.Granted, 0, 1)}, Purpose: letter, At: at(1), KnownAt: at(2),
	})
	require.Equal(t, "allowed: granted for newsletter, version 1, Article 6(1)(a), by event granted-0, "+
		"at 2026-02-01T12:00:00.000000Z, as known at 2026-02-02T12:00:00.000000Z", d.String())
	require.Equal(t, "denied: no decision for no purpose", consent.Decision{}.String())
}
