package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/trothdev/troth/deadline"
	"github.com/trothdev/troth/retention"
)

// events are those of the command line. The flag package reads them by Set.
type events []event

type event struct {
	name string
	day  deadline.Date
}

// String is for the flag package.
func (e *events) String() string { return fmt.Sprintf("%d events", len(*e)) }

// Set takes one "name=date".
func (e *events) Set(text string) error {
	name, date, ok := strings.Cut(text, "=")
	if !ok || name == "" {
		return errors.New("want name=date")
	}
	day, err := deadline.ParseDate(date)
	if err != nil {
		return err
	}
	*e = append(*e, event{name: name, day: day})
	return nil
}

// explain prints what becomes of a record, by date. An event is taken to happen at
// noon of its day: when in the day does not matter.
func explain(out io.Writer, p *retention.Policy, class string, list events) error {
	loc, err := time.LoadLocation(p.Zone)
	if err != nil {
		return err
	}
	first := slices.MinFunc(list, func(a, b event) int { return a.day.Compare(b.day) }).day
	var happened []retention.Occurrence
	known := func(name string) bool {
		return name == retention.Created || slices.ContainsFunc(p.Events, func(e retention.Event) bool { return e.Name == name })
	}
	for _, e := range list {
		if !known(e.name) {
			return fmt.Errorf("the policy has no event %q", e.name)
		}
		happened = append(happened, retention.Occurrence{Event: e.name, At: e.day.Start(loc).Add(12 * time.Hour)})
	}
	if !slices.ContainsFunc(list, func(e event) bool { return e.name == retention.Created }) {
		happened = append(happened, retention.Occurrence{Event: retention.Created, At: first.Start(loc).Add(11 * time.Hour)})
	}
	h, err := retention.NewHistory(p)
	if err != nil {
		return err
	}
	moments, err := h.Timeline(class, happened)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s of policy %s, version %d; days in %s, at whose end things are due\n", class, p.Name, p.Version, p.Zone)
	for _, m := range moments {
		fmt.Fprintf(out, "%s  %s\n", deadline.DateOf(m.At.Add(-time.Nanosecond), loc), m.What)
	}
	return nil
}
