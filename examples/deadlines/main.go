// Deadlines tells by when a request, an opt-out or a breach must be dealt with,
// for people who deal with them.
//
//	deadlines -rule gdpr.access.respond -from 2026-01-31
//	deadlines -rule uk.access.respond -from 2026-03-02 \
//	    -event clarification-asked=2026-03-05 -event clarification-answered=2026-03-09
//	deadlines -rule ccpa.delete.respond -from 2026-01-31 -extend -json
//	deadlines -rule gdpr.breach.authority -from 2026-04-03T09:10:00Z -ics breach.ics
//	deadlines -list
//
// It prints the legal date, the safe date, which is the one to work to, and how
// they were counted. An instant lies on the day that is written in it, or on that
// of -zone. It is no legal advice: the explanation tells the source of
// each figure and how well it was checked.
//
// It ends with 0 if it could tell, with 1 if the rule or the calendar gives no
// date for that day or the file cannot be written, and with 2 if it was called
// wrongly. What does not matter to the rule is told on standard error.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
	_ "time/tzdata" // -zone works where the system has no zones

	"github.com/trothdev/troth/deadline"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr, time.Now))
}

// The exit codes.
const (
	exitOK = iota
	exitNoDate
	exitUsage
)

func run(args []string, stdout, stderr io.Writer, now func() time.Time) int {
	q, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		fmt.Fprintf(stderr, "deadlines: %v\n", err)
		return exitUsage
	}
	if q.list {
		err = list(stdout)
	} else {
		ignored(stderr, q)
		err = answer(q, stdout, now)
	}
	if err != nil {
		fmt.Fprintf(stderr, "deadlines: %v\n", err)
		return exitNoDate
	}
	return exitOK
}

// answer prints what is due, in the form that was asked for.
func answer(q query, stdout io.Writer, now func() time.Time) error {
	due, err := deadline.Due(q.rule, q.events, q.calendar)
	if err != nil {
		return err
	}
	if q.ics.wanted {
		text := calendarOf(due, q.uid(), now())
		if q.ics.path == "" {
			_, err := io.WriteString(stdout, text)
			return err
		}
		if err := os.WriteFile(q.ics.path, []byte(text), 0o600); err != nil {
			return fmt.Errorf("write the calendar: %w", err)
		}
	}
	if q.json {
		return printJSON(stdout, due)
	}
	return printText(stdout, due)
}
