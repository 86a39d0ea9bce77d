package consent_test

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/internal/seamtest"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/consentmem"
)

var (
	sinkDecision consent.Decision
	sinkEntry    entry
)

// entry is what a bare map of decisions would hold.
type entry struct {
	decision consent.Decision
	subject  troth.Subject
}

// BenchmarkCheck compares a decision about somebody who is cached with looking up a
// ready decision in a bare map and copying it, which is the least that any cache
// costs, by turns over the same ten thousand people.
func BenchmarkCheck(b *testing.B) {
	const people = 10_000
	db := memory.Open()
	ctx := troth.WithActor(b.Context(), troth.Actor{Kind: troth.Service, ID: "shop"})
	l, err := consent.New(ctx, consent.Config{Store: consentmem.New(db), Recorder: troth.UnsafeNoEvidence(db), Keys: seamtest.Keys{}})
	if err != nil {
		b.Fatal(err)
	}
	if _, err = l.Publish(ctx, consent.Terms{Tenant: acme, Purpose: letter, Title: "x", Basis: consent.Consent}); err != nil {
		b.Fatal(err)
	}
	bare := map[troth.Subject]entry{}
	var who []troth.Subject
	for i := range people {
		s := subject(fmt.Sprint("c-", i))
		_, err := l.Record(ctx, consent.Form{
			ID: fmt.Sprint("f", i), Subject: s, Method: consent.ByCheckbox, Channel: consent.OnWeb,
			Choices: []consent.Choice{{Purpose: letter, Kind: consent.Granted}},
		})
		if err != nil {
			b.Fatal(err)
		}
		d, err := l.Check(ctx, s, letter, time.Time{})
		if err != nil || !d.Allowed {
			b.Fatal(d, err)
		}
		bare[s] = entry{d, s}
	}
	for s := range maps.Keys(bare) { // in no order
		who = append(who, s)
	}
	var inMap, inLedger time.Duration
	const block = 1000
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		begin := time.Now()
		for i := range block {
			sinkEntry = bare[who[(n+i)%people]]
		}
		between := time.Now()
		for i := range block {
			if sinkDecision, err = l.Check(ctx, who[(n+i)%people], letter, time.Time{}); err != nil {
				b.Fatal(err)
			}
		}
		inMap, inLedger = inMap+between.Sub(begin), inLedger+time.Since(between)
		n += block
	}
	b.ReportMetric(float64(inMap.Nanoseconds())/float64(n), "ns/map")
	b.ReportMetric(float64(inLedger.Nanoseconds())/float64(n), "ns/check")
	b.ReportMetric(float64(inLedger)/float64(inMap), "times")
}
