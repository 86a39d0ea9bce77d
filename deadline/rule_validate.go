package deadline

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Validate returns a [RuleError] for the first thing that makes the rule
// useless: a word that no enumeration has, a missing citation, fields that
// contradict each other.
func (r Rule) Validate() error { return validate(&r) }

// validate spares [Due] a copy of the rule.
func validate(r *Rule) error {
	if field, problem := problemOf(r); problem != "" {
		return &RuleError{Rule: r.ID, Field: field, Problem: problem}
	}
	return nil
}

func problemOf(r *Rule) (field, problem string) {
	for _, check := range [...]func(*Rule) (string, string){
		namesProblem, periodProblem, startProblem,
		extensionProblem, pauseProblem, doubtProblem, sourceProblem,
	} {
		if field, problem = check(r); problem != "" {
			return field, problem
		}
	}
	return "", ""
}

func namesProblem(r *Rule) (field, problem string) {
	regime, duty, clock := cutID(r.ID)
	switch {
	case !word(regime) || !word(duty) || !word(clock):
		return "id", "want regime.duty.clock in lower case"
	case !slices.Contains(duties, r.Duty):
		return "duty", "no such duty"
	case duty != string(r.Duty):
		return "duty", "is not that of the id"
	case !slices.Contains(kinds, r.Kind):
		return "kind", "no such kind"
	case clock != r.Kind.Clock():
		return "kind", "is not that of the id"
	case !slices.Contains(senses, r.Sense):
		return "sense", "no such sense"
	case !plain(r.Title):
		return "title", "want one line of text"
	}
	return "", ""
}

func periodProblem(r *Rule) (field, problem string) {
	p := r.Period
	switch {
	case p.Validate() != nil:
		return "period", "no such period"
	case p.IsZero() != (r.Sense == AtOnce):
		return "period", "is zero if and only if something is due at once"
	case p.BusinessDays > 0 && plus(p, Period{BusinessDays: -p.BusinessDays}) != (Period{}),
		p.Hours > 0 && plus(p, Period{Hours: -p.Hours}) != (Period{}):
		return "period", "hours and business days stand alone"
	case !slices.Contains(firstDays, r.FirstDay):
		return "first_day", "no such way to count"
	case !slices.Contains(rolls, r.Roll):
		return "roll", "no such roll"
	case p.Hours > 0 && r.Roll != RollNone:
		return "roll", "hours do not roll"
	case r.Calendar != "" && !word(r.Calendar):
		return "calendar", "no such name"
	case r.Calendar == "" && (r.Roll != RollNone || p.BusinessDays > 0):
		return "calendar", "is needed to tell working days"
	}
	return "", ""
}

func startProblem(r *Rule) (field, problem string) {
	if len(r.Start) == 0 {
		return "start", "no event"
	}
	if r.Period.Hours > 0 && (len(r.Start) > 1 || r.Start[0].After != (Period{})) {
		return "start", "hours run from one event"
	}
	for i := range r.Start {
		s := &r.Start[i]
		switch {
		case !slices.Contains(eventTypes, s.Event) || s.Asked != "" && !slices.Contains(eventTypes, s.Asked):
			return "start", "no such event"
		case s.Asked == s.Event || i == 0 && s.Asked != "":
			return "start", "the first event is never asked for, and none by itself"
		case s.After.Validate() != nil || s.After.Hours > 0 || s.After.BusinessDays > 0:
			return "start", "want years, months, weeks or days after an event"
		case slices.ContainsFunc(r.Start[:i], func(o Start) bool { return o.Event == s.Event }):
			return "start", "an event stands twice"
		}
	}
	return "", ""
}

func extensionProblem(r *Rule) (field, problem string) {
	x := r.Extension
	switch {
	case x == (Extension{}):
	case x.Period.Validate() != nil || x.Period.IsZero() || x.Period.Hours > 0 || x.Count < 1 || x.Count > 12:
		return "extension", "want a period of days or more, and 1 to 12 times"
	case r.Period.Hours > 0 || r.Sense == AtOnce || (x.Period.BusinessDays > 0) != (r.Period.BusinessDays > 0):
		return "extension", "is not of the period's kind"
	case x.Chain == Direct && times(r.Period, x.Period, x.Count).Validate() != nil:
		return "extension", "has a part outside of 0 to 9999 with the period"
	case x.Period.BusinessDays > 0 && plus(x.Period, Period{BusinessDays: -x.Period.BusinessDays}) != (Period{}):
		return "extension", "business days stand alone"
	case !slices.Contains(chains, x.Chain):
		return "extension", "no such chain"
	}
	return "", ""
}

func pauseProblem(r *Rule) (field, problem string) {
	if len(r.Pauses) > 8 || len(r.Pauses) > 0 && (r.Period.Hours > 0 || r.Period.BusinessDays > 0 || r.Sense == AtOnce) {
		return "pauses", "only periods of days, weeks, months and years pause, for at most 8 reasons"
	}
	for i := range r.Pauses {
		p := &r.Pauses[i]
		switch {
		case !slices.Contains(eventTypes, p.From) || !slices.Contains(eventTypes, p.To) || p.From == p.To:
			return "pauses", "want two events"
		case !slices.Contains(pauseDays, p.Days):
			return "pauses", "no such way to count"
		}
	}
	return "", ""
}

// word reports whether s is lower-case letters, digits and hyphens, and begins
// with a letter.
func word(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z'
		if !letter && (i == 0 || c != '-' && (c < '0' || '9' < c)) {
			return false
		}
	}
	return s != "" && s[len(s)-1] != '-'
}

// plain reports whether s is one line of text that a reader sees as it is: with
// no blank but the one of ASCII, and nothing that turns or hides what follows.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' { // ASCII is spared the tables
			return shown(s)
		}
	}
	return trimmed(s)
}

func trimmed(s string) bool {
	return s != "" && len(s) <= 1000 && strings.TrimSpace(s) == s
}

// shown reports the same of text beyond ASCII.
func shown(s string) bool {
	return trimmed(s) && !strings.ContainsFunc(s, func(c rune) bool { return !unicode.IsPrint(c) || c == utf8.RuneError })
}

// cutID cuts an id into its parts; what has not three of them gives none.
func cutID(id string) (regime, duty, clock string) {
	regime, rest, _ := strings.Cut(id, ".")
	duty, clock, ok := strings.Cut(rest, ".")
	if !ok || strings.Contains(clock, ".") {
		return "", "", ""
	}
	return regime, duty, clock
}
