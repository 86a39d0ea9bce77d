package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/trothdev/troth/deadline"
)

// query is what was asked on the command line.
type query struct {
	rule     deadline.Rule
	events   []deadline.Event
	calendar deadline.Calendar
	ref      string
	list     bool
	json     bool
	ics      icsFlag
}

// uid identifies the request in a calendar: asked again, with an extension or
// another event, it is the same, so that the entry moves and none is added.
func (q query) uid() string {
	sum := sha256.Sum256([]byte(q.rule.ID + "\n" + q.events[0].Date.String() + "\n" + q.ref))
	return hex.EncodeToString(sum[:16])
}

// icsFlag takes a file, or nothing for the standard output.
type icsFlag struct {
	wanted bool
	path   string
}

func (f *icsFlag) String() string   { return f.path }
func (f *icsFlag) IsBoolFlag() bool { return true }

func (f *icsFlag) Set(s string) error {
	f.wanted = true
	if s != "true" && s != "-" {
		f.path = s
	}
	return nil
}

// words are the flags as they were given.
type words struct {
	rule, from, calendar, zone string
	extend                     bool
	events                     []string
}

func parse(args []string, stderr io.Writer) (query, error) {
	var q query
	var w words
	f := flag.NewFlagSet("deadlines", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&w.rule, "rule", "", "the `id` of a rule, see -list")
	f.StringVar(&w.from, "from", "", "the `day` on which the clock starts, or the instant, such as 2026-01-31T09:10:00Z")
	f.StringVar(&w.calendar, "calendar", "", "the `name` of a calendar of working days, if not the rule's own")
	f.StringVar(&w.zone, "zone", "", "the `place` whose days count for instants, such as Europe/Berlin, if not the offset in the instant")
	f.BoolVar(&w.extend, "extend", false, "an extension was noticed on the day of -from")
	f.Func("event", "`TYPE=DAY` of something else that happened, see -list; may be repeated", func(s string) error {
		w.events = append(w.events, s)
		return nil
	})
	f.StringVar(&q.ref, "ref", "", "your `name` for the request, if the calendar has several of one rule and day")
	f.BoolVar(&q.json, "json", false, "print one JSON object: legal, safe and explanation")
	f.Var(&q.ics, "ics", "write an iCalendar file with alarms, `file` or standard output")
	f.BoolVar(&q.list, "list", false, "list rules and calendars")
	for rest := args; ; {
		if err := f.Parse(rest); err != nil {
			return query{}, err
		}
		rest = f.Args()
		if len(rest) == 0 {
			break
		}
		// -ics may have its file behind it, like any other flag.
		before := len(args) - len(rest) - 1
		if before < 0 || strings.TrimLeft(args[before], "-") != "ics" {
			return query{}, fmt.Errorf("what is %q?", rest[0])
		}
		if err := q.ics.Set(rest[0]); err != nil {
			return query{}, err
		}
		rest = rest[1:]
	}
	if q.list {
		if f.NFlag() > 1 {
			return query{}, errors.New("-list stands alone")
		}
		return q, nil
	}
	if err := fill(&q, w); err != nil {
		return query{}, err
	}
	return q, nil
}

// fill turns words into what they mean.
func fill(q *query, w words) error {
	if w.rule == "" || w.from == "" {
		return errors.New("say -rule and -from, or -list")
	}
	if q.json && q.ics.wanted && q.ics.path == "" {
		return errors.New("-json and -ics cannot both go to standard output: give -ics a file")
	}
	var err error
	if q.rule, err = deadline.ShippedRule(w.rule); err != nil {
		return fmt.Errorf("-rule: %w: see -list", err)
	}
	if w.calendar != "" {
		if q.calendar, err = deadline.CalendarByName(w.calendar); err != nil {
			return fmt.Errorf("-calendar: %w: see -list", err)
		}
	}
	var loc *time.Location
	if w.zone != "" {
		if loc, err = time.LoadLocation(w.zone); err != nil {
			return fmt.Errorf("-zone: no such place: %w", err)
		}
	}
	start, err := event(string(q.rule.Start[0].Event), w.from, loc)
	if err != nil {
		return fmt.Errorf("-from: %w", err)
	}
	q.events = append(q.events, start)
	if w.extend {
		if q.rule.Extension.Count == 0 {
			return fmt.Errorf("-extend: %s has no extension", q.rule.ID)
		}
		q.events = append(q.events, deadline.On(deadline.ExtensionNoticed, start.Date))
	}
	for _, text := range w.events {
		typ, when, _ := strings.Cut(text, "=")
		e, err := event(strings.ReplaceAll(typ, "_", "-"), when, loc)
		switch {
		case err != nil:
			return fmt.Errorf("-event: %w", err)
		case e.Type == start.Type && e.Date != start.Date:
			return fmt.Errorf("-event: -from says another day of %q", e.Type)
		}
		q.events = append(q.events, e)
	}
	return nil
}

// event reads a day, or an instant, which is on a day in loc; on the day that is
// written in it if loc is nil.
func event(typ, when string, loc *time.Location) (deadline.Event, error) {
	e := deadline.Event{Type: deadline.EventType(typ), Location: loc}
	if !slices.Contains(deadline.EventTypes(), e.Type) {
		return deadline.Event{}, fmt.Errorf("no type of event is %q: see -list", typ)
	}
	if at, err := time.Parse(time.RFC3339, when); err == nil {
		if loc == nil {
			_, offset := at.Zone()
			loc = time.FixedZone("", offset)
		}
		e = deadline.At(e.Type, at, loc)
	} else if e.Date, err = deadline.ParseDate(when); err != nil {
		return deadline.Event{}, errors.New("want a day such as 2026-01-31, or an instant such as 2026-01-31T09:10:00Z")
	}
	return e, e.Validate()
}
