package main

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/trothdev/troth/deadline"
)

// icalendar writes RFC 5545: lines end in CR LF, and none is longer than 75
// bytes; the rest of a longer one follows on lines that begin with a blank.
type icalendar struct{ text strings.Builder }

const maxLine = 75

// line writes a property. Its value must be escaped already if it is text.
func (c *icalendar) line(name, value string) {
	rest := name + ":" + value
	room := maxLine
	for len(rest) > room {
		cut := room
		for !utf8.RuneStart(rest[cut]) {
			cut--
		}
		c.text.WriteString(rest[:cut] + "\r\n ")
		rest, room = rest[cut:], maxLine-1
	}
	c.text.WriteString(rest + "\r\n")
}

var escaper = strings.NewReplacer(`\`, `\\`, `;`, `\;`, `,`, `\,`, "\n", `\n`)

func (c *icalendar) words(name, value string) { c.line(name, escaper.Replace(value)) }

// calendarOf returns a calendar with an entry for the safe date and one for the
// legal date, each with alarms before it; a minimum has one entry.
func calendarOf(due deadline.Deadline, uid string, now time.Time) string {
	var c icalendar
	c.line("BEGIN", "VCALENDAR")
	c.line("VERSION", "2.0")
	c.line("PRODID", "-//troth//deadlines//EN")
	c.line("CALSCALE", "GREGORIAN")
	for _, e := range entries(due, uid) {
		e.stamp = now
		c.entry(e)
	}
	c.line("END", "VCALENDAR")
	return c.text.String()
}

// entries are the same two whatever comes out, so that a calendar that is read
// again moves both and keeps neither by mistake.
func entries(due deadline.Deadline, uid string) []entry {
	rule := due.Rule()
	safe := entry{uid: uid + "-safe", description: due.Explain(), day: due.Safe, at: due.SafeAt}
	if !rule.Limit() {
		safe.summary = "At least until: " + rule.Title
		return []entry{safe}
	}
	legal := entry{uid: uid + "-legal", description: safe.description, day: due.Legal, at: due.LegalAt}
	safe.summary, legal.summary = "Safe date: "+rule.Title, "Legal date: "+rule.Title
	return []entry{safe, legal}
}

// entry is one event of the calendar: a whole day, or an instant.
type entry struct {
	uid, summary, description string
	day                       deadline.Date
	at, stamp                 time.Time
}

const utc = "20060102T150405Z"

func (c *icalendar) entry(e entry) {
	c.line("BEGIN", "VEVENT")
	c.line("UID", e.uid+"@deadlines.troth")
	c.line("DTSTAMP", e.stamp.UTC().Format(utc))
	before := []string{"-P7D", "-P1D"}
	if e.at.IsZero() {
		c.line("DTSTART;VALUE=DATE", strings.ReplaceAll(e.day.String(), "-", ""))
	} else {
		c.line("DTSTART", e.at.UTC().Format(utc))
		before = []string{"-P1D", "-PT4H"}
	}
	c.words("SUMMARY", e.summary)
	c.words("DESCRIPTION", e.description)
	c.line("TRANSP", "TRANSPARENT")
	for _, trigger := range before {
		c.line("BEGIN", "VALARM")
		c.line("ACTION", "DISPLAY")
		c.words("DESCRIPTION", e.summary)
		c.line("TRIGGER", trigger)
		c.line("END", "VALARM")
	}
	c.line("END", "VEVENT")
}
