package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/trothdev/troth/deadline"
)

// printText prints the two dates and the explanation.
func printText(out io.Writer, due deadline.Deadline) error {
	_, err := fmt.Fprintf(out, "legal  %s\nsafe   %s\n\n%s\n", due.Legal, due.Safe, due.Explain())
	return err
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

// list prints every rule with its figure, source and confidence, and every
// calendar.
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
