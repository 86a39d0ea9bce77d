package retention

import (
	"errors"
	"fmt"
	"time"
)

// Ceiling bounds how many records of a class go in one day, of all tenants and by all
// processes, without an approved plan. What would be one too many is not destroyed, nor
// is anything of the class after it, until people have approved a plan. The zero value
// bounds nothing.
//
// A day begins with the first record that goes after the day before is over.
type Ceiling struct {
	// Records is how many may go at the most; 0 is no bound.
	Records int64
	// Percent is how much may go of what was there when the day began; 0 is no bound.
	// What came and went since does not count.
	Percent int
	// Least is how many may go whatever Percent says.
	Least int64
}

// defaultCeiling is that of classes that say nothing.
var defaultCeiling = Ceiling{Percent: 50, Least: 1000}

const (
	// day is how long a ceiling counts.
	day = 24 * time.Hour
	// shortLife is how many days a class must live for the default ceiling to make sense:
	// of what lives for a day all of it goes every day.
	shortLife = 10
)

// WithCeiling bounds what goes of a class in a day without an approved plan; an empty
// class is all classes that have no bound of their own. By default that is half of what
// is stored, and never less than 1,000 records, for classes that do not end by time
// within ten days.
func WithCeiling(class string, c Ceiling) Option {
	return func(o *options) error {
		if c.Records < 0 || c.Percent < 0 || c.Percent > 100 || c.Least < 0 {
			return fmt.Errorf("retention: ceiling of %q is not one", class)
		}
		o.ceilings[class] = c
		if class == "" {
			return nil
		}
		return checkName("class", class)
	}
}

// UnsafeWithoutApproval lets the first records go, and a version of the policy come that
// makes records go earlier, without a plan that two people approved. Ceilings hold all
// the same. It is for hosts that are one person, and for tests.
func UnsafeWithoutApproval() Option {
	return func(o *options) error { o.unapproved = true; return nil }
}

// WithPlanLife sets for how long a plan is good; a week by default.
func WithPlanLife(d time.Duration) Option {
	return func(o *options) error {
		if o.planLife = d; d <= 0 {
			return errors.New("retention: a plan's life is not positive")
		}
		return nil
	}
}

// ceiling returns the bound of a class.
func (k *Keeper) ceiling(h *History, class string, at time.Time) (c Ceiling, bounds bool) {
	c, set := k.opt.ceilings[class]
	if !set {
		c, set = k.opt.ceilings[""]
	}
	if !set {
		if c = defaultCeiling; h.shortLived(class, at) {
			return c, false
		}
	}
	return c, c != Ceiling{}
}

// shortLived reports whether records of a class end by time alone within a few days.
func (h *History) shortLived(class string, at time.Time) bool {
	i := h.active(at)
	if i < 0 || h.versions[i].classes[class] == nil {
		return false
	}
	c := h.versions[i].classes[class]
	if c.zero {
		return true
	}
	days := c.longest(0)
	return days >= 0 && days < shortLife
}

// allow counts one more record; ok is false, and nothing counted, if that would be one
// too many. stored counts records of the class up to a limit.
func (c Ceiling) allow(row *AllowanceRow, created, now time.Time, stored func(limit int64) (int64, error)) (ok bool, err error) {
	if row.Since == 0 || now.Sub(timeOf(row.Since)) >= day {
		row.Since, row.Spent, row.Old, row.Stored = now.UnixMicro(), 0, 0, 0
	}
	if c.Records > 0 && row.Spent >= c.Records {
		return false, nil
	}
	old := row.Old
	if created.Before(timeOf(row.Since)) {
		old++
	}
	if c.Percent > 0 && old > row.Old && old > c.Least {
		need := (old*100 + int64(c.Percent) - 1) / int64(c.Percent)
		if row.Stored < need {
			// Twice as many as are needed now, so that counting costs what goes, and not
			// what is stored.
			n, err := stored(2 * need)
			if err != nil {
				return false, err
			}
			row.Stored = n + row.Old
		}
		if row.Stored < need {
			return false, nil
		}
	}
	row.Spent++
	row.Old = old
	return true, nil
}
