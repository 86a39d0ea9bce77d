package retention

import (
	"fmt"
	"strings"
)

// String says in one line what the sweep did, such as "3 moved, 12 destroyed; 1 held".
// What did not occur is left out; there is nothing in it by which a record could be
// told.
func (s Swept) String() string {
	return orNothing(counted(
		tally{s.Moved, "moved"}, tally{s.Destroyed, "destroyed"}, tally{s.Anonymised, "anonymised"}, tally{s.Reached, "reached by events of many"},
	), counted(
		tally{s.Waiting, "waiting for people"}, tally{s.Held, "held"}, tally{s.Excepted, "of them by an exception"}, tally{s.Unknown, "unknown"},
		tally{len(s.Conflicts), "against a promise"}, tally{s.Late, "late"}, tally{len(s.Failed), "failed"}, tally{s.Passed, "left to others"},
		tally{s.Open, "events still open"}, tally{len(s.Stopped), "tenants stopped"},
	))
}

// tally is how often something occurred.
type tally struct {
	n    int
	what string
}

func counted(counts ...tally) string {
	var said []string
	for _, c := range counts {
		if c.n != 0 {
			said = append(said, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	return strings.Join(said, ", ")
}

// orNothing joins what was done and what was not.
func orNothing(done, left string) string {
	switch {
	case done == "" && left == "":
		return "nothing was due"
	case done == "":
		return "nothing done; " + left
	case left == "":
		return done
	}
	return done + "; " + left
}
