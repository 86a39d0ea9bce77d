package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/trothdev/troth/deadline"
)

// printText prints the two dates and the explanation.
func printText(out io.Writer, due deadline.Deadline) error {
	_, err := fmt.Fprintf(out, "legal  %s\nsafe   %s\n\n%s\n",
		end(due.Legal, due.LegalAt), end(due.Safe, due.SafeAt), due.Explain())
	return err
}

// end writes a last day, and the instant on it at which hours are over.
func end(day deadline.Date, at time.Time) string {
	if at.IsZero() {
		return day.String()
	}
	return day.String() + "  until " + at.Format(time.RFC3339)
}

// ignored tells which events the rule takes no account of: whoever typed them
// expected them to matter.
func ignored(out io.Writer, q query) {
	for _, e := range q.events {
		if !heeds(q.rule, e.Type) {
			fmt.Fprintf(out, "deadlines: %s takes no account of %q\n", q.rule.ID, e.Type)
		}
	}
}

// heeds reports whether events of a type can change what a rule gives.
func heeds(rule deadline.Rule, typ deadline.EventType) bool {
	return typ == deadline.ExtensionNoticed && rule.Extension.Count > 0 ||
		slices.ContainsFunc(rule.Start, func(s deadline.Start) bool { return s.Event == typ || s.Asked == typ }) ||
		slices.ContainsFunc(rule.Pauses, func(p deadline.Pause) bool { return p.From == typ || p.To == typ })
}

// printJSON prints one object and nothing else.
func printJSON(out io.Writer, due deadline.Deadline) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(struct {
		Legal       string `json:"legal"`
		Safe        string `json:"safe"`
		Explanation string `json:"explanation"`
	}{due.Legal.String(), due.Safe.String(), due.Explain()})
}

// list prints every rule with its figure, source and confidence, every calendar,
// and every type of event.
func list(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, set := range deadline.Shipped() {
		fmt.Fprintf(w, "%s (version %d, as of %s, sha256 %s)\n", set.Title(), set.Version(), set.AsOf(), set.Hash())
		for _, r := range set.Rules() {
			fmt.Fprintf(w, "  %s\t%s\tfrom %s\t%s\t%s\n", r.ID, figure(r), r.Start[0].Event, r.Confidence, r.Citation)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w, "calendars")
	for _, cal := range deadline.Calendars() {
		first, last := cal.Covers()
		fmt.Fprintf(w, "  %s\t%s to %s\n", cal.Name(), first, last)
	}
	fmt.Fprintln(w, "\nevents")
	for _, typ := range deadline.EventTypes() {
		fmt.Fprintf(w, "  %s\n", typ)
	}
	return w.Flush()
}

// figure writes a rule's period and what may be added.
func figure(r deadline.Rule) string {
	switch {
	case r.Sense == deadline.AtOnce:
		return "at once"
	case r.Sense == deadline.NotBefore:
		return "at least " + r.Period.String()
	case r.Extension.Count > 0:
		return r.Period.String() + " + " + r.Extension.Period.String()
	}
	return r.Period.String()
}
