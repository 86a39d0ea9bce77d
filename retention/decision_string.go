package retention

import (
	"fmt"
	"strings"
	"time"
)

var verdicts = [...]string{
	Unknown: "unknown", Wait: "wait", Move: "move", Blocked: "blocked", Due: "due", Done: "done",
}

// String is the verdict as a word.
func (v Verdict) String() string {
	if int(v) < len(verdicts) {
		return verdicts[v]
	}
	return fmt.Sprintf("Verdict(%d)", uint8(v))
}

// String prints the decision in one line: what follows, and by which rule, fact
// and record.
func (d Decision) String() string {
	var b strings.Builder
	if d.Record != "" {
		fmt.Fprintf(&b, "%s: ", d.Record)
	}
	fmt.Fprintf(&b, "%s %s", orDash(d.Class), orDash(d.Stage))
	switch d.Verdict {
	case Unknown:
		fmt.Fprintf(&b, ": not decided, %s not known, nothing is destroyed", orDash(d.Purge.Fact))
		return b.String()
	case Done:
		return b.String()
	case Move:
		fmt.Fprintf(&b, ": is %s since %s", d.Next, instant(d.NextAt))
	case Due:
		fmt.Fprintf(&b, ": %s, due since %s", d.End, instant(d.DestroyAt))
	case Blocked:
		b.WriteString(": hidden, must wait")
	case Wait:
		if !d.NextAt.IsZero() && d.Next != Purged {
			fmt.Fprintf(&b, ": %s at %s", d.Next, instant(d.NextAt))
		}
	}
	d.bounds(&b)
	return b.String()
}

// bounds writes keep-until and purge-by.
func (d Decision) bounds(b *strings.Builder) {
	switch {
	case d.KeepOpen:
		fmt.Fprintf(b, "; keep by %s", d.Keep)
	case !d.KeepUntil.IsZero():
		fmt.Fprintf(b, "; keep until %s by %s", instant(d.KeepUntil), d.Keep)
	}
	if !d.PurgeBy.IsZero() {
		fmt.Fprintf(b, "; purge by %s by %s", instant(d.PurgeBy), d.Purge)
	}
	if !d.GoneBy.IsZero() {
		fmt.Fprintf(b, "; gone by %s by %s", instant(d.GoneBy), d.Promise)
	}
	if d.Conflict {
		fmt.Fprintf(b, "; conflict, for the data-protection officer: %s against %s", d.Keeps, d.Against)
	}
}

// String prints the reason: the rule, and the fact that it was applied to.
func (r Reason) String() string {
	if r.Ground == ByNothing {
		return "nothing"
	}
	text := string(r.Ground)
	if r.Rule != "" {
		text += " " + r.Rule
	}
	if r.Fact != "" {
		text += " (" + r.Fact
		if !r.At.IsZero() {
			text += " " + instant(r.At)
		}
		text += ")"
	}
	if r.Cite != "" {
		text += " [" + r.Cite + "]"
	}
	return text
}

// instant writes an instant, UTC.
func instant(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
