package deadline_test

import (
	"fmt"

	"github.com/trothdev/troth/deadline"
)

// ourPolicy is a promise of the host's own, beside what the law demands.
const ourPolicy = `{
	"format": "troth.deadline.set/1",
	"set": "our-policy",
	"version": 1,
	"title": "Our privacy policy",
	"as_of": "2026-11-22",
	"rules": [{
		"id": "policy.promise.effect",
		"duty": "promise",
		"title": "purge what a person asked us to erase",
		"kind": "take-effect",
		"sense": "no-later-than",
		"period": "P25D",
		"start": [{"event": "received"}],
		"first_day": "excluded",
		"roll": "none",
		"in_force": {"from": "2026-01-01"},
		"citation": "our privacy policy, on erasure",
		"as_of": "2026-11-22",
		"confidence": "verified"
	}]
}`

func ExampleParseSet() {
	policy, err := deadline.ParseSet([]byte(ourPolicy))
	if err != nil {
		fmt.Println(err)
		return
	}
	law, err := deadline.ShippedRule("gdpr.erasure.respond")
	if err != nil {
		fmt.Println(err)
		return
	}
	received, err := deadline.ParseDate("2026-01-31")
	if err != nil {
		fmt.Println(err)
		return
	}
	docket, err := deadline.DueAll(append(policy.Rules(), law), []deadline.Event{deadline.On(deadline.Received, received)}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, due := range docket.Limits {
		fmt.Println(due.Safe, due.Rule().ID)
	}
	lead, _ := docket.Lead()
	fmt.Println("work to", lead.Safe)
	// Output:
	// 2026-02-25 policy.promise.effect
	// 2026-03-02 gdpr.erasure.respond
	// work to 2026-02-25
}
