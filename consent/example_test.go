package consent_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/consentmem"
)

// Example asks, grants, decides and withdraws. A real program has a trail where
// this one keeps no evidence, and keys that stay the same.
func Example() {
	ctx := troth.WithActor(context.Background(), troth.Actor{Kind: troth.Service, ID: "shop"})
	db := memory.Open()
	ledger, err := consent.New(ctx, consent.Config{
		Store: consentmem.New(db), Recorder: troth.UnsafeNoEvidence(db), Keys: newKeys(),
	})
	if err != nil {
		log.Fatal(err)
	}
	_, err = ledger.Publish(ctx, consent.Terms{
		Tenant: "acme", Purpose: "newsletter", Title: "Our monthly letter", Basis: consent.Consent,
	})
	if err != nil {
		log.Fatal(err)
	}
	ada := troth.Subject{Tenant: "acme", ID: "c-17"}
	for i, kind := range []consent.Kind{consent.Granted, consent.Withdrawn} {
		_, err = ledger.Record(ctx, consent.Form{
			ID: fmt.Sprint("form-", i), Subject: ada, Method: consent.ByCheckbox, Channel: consent.OnWeb,
			Choices: []consent.Choice{{Purpose: "newsletter", Kind: kind}},
		})
		if err != nil {
			log.Fatal(err)
		}
		d, err := ledger.Check(ctx, ada, "newsletter", time.Time{})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(d.Allowed, d.Reason, d.Event)
	}
	// Output:
	// true granted form-0/newsletter
	// false withdrawn form-1/newsletter
}

// ExampleDecide decides about a list of events, without a ledger.
func ExampleDecide() {
	day := func(d int) time.Time { return time.Date(2026, 11, d, 0, 0, 0, 0, time.UTC) }
	d := consent.Decide(consent.DecideParams{
		Catalogue: consent.Catalogue{"newsletter": {{
			Tenant: "acme", Purpose: "newsletter", Version: 1, Basis: consent.Consent, EffectiveAt: day(1), PublishedAt: day(1),
		}}},
		Events: []consent.Event{
			{ID: "e1", Purpose: "newsletter", Version: 1, Kind: consent.Granted, GivenAt: day(2), RecordedAt: day(2)},
			{ID: "e2", Purpose: "newsletter", Version: 1, Kind: consent.Withdrawn, GivenAt: day(5), RecordedAt: day(9)},
		},
		Purpose: "newsletter",
		At:      day(6),
		KnownAt: day(7), // the withdrawal had not reached us yet
	})
	fmt.Println(d)
	// Output:
	// allowed: granted for newsletter, version 1, Article 6(1)(a), by event e1, at 2026-11-06T00:00:00.000000Z, as known at 2026-11-07T00:00:00.000000Z
}
