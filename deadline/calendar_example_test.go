package deadline_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/trothdev/troth/deadline"
)

func ExamplePeriod_AddTo() {
	month, err := deadline.ParsePeriod("P1M")
	if err != nil {
		panic(err)
	}
	received := deadline.Date{Year: 2026, Month: time.January, Day: 31}
	due, err := month.AddTo(received)
	if err != nil {
		panic(err)
	}
	fmt.Println(due, due.Weekday())
	// Output: 2026-02-28 Saturday
}

func ExampleNextWorking() {
	england, err := deadline.CalendarByName("gb-ew")
	if err != nil {
		panic(err)
	}
	christmas := deadline.Date{Year: 2027, Month: time.December, Day: 25}
	working, err := deadline.NextWorking(england, christmas)
	if err != nil {
		panic(err)
	}
	name, _ := england.Holiday(working.AddDays(-1))
	fmt.Println(working, "after", name)
	// Output: 2027-12-29 after Boxing Day (substitute day)
}

// shop is a calendar of a host's own: another one, and a day on which its offices
// are closed.
type shop struct{ deadline.Calendar }

func (shop) Name() string { return "shop" }

func (s shop) Working(d deadline.Date) (bool, error) {
	if d == (deadline.Date{Year: 2026, Month: time.December, Day: 24}) {
		return false, nil
	}
	return s.Calendar.Working(d)
}

func ExampleCalendar() {
	federal, err := deadline.CalendarByName("us-federal")
	if err != nil {
		panic(err)
	}
	due, err := deadline.AddBusinessDays(shop{federal}, deadline.Date{Year: 2026, Month: time.December, Day: 23}, 1)
	if err != nil {
		panic(err)
	}
	fmt.Println(due)

	_, err = federal.Working(deadline.Date{Year: 2099, Month: time.January, Day: 2})
	outside, ok := errors.AsType[*deadline.RangeError](err)
	fmt.Println(ok, outside.Last)
	// Output:
	// 2026-12-28
	// true 2035-12-31
}
