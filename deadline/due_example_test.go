package deadline_test

import (
	"fmt"

	"github.com/trothdev/troth/deadline"
)

func ExampleDue() {
	rule, err := deadline.ShippedRule("gdpr.access.respond")
	if err != nil {
		fmt.Println(err)
		return
	}
	received, err := deadline.ParseDate("2026-03-05")
	if err != nil {
		fmt.Println(err)
		return
	}
	due, err := deadline.Due(rule, []deadline.Event{deadline.On(deadline.Received, received)}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("legal", due.Legal, "safe", due.Safe)
	fmt.Println(due.Explain())
	// Output:
	// legal 2026-04-07 safe 2026-04-06
	// gdpr.access.respond: inform the person of the action taken on a request for access, without undue delay and at the latest within 1 month.
	// Source: Regulation (EU) 2016/679, Art. 12(3) with Art. 15; counting: Regulation (EEC, Euratom) No 1182/71, Art. 3.
	// The clock starts with "received" on 2026-03-05 (Thursday); that day is not counted.
	// 1 month: to 2026-04-05 (Sunday).
	// 2026-04-05 (Sunday) is no working day of calendar eu, so the period ends on 2026-04-07 (Tuesday).
	// Legal date: 2026-04-07 (Tuesday).
	// In doubt (weekends-only): public holidays are those of the Member State concerned (Regulation 1182/71, Art. 2(1)), and only people can tell whether this calendar is its own; weekends move the end everywhere (Art. 3(4)).
	// Safe date: 2026-04-06 (Monday); every doubt read strictly.
	// Confidence: verified; the text, or a source that quotes it, was read as of 2026-11-22.
}
