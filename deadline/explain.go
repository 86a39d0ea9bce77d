package deadline

import (
	"fmt"
	"strings"
)

// Explain says in words how the dates came about: the rule and its source, how
// was counted, where the law is in doubt, and how well the figure was checked.
// It is written when it is asked for. Each sentence stands on a line. It holds
// nothing but the rule, days and types of events.
//
// The zero Deadline explains nothing: its explanation is empty.
func (d Deadline) Explain() string {
	if d.rule == nil {
		return ""
	}
	x := explainer{Deadline: d}
	// Counting again gives what Due has counted: the calendar answers alike.
	legal, strict, err := d.tallies()
	x.what()
	if err == nil {
		x.counting(legal)
		x.result(legal, strict)
	}
	x.source()
	return strings.TrimSuffix(x.text.String(), "\n")
}

type explainer struct {
	Deadline
	text strings.Builder
}

func (x *explainer) line(format string, args ...any) {
	fmt.Fprintf(&x.text, format+"\n", args...)
}

func (x *explainer) what() {
	r := x.rule
	switch period := words(r.Period); r.Sense {
	case NoLaterThan:
		x.line("%s: %s, within %s.", r.ID, r.Title, period)
	case WithoutDelay:
		x.line("%s: %s, without undue delay and at the latest within %s.", r.ID, r.Title, period)
	case AtOnce:
		x.line("%s: %s, at once; the law has no figure, so the day itself is the date.", r.ID, r.Title)
	case NotBefore:
		x.line("%s: %s, for at least %s.", r.ID, r.Title, period)
	}
	x.line("Source: %s.", r.Citation)
}

func (x *explainer) counting(t tally) {
	r := x.rule
	x.line("The clock starts with %q on %s%s.", string(t.start.Type), day(t.start.Date), x.firstDay(t))
	if r.Sense == AtOnce {
		return
	}
	x.line("%s: %s.", capital(words(r.Period)), x.baseEnd(t))
	if t.extended > 0 {
		x.line("%s, noticed in time, of %s: %s to %s.", extensions(t.extended), words(r.Extension.Period),
			x.chain(), day(t.end.AddDays(-t.paused)))
	}
	x.unheeded(t)
	if t.paused > 0 {
		x.line("%s of pause %s not count%s: to %s.", plural(t.paused, "day"), does(t.paused), x.pauseDays(), day(t.end))
	}
	if x.Waiting != "" {
		x.line("The clock waits for %q: these are the earliest dates that can come out.", string(x.Waiting))
	}
	if t.last != t.end {
		x.line("%s is no working day of calendar %s%s, so the period ends on %s.",
			day(t.end), x.cal.Name(), x.holiday(t.end), day(t.last))
	}
}

// firstDay tells what counts as the first day.
func (x *explainer) firstDay(t tally) string {
	text := ""
	if t.day != t.start.Date {
		text = ", and is counted from " + day(t.day)
	}
	hours := x.rule.Period.Hours > 0
	switch {
	case x.rule.Sense == AtOnce:
		return text
	case hours && t.start.Instant.IsZero():
		return text + ", at a time that is not known"
	case hours && x.rule.FirstDay == FirstExcluded:
		return text + ", at " + clock(t.start.Instant) + "; that hour is not counted"
	case hours:
		return text + ", at " + clock(t.start.Instant)
	case x.rule.FirstDay == FirstIncluded:
		return text + "; that is day one"
	}
	return text + "; that day is not counted"
}

func (x *explainer) baseEnd(t tally) string {
	r := x.rule
	switch {
	case !t.at.IsZero():
		return "they end at " + clock(t.at) + " and are not moved from a day that is no working day"
	case r.Period.Hours > 0:
		return "they end on " + day(t.base) + " at the latest and are not moved from a day that is no working day"
	case r.Period.BusinessDays > 0:
		return "counted on calendar " + x.cal.Name() + " to " + day(t.base)
	case r.FirstDay == FirstExcluded && r.Period.Days+r.Period.Weeks == 0 && t.base.Day != t.day.Day:
		return "to " + day(t.base) + ", the last day of a month without the same date"
	}
	return "to " + day(t.base)
}

func (x *explainer) chain() string {
	if x.rule.Extension.Chain == Chained {
		return "counted from the end of the period"
	}
	return "counted with the period from the start"
}

// unheeded tells why a notice of an extension changed nothing, where the rule
// has extensions.
func (x *explainer) unheeded(t tally) {
	heeded := 0
	for i := range x.events {
		e := &x.events[i]
		var why string
		switch {
		case e.Type != ExtensionNoticed || x.rule.Extension.Count == 0:
			continue
		case e.Date.Before(t.first):
			why = "came before the clock started"
		case heeded < t.extended:
			heeded++
			continue
		case heeded == x.rule.Extension.Count:
			why = "is one more than there may be"
		default:
			why = "came when the period was over"
		}
		x.line("The extension noticed on %s %s, and extends nothing.", day(e.Date), why)
	}
}

func (x *explainer) pauseDays() string {
	for _, p := range x.rule.Pauses {
		if p.Days == BothEnds {
			return ", the first and the last of a pause included"
		}
	}
	return ""
}

func (x *explainer) holiday(d Date) string {
	if name, ok := x.cal.Holiday(d); ok {
		return " (" + name + ")"
	}
	return ""
}
